"""Drawing ids position by position, with keys and values kept, against the forward pass of whole sequences."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

import symprop
from symprop.algebra import nodes as n
from symprop.algebra import variable
from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.equations import Equation, System
from symprop.analysis.one_position import POSITIONS, one_position
from symprop.codegen.loading import loaded
from symprop.verify import module_checks
from symprop.verify.points import points_of

LIMIT = 1e-11
"""Relative to the largest output: some dozens of products of up to 24 numbers, each rounded at 1e-16."""
END = "Dense(7) >> SoftmaxCrossEntropy()"
CAUSAL = {
    "learned": f"Positions() >> Residual(LayerNorm() >> Attention(2, causal=True)) >> {END}",
    "rotary": f"Attention(2, kv_heads=1, causal=True, rope=True, bias=False) >> RMSNorm() >> SwiGLU(5) >> {END}",
    "waves": f"SinusoidalPositions() >> Repeat(Residual(Attention(4, causal=True) >> Dropout(0.5)), 2) >> {END}",
    "no attention": f"Dense(5) >> GELU() >> Concatenate(Tanh(), Sigmoid()) >> {END}",
    "tied": 'Attention(2, causal=True) >> LayerNorm() >> Dense(7, tied="E1", bias=False) >> SoftmaxCrossEntropy()',
    "recurrent": f'LSTM(5, initial="learned") >> Residual(GRU(5, reset="before", unroll=True)) >> RNN(4) >> {END}',
    "recurrent, attended": f"Positions() >> Attention(2, causal=True) >> Sum(RNN(3), GRU(3)) >> Dropout(0.5) >> {END}",
}
SEES_BEHIND = {
    "not causal": f"Attention(2) >> {END}",
    "mean of all": f"Attention(2, causal=True) >> GlobalAveragePool() >> {END}",
    "across the batch": f"BatchNorm() >> {END}",
    "mean over positions": f"GroupNorm(2) >> {END}",
    "mean over positions inside": f'Attention(2, causal=True) >> Activation("z - mean(z)") >> GroupNorm(4) >> {END}',
    "windows": f'Conv1D(8, 3, padding="same") >> {END}',
    "both directions": f"Bidirectional(GRU(3)) >> {END}",
    "the last state": f"LSTM(3, sequence=False) >> {END}",
    "other classes": "Attention(2, causal=True) >> Dense(6) >> SoftmaxCrossEntropy()",
}


def network(rest: str) -> symprop.Network:
    return symprop.parse_network(f"Input(6) >> Embedding(7, 8, flatten=False) >> {rest}")


def module_of(rest: str, fast: bool) -> tuple[ModuleType, dict[str, Any]]:
    """A module, and parameters none of which is 0 or 1, small enough that no id is certain."""
    module = loaded(symprop.generate(network(rest), fast=fast))
    random = np.random.default_rng(3)
    return module, {name: 0.4 * random.normal(size=value.shape) for name, value in module.init_params(0).items()}


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("name", CAUSAL)
def test_outputs_position_by_position_are_those_of_the_sequence(name: str, fast: bool) -> None:
    module, params = module_of(CAUSAL[name], fast)
    ids = np.random.default_rng(5).integers(0, 7, (3, 6))
    whole = module.forward(params, ids, **({"training": False} if hasattr(module, "MASKS") else {}))
    cache = module.init_cache(3)
    each = np.stack([module.next_logits(params, ids[:, t], t, cache) for t in range(6)], axis=1)
    assert np.abs(each - whole).max() <= LIMIT * np.abs(whole).max()


def test_a_recurrent_network_draws_rows_of_any_length() -> None:
    """Of states alone nothing says how long a sequence may be; the draws are those of a network that reads more."""
    short, params = module_of(f"LSTM(5) >> {END}", fast=True)
    long = loaded(symprop.generate(f"Input(20) >> Embedding(7, 8, flatten=False) >> LSTM(5) >> {END}"))
    start = np.array([[1, 2], [3, 4]])
    drawn = short.sample(params, start, length=21, temperature=0)
    assert (drawn == long.sample(params, start, temperature=0)).all()
    assert (long.forward(params, drawn[:, :-1]).argmax(axis=2)[:, 1:] == drawn[:, 2:]).all()


@pytest.mark.parametrize("name", SEES_BEHIND)
def test_a_network_that_reads_behind_a_position_does_not_draw(name: str) -> None:
    assert "def sample" not in symprop.generate(network(SEES_BEHIND[name]))


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("name", ["t", "cache", "ids"])
def test_an_input_may_be_called_as_an_argument_is(name: str, fast: bool) -> None:
    text = f'Input(6, name="{name}") >> Embedding(7, 8, flatten=False) >> {CAUSAL["learned"]}'
    module = loaded(symprop.generate(text, fast=fast))
    params, ids = module.init_params(0), np.arange(6)[None]
    cache = module.init_cache(1)
    each = np.stack([module.next_logits(params, ids[:, t], t, cache) for t in range(6)], axis=1)
    assert np.abs(each - module.forward(params, ids)).max() <= LIMIT


def test_sums_over_positions_inside_a_formula_are_not_cut_short() -> None:
    """Each of these needs all positions, though its shape says nothing of it."""
    x, z = (variable(name, (BATCH_SIZE, POSITIONS, 4)) for name in "xz")
    formulas = (
        x - n.Sum(x, (1,), True),
        x * n.Extreme(x, (1,), True),
        x @ (n.Transpose(x, (0, 2, 1)) @ x),
        x + n.Flip(x, (1,)),
        n.Softmax(x, 1),
    )
    for formula in formulas:
        system = System((Equation(z, formula),), (x,), (), (), z, None, layout="rows")
        assert one_position(system) is None, formula.text()
    scaled = System((Equation(z, n.Scalar(1 / POSITIONS) * x),), (x,), (), (), z, None, layout="rows")
    found = one_position(scaled)
    assert found is not None
    assert found.equations[0].expression.has(POSITIONS)  # the number of all, not of those so far


def test_draws_follow_the_probabilities_and_the_seed() -> None:
    module, params = module_of(CAUSAL["learned"], False)
    start = np.zeros((20_000, 1), int)
    drawn = module.sample(params, start, length=2, seed=1)
    assert (drawn == module.sample(params, start, length=2, seed=1)).all()
    assert (drawn != module.sample(params, start, length=2, seed=2)).any()
    likely = module.predict(params, np.zeros((1, 6), int))[0, 0]
    found = np.bincount(drawn[:, 1], minlength=7) / len(drawn)
    assert np.abs(found - likely).max() < 5 * 0.5 / np.sqrt(len(drawn))  # five deviations at most
    greedy = module.sample(params, start[:1], temperature=0)
    assert greedy.shape == (1, 7)
    outputs = module.forward(params, greedy[:, :-1])
    assert (greedy[:, 1:] == outputs.argmax(axis=-1)).all()


@pytest.mark.parametrize(
    ("start", "options", "words"),
    [
        ([[0.5]], {}, "start must hold integers"),
        ([1, 2], {}, "start must hold integers"),
        ([[7]], {}, "from 0 to 6"),
        ([[0]], {"length": 8}, "at most 7"),
        ([[0, 1]], {"length": 1}, "2 columns; allowed: 1 to 1"),
        ([[0]], {"temperature": -1}, "temperature"),
    ],
)
def test_a_wrong_start_is_refused(start: Any, options: dict[str, Any], words: str) -> None:
    module, params = module_of(CAUSAL["no attention"], False)
    with pytest.raises(ValueError, match=words):
        module.sample(params, start, **options)


def test_the_certificate_judges_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    case = symprop.Case(network(CAUSAL["learned"]))
    points = points_of(case, 1, 2)
    rows = [row for row in module_checks.value_rows(case, points) if row.name == "next_logits"]
    assert len(rows) == 1 and rows[0].ok
    wrong = case.source.replace('cache["v1"][:, :, : t + 1]', 'cache["k1"][:, :, : t + 1]')
    assert wrong != case.source
    monkeypatch.setattr(case.module, "next_logits", loaded(wrong).next_logits)
    assert not all(row.ok for row in module_checks.value_rows(case, points) if row.name == "next_logits")

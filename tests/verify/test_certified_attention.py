"""Random attentions are certified, and are related to each other and to their definition as they must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.known import known
from symprop.algebra.names import variable
from symprop.codegen.case import case_of
from symprop.networks.spec import parse_network
from symprop.verify import complex_step, points, recurrence, watching
from symprop.verify.arithmetic import Array
from symprop.verify.evaluate import precise_value
from symprop.verify.measure import precise_difference
from tests.random_transformers import Transformer
from tests.rounding import UNIT

ORDINARY, MANY = (0, 12, 16), 30
"""The seeds of the ordinary suite: heads of one group that read a memory, causal with lengths, rotated."""
CLOSE = 1000 * UNIT["float64"]
"""Sums of at most a hundred products of numbers of size 1 to 10, in another order."""


def _attention(random: np.random.Generator) -> str:
    """A network of one attention, or two that are one, at the smallest sizes that show what it can do."""
    draw = Transformer(random)
    draw.named, draw.heads, draw.width, draw.places = False, draw.one([1, 2]), "4", draw.one(["2", "3"])
    draw.memory, crossed = ("2", "3"), draw.chance(0.3)
    layer = draw.attention(crossed)
    if draw.chance(0.25):
        layer = f"Repeat({layer}, 2, tied=True)"
    start = draw.one(["", "", "Positions() >> ", "SinusoidalPositions() >> "])
    return f"Input({draw.places}, 4) >> {start}{layer} >> MeanSquaredError()"


@pytest.mark.parametrize(
    "seed",
    [*ORDINARY, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(MANY) if seed not in ORDINARY)],
)
def test_a_random_attention_is_certified(seed: int) -> None:
    text = _attention(np.random.default_rng(seed))
    certificate = symprop.check(text, float32=False)
    assert certificate.ok, certificate.table()


@pytest.mark.parametrize("block", ["Residual(Attention(1)) >> RMSNorm()", "Dense(2) >> LayerNorm() >> RMSNorm()"])
def test_the_printed_recurrence_counts_by_the_family_of_its_output(block: str) -> None:
    text = f"Input(2, 2) >> Repeat({block}, N) >> MeanSquaredError()"
    rows = list(recurrence.rows(case_of(text, dtype="float64", optimizer=None, threads=1), {}, 0))
    assert len(rows) == 3 and all(row.ok for row in rows), rows


# ---------------------------------------------------------------- minus infinity


def test_a_mask_of_minus_infinity_moves_as_any_other_number_does() -> None:
    x, g = variable("x", (2,)), variable("g", (2,))
    M = known("M", (2,), lambda i: sympy.Piecewise((0, i < 1), (-sympy.oo, True)))
    values = {"x": [0.5, 2.0], "g": [3.0, 4.0], "s": [1.0, -mpmath.inf]}
    s = variable("s", (2,))
    for formula, by, slopes in ((x + M, x, [3, 4]), (n.Softmax(x + M), x, [0, 0]), (2 * s, s, [6, 8])):
        assert list(map(float, precise_value(n.Pullback(g, formula, by), values))) == slopes


def test_what_a_mask_hides_is_no_difference_and_what_is_lost_is_one() -> None:
    hidden = np.array([-mpmath.inf, mpmath.mpf(1)], dtype=object)
    assert precise_difference(hidden, hidden) == 0
    assert precise_difference(hidden, -hidden) == precise_difference(hidden, np.ones(2)) == np.inf


@pytest.mark.parametrize(
    ("text", "finite"),
    [
        ("Input(3, 2) >> Attention(1, causal=True) >> MeanSquaredError()", True),
        ("Input(4, 2) >> MaxPool1D(2, padding=1) >> MeanSquaredError()", True),
        ('Input(2, 2) >> ReLU() >> Activation("log(z)") >> Attention(1, causal=True) >> MeanSquaredError()', False),
    ],
)
def test_a_point_is_finite_but_for_what_a_formula_hides(text: str, finite: bool) -> None:
    system = parse_network(text).system()
    point = points.random_point(system, np.random.default_rng(0), "numbers", 2)
    found = watching.seen(system, point.groups(system))
    assert found.finite == found.everywhere == finite


# ---------------------------------------------------------------- relations


def _forward(text: str, x: Any, params: Mapping[str, Array] | None = None) -> Array:
    module = symprop.compile(f"{text} >> MeanSquaredError()")
    return np.asarray(module.forward(module.init_params(seed=3) if params is None else params, x))


def _numbers(*shape: int) -> Array:
    return np.random.default_rng(0).standard_normal(shape)


def test_positions_have_no_order_without_masks() -> None:
    x, order = _numbers(2, 5, 6), [3, 0, 4, 1, 2]
    text = "Input(5, 6) >> Attention(2)"
    np.testing.assert_allclose(_forward(text, x)[:, order], _forward(text, x[:, order]), rtol=CLOSE, atol=CLOSE)


def test_a_causal_network_does_not_see_what_follows() -> None:
    x = _numbers(2, 5, 6)
    text = "Input(5, 6) >> Repeat(Residual(LayerNorm() >> Attention(2, causal=True, rope=True, head_size=4)), 2)"
    moved = x.copy()
    moved[:, 3:] += 1
    before, after = _forward(text, x), _forward(text, moved)
    assert np.array_equal(before[:, :3], after[:, :3]) and not np.isclose(before[:, 3:], after[:, 3:]).any()


def test_a_padded_sequence_is_the_sequence_without_its_padding() -> None:
    x = _numbers(1, 5, 6)
    padded = _forward('Input(5, 6) >> Attention(2, mask=Input(5, name="lengths"))', {"x": x, "lengths": [3]})
    np.testing.assert_allclose(padded[:, :3], _forward("Input(3, 6) >> Attention(2)", x[:, :3]), rtol=CLOSE, atol=CLOSE)


def test_one_head_of_identities_is_the_definition() -> None:
    x = _numbers(1, 4, 3)
    params = {f"W{letter}1": np.eye(3) for letter in "qkvo"}
    powers = np.exp(x[0] @ x[0].T / np.sqrt(3))
    right = powers / powers.sum(axis=1, keepdims=True) @ x[0]
    found = _forward("Input(4, 3) >> Attention(1, bias=False)", x, params)
    np.testing.assert_allclose(found[0], right, rtol=CLOSE, atol=CLOSE)


def test_a_group_is_heads_with_the_same_keys_and_values() -> None:
    x, grouped = _numbers(2, 3, 8), "Input(3, 8) >> Attention(4, kv_heads=2)"
    params = {
        name: _numbers(*shape) for name, shape in symprop.compile(grouped + " >> MeanSquaredError()").PARAMETERS.items()
    }
    whole = {
        name: np.repeat(value.reshape(2, 2, *value.shape[1:]), 2, axis=0).reshape(8, *value.shape[1:])
        if name[1] in "kv"
        else value
        for name, value in params.items()
    }
    plain = _forward("Input(3, 8) >> Attention(4)", x, whole)
    np.testing.assert_allclose(_forward(grouped, x, params), plain, rtol=CLOSE, atol=CLOSE)


def test_a_sequence_that_is_its_own_memory_attends_to_itself() -> None:
    x = _numbers(2, 4, 6)
    crossed = 'Input(4, 6) >> Attention(2, memory=Input(4, 6, name="memory"))'
    found = _forward(crossed, {"x": x, "memory": x})
    np.testing.assert_allclose(found, _forward("Input(4, 6) >> Attention(2)", x), rtol=CLOSE, atol=CLOSE)


def test_rotated_scores_tell_how_far_positions_are_apart() -> None:
    system = parse_network("Input(5, 4) >> Attention(1, rope=True) >> MeanSquaredError()").system()
    point = points.random_point(system, np.random.default_rng(0), "numbers", 1)
    point.inputs["x"][:] = point.inputs["x"][:, :1]  # type: ignore[index]
    scores = complex_step.outputs(system, point, "s1")[0, 0]
    np.testing.assert_allclose(scores[1:, 1:], scores[:-1, :-1], rtol=CLOSE, atol=CLOSE)
    assert np.ptp(scores) > 0.01


# ---------------------------------------------------------------- sizes and lengths


def test_heads_shrink_with_the_width_that_they_divide() -> None:
    network = parse_network(
        "Input(1024) >> Embedding(50257, 768, flatten=False) >> Attention(12, causal=True) >> Dense(50257)"
        " >> SoftmaxCrossEntropy()"
    )
    for small in (network.needs.smaller(), network.needs.smaller(by_turns=True)):
        assert small[12] < 4 and small[768] < 12 and small[768] % small[12] == 0
    rotated = parse_network("Input(64, 512) >> Attention(8, kv_heads=2, rope=True) >> MeanSquaredError()").needs
    small = rotated.smaller()
    assert small[8] % small[2] == 0 and small[512] % (2 * small[8]) == 0


def test_a_head_of_one_feature_has_a_page() -> None:
    derivation = symprop.derive("Input(4, 4) >> Attention(4, kv_heads=2) >> MeanSquaredError()")
    assert derivation.equation("q1").pretty() == "q₁[g, h] = x Wq₁[g, h] + bq₁[g, h]"


def test_sizes_may_be_names() -> None:
    text = "Input(T, n) >> SinusoidalPositions() >> Attention(h, causal=True, rope=True) >> MeanSquaredError()"
    network = parse_network(text)
    assert network.with_sizes({"T": 5, "n": 8, "h": 2}).system().output.shape == (5, 8)


def test_a_width_of_heads_has_a_name_for_each_share() -> None:
    network = parse_network("Input(T, d) >> Attention(h) >> Attention(4) >> Attention(h) >> Dense(d3)")
    shapes = {each.name: str(each.variable.shape) for each in network.parameters if each.name.startswith("Wq")}
    assert shapes == {"Wq1": "(d2*h, d)", "Wq2": "(4*d4, d)", "Wq3": "(d2*h, d)"}
    with pytest.raises(symprop.SpecError, match="varies from block to block"):
        parse_network("Input(T, n_0) >> Repeat(Dense(n_l) >> Attention(2), N)")


def test_a_name_of_known_data_says_one_array() -> None:
    text = "Input(S, n) >> SinusoidalPositions() >> Positions() >> ClassToken() >> SinusoidalPositions()"
    system = parse_network(f"{text} >> Attention(h, rope=True)").system()
    equations = {equation.name: equation.text() for equation in system.equations}
    assert equations["q_rot1"] == "q_rot1 = q1 * C + (q1 @ J) * S2"
    assert [equations[name] for name in ("h1", "h2", "h4")] == ["h1 = x + pos", "h2 = h1 + pos2", "h4 = h3 + pos3"]


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize(("causal", "lengths"), [("", [2, 0]), ("causal=True, ", [[0, 1, 1], [1, 1, 1]])])
def test_a_row_that_sees_nothing_is_refused(fast: bool, causal: str, lengths: Any) -> None:
    text = f'Input(3, 4) >> Attention(2, {causal}mask=Input(3, name="lengths")) >> MeanSquaredError()'
    module = symprop.compile(text, fast=fast)
    with pytest.raises(ValueError, match=r"^lengths.* must be above 0 (somewhere|at the first position|there)$"):
        module.forward(module.init_params(seed=0), {"x": np.ones((2, 3, 4)), "lengths": lengths})

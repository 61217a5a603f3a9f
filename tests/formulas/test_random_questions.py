"""How random formulas are drawn, and that what is wrong with an answer is seen; `trust/formulas.py` asks many."""

from __future__ import annotations

import numpy as np
import pytest

import symprop
from tests.random_losses import DECLARATIONS, WAYS, Tally, compared, loss, read


def test_every_way_to_make_an_array_is_drawn_and_read() -> None:
    assert {rank: len(ways) for rank, ways in WAYS.items()} == {0: 35, 1: 30, 2: 33}
    drawn = "\n".join(loss(np.random.default_rng(number), 5) for number in range(400))
    for word in ("logdet(", "inv(", "softmax(", "concatenate(", "kron(", "where(", "max(", "[i]", "prod(", "axis=1"):
        assert word in drawn, word


def test_a_wrong_derivative_and_a_silent_zero_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    f = read("sum(tanh(v) * w)")
    right = symprop.formulas.questions.gradient

    def doubled(formula: symprop.Formula, name: str) -> object:
        twice = symprop.formula("2 * sum(tanh(v) * w)", DECLARATIONS)
        return right(symprop.Formula(twice.source, twice.node, formula.variables), name).__class__(
            "gradient", formula, right(formula, name).by, None, right(twice, name).node
        )

    def zero(formula: symprop.Formula, name: str) -> object:
        found = right(formula, name)
        return found.__class__("gradient", formula, found.by, None, symprop.formula("zeros(n)", v="n").node)

    for wrong, word in ((doubled, "wrong"), (zero, "a silent zero")):
        monkeypatch.setattr("tests.random_losses.gradient", wrong)
        assert any(each.startswith(word) for each in compared(f, "v", Tally(), 0))

"""A formula alone: shapes as text, the graph of its operations, gradients by its variables, refusals."""

from __future__ import annotations

import numpy as np
import pytest

import symprop
from symprop.errors import FormulaError, ShapeError, SpecError
from tests.rounding import assert_off, bound
from tests.rounding_of_formulas import counted_values, slopes_of


def test_every_operation_is_named_once_and_the_gradients_are_right(random: np.random.Generator) -> None:
    formula = symprop.formula("sum(tanh(X @ w) * tanh(X @ w)) + sum(w * w)", X="3 2", w="2")
    derivation = symprop.derive(formula)
    assert sum("tanh" in equation.expression.text() for equation in derivation.system.equations) == 1
    point = {"X": random.normal(size=(3, 2)), "w": random.normal(size=2)}
    values = counted_values(derivation.equations, point)
    for name in point:
        slope, off = slopes_of(derivation.system.equations, "L", name, point)
        found = values[f"d{name}"]
        assert_off(found.astype(float), slope, bound(found) + off, name)


def test_a_formula_prints_in_three_notations() -> None:
    formula = symprop.formula("sum((X @ w - y)**2)", X="m n", w="n", y="m")
    assert formula.text() == "sum((X @ w - y)**2)"
    assert formula.pretty() == "‖X w − y‖²"
    assert r"\left\|" in formula.latex()
    assert "Formula" in symprop.derive(formula).latex()


@pytest.mark.parametrize(
    ("source", "shapes", "error", "words"),
    [
        ("y = x + z; z = y @ y; z", {"x": ""}, FormulaError, "'z' is read before it is defined"),
        ("x @ y", {"x": "n", "y": "m"}, ShapeError, "do not fit"),
        ("x.__class__", {"x": "n"}, FormulaError, "only attribute"),
        ("x +", {"x": "n"}, FormulaError, "something is missing"),
        ("x[i]", {"x": "n", "i": "3"}, FormulaError, "'i' selects, and is not declared as an index"),
        ("E[2 * i]", {"E": "n d", "i": "m"}, FormulaError, "'i' selects"),
        ("one_hot(i, 3)", {"i": "m"}, FormulaError, "'i' selects"),
        ("scatter_add(x, i, 3)", {"x": "m", "i": "m"}, FormulaError, "'i' selects"),
        ("E[i]", {"E": "4 d", "i": "m index 5"}, FormulaError, "'i' is an index below 5, for 4 entries"),
    ],
)
def test_what_is_no_formula_is_refused(source: str, shapes: dict[str, str], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        symprop.formula(source, **shapes)


def test_ids_select_where_their_bound_fits_or_is_not_known() -> None:
    for index in ("4", "3", "k"):
        assert str(symprop.formula("E[i]", E="4 d", i=f"m index {index}").shape) == "(m, d)"
    assert symprop.formula("E[i[0]]", E="4 3", i="m index 4").shape == (3,)


def test_only_a_scalar_has_gradients() -> None:
    vector = symprop.formula("x * x", x="n")
    with pytest.raises(FormulaError, match=r"shape \(n,\)"):
        symprop.derive(vector)
    with pytest.raises(FormulaError, match="nothing to differentiate"):
        symprop.derive(symprop.formula("x", x=""))
    with pytest.raises(FormulaError, match="no batch"):
        symprop.derive(symprop.formula("x * x", x=""), "rows")
    with pytest.raises(SpecError, match="rows"):
        symprop.generate(symprop.derive(symprop.formula("x * x", x="")))

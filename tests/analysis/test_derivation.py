"""A derivation asked for what it does not have, and what it says of vanishing gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sympy import Rational, Symbol

import symprop
from symprop.errors import ShapeError, SpecError, SympropError

NETWORK = "Input(2) >> Dense(2) >> Sigmoid() >> Dense(1) >> MeanSquaredError()"


@pytest.mark.parametrize(
    "ask",
    [
        lambda d: d.equation(4),
        lambda d: d.gradient(None),
        lambda d: d.delta(None),
        lambda d: d.steps(3),
        lambda d: d.variable(["x"]),
        lambda d: d.jacobian(1, 2),
        lambda d: d.modes("z1", 2),
        lambda d: d.bound("a1", 3),
        lambda d: d.vanishing("a"),
        lambda d: d.vanishing([1]),
    ],
)
def test_what_is_no_name_is_refused_in_words(ask: Callable[[Any], Any]) -> None:
    with pytest.raises(SympropError):
        ask(symprop.derive(NETWORK))


def test_the_names_that_have_steps_are_listed_parameters_first() -> None:
    with pytest.raises(SympropError) as refused:
        symprop.derive(NETWORK).steps("W7")
    assert str(refused.value).splitlines()[1] == "allowed: W1, b1, W2, b2, delta2, dW2, db2, delta1, dW1, db1"


def test_the_bound_of_residual_blocks_and_their_activations_alone() -> None:
    derivation = symprop.derive("Input(n) >> Repeat(Residual(Dense(n) >> Sigmoid()), 3) >> MeanSquaredError()")
    rows = derivation.vanishing()
    assert [row.leaving for row in rows] == [Rational(1, 4), Rational(1, 16), Rational(1, 64)]
    assert "skip connections are left out" in rows.text() and str(rows) == rows.text()
    assert derivation.bound("a2", "a1") == 1 + Symbol("||W2||", positive=True) / 4
    with pytest.raises(SpecError, match="does not depend"):
        derivation.bound("a1", "a2")
    with pytest.raises(ShapeError, match="one example"):
        symprop.derive(derivation.network, layout="rows").bound("a2", "a1")  # type: ignore[arg-type]


def test_an_output_is_a_number() -> None:
    [row] = symprop.derive(NETWORK).vanishing(0.9)
    assert row.factor == Rational(9, 100)


def test_what_a_derivation_gives_prints_as_text() -> None:
    network = "Input(3) >> Repeat(Residual(Dense(3) >> Tanh()), 2) >> Dense(2) >> MeanSquaredError()"
    derivation = symprop.derive(network)
    assert str(derivation.cost()) == derivation.cost().text()
    assert str(derivation.modes("z3", "x")) == derivation.modes("z3", "x").text()
    assert str(derivation.paths()) == derivation.paths().pretty()
    assert str(derivation.vanishing()).startswith("layer  arriving")
    small = "Input(2) >> Dense(1) >> MeanSquaredError()"
    assert repr(symprop.derive(small, "rows")) == f"Derivation({small!r}, layout='rows')"

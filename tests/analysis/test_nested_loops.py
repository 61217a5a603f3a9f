"""Costs, Jacobians, bounds and modes of networks whose blocks are tied, or hold symbolic Repeats themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sympy

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation
from symprop.algebra.trees import replace as replaced
from symprop.algebra.trees import walk
from symprop.algebra.unrolling import unrolled, written_out
from symprop.analysis.cost import cost_of
from symprop.errors import FormulaError, SpecError
from tests.calculus.test_loops import NETWORKS

NESTED = "Input(n) >> Repeat(Repeat(Dense(n) >> Tanh(), K) >> Dense(n), N) >> MeanSquaredError()"
AROUND = "Input(n) >> Repeat(Residual(Repeat(Dense(n) >> Tanh(), K, tied=True)), N) >> MeanSquaredError()"


def added_up(equation: Equation, numbers: dict[sympy.Symbol, int]) -> Equation:
    """The equation with its sums over blocks written out."""
    while True:
        series = next((part for part in walk(equation.expression) if isinstance(part, n.BlockSum)), None)
        if series is None:
            return equation
        steps = range(1, int(series.count.subs(numbers)) + 1)
        terms = [series.operands[0].xreplace({series.index: sympy.Integer(step)}) for step in steps]
        total = n.Add(*terms) if len(terms) > 1 else terms[0]
        equation = replace(equation, expression=replaced(equation.expression, {series: total}), steps=())


@pytest.mark.parametrize("more", [-1, 0, 1])
@pytest.mark.parametrize("penalty", ["", " + L2(0.1)"])
@pytest.mark.parametrize("block", NETWORKS)
def test_costs_are_those_of_the_network_written_out(block: str, penalty: str, more: int) -> None:
    derivation = symprop.derive(f"Input(n) >> {block} >> MeanSquaredError(){penalty}")
    numbers = {count: number + more for count, number in NETWORKS[block].items()}
    backward = written_out(derivation.backward, {count: sympy.Integer(number) for count, number in numbers.items()})
    plain = cost_of(unrolled(derivation.system, numbers), [added_up(each, numbers) for each in backward])
    found = derivation.cost()
    for part in ("forward", "backward"):
        for kind in ("multiplications", "additions", "functions"):
            ours, theirs = (getattr(getattr(cost, part), kind) for cost in (found, plain))
            assert sympy.expand(ours.subs(numbers).doit() - theirs.subs(numbers)) == 0, (part, kind)
    for kind in ("activations", "parameters", "gradients"):
        ours, theirs = (getattr(cost, kind) for cost in (found, plain))
        assert sympy.expand(ours.subs(numbers).doit() - theirs.subs(numbers)) == 0, kind


def test_jacobians_inside_one_block() -> None:
    nested, around = symprop.derive(NESTED), symprop.derive(AROUND)
    assert nested.jacobian("a[2*l-1,k]", "a[2*l-1,k-1]").text() == (
        "diag(1 - a[2*l - 1, k] * a[2*l - 1, k]) @ W[2*l - 1, k]"
    )
    assert nested.jacobian("z[2*l]", "a[2*l - 1, K]").text() == "W[2*l]"
    assert around.jacobian("a[l, k]", "a[l, k-1]").text() == "diag(1 - a[l, k] * a[l, k]) @ W[l, 1]"
    assert around.jacobian("a[l]", "a[l, K]").text() == "eye(n)"
    assert str(around.bound("a[l,k]", "a[l,k-1]")) == "||W[l, 1]||"
    assert around.modes("a[l,k]", "a[l,k-1]").links


@pytest.mark.parametrize(
    ("network", "of", "by"),
    [
        (AROUND, "a[l]", "a[l - 1]"),  # one way leads through the inner blocks, another beside them
        (NESTED, "z[2*l]", "z[2*l - 2]"),
        ("Input(n) >> Residual(Repeat(Dense(n) >> Tanh(), N)) >> MeanSquaredError()", "a_2[N]", "x"),
    ],
)
def test_ways_through_a_symbolic_number_of_blocks_are_refused(network: str, of: str, by: str) -> None:
    derivation = symprop.derive(network)
    with pytest.raises(FormulaError, match="leads through a symbolic number of blocks"):
        derivation.jacobian(of, by)
    for asked in (derivation.bound, derivation.modes):
        with pytest.raises(SpecError, match="is a symbol"):
            asked(of, by)

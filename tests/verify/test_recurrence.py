"""The recurrence of a symbolic `Repeat`, put to numbers: the gradients of the unrolled network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pytest
import sympy

from symprop.algebra.equations import Equation, Item, Loop
from symprop.algebra.nodes import Node
from symprop.calculus.derive import derive
from symprop.networks import parse_network
from symprop.verify import complex_step
from symprop.verify.arithmetic import Complex
from symprop.verify.evaluate import Evaluator, stacked, unstacked
from symprop.verify.points import random_points

BLOCKS = (
    "Dense(3) >> Tanh()",
    "Residual(Dense(3) >> Tanh())",
    "Residual(Dense(4) >> ReLU() >> Dense(3))",
    "Dense(3, bias=False) >> Softplus() >> Residual(Dense(3) >> Sigmoid())",
)


def network(block: str, count: int | str, start: str) -> str:
    return f"Input(3) >> {start}Repeat({block}, {count}) >> Dense(2) >> SoftmaxCrossEntropy()"


def numbered(items: Iterable[Item], count: int, name: sympy.Symbol) -> Iterator[Equation]:
    """Yield the equations with the count a number, each loop written out; a base case stands for its own block."""
    for item in items:
        if isinstance(item, Equation):
            yield at(item, {name: count})
            continue
        base = {equation.name: equation for equation in (at(entry, {name: count}) for entry in item.base)}
        blocks = range(1, count + 1)
        for block in reversed(blocks) if item.backward else blocks:
            for equation in item.equations:
                moved = at(equation, {item.index: block, name: count})
                yield base.get(moved.name, moved)


def at(equation: Equation, values: dict[sympy.Symbol, int]) -> Equation:
    numbers = {symbol: sympy.Integer(value) for symbol, value in values.items()}

    def put(node: Node) -> Node:
        return node.xreplace(numbers)

    return Equation(put(equation.target), put(equation.expression))  # type: ignore[arg-type]


@pytest.mark.parametrize("start", ["", "Dense(3) >> Tanh() >> "])
@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("block", BLOCKS)
def test_the_recurrence_gives_the_gradients_of_the_unrolled_network(block: str, count: int, start: str) -> None:
    general = derive(network(block, "L", start))
    name = next(item.count for item in general.system.items if isinstance(item, Loop))
    unrolled = parse_network(network(block, count, start)).system()
    point = random_points(unrolled, 3, 1, ["distribution"])[0]
    true = complex_step.gradients(unrolled, point)
    evaluator = Evaluator(Complex(), stacked(point.example(0), Complex()))
    evaluator.run(numbered((*general.system.items, *general.backward), count, name))
    for parameter, slope in true.items():
        found = unstacked(evaluator.values[f"d{parameter}"]).real
        np.testing.assert_allclose(found, slope, rtol=1e-10, atol=1e-13, err_msg=parameter)

"""What a point does to a network: which side of each switch it sees, whether it ties, what is not finite on the way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from sympy import Basic, Expr

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, System
from symprop.algebra.nodes import Node
from symprop.algebra.trees import variables
from symprop.verify.arithmetic import Array, Complex
from symprop.verify.evaluate import EVALUATE, Evaluator, run_together, stacked

Side = tuple[str, int, bool]
"""A decision (the equation that it stands in, and the how many-th there it is) and what was decided."""


@dataclass(frozen=True)
class Seen:
    """What was seen at a point.

    `finite`: every equation has a finite value; `everywhere`: so has what no choice takes (the root of a negative
    number in `where(a > 0, sqrt(a), 0)`). `ties`: something that depends on a parameter lies exactly on a switch, where
    there is no derivative. `equal`: several elements are the largest or smallest, which is no switch where all of them
    are the zeros of a rectifier.
    """

    finite: bool
    everywhere: bool
    ties: bool
    equal: bool
    sides: frozenset[Side]

    @property
    def regular(self) -> bool:
        """Whether the loss is finite and has a derivative."""
        return self.finite and not self.ties


class Watching(Complex):
    """Complex numbers that remember decisions."""

    def __init__(self) -> None:
        self.place = ""
        self.moving = self.ties = self.equal = False
        self.everywhere = True
        self.sides: set[Side] = set()
        self._decisions: dict[str, int] = {}

    def compare(self, relation: str, left: Array, right: Array) -> Array:
        holds = super().compare(relation, left, right)
        self._decided(left, right, holds)
        return holds

    def scalar(self, body: Basic, arguments: dict[Basic, Array]) -> Array:
        values = super().scalar(body, arguments)
        self.everywhere &= bool(np.all(np.isfinite(values))) or (_given(body) and not np.any(np.isnan(values)))
        if isinstance(body, (sympy.Abs, sympy.sign, sympy.Heaviside)) and body not in arguments:
            inside, zero = super().scalar(body.args[0], arguments), np.zeros(1)
            self._decided(inside, zero, inside.real > 0)
        return values

    def larger(self, left: Array, right: Array) -> Array:
        self._decided(left, right, self.real(left) > self.real(right))
        return super().larger(left, right)

    def chosen(self, node: n.Extreme, values: Array) -> None:
        """Remember whether several elements are the largest or smallest."""
        axes, real = tuple(axis + 1 for axis in node.axes), self.real(values)
        best = (np.max if node.which == "max" else np.min)(real, axis=axes, keepdims=True)
        self.equal |= self.moving and bool(np.any(np.sum(real == best, axis=axes) > 1))

    def _decided(self, left: Array, right: Array, holds: Array) -> None:
        number = self._decisions[self.place] = self._decisions.get(self.place, 0) + 1
        self.sides |= {(self.place, number, bool(side)) for side in np.unique(holds)}
        self.ties |= self.moving and bool(np.any(self.real(left) == self.real(right)))


class Finite(Complex):
    """Complex numbers in which 0 stands for the infinite numbers that formulas give, as masks and pads do."""

    def number(self, value: Expr) -> Any:
        return super().number(sympy.Integer(0) if value.is_infinite else value)


class _Watcher(Evaluator):
    """Evaluates with `Watching`, and tells it whether what is decided depends on a parameter (`moving` names)."""

    def __init__(self, arithmetic: Watching, values: dict[str, Array], moving: set[str]) -> None:
        super().__init__(arithmetic, values)
        self.watching, self.moving = arithmetic, moving

    def __call__(self, node: Node) -> Array:
        operands = [self(operand) for operand in node.operands]
        if isinstance(node, (n.Map, n.Compare, n.Extreme, n.Known)):  # what may decide
            self.watching.moving = any(variable.name in self.moving for variable in variables(node))
        if isinstance(node, n.Extreme):
            self.watching.chosen(node, operands[0])
        value = np.asarray(EVALUATE(node, operands, self))
        judged = isinstance(node, n.Variable) or value.dtype.kind in "iub"  # a variable was, where it was made
        self.watching.everywhere &= judged or _is_meant(node, operands, value)
        return value


def _is_meant(node: Node, operands: list[Array], value: Array) -> bool:
    """Whether values are finite, or infinite because a mask or a pad for a maximum is, and what is made of that."""
    if bool(np.all(np.isfinite(value))):
        return True
    return (_given(node) or any(np.any(np.isinf(each)) for each in operands)) and not np.any(np.isnan(value))


def _given(formula: Basic) -> bool:
    """Whether a formula itself holds an infinite number."""
    return bool(formula.has(sympy.oo, -sympy.oo))


def _are_finite(equation: Equation, evaluators: list[_Watcher], without: list[dict[str, Array]]) -> bool:
    """Whether the values of an equation are finite but for infinite numbers that formulas give.

    `without` has for each example what earlier equations are where 0 stands for these, and takes this equation's.
    """
    values = [evaluator.values[equation.name] for evaluator in evaluators]
    if all(np.all(np.isfinite(value)) for value in values):
        return True
    others = [
        Evaluator(Finite(), {**evaluator.values, **known}) for evaluator, known in zip(evaluators, without, strict=True)
    ]
    run_together(others, [equation])
    for other, known in zip(others, without, strict=True):
        known[equation.name] = other.values[equation.name]
    finite = all(np.all(np.isfinite(known[equation.name])) for known in without)
    return finite and not any(np.any(np.isnan(value)) for value in values)


def seen(system: System, groups: Iterable[list[dict[str, Array]]]) -> Seen:
    """Return what is seen at a point of an example's `system`, given the values of its variables for each example.

    Examples of a group are run together.
    """
    finite, everywhere, ties, equal = True, True, False, False
    sides: set[Side] = set()
    for group in groups:
        moving = {parameter.name for parameter in system.parameters}
        evaluators = [_Watcher(arithmetic := Watching(), stacked(values, arithmetic), moving) for values in group]
        without: list[dict[str, Array]] = [{} for _ in evaluators]
        with np.errstate(all="ignore"):
            for equation in system.equations:
                for evaluator in evaluators:
                    evaluator.watching.place = equation.name
                run_together(evaluators, [equation])
                if any(variable.name in moving for variable in variables(equation.expression)):
                    moving.add(equation.name)
                finite &= _are_finite(equation, evaluators, without)
        for evaluator in evaluators:
            everywhere &= evaluator.watching.everywhere
            ties |= evaluator.watching.ties
            equal |= evaluator.watching.equal
            sides |= evaluator.watching.sides
        if not finite:
            break
    return Seen(finite, finite and everywhere, ties, equal, frozenset(sides))

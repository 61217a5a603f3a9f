"""The values of an account at one point, and what becomes of them where an equation is changed.

The right account is evaluated once, each node kept. Of a changed one only what depends on the change is worked out,
and only as far as the gradient that is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, reduce
from typing import Any

import numpy as np
from sympy import Basic, Expr, Tuple

from symprop.algebra.nodes import Node
from symprop.algebra.trees import variables
from symprop.diagnosis.accounts import Account
from symprop.verify.arithmetic import Array, Complex
from symprop.verify.evaluate import BINDING, EVALUATE, Evaluator, stacked, unstacked

UNTRIED = (ValueError, IndexError, LookupError, ZeroDivisionError, OverflowError)
"""What an evaluation raises of a change that has no meaning: arrays that do not fit, a size that is none."""


@cache
def reads(node: Node) -> frozenset[str]:
    """Return the names of the variables in a node."""
    return frozenset(each.name for each in variables(node))


class Quick(Evaluator):
    """An evaluator that works out each size and each number once, for all changes at a point."""

    def __init__(self, values: Mapping[str, Array], sizes: Mapping[Expr, int], known: dict[Basic, Any]) -> None:
        super().__init__(ARITHMETIC, values, sizes)
        self.worked_out = known

    def size(self, size: Expr) -> int:
        if size.is_Integer:
            return int(size)
        if size not in self.worked_out:
            self.worked_out[size] = super().size(size)
        return int(self.worked_out[size])

    def number(self, value: Expr) -> Any:
        key = Tuple(value)  # a number that is a size too is another one here
        if key not in self.worked_out:
            self.worked_out[key] = super().number(value)
        return self.worked_out[key]


ARITHMETIC = Complex()


class World:
    """The values of an account at one point; `given` are the gradients that were handed in there."""

    def __init__(
        self, account: Account, point: Mapping[str, Array], sizes: Mapping[Expr, int], given: Mapping[str, Array]
    ) -> None:
        self.account, self.given, self.sizes = account, given, sizes
        self.evaluator = Quick(stacked(point, ARITHMETIC), sizes, {})
        self.known: dict[Node, Array] = {}
        for each in account.equations:
            self.evaluator.values[each.name] = self.value(each.expression)
        self.floor = FLOOR * max(float(np.max(np.abs(self.right(by)), initial=0.0)) for by in account.gradients)

    def value(self, node: Node) -> Array:
        """Return the value of a node over right values."""
        found = self.known.get(node)
        if found is None:
            operands = [] if isinstance(node, BINDING) else [self.value(operand) for operand in node.operands]
            found = self.known[node] = np.asarray(EVALUATE(node, operands, self.evaluator))
        return found

    def right(self, by: str) -> Array:
        """Return the right gradient with respect to a variable."""
        return real(self.evaluator.values[self.account.gradients[by].name])

    def is_right(self, by: str, value: Array) -> bool:
        """Whether a gradient is the right one."""
        return close(value, self.right(by), self.floor)

    def missing(self, by: str, value: Array) -> float | None:
        """Return the number by which a gradient must be multiplied to be the given one, as `ratio` does."""
        return ratio(value, self.given[by], self.floor)

    def with_changes(self, changes: Mapping[str, Node], kept: frozenset[str] = frozenset()) -> Changed:
        """Return the world in which the equations of some names say something else; those `kept` have right values."""
        return Changed(self, changes, kept)


class Changed:
    """A world with changed equations; its values are worked out when they are asked for."""

    def __init__(self, world: World, changes: Mapping[str, Node], kept: frozenset[str]) -> None:
        self.world, self.changes = world, changes
        reached: frozenset[str] = reduce(frozenset.union, (world.account.reach[name] for name in changes))
        self.affected = reached - kept
        base = world.evaluator
        self.evaluator = Quick(base.values, base.sizes, base.worked_out)
        self.done: set[str] = set()

    def named(self, name: str) -> Array:
        """Return the value of a name; what it needs is worked out in the order of the account."""
        account = self.world.account
        if name in self.affected and name not in self.done:
            for each in account.equations:
                if each.name in self.affected - self.done and name in account.reach[each.name]:
                    self.evaluator.values[each.name] = self.value(self.changes.get(each.name, each.expression))
                    self.done.add(each.name)
        return self.evaluator.values[name]

    def value(self, node: Node) -> Array:
        """Return the value of a node whose names are worked out."""
        if reads(node).isdisjoint(self.affected):
            return self.world.value(node)
        operands = [] if isinstance(node, BINDING) else [self.value(operand) for operand in node.operands]
        return np.asarray(EVALUATE(node, operands, self.evaluator))

    def gradient(self, by: str) -> Array:
        """Return the gradient with respect to a variable."""
        return real(self.named(self.world.account.gradients[by].name))


def real(value: Array) -> Array:
    """Return the real numbers of an evaluation."""
    return np.asarray(unstacked(np.asarray(value)).real, dtype=float)


TOLERANCE = 1e-7
"""How far numbers may be apart, of the largest of an array, that are the same but for rounding."""
FLOOR = 1e-9
"""What is below this part of the largest gradient may be rounding of what cancels."""


def close(value: Array, other: Array, floor: float) -> bool:
    """Whether two arrays have the same shape and, to rounding, the same values."""
    if value.shape != other.shape or not np.all(np.isfinite(value)):
        return False
    scale = max(float(np.max(np.abs(other), initial=0.0)), float(np.max(np.abs(value), initial=0.0)))
    return bool(np.all(np.abs(value - other) <= TOLERANCE * scale + floor))


def ratio(value: Array, other: Array, floor: float) -> float | None:
    """Return the number by which `value` must be multiplied to be `other`; 0 where both are 0, None where no number.

    >>> ratio(np.array([1.0, 2.0]), np.array([0.5, 1.0]), 0.0)
    0.5
    """
    if value.shape != other.shape or not value.size or not (np.isfinite(value).all() and np.isfinite(other).all()):
        return None
    if max(float(np.max(np.abs(value))), float(np.max(np.abs(other)))) <= floor:
        return 0.0
    square = float(np.sum(value * value))
    factor = float(np.sum(value * other)) / square if square else 0.0
    return factor if factor and close(factor * value, other, floor) else None

"""Elementwise kinds besides sums, products and powers: functions, comparisons, choices."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from sympy import Basic
from sympy.core.symbol import Str

from symprop.algebra.kinds.base import Elementwise, Node


class Map(Elementwise):
    """An elementwise function of one or more operands, with broadcasting: `out[i] = f(x[i], ...)`."""

    def __new__(cls, function: Basic, *operands: Node) -> Self:
        return super().__new__(cls, function, *operands)

    @property
    def function(self) -> Any:
        """The `ElementwiseFunction` that is applied."""
        return self.args[0]

    @property
    def function_name(self) -> str:
        name: str = self.function.name
        return name


_OPPOSITE = {">": "<=", "<=": ">", ">=": "<", "<": ">=", "==": "!=", "!=": "=="}


class Compare(Elementwise):
    """The indicator of a comparison, 1 where it holds and else 0. `relation` is one of `> >= < <= == !=`."""

    is_indicator: ClassVar[bool] = True

    def __new__(cls, relation: Any, left: Node, right: Node) -> Self:
        return super().__new__(cls, relation if isinstance(relation, Str) else Str(relation), left, right)

    @property
    def relation(self) -> str:
        return self.args[0].name

    @property
    def opposite(self) -> Compare:
        """The comparison that holds where this one does not."""
        return Compare(_OPPOSITE[self.relation], *self.operands)


class Where(Elementwise):
    """Elementwise choice: `out[i] = yes[i] if condition[i] else no[i]`, with broadcasting."""

    def __new__(cls, condition: Node, yes: Node, no: Node) -> Self:
        return super().__new__(cls, condition, yes, no)

"""Kinds that take axes together, and softmax."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import sympy
from sympy.core.symbol import Str

from symprop.algebra.kinds.base import Linear, Node, Reduction
from symprop.algebra.sizes import axes_of, integers


class Sum(Linear, Reduction):
    """Sum over `axes` (all by default); with `keepdims` the summed axes stay with length 1."""

    def __new__(cls, operand: Node, axes: Any = None, keepdims: Any = False) -> Self:
        return super().__new__(cls, operand, axes_of(axes, operand.rank), sympy.true if bool(keepdims) else sympy.false)


class Product(Reduction):
    """Product over `axes` (all by default); with `keepdims` the axes stay with length 1."""

    def __new__(cls, operand: Node, axes: Any = None, keepdims: Any = False) -> Self:
        return super().__new__(cls, operand, axes_of(axes, operand.rank), sympy.true if bool(keepdims) else sympy.false)


class Extreme(Reduction):
    """The largest ("max") or smallest ("min") element along `axes`; with `keepdims` the axes stay with length 1.

    Where several are, they share the derivative ("share"), or the first of them in row-major order has it ("first").
    """

    def __new__(
        cls, operand: Node, axes: Any = None, keepdims: Any = False, which: Any = "max", ties: Any = "share"
    ) -> Self:
        kept = sympy.true if bool(keepdims) else sympy.false
        words = (each if isinstance(each, Str) else Str(each) for each in (which, ties))
        return super().__new__(cls, operand, axes_of(axes, operand.rank), kept, *words)

    @property
    def which(self) -> str:
        return self.args[3].name

    @property
    def is_first(self) -> bool:
        """Whether the first of several has the whole derivative."""
        return bool(self.args[4].name == "first")


class First(Node):
    """1 at the first of the largest ("max") or smallest ("min") elements along `axes`, in row-major order; 0 elsewhere.

    What is not a number counts as largest and as smallest.
    """

    axis_places: ClassVar[tuple[int, ...]] = (1,)
    is_indicator: ClassVar[bool] = True

    def __new__(cls, operand: Node, axes: Any = None, which: Any = "max") -> Self:
        return super().__new__(
            cls, operand, axes_of(axes, operand.rank), which if isinstance(which, Str) else Str(which)
        )

    @property
    def which(self) -> str:
        return self.args[2].name

    @property
    def axes(self) -> tuple[int, ...]:
        return integers(self.args[1])


class LogSumExp(Reduction):
    """`out = log(sum_j exp(x[j]))` along `axis`, which goes unless `keepdims`."""

    def __new__(cls, operand: Node, axis: Any = -1, keepdims: Any = False) -> Self:
        kept = sympy.true if bool(keepdims) else sympy.false
        return super().__new__(cls, operand, axes_of(axis, operand.rank)[0], kept)

    @property
    def axis(self) -> int:
        return int(self.args[1])


class Softmax(Node):
    """`out[i] = exp(x[i]) / sum_j exp(x[j])` along `axis`."""

    axis_places: ClassVar[tuple[int, ...]] = (1,)

    def __new__(cls, operand: Node, axis: Any = -1) -> Self:
        return super().__new__(cls, operand, axes_of(axis, operand.rank)[0])

    @property
    def axis(self) -> int:
        return int(self.args[1])

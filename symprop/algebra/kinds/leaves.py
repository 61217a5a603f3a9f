"""Kinds without operands beside named arrays: constants, and data by a rule."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Self

from sympy import Basic, Expr, Integer
from sympy.core.symbol import Str

from symprop.algebra.index_maps import AXES
from symprop.algebra.kinds.base import Leaf
from symprop.algebra.sizes import as_expression, expressions, whole


class Fill(Leaf):
    """An array of the given shape with every element equal to `value` (zeros, ones)."""

    def __new__(cls, value: Any, shape: Any) -> Self:
        return super().__new__(cls, as_expression(value), expressions(shape))

    @property
    def value(self) -> Expr:
        return self.args[0]

    @property
    def constant(self) -> Expr:
        return self.args[0]


class Identity(Leaf):
    """The identity matrix of `size` rows."""

    def __new__(cls, size: Any) -> Self:
        return super().__new__(cls, as_expression(size))


class Commutation(Leaf):
    """The commutation matrix: the elements of an (m, n) matrix, row by row, in the order of its transpose's rows.

    `commutation(m, n) @ reshape(A, (m * n,)) = reshape(A.T, (m * n,))` (Magnus and Neudecker, 2019, section 3.7).
    """

    def __new__(cls, rows: Any, columns: Any) -> Self:
        return super().__new__(cls, *(whole(size, "a size of Commutation", positive=True) for size in (rows, columns)))


class Duplication(Leaf):
    """The duplication matrix: all elements of a symmetric (n, n) matrix, of those on and below its diagonal by columns.

    `duplication(n) @ vech(A) = reshape(A, (n * n,))` for a symmetric A (Magnus and Neudecker, 2019, section 3.8).
    """

    def __new__(cls, size: Any) -> Self:
        return super().__new__(cls, whole(size, "a size of Duplication", positive=True))


class Data(Leaf):
    """Abstract: data that is known when the module is written, by a rule for its elements."""

    def __new__(cls, name: Any, rule: Any, shape: Any) -> Self:
        return super().__new__(
            cls, name if isinstance(name, Str) else Str(name), as_expression(rule), expressions(shape)
        )

    @property
    def name(self) -> str:
        return self.args[0].name

    @property
    def rule(self) -> Expr:
        """An element, an expression in the indices `AXES` of the array."""
        return self.args[1]

    @cached_property
    def free_symbols(self) -> set[Basic]:
        """The sizes in rule and shape; the indices belong to the rule alone."""
        return set().union(self.rule.free_symbols, *(size.free_symbols for size in self.shape)) - set(AXES)


class Known(Data):
    """Data with a name: a mask, positions. `rule` gives an element by its indices.

    Made by `known` (`symprop/algebra/known.py`), which checks the name and the rule.
    """


class Triangle(Data):
    """Ones on one side of a diagonal, zeros on the other: "tril" has 1 where `j - i <= k`, "triu" where `j - i >= k`.

    Made by `triangle` (`symprop/algebra/known.py`). A matrix times a triangle is its lower or upper part.
    """

    @property
    def is_upper(self) -> bool:
        return self.name == "triu"

    @property
    def diagonal(self) -> int:
        """Which diagonal is the last one with ones, or the first; 0 is the main one, 1 the one above it."""
        inside = self.rule.args[0][1]
        room = int((inside.gts - inside.lts).subs(dict.fromkeys(AXES[:2], Integer(0))))  # on the main diagonal
        return -room if self.is_upper else room

"""Indices of names that say of themselves where they stand."""

from __future__ import annotations

from typing import Any

from sympy import Basic, Expr

from symprop.algebra.sizes import as_expression


class RowIndex(Expr):
    """The index of a row of an array, such as a moment of time; it stands below the letter, a layer's above: `xₜ`.

    In a name it prints as what it holds.

    >>> from sympy import Symbol
    >>> RowIndex(Symbol("t") - 1), RowIndex(Symbol("t")).subs(Symbol("t"), 2).value
    (t - 1, 2)
    """

    def __new__(cls, value: Any) -> RowIndex:
        return super().__new__(cls, as_expression(value))

    @property
    def value(self) -> Expr:
        """The number of the row, from 1."""
        return self.args[0]

    def _sympystr(self, printer: Any) -> str:
        return str(printer.doprint(self.value))


def placed(index: tuple[Expr, ...]) -> tuple[tuple[Basic, ...], tuple[Basic, ...]]:
    """Return the parts of an index that number layers, and those that number rows.

    >>> from sympy import Symbol
    >>> placed((Symbol("l"), RowIndex(Symbol("t"))))
    ((l,), (t,))
    """
    rows = tuple([part.value for part in index if isinstance(part, RowIndex)])
    return (tuple([part for part in index if not isinstance(part, RowIndex)]) if rows else index), rows

"""How nodes, equations and derivations reach their printers, which stand further right in the house.

A room imports only from rooms to its left, yet `node.latex()` must work. So this class looks its printer up in
`PRINTERS`, and `symprop.notation` enters the printers there when `symprop` is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

PRINTERS: dict[str, Callable[[Any], str]] = {}


class Printable:
    """Something with three notations: Unicode for eyes, NumPy notation, LaTeX."""

    __slots__ = ()

    def pretty(self) -> str:
        """Return the formula in Unicode, for reading in a terminal."""
        return PRINTERS["pretty"](self)

    def text(self) -> str:
        """Return the formula in NumPy notation."""
        return PRINTERS["text"](self)

    def latex(self) -> str:
        """Return the formula as LaTeX, without dollar signs."""
        return PRINTERS["latex"](self)

    def __str__(self) -> str:
        return self.pretty()

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {PRINTERS['notebook'](self)}$"

    def _sympystr(self, printer: Any) -> str:
        return self.text()

    def _latex(self, printer: Any, **settings: Any) -> str:
        return self.latex()

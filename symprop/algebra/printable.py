"""How nodes, equations and derivations reach their printers, which stand further right in the house.

A room imports only from rooms to its left, yet `node.latex()` must work. So these classes look their printers up in
`PRINTERS`, and `symprop.notation` enters the printers there.

In a notebook a single formula is LaTeX, which every front end and every exporter knows. What is longer is HTML with
MathML (no front end's script is needed for it; VS Code sets no LaTeX inside HTML), and has LaTeX beside it for an
export to a document. Front ends take the HTML where there is one.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

Printer = Callable[[Any], str]


class _Printers(dict[str, Printer]):
    """Printers by their notation; the room that enters them is imported when the first of them is asked for."""

    def __missing__(self, notation: str) -> Printer:
        importlib.import_module("symprop.notation")
        return dict(self)[notation]


PRINTERS = _Printers()


def aligned(rows: Iterable[Sequence[str]], width: int | None = None) -> list[str]:
    """Return the rows of a table as lines, each column as wide as its widest cell.

    Where a line would be wider than `width`, the widest columns are made narrower and their cells are cut.

    >>> aligned([("layer", "factor"), ("12", "1/4")])
    ['layer  factor', '12     1/4   ']
    >>> aligned([("a gradient", "ok")], 9)
    ['a gra…  ok']
    """
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    while width is not None and sum(widths) + 2 * len(widths) - 2 > width and max(widths) > NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return ["  ".join(map(_fitted, row, widths)) for row in table]


def _fitted(cell: str, width: int) -> str:
    return cell.ljust(width) if len(cell) <= width else f"{cell[: width - 1]}…"


NARROWEST = 6
"""No column of a table is made narrower."""


class Listed:
    """Something whose `dir` shows what a person may use: what symprop says of it, and nothing private.

    >>> import symprop
    >>> dir(symprop.compare("A @ x", "x @ A.T"))[:5]
    ['counterexample', 'equal', 'first', 'kind', 'latex']
    """

    __slots__ = ()

    def __dir__(self) -> list[str]:
        kinds = type(self).__mro__
        ours = {name for kind in kinds if kind.__module__.startswith("symprop.") for name in vars(kind)}
        others = {name for kind in kinds if not kind.__module__.startswith("symprop.") for name in vars(kind)}
        return sorted(name for name in super().__dir__() if name[0] != "_" and (name in ours or name not in others))


class Shown(Listed):
    """Something that a notebook shows by its printers in `PRINTERS`."""

    __slots__ = ()

    def _repr_html_(self) -> str | None:
        """Return HTML, or None where LaTeX alone shows it."""
        return PRINTERS["notebook html"](self) or None

    def _repr_latex_(self) -> str:
        return PRINTERS["notebook"](self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print as `print` does in IPython's terminal, and as the plain text beside HTML and LaTeX."""
        printer.text("..." if cycle else str(self))


class Printable(Shown):
    """Something with three notations: Unicode for eyes, NumPy notation, LaTeX."""

    __slots__ = ()

    def pretty(self) -> str:
        """Return the formula in Unicode, for reading in a terminal.

        >>> import symprop
        >>> symprop.gradient("x @ A @ x")["x"].pretty()
        '(A + Aᵀ) x'
        """
        return PRINTERS["pretty"](self)

    def text(self) -> str:
        """Return the formula in NumPy notation, which reads back.

        >>> import symprop
        >>> symprop.gradient("x @ A @ x")["x"].text()
        '(A + A.T) @ x'
        """
        return PRINTERS["text"](self)

    def latex(self) -> str:
        r"""Return the formula as LaTeX, without dollar signs.

        >>> import symprop
        >>> print(symprop.gradient("x @ A @ x")["A"].latex())
        x x^{\top}
        """
        return PRINTERS["latex"](self)

    def __str__(self) -> str:
        return self.pretty()

    def _sympystr(self, printer: Any) -> str:
        return self.text()

    def _latex(self, printer: Any, **settings: Any) -> str:
        return self.latex()

"""The verdict on a backward pass, how it prints, and what it says in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symprop.algebra.printable import Listed, aligned
from symprop.certify.judging import UNCONFIRMED, Line, number
from symprop.diagnosis import Diagnosis
from symprop.keywords import public
from symprop.notation import notebook_blocks
from symprop.notation.blocks import Block, Bullets, Grid, GridRow, Typed
from symprop.notation.notebook_blocks import Verdict, mark
from symprop.verify.measure import scientific

HEADER = ("gradient", "verdict", "off by", "allowed", "worst entry", "given", "right", "ratio", "at", "note")


@public
@dataclass(frozen=True)
class Certification(Listed):
    """Whether a backward pass gives the right gradients: `ok`, a sentence, and a table with a line for each gradient.

    `failed` is what the function raised, "" where it returned. `remarks` say how it was called and what was noticed.
    `order` is the one in which the gradients would be right, where only that is wrong; `diagnosis` is the mistake.

    >>> import symprop
    >>> found = symprop.certify("sum((X @ w - y)**2)", lambda X, w, y: 2 * X.T @ (X @ w - y), wrt="w")
    >>> found.ok, found.message
    (True, 'right: dw agrees with the derived gradient at 3 random places')
    """

    title: str
    backward: str
    lines: tuple[Line, ...]
    places: int
    failed: str = ""
    remarks: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    diagnosis: Diagnosis | None = None

    @property
    def ok(self) -> bool:
        """Whether every gradient is right."""
        return not self.failed and bool(self.lines) and all(line.ok for line in self.lines)

    def __bool__(self) -> bool:
        return self.ok

    @property
    def message(self) -> str:
        """What was found, in a sentence."""
        if self.failed:
            return f"wrong: {self.backward} raises {self.failed}"
        right = [f"d{line.name}" for line in self.lines if line.ok]
        if self.ok:
            agree = "agrees with the derived gradient" if len(right) == 1 else "agree with the derived gradients"
            return f"right: {_and(right)} {agree} at {self.places} random places"
        if self.order:
            places = (
                _and([f"d{name}" for name in names]) for names in (self.order, [line.name for line in self.lines])
            )
            return "wrong: what is returned is {}, where {} are expected".format(*places)
        wrong = [line for line in self.lines if not line.ok]
        rest = f"; {_and(right)} {'is' if len(right) == 1 else 'are'} right" if right else ""
        if self.diagnosis is None:
            return f"wrong: {'; '.join(map(_said, wrong))}{rest}"
        worst = max(wrong, key=lambda line: line.badness)
        return f"wrong: {self.diagnosis.message} ({_numbers(worst)}){rest}"

    @property
    def table(self) -> str:
        """The verdict as plain text: a line for each gradient, the sentence, and remarks."""
        return self.fitted(None)

    def fitted(self, width: int | None) -> str:
        """Return the table with cells cut where a line would be wider than `width`."""
        shown = [index for index, cells in enumerate(zip(*self._rows, strict=True)) if any(cells[1:])]
        head, *lines = aligned([[row[index] for index in shown] for row in self._rows], width)
        texts = [line.rstrip() for line in (head, "-" * min(len(head), 120), *lines)]
        title = f"{self.backward}, a backward pass of {self.title}"
        return "\n".join([title, "", *(texts if self.lines else ()), "", self.message, *self.remarks])

    @property
    def _rows(self) -> list[tuple[str, ...]]:
        return [HEADER, *(line.cells for line in self.lines)]

    def __str__(self) -> str:
        return self.table

    def __repr__(self) -> str:
        return f"Certification(ok={self.ok}, {self.message!r})"

    def _repr_html_(self) -> str:
        """Return the verdict as a table, for a notebook."""
        shown: list[Block] = [
            Typed(f"{self.backward}, a backward pass of {self.title}"),
            Verdict(self.ok, self.message),
        ]
        if self.lines:
            columns = [index for index, cells in enumerate(zip(*self._rows, strict=True)) if any(cells[1:])]
            rows = [_grid_row(line, columns) for line in self.lines]
            shown.append(Grid(tuple((HEADER[index],) for index in columns), tuple(rows), ("l",) * len(columns)))
        if self.remarks:
            shown.append(Bullets(tuple((remark,) for remark in self.remarks)))
        return notebook_blocks.html(shown)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("..." if cycle else self.table)


def _grid_row(line: Line, columns: Sequence[int]) -> GridRow:
    cells = list(line.cells)
    cells[1] = f"{mark(line.ok)} {cells[1]}"
    return GridRow(tuple((cells[index],) for index in columns), tone="ok" if line.ok else "failed")


def _and(names: Sequence[str]) -> str:
    """Return names as a sentence has them.

    >>> _and(["dQ", "dK", "dV"])
    'dQ, dK and dV'
    """
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def _said(line: Line) -> str:
    """Say what is wrong with one gradient."""
    if line.index is None:
        return f"d{line.name}: {_numbers(line)}"
    if line.off <= line.limit:
        return f"d{line.name} is {line.note}" if line.note != UNCONFIRMED else line.note
    if not np.isfinite(line.off):
        return f"d{line.name} is {line.note}: {_numbers(line)}"
    part = f"{100 * line.off:.3g} % of its largest entry" if line.off >= 1e-3 else scientific(line.off)
    told = f" ({line.note})" if line.note else ""
    return f"d{line.name} is off by {part}{told}: {_numbers(line)}"


def _numbers(line: Line) -> str:
    """Say what is given where a gradient is worst, and what is right there."""
    if line.index is None:
        return line.note
    at = f" at {line.at}" if line.at else ""
    return f"{line.entry} is {number(line.given)}, right is {number(line.right)}{at}"

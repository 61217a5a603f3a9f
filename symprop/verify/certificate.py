"""The certificate: its rows, how they print, and what they say together; what is checked stands in rooms of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from symprop.algebra.printable import Listed, aligned
from symprop.keywords import public
from symprop.notation import notebook_blocks
from symprop.notation.blocks import Block, Bullets, Grid, GridRow, Typed
from symprop.notation.latex_letters import escaped
from symprop.notation.notebook_blocks import Verdict, mark
from symprop.verify.measure import OVERFLOWS, Row


@public
@dataclass(frozen=True)
class Certificate(Listed):
    """The rows of a check, and whether all of them agree; `title` says of what: a network, a question.

    `unreached` are the parts that the limit of time left out. What is derived may be confirmed although evaluating it
    overflows somewhere: then `ok` is true, `stable` is not, and the summary names the input.

    >>> import symprop
    >>> certificate = symprop.check("Input(2) >> Dense(1) >> MeanSquaredError()")
    >>> certificate.ok, certificate.rows[0].name
    (True, 'parameters')
    """

    title: str
    rows: tuple[Row, ...]
    remarks: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)
    unreached: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every row agrees (and there is one), but for what overflows only in evaluating it."""
        return bool(self.rows) and all(row.ok or row.outcome == OVERFLOWS for row in self.rows)

    @property
    def stable(self) -> bool:
        """Whether no row found that evaluating what was derived overflows."""
        return not any(row.outcome == OVERFLOWS for row in self.rows)

    @property
    def failures(self) -> tuple[Row, ...]:
        """The rows that do not agree."""
        return tuple(row for row in self.rows if not row.ok and not row.outcome)

    def table(self, width: int | None = None) -> str:
        """Return the certificate as plain text: name, oracle, points, worst error, limit, verdict, note.

        Cells are cut where a line would be wider than `width`.
        """
        return "\n".join([self.title, "", *_ruled(HEADER, [row.cells for row in self.rows], width), "", *self._below])

    def brief(self, width: int | None = None) -> str:
        """Return the certificate with a line for each oracle, and below the rows that failed or came nearest a limit.

        >>> import symprop
        >>> lines = symprop.check("Input(2) >> Dense(1) >> MeanSquaredError()").brief().splitlines()
        >>> " ".join(lines[5].split()[:7])
        'complex step, full Jacobian 2 of 2'
        """
        lines = []
        for oracle, rows in self.by_oracle.items():
            row = max(rows, key=nearness)
            agree = f"{sum(each.ok for each in rows)} of {len(rows)}"
            lines.append((oracle, agree, row.name, *row.cells[3:6]))
        title = "rows that do not agree:" if self.failures else "rows nearest to their limits:"
        below = ["", title, *_ruled(HEADER, [row.cells for row in self.worst], width)] if self.worst else []
        return "\n".join([self.title, "", *_ruled(BRIEF, lines, width), *below, "", *self._below])

    @property
    def by_oracle(self) -> dict[str, tuple[Row, ...]]:
        """The rows of each oracle, in the order in which they were asked."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.oracle, []).append(row)
        return {oracle: tuple(rows) for oracle, rows in found.items()}

    @property
    def worst(self) -> tuple[Row, ...]:
        """The rows that do not agree; where all do, the three that come nearest to their limits."""
        wrong = tuple(row for row in self.rows if not row.ok)
        return wrong or tuple(sorted((row for row in self.rows if nearness(row)), key=nearness, reverse=True)[:NEAREST])

    @property
    def _below(self) -> tuple[str, ...]:
        return (self.summary, *self.remarks)

    @property
    def summary(self) -> str:
        """One line that says how the check went."""
        failed, count = len(self.failures), len(self.rows)
        agree = sum(row.ok for row in self.rows)
        said = f"{count} checks, all agree"
        if failed:
            said = f"{failed} of {count} checks FAILED"
        elif agree < count:
            said = f"{agree} checks agree"
        if over := [row.note for row in self.rows if row.outcome == OVERFLOWS]:
            said = f"{said if failed else f'confirmed by {agree} checks'}; evaluating it overflows at {', '.join(over)}"
        return f"{said}; not reached in time: {', '.join(self.unreached)}" if self.unreached else said

    def __str__(self) -> str:
        return self.table()

    def latex(self) -> str:
        """Return the certificate as a LaTeX `longtable`."""
        lines = [" & ".join(map(escaped, row.cells)) + r" \\" for row in self.rows]
        head = " & ".join(rf"\textbf{{{cell}}}" for cell in HEADER) + r" \\ \hline \endhead"
        return "\n".join([r"\begin{longtable}{lllrrll}", head, *lines, r"\end{longtable}", escaped(self.summary)])

    def _repr_html_(self) -> str:
        """Return the certificate as a table, the verdict of each row first, so that it is seen without scrolling."""
        head = "", *(cell for cell in HEADER if cell != "verdict")
        rows = sorted(self.rows, key=lambda row: row.ok)  # what failed stands first
        shown: list[Block] = [
            Typed(self.title),
            Verdict(self.ok, self.summary),
            Grid(tuple((cell,) for cell in head), tuple(map(_grid_row, rows)), ("l",) * len(head)),
        ]
        if self.remarks:
            shown.append(Bullets(tuple((remark,) for remark in self.remarks)))
        return notebook_blocks.html(shown)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("..." if cycle else self.table())


def nearness(row: Row) -> float:
    """Return how near a row came to its limit: 1 is there, what does not agree is infinite."""
    return float("inf") if not row.ok else row.error / row.limit if row.limit else 0.0


def _ruled(header: Sequence[str], rows: Iterable[Sequence[str]], width: int | None) -> list[str]:
    """Return the lines of a table with a rule below its header."""
    head, *lines = aligned([header, *rows], width)
    return [line.rstrip() for line in (head, "-" * min(len(head), 120), *lines)]


NEAREST = 3
BRIEF = ("oracle", "agree", "worst", "error", "limit", "verdict")
HEADER = ("name", "oracle", "points", "worst error", "limit", "verdict", "note")


def _grid_row(row: Row) -> GridRow:
    *cells, verdict, note = row.cells
    words = (f"{mark(row.ok)} {verdict}", *cells, note)
    return GridRow(tuple((word,) for word in words), tone="ok" if row.ok else "failed")

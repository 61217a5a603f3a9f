"""What a reader should know of a certificate beside its rows."""

from __future__ import annotations

from collections.abc import Iterator

from symprop.codegen.case import Case
from symprop.verify import module_checks
from symprop.verify.measure import Row
from symprop.verify.points import POINTS, farther_points, points_of


def remarks(case: Case, rows: list[Row], seed: int) -> Iterator[str]:
    """Yield what a reader should know of the check: sizes that stayed, switches seen from one side, silent zeros."""
    named = case.network.needs.staying
    if named:
        yield f"a formula names the sizes {', '.join(map(str, named))}: at reduced sizes they stay as they are"
    if case.example.system.joins_examples:
        yield "means over the batch join its examples: checked as a batch, which is not the mean of its examples"
    unseen = farther_points(case.example.system, seed, POINTS, points_of(case, seed, POINTS))[1]
    if unseen:
        yield f"only one side of a switch was seen in {', '.join(unseen)}"
    gradients = [row for row in rows if row.oracle == module_checks.FULL and row.name.startswith("d")]
    silent = gradients and all(row.note.startswith("zero") for row in gradients)
    if silent and not case.rows.derivation.remarks:
        yield "the gradient of every parameter is 0 at all points: the loss does not depend on the parameters there"

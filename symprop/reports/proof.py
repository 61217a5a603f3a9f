"""The section on the certificate: what was checked of each equation, by which oracle, how far off it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from symprop.analysis.derivation import Derivation
from symprop.notation.blocks import Block, Grid, GridRow, Paragraph
from symprop.notation.page_blocks import label
from symprop.notation.words import Math, Reference, Words
from symprop.reports.questions import Questions
from symprop.reports.subject import Subject
from symprop.verify.measure import Row, scientific

MOST_ROWS = 130
"""A screen does not list more checks, unless they are asked for."""


def certificate(subject: Subject | Questions) -> Iterator[Block]:
    """Show what was checked, by which oracle, how far off it was."""
    found = subject.certificate
    yield Paragraph((f"{found.summary}. ", *_independence(found.rows)))
    yield _by_oracle(found.rows)
    said = subject.derivation.remarks
    yield from (Paragraph((_sentence(remark),)) for remark in found.remarks if remark not in said)


def checks(subject: Subject | Questions) -> Iterator[Block]:
    """List every check."""
    rows = subject.certificate.rows
    if subject.full or len(rows) <= MOST_ROWS:
        yield _by_row(subject, rows)


_SHARE_NOTHING = {
    "complex step": "the complex step",
    "sympy.diff": "SymPy's derivative of what is written out by elements",
    "second differences": "second differences in 160 digits",
    "50 digits, each step": "the arithmetic in 50 digits that compares both sides of every step",
}


def _independence(rows: Iterable[Row]) -> Iterator[str]:
    """Say which of the oracles that were asked share no code with the rules."""
    asked = {row.oracle: None for row in rows}
    told = [words for start, words in _SHARE_NOTHING.items() if any(oracle.startswith(start) for oracle in asked)]
    if told:
        listed = f"{', '.join(told[:-1])} and {told[-1]}" if len(told) > 1 else told[0]
        yield f"{listed[0].upper()}{listed[1:]} {'share' if len(told) > 1 else 'shares'} no code with the rules."


def _sentence(remark: str) -> str:
    """Return a remark with a capital and a full stop."""
    return f"{remark[0].upper()}{remark[1:]}{'' if remark.endswith('.') else '.'}"


def _by_row(subject: Subject | Questions, rows: Iterable[Row]) -> Grid:
    head: tuple[Words, ...] = (("Of",), ("Oracle",), ("Points",), ("Error",), ("Limit",), ("",), ("Note",))
    widths = ("0.13", "0.2", "0.16", "r", "r", "l", "0.14")
    told = tuple(_told(subject, row) for row in rows)
    return Grid(head, told, widths, ("Every check.",), "tab:checks", small=True, folded=not subject.full)


def _told(subject: Subject | Questions, row: Row) -> GridRow:
    numbers = subject.derivation.numbers
    of: Words = (row.name,)
    if row.name in numbers:
        target = subject.derivation.equation(row.name).target
        of = (Math(subject.writer.name(target)), " ", Reference(label(row.name), numbers[row.name]))
    cells: tuple[Words, ...] = (of, *((cell,) for cell in row.cells[1:]))
    return GridRow(cells, _about(row.name, subject.derivation), "ok" if row.ok else "failed")


def _about(name: str, derivation: Derivation) -> tuple[str, ...]:
    """Return the equations that a row is about."""
    if name == "all gradients":
        return tuple(each.name for each in derivation.equations if derivation.is_wanted(each.target))
    return (name,) if name in derivation.numbers else ()


_FAMILIES = {
    "second derivatives, by slopes": ("complex step of the gradients", "symmetry", "the Hessian, of"),
    "second derivatives, 50 digits": tuple(f"50 digits, {each}" for each in ("second", "u'J", "every", "slopes")),
    "code of second derivatives": ("the equations in complex", "gradients of batches of one"),
    "complex step": ("complex step",),
    "formulas in complex numbers": ("formula", "its formula", "batch = mean"),
    "50 digits": ("50 digits",),
    "sympy.diff": ("sympy.diff",),
    "moments of what is drawn": ("moments of", "same seed"),
    "extreme values": ("a layer up to", "outputs", "all outputs"),
    "other layouts": ("mean of the examples", "batch in"),
    "other sizes and modules": ("the module to read", "same steps"),
}
"""What the oracles of rows begin with, by what a table of oracles calls them; another has its own name."""


def _family(oracle: str) -> str:
    return next((name for name, starts in _FAMILIES.items() if oracle.startswith(starts)), oracle)


def _by_oracle(rows: Iterable[Row]) -> Grid:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(_family(row.oracle), []).append(row)
    told = []
    for oracle, found in groups.items():
        worst = max(found, key=lambda row: row.error / row.limit if row.limit else row.error)
        ok = all(row.ok for row in found)
        cells: tuple[Words, ...] = (
            (oracle,),
            (f"{len(found):,}",),
            (scientific(worst.error),),
            (scientific(worst.limit),),
            ("ok" if ok else "FAILED",),
        )
        told.append(GridRow(cells, tuple(dict.fromkeys(row.name for row in found)), "ok" if ok else "failed"))
    head: tuple[Words, ...] = (("Oracle",), ("Checks",), ("Error",), ("Limit",), ("",))
    return Grid(
        head,
        tuple(told),
        ("0.4", "r", "r", "r", "l"),
        ("The certificate: a row for each oracle, with the error that is nearest to its limit.",),
        "tab:certificate",
        small=True,
    )

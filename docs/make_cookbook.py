"""Write docs/cookbook.md: every formula of the Cookbook's sections 2.1 to 2.8, as symprop answers it today.

    .venv/bin/python docs/make_cookbook.py

Each answer is compared with the book's closed form (a proof where there is one, 50 digits otherwise), certified, and
shown beside what SymPy makes of the same question. The tables at the end hold the examples of matrixcalculus.org and
layers and losses, from `tests/question_cases.py`.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import sympy

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]  # run as a script, from anywhere

from cookbook_formulas import EXAMPLES, OUTSIDE, ROWS, SECTIONS, Row  # noqa: E402
from cookbook_sympy import SAID, symbols, verdict  # noqa: E402

import symprop  # noqa: E402
from symprop.algebra.declarations import read_declarations  # noqa: E402
from symprop.algebra.formula import formula_of  # noqa: E402
from symprop.algebra.nodes import Node  # noqa: E402
from symprop.formulas import ask  # noqa: E402
from symprop.formulas.answer import Answer  # noqa: E402
from symprop.formulas.checks.checks import chosen_points  # noqa: E402
from symprop.formulas.compare.compare import compare  # noqa: E402
from symprop.verify.evaluate import complex_value, precise_value  # noqa: E402
from symprop.verify.measure import precise_difference  # noqa: E402
from tests.question_cases import BEYOND_SYMPY, MATRIXCALCULUS, Case  # noqa: E402

PAGE = ROOT / "docs" / "cookbook.md"
LIMIT = 1e-50
"""Two formulas are the same where no element differs by more, relative to the largest, in 120 digits."""


@dataclass(frozen=True)
class Line:
    """What one row of a table says."""

    row: Row
    text: str
    latex: str
    equal: str
    certificate: str
    sympy: str


@cache
def answered(row: Row) -> Answer:
    """Ask symprop."""
    asked = getattr(ask, row.question)
    return asked(
        formula_of(row.formula, read_declarations(row.declarations)), row.by, *([row.along] if row.along else [])
    )


def book(row: Row) -> Node:
    """Return the book's closed form as a formula over the same arrays."""
    return formula_of(row.book, answered(row).variables).node


@cache
def apart(row: Row) -> float:
    """Return how far our answer and the book's are apart in 120 digits, at the worst of three random points."""
    ours, theirs = answered(row).node, book(row)
    found = []
    for point in chosen_points(answered(row).result, 0):
        with mpmath.workdps(120):
            one, other = (precise_value(node, point.precise, point.sizes) for node in (ours, theirs))
            found.append(precise_difference(one, other) if one.shape == other.shape else np.inf)
    return max(found, default=np.inf)


def equal(row: Row) -> str:
    """Say whether our answer is the book's, and how that is known."""
    text = answered(row).text()
    if text == row.book:
        return "yes, letter by letter"
    if not apart(row) <= LIMIT:
        return "**no**: the book's is misprinted, see below" if row.book_is_wrong else "**no**"
    found = compare(*(formula_of(each, answered(row).variables) for each in (text, row.book)))
    return f"yes, {PROOFS[found.kind]}" if found.kind in PROOFS else "yes, 50 digits"


PROOFS = {
    "identical after simplification": "one normal form",
    "equal as sums of products": "one sum of products",
    "equal by elements": "proved by elements",
}


def certificate(row: Row) -> str:
    """Say how the check of our answer went."""
    found = answered(row).check()
    return f"{len(found.rows)} of {len(found.rows)}" if found.ok and found.stable else f"**FAILED**: {found.summary}"


def by_sympy(row: Row) -> str:
    """Say what SymPy makes of the question: right, wrong, or an error."""
    if row.formula not in SAID:
        return "cannot be written"
    answer = answered(row)
    point = chosen_points(answer.result, 0)[0]
    known = symbols(tuple(each for each in answer.variables if each.name != row.along), point)
    along = point.values[row.along] if row.along else None
    right = complex_value(answer.node, point.values, point.sizes).real
    return verdict(SAID[row.formula](known), row.by, row.question, right, known, point, along)


def line(row: Row, with_sympy: bool = True) -> Line:
    """Return the line of one row; SymPy takes longest, and tests do without."""
    answer = answered(row)
    return Line(row, answer.text(), answer.latex(), equal(row), certificate(row), by_sympy(row) if with_sympy else "")


# ---------------------------------------------------------------- the page


def as_row(case: Case) -> Row:
    """Return a case of the tests as a row: what is asked, and the answer that a person would write."""
    question, source, declarations, by, answer = case
    declared = ", ".join(f"{name}: {what}" for name, what in declarations.items())
    return Row("", question, source, declared, by[0], answer, by[1] if len(by) > 1 else "")


HEAD = """# The Matrix Cookbook, answered

Petersen and Pedersen, *The Matrix Cookbook* (version of November 15, 2012), sections 2.1 to 2.8: every formula that
the language can say, asked of symprop{version}. `docs/make_cookbook.py` wrote this page; `tests/test_cookbook.py`
asks again and compares.

| | |
|---|---|
| formulas of the Cookbook | {count} |
| ours right, in 50 digits, with every check of the certificate | {right} of {count} |
| of these proved equal to the book's closed form | {proved} |
| misprinted in the book | {wrong} |
| SymPy {sympy}, the same questions | {verdicts} |

How to read a row: the question is a gradient unless the row says otherwise; *equal* says how our answer was compared
with the book's closed form: letter by letter, by one normal form, by a proof of every element (`symprop.compare`), or
at random points in 50 digits where there is no such proof. *Certificate* counts the checks that agree: complex step,
each step, each element by `sympy.diff`, the text read back, the NumPy source. *SymPy* is its own `diff` over
`MatrixSymbol`s, in the better of the ways to write a formula, evaluated at a random point: "not worked out" is an
answer that still holds the derivative.
"""


def table(lines: Iterable[Line], numbered: bool = True) -> list[str]:
    """Return a table in Markdown."""
    first = "| no. " if numbered else ""
    heads = [
        f"{first}| question | answer | | equal to the {'book' if numbered else 'expected'} | certificate | SymPy |"
    ]
    heads.append(("|---" if numbered else "") + "|---" * 6 + "|")
    return [*heads, *(_cells(each, numbered) for each in lines)]


def _cells(each: Line, numbered: bool) -> str:
    row = each.row
    what = f"{_code(row.formula)} with respect to {_code(row.by)}"
    asked = what if row.question == "gradient" else f"{row.question} of {what}"
    asked += f" along {_code(row.along)}" if row.along else ""
    facts = [part.strip() for part in row.declarations.split(",") if len(part.split()) > 3]
    asked += f"; {', '.join(map(_code, facts))}" if facts else ""
    asked += f" ({row.note})" if row.note else ""
    same = each.equal if each.text == row.book else f"{each.equal}: {_code(row.book)}"
    cells = ([row.number] if numbered else []) + [asked, _code(each.text), f"${each.latex}$"]
    return "| " + " | ".join([*map(_escaped, cells), _escaped(same), each.certificate, each.sympy]) + " |"


def _code(text: str) -> str:
    return f"`{text}`"


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")


def summary(lines: list[Line]) -> dict[str, Any]:
    """Count what the tables say."""
    kinds = Counter(each.sympy.split(":")[0] for each in lines)
    named = {"right": "right", "wrong": "wrong", "error": "errors", "not worked out": "not worked out"}
    verdicts = [f"{kinds[key]} {word}" for key, word in {**named, "cannot be written": "cannot be written"}.items()]
    proved = ("letter by letter", "one normal form", "one sum of products", "proved by elements")
    return {
        "count": len(lines),
        "right": sum("FAILED" not in each.certificate and each.equal != "**no**" for each in lines),
        "proved": sum(each.equal.endswith(proved) for each in lines),
        "wrong": sum(each.row.book_is_wrong for each in lines),
        "verdicts": ", ".join(each for each in verdicts if not each.startswith("0 ")),
        "sympy": sympy.__version__,
        "version": f" {symprop.__version__}",
    }


OTHERS: tuple[tuple[str, tuple[Row, ...]], ...] = (
    ("The examples of matrixcalculus.org", (*map(as_row, MATRIXCALCULUS), *EXAMPLES)),
    ("Layers, losses and other formulas of learning", tuple(map(as_row, BEYOND_SYMPY))),
)
"""The other tables of the page."""

MISPRINT = """## Where the book is misprinted

(92): the first term of the book's sum, `X^(n-1-r) a b' (X^n)' X^r`, is the transpose of the derivative of that factor.
With the transpose, `(X^r)' X^n b a' (X^(n-1-r))'`, the formula is ours, and agrees with the complex step. (127) holds
for a symmetric A only, which the book does not say; without the fact the answer has both A and A'.
"""


def page() -> str:
    """Return the page."""
    lines = {row: line(row) for row in ROWS}
    parts = [HEAD.format(**summary([lines[row] for row in ROWS]))]
    for title, rows in SECTIONS:
        parts.append("\n".join([f"## {title}", "", *table(lines[row] for row in rows), ""]))
    parts.append(MISPRINT)
    parts.append("\n".join(["## What is not asked, and why", "", *(f"- ({no}): {why}." for no, why in OUTSIDE), ""]))
    for title, rows in OTHERS:
        found = [line(row) for row in rows]
        counts = "SymPy {sympy}: {verdicts}; ours: {right} of {count} right.".format(**summary(found))
        parts.append("\n".join([f"## {title}", "", counts, "", *table(found, False), ""]))
    return "\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.parse_args()
    warnings.simplefilter("ignore")  # SymPy warns of its own deprecated ways
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(ROWS)} formulas")


if __name__ == "__main__":
    main()

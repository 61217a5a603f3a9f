"""The Matrix Cookbook: each answer is the book's formula, is certified, and stands on the page as it is given today."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs"))

from cookbook_formulas import ROWS, Row  # noqa: E402
from make_cookbook import OTHERS, PAGE, apart, line, table  # noqa: E402

EXAMPLES = tuple(row for _, rows in OTHERS for row in rows)
EVERY = (*ROWS, *EXAMPLES)
NAMES = [f"{row.number} {row.formula} by {row.by} {place}" for place, row in enumerate(EVERY)]


SHOWN = PAGE.read_text(encoding="utf-8").splitlines()


LONG = ("125", "126", "127")
"""Traces of inverses of products: their 50 digits take a quarter of all, by the rules of the others."""
MARKED = [pytest.param(row, marks=[pytest.mark.slow] * (str(row.number) in LONG)) for row in EVERY]


@pytest.mark.parametrize("row", MARKED, ids=NAMES)
def test_an_answer_is_the_formula_of_the_book_and_stands_on_the_page(row: Row) -> None:
    """On the page all columns but SymPy's, which takes as long as all of ours."""
    assert (apart(row) < 1e-50) != row.book_is_wrong  # numbers tell a misprint from the formula
    today = line(row, False)
    assert today.equal.startswith("yes") != row.book_is_wrong
    assert "FAILED" not in today.certificate
    [cells] = table([today], numbered=row in ROWS)[2:]
    ours = cells.rsplit("|", 2)[0]
    assert any(shown.startswith(ours) for shown in SHOWN), ours

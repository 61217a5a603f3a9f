"""The Matrix Cookbook: each answer is the book's formula, is certified, and stands on the page as it is given today."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs"))

from cookbook_formulas import ROWS, Row  # noqa: E402
from make_cookbook import OTHERS, PAGE, apart, certificate, equal, line, table  # noqa: E402

EXAMPLES = tuple(row for _, rows in OTHERS for row in rows)
EVERY = (*ROWS, *EXAMPLES)
NAMES = [f"{row.number} {row.formula} by {row.by} {place}" for place, row in enumerate(EVERY)]


@pytest.mark.parametrize("row", EVERY, ids=NAMES)
def test_an_answer_is_the_formula_of_the_book(row: Row) -> None:
    assert (apart(row) < 1e-50) != row.book_is_wrong  # numbers tell a misprint from the formula
    assert equal(row).startswith("yes") != row.book_is_wrong
    assert "FAILED" not in certificate(row)


def test_the_page_shows_the_answers_of_today() -> None:
    """All columns but SymPy's, which takes as long as all of ours."""
    page = PAGE.read_text(encoding="utf-8").splitlines()
    for lines, numbered in (
        ([line(row, False) for row in ROWS], True),
        ([line(row, False) for row in EXAMPLES], False),
    ):
        for row in table(lines, numbered)[2:]:
            ours = row.rsplit("|", 2)[0]
            assert any(shown.startswith(ours) for shown in page), ours

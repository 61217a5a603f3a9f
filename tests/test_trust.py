"""Each measure of trust in its short form, and the record that the page shows.

The long form is `make trust`.
"""

from __future__ import annotations

import pytest
from shrinking import smallest

from tests.test_tables import TABLES
from trust import mutant_proofs
from trust.measures import Measure, Outcome, answer, measures
from trust.mutated_tables import FAMILIES, NOT_MUTATED
from trust.record import CLOSING, OPENING, PAGE, recorded, table

NAMES = list(measures())


@pytest.mark.parametrize("name", NAMES)
def test_no_case_fails(name: str) -> None:
    measure = measures()[name]
    if lacking := measure.lacking:
        pytest.skip(f"{' and '.join(lacking)} is not installed")
    found = answer(measure, measure.short, seed=0)
    assert not found.failures


def test_the_rows_of_every_table_are_made_wrong_or_it_is_said_why_not() -> None:
    mutated = {row.table for family in FAMILIES for row in family.rows}
    left = {
        meaning for meaning in TABLES if not any(meaning == each or meaning.startswith(f"{each} ") for each in mutated)
    }
    assert left <= set(NOT_MUTATED)
    assert not mutated & set(NOT_MUTATED)


def test_what_proofs_are_asked_of_is_proved_while_no_row_is_wrong() -> None:
    assert not [str(each) for each in (*mutant_proofs.of_sums(), *mutant_proofs.of_words()) if each.seen(each.ask())]


def test_a_failure_is_told_and_nothing_asked_is_an_error() -> None:
    bad = Measure("bad", "All is well.", lambda cases, seed: Outcome(cases, ("case 0",)), 1, 1, 1)
    assert answer(bad, 3, 0).failed == 1
    empty = Measure("empty", "All is well.", lambda cases, seed: Outcome(0), 1, 1, 1)
    with pytest.raises(ValueError, match="asked nothing"):
        answer(empty, 3, 0)


def test_parts_are_asked_with_seeds_of_their_own_and_added() -> None:
    measure = Measure("odd", "No case is odd.", lambda cases, seed: Outcome(cases, (), {"of": seed}), 1, 1, 1, part=4)
    assert measure.parts(9, 3) == [(4, 3), (4, 4), (1, 5)]
    first, *others = (answer(measure, cases, seed) for cases, seed in measure.parts(9, 3))
    whole = sum(others, start=first)
    assert (whole.cases, whole.seed, whole.parts, whole.figures) == (9, 3, 3, {"of": 12})


def test_the_page_shows_the_record() -> None:
    told = recorded()
    assert set(told) <= set(NAMES)
    assert f"{OPENING}\n{table(told)}{CLOSING}" in PAGE.read_text(encoding="utf-8")


def test_a_network_that_fails_is_told_as_small_as_it_can_be_found() -> None:
    text = "Input(4) >> Residual(Dense(8) >> Tanh(), projection=True) >> Dense(3, bias=False) >> Huber() + L2(0.1)"
    assert smallest(text, lambda each: "Tanh" in each and "Dense" in each) == (
        "Input(1) >> Dense(1) >> Tanh() >> MeanSquaredError()"
    )

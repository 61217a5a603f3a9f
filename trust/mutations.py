"""Tests of the tests: rows of the tables are made wrong, one at a time, and what shows an answer right must see it.

A mutant is a row of a table, what is wrong with what it returns (its sign, a factor, a transpose, an order along an
axis, a term that is dropped, a claim that nothing shows) and a question that reads the row. Which rows a question reads
is noted while it is asked. A mutant is idle where the answer is shown as it was, or has the same value.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from trust.measures import Figure, Measure, Outcome
from trust.mutant_questions import Question
from trust.mutated_tables import FAMILIES, Family
from trust.seeding import SECONDS, Row, read_by, seeded
from trust.time_limits import TimeUp, at_most

CAUGHT, RAISED, IDLE, SURVIVED = "caught", "raised", "idle", "survived"
FATES = (CAUGHT, RAISED, IDLE, SURVIVED)
TRIES = 3
"""In how many questions a mutant may be idle before it is left."""
ALL = 100_000
"""So many cases are all that there are."""
OF_A_QUESTION = 5
"""How many mutants are drawn of those that a question reads, where not all are asked."""


@dataclass(frozen=True)
class Mutant:
    """A row, what is wrong with it, and a question that reads it, with the right answer."""

    family: Family
    row: Row
    wrong: str
    question: Question
    right: object

    def __str__(self) -> str:
        return f"{self.wrong} in {self.row}: {self.question}"


def fate(mutant: Mutant) -> str:
    """Return what becomes of a mutant: it is seen, it raises, it changes nothing, or it survives."""
    question = mutant.question
    with at_most(SECONDS), seeded(mutant.row, mutant.family.changes_of(mutant.row)[mutant.wrong]):
        try:
            told = question.ask()
            if question.same(told, mutant.right):
                return IDLE
            if question.seen(told):
                return CAUGHT
        except (Exception, TimeUp):
            return RAISED  # loud or without an end, and no answer
    return IDLE if question.equal(told, mutant.right) else SURVIVED


def asked(family: Family, questions: Iterable[Question], draw: Callable[[list], list]) -> Iterator[tuple[Mutant, str]]:
    """Yield mutants of a family with what becomes of them; one that was seen in a kind of node is not asked again."""
    done: set[tuple[Row, str, str]] = set()
    idle: Counter[tuple[Row, str, str]] = Counter()
    for question in questions:
        try:
            right, read = read_by(question.ask, family.rows, family.changes_of)
            if question.seen(right):
                continue  # by another convention than that of the oracle
        except Exception:  # what the oracle has no way for
            continue
        found = [(row, name, kind) for row, changes in read.items() for name, kind in changes.items()]
        for row, name, kind in draw([each for each in found if each not in done and idle[each] < TRIES]):
            mutant = Mutant(family, row, name, question, right)
            what = fate(mutant)
            idle[row, name, kind] += what == IDLE
            done |= {(row, name, kind)} if what != IDLE else set()
            yield mutant, what


def drawn(families: Sequence[Family], cases: int, seed: int) -> Iterator[tuple[Mutant, str]]:
    """Yield all mutants, or as many as are asked for, of each family alike."""
    if cases >= ALL:
        for family in families:
            yield from asked(family, family.questions(), lambda found: found)
        return
    source = random.Random(seed)
    for family in source.sample(families, min(cases, len(families))):
        questions = list(family.questions())
        source.shuffle(questions)
        several = asked(family, questions, lambda found: source.sample(found, min(len(found), OF_A_QUESTION)))
        for _, each in zip(range(-(-cases // len(families))), several, strict=False):
            yield each


def ask(cases: int, seed: int) -> Outcome:
    """Seed mutants and ask what becomes of each."""
    told: Counter[tuple[str, str, str]] = Counter()
    seen: dict[tuple[str, str], set[Row]] = {}
    failures = []
    for mutant, what in drawn(FAMILIES, cases, seed):
        table = mutant.row.table, mutant.family.oracle
        told[(*table, what)] += 1
        if what in (CAUGHT, RAISED):
            seen.setdefault(table, set()).add(mutant.row)
        if what == SURVIVED:
            failures.append(str(mutant))
    totals = {each: sum(count for (*_, what), count in told.items() if what == each) for each in FATES}
    figures: dict[str, Figure] = {each: totals[each] for each in (CAUGHT, RAISED, IDLE)}
    rows: list[Sequence[Figure]] = [("table", "its rows are seen by", "rows", "rows seen", *FATES)]
    for family in FAMILIES if cases >= ALL else ():
        for table in family.tables:
            key = table.name, family.oracle
            counts = (told[(*key, what)] for what in FATES)
            rows.append((*key, len(table.rows), len(seen.get(key, ())), *counts))
    return Outcome(sum(totals.values()) - totals[IDLE], tuple(failures), figures, rows if cases >= ALL else ())


MEASURES = (
    Measure(
        "rows made wrong",
        "A row of a table with something wrong in it is seen by what shows an answer right.",
        ask,
        short=2,
        usual=1200,
        long=ALL,
    ),
)

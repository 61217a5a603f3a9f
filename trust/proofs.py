"""Proofs for every size: of the rows that derive, and of the identities that simplify.

What is proved here holds whatever the sizes. The certificate of an answer is another thing: it holds each step against
50 digits at points, and the code against oracles.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.calculus.pullbacks import PULLBACK
from symprop.calculus.pushforwards import PUSHFORWARD
from trust.changes import NODES, SCALED, Change, one_more
from trust.element_sums import meaning, runs
from trust.identities import holds, identities
from trust.index_algebra import supposing
from trust.measures import Figure, Measure, Outcome
from trust.places import RANGE
from trust.rows import Statement, nodes, statements
from trust.sum_values import of_sums, random_values, sizes_of, value
from trust.theorems import Row, rows_hold

Case = TypeVar("Case")

LACKING: dict[type[Node], str] = {
    n.MatrixFunction: "induction over blocks of a power series",
    n.DividedDifference: "induction over blocks of a power series",
    n.Sylvester: "an operator that is linear in a matrix",
    n.Cholesky: "triangular matrices",
    n.Eigh: "a gap between eigenvalues below the line",
    n.Svd: "a gap between singular values below the line",
    n.MatrixNorm: "it is read off singular vectors",
}
"""The kinds whose rows are compared with differences of values in 120 digits alone, and what a proof lacks."""


def drawn(cases: Sequence[Case], count: int, seed: int) -> list[Case]:
    """Return so many cases, other ones for another seed; all where there are no more."""
    return list(cases) if count >= len(cases) else random.Random(seed).sample(list(cases), count)


def proved(each: Statement, back: Row = PULLBACK, forward: Row = PUSHFORWARD) -> tuple[str, bool, bool]:
    """Return how the rows of a statement are proved, and whether they are."""
    with supposing(least=each.least):
        return rows_hold(each.node, each.position, back, forward)


def ask_rows(cases: int, seed: int) -> Outcome:
    """Prove rows of the pullback and the pushforward table."""
    known = list(statements())
    asked = drawn([each for each in known if each.kind not in LACKING], cases, seed)
    ways: Counter[str] = Counter()
    failures = []
    for each in asked:
        how, *found = proved(each)
        ways[how] += 2
        names = ("pullback", "pushforward")
        failures += [f"{table} of {each}" for table, right in zip(names, found, strict=True) if not right]
    figures: dict[str, Figure] = {f"by {how}": count for how, count in sorted(ways.items())}
    left = [each for each in known if each.kind in LACKING]
    figures["at small sizes alone"] = 2 * len(left)
    for kind in dict.fromkeys(each.kind for each in left):
        figures[kind.__name__] = f"lacks {LACKING[kind]}"
    return Outcome(2 * len(asked), tuple(failures), figures)


def ask_identities(cases: int, seed: int) -> Outcome:
    """Prove what simplifies an answer."""
    asked = drawn(list(identities()), cases, seed)
    return Outcome(len(asked), tuple(str(each) for each in asked if not holds(each)))


# ---------------------------------------------------------------- the prover refuses what is wrong

WRONG = {name: change for name, change in NODES.items() if name != "dropped"}


def mutated(row: Row, wrong: Change) -> Row:
    """Return a row with something wrong in what it returns; the row where that cannot be."""

    def change(node: Node, position: int, flow: Node) -> Node:
        right = row(node, position, flow)
        return wrong(right) or right

    return change


def differs(right: Node, wrong: Node) -> bool:
    """Whether two formulas have other values at a random point."""
    sizes = sizes_of(right, wrong)
    values = random_values(sizes, 0, right, wrong)
    with np.errstate(all="ignore"):
        one, other = (value(each, values, sizes) for each in (right, wrong))
    return one.shape != other.shape or not np.allclose(one, other, 1e-9, 1e-9)


def ask_wrong_rows(cases: int, seed: int) -> Outcome:
    """Ask the prover for proofs of rows that are wrong, in one table at a time."""
    able = [each for each in statements() if each.kind not in LACKING]
    failures, asked = [], 0
    for each, name, place in drawn([(e, name, place) for e in able for name in WRONG for place in (0, 1)], cases, seed):
        rows, shape = [PULLBACK, PUSHFORWARD], (each.node, each.node.operands[each.position])[place].shape
        flow = Variable("flow", (), shape)
        right = rows[place](each.node, each.position, flow)
        wrong = WRONG[name](right)
        if wrong is not None and differs(right, wrong):
            asked += 1
            rows[place] = mutated(rows[place], WRONG[name])
            if proved(each, *rows)[1 + place]:
                failures.append(f"{name} in the {('pullback', 'pushforward')[place]} of {each}")
    return Outcome(asked, tuple(failures))


def ask_wrong_identities(cases: int, seed: int) -> Outcome:
    """Ask the prover for proofs of identities with one side changed."""
    changes = {**SCALED, "a term more": one_more}
    wrong = [(each, name) for each in identities() for name in changes]
    failures, asked = [], 0
    for each, name in drawn(wrong, cases, seed):
        changed = changes[name](each.after)
        if changed is not None and differs(each.after, changed):
            asked += 1
            if holds(replace(each, after=changed)):
                failures.append(f"{name} in {each}")
    return Outcome(asked, tuple(failures))


def ask_elements(cases: int, seed: int) -> Outcome:
    """Compare elements, as the proofs read them, with the values of formulas."""
    known = [each for each in nodes() if type(each) not in UNREAD and "polygamma" not in each.text()]
    failures = []
    for node in (asked := drawn(known, cases, seed)):
        with supposing(least={"n": 4}):
            sizes = sizes_of(node)
            values = random_values(sizes, seed, node)
            found = value(node, values, sizes)
            at, indices = runs(node.shape)
            source = random.Random(seed)
            here = {each: source.randrange(int(RANGE[each].subs(sizes))) for each in indices}
            place = tuple(int(each.subs({**sizes, **here})) for each in at)
            if not np.allclose(of_sums(meaning(node, at), {**sizes, **here}, values), found[place], 1e-9, 1e-12):
                failures.append(f"{node.text()} at {place}")
    return Outcome(len(asked), tuple(failures))


UNREAD = (*LACKING, n.PseudoInverse)
"""Kinds whose elements stand for themselves; an order of `polygamma` is a whole number."""

MEASURES = (
    Measure(
        "rows for every size",
        "Each row of the pullback and the pushforward table is the derivative, whatever the sizes.",
        ask_rows,
        short=8,
        usual=1000,
        long=1000,
    ),
    Measure(
        "identities for every size",
        "Each named rule and each finishing touch keeps the value, whatever the sizes.",
        ask_identities,
        short=1000,
        usual=1000,
        long=1000,
    ),
    Measure(
        "elements of the proofs",
        "What the proofs take for an element is what a formula has there.",
        ask_elements,
        short=12,
        usual=1000,
        long=1000,
    ),
    Measure(
        "wrong rows have no proof",
        "The prover refuses rows with another sign, factor, order or transpose.",
        ask_wrong_rows,
        short=6,
        usual=400,
        long=2000,
    ),
    Measure(
        "wrong identities have no proof",
        "The prover refuses identities with another sign or factor.",
        ask_wrong_identities,
        short=6,
        usual=1000,
        long=1000,
    ),
)

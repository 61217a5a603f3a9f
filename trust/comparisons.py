"""Pairs of formulas that are equal by construction, and pairs that differ by one change: what `compare` says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from symprop import Comparison, compare
from tests.needed import needed_of
from tests.random_comparisons import WHERE, differing_pair, equal_pair
from trust.measures import Measure, Outcome


def compared(pair: Callable[[int], tuple[str, str]], wrong: bool) -> Callable[[int, int], Outcome]:
    """Return what compares the pairs of so many seeds; `wrong` is the answer that would be a mistake."""

    def ask(cases: int, seed: int) -> Outcome:
        told: Counter[str] = Counter()
        failures = []
        for number in range(seed * cases, (seed + 1) * cases):
            texts = pair(number)
            found: Comparison = compare(*texts, needed_of(WHERE, *texts))
            told["undecided" if found.equal is None else "decided"] += 1
            if found.equal is wrong:
                failures.append(f"{number}: {texts[0]} and {texts[1]}: {found}")
        return Outcome(cases, tuple(failures), {"undecided": told["undecided"]})

    return ask


MEASURES = (
    Measure(
        "pairs that are equal",
        "Two formulas that are equal by construction are never called different.",
        compared(equal_pair, wrong=False),
        short=12,
        usual=800,
        long=10_000,
        part=500,
    ),
    Measure(
        "pairs that differ",
        "Two formulas that differ by one change (a kink, a far value, a factor 1 + 1e-9) are never called equal.",
        compared(differing_pair, wrong=True),
        short=12,
        usual=800,
        long=10_000,
        part=500,
    ),
)

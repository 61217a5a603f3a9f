"""A measure: a claim of symprop's, asked of many random or given cases, of which none may fail."""

from __future__ import annotations

import importlib.util
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module

Figure = int | float | str

MODULES: tuple[str, ...] = (
    *("networks", "curvature", "words", "formulas", "comparisons", "remarks", "costs"),
    *("relations", "numerics"),
    *("proofs", "steps", "mutations", "wrong_networks"),
    *("hostile", "module_calls", "fuzzing", "files", "determinism"),
)
"""The modules of this folder that have a table of measures, in the order of the page."""

TOLD = 20
"""How many failures are written down; all are counted."""


@dataclass(frozen=True)
class Outcome:
    """What a measure found: how many cases were asked, what failed, and figures to print beside.

    A `table` is of figures that are too many for that, its head first.
    """

    cases: int
    failures: tuple[str, ...] = ()
    figures: Mapping[str, Figure] = field(default_factory=dict)
    table: Sequence[Sequence[Figure]] = ()


@dataclass(frozen=True)
class Measure:
    """A claim, and what asks it: `ask(cases, seed)` asks so many cases, drawn from a seed, and tells what failed.

    The same cases and seed ask the same. Numbers of cases: `short` for `make test`, where it takes seconds; `usual`
    for `make trust`; `long` for `make trust LONG=1`. `needs` are packages without which it cannot be asked. More than
    `part` cases are asked in parts, each with the next seed in a process of its own; figures are then counts.
    """

    name: str
    claim: str
    ask: Callable[[int, int], Outcome]
    short: int
    usual: int
    long: int
    needs: tuple[str, ...] = ()
    part: int = 0

    @property
    def lacking(self) -> tuple[str, ...]:
        """Return the packages that it needs and that are not installed."""
        return tuple(each for each in self.needs if importlib.util.find_spec(each) is None)

    def parts(self, cases: int, seed: int) -> list[tuple[int, int]]:
        """Return how many cases each process asks, and with which seed."""
        size = self.part or cases
        return [(min(size, cases - first), seed + number) for number, first in enumerate(range(0, cases, size))]


@dataclass(frozen=True)
class Answer:
    """The outcome of a measure, with what was asked."""

    name: str
    claim: str
    cases: int
    failed: int
    failures: tuple[str, ...]
    figures: Mapping[str, Figure]
    seed: int
    seconds: float
    table: Sequence[Sequence[Figure]] = ()
    parts: int = 1

    def __add__(self, other: Answer) -> Answer:
        """Return the answer of both parts; its seed is that of the first, and its figures are sums."""
        first, second = Counter(self.figures), Counter(other.figures)
        return replace(
            self,
            cases=self.cases + other.cases,
            failed=self.failed + other.failed,
            failures=(*self.failures, *other.failures)[:TOLD],
            figures={name: first[name] + second[name] for name in {**first, **second}},
            seconds=round(self.seconds + other.seconds, 1),
            parts=self.parts + other.parts,
        )


def measures() -> dict[str, Measure]:
    """Return all measures by their names, in the order of the page."""
    found: dict[str, Measure] = {}
    for module in MODULES:
        for each in import_module(f"trust.{module}").MEASURES:
            if each.name in found:
                raise ValueError(f"two measures are called {each.name}")
            found[each.name] = each
    return found


def answer(measure: Measure, cases: int, seed: int) -> Answer:
    """Ask a measure, and return what it found; asking nothing is an error, since it would show nothing."""
    start = time.perf_counter()
    outcome = measure.ask(cases, seed)
    if not outcome.cases:
        raise ValueError(f"{measure.name} asked nothing")
    seconds = round(time.perf_counter() - start, 1)
    failures = outcome.failures
    return Answer(
        measure.name,
        measure.claim,
        outcome.cases,
        len(failures),
        failures[:TOLD],
        dict(outcome.figures),
        seed,
        seconds,
        outcome.table,
    )


def each_of(cases: Iterable[object], wrong: Callable[..., str]) -> Outcome:
    """Return the outcome of cases that are asked one by one: `wrong(case)` tells what is wrong, or is empty."""
    told = [wrong(case) for case in cases]
    return Outcome(len(told), tuple(filter(None, told)))

"""Random networks over the whole language: read a second time, run by other frameworks, and in 50 digits."""

from __future__ import annotations

import re
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import against_frameworks
import in_many_digits
import mpmath
import numpy as np
import random_ways
from network_reference import Network
from random_networks import SIZES, dropped, network, point, problems, taken
from random_recurrent import recurrent
from random_transformers import transformer
from random_ways import Way, drawn_way, with_numbers
from shrinking import smallest

import symprop
from trust.measures import Measure, Outcome

KINDS: Mapping[str, Callable[[np.random.Generator], str]] = {
    "layers": network,
    "windows": partial(network, places=True),
    "transformers": transformer,
    "recurrent": recurrent,
}
Asked = Callable[[str], Sequence[str]]
"""Tells what is wrong with a network."""
FAILED = Path(__file__).parent / "networks_that_failed.txt"
"""Every text that ever failed, as small as it was found: a line each. Lines that begin with # say what it shows."""
LIMIT_OF_RUNS = 1e-9
"""How far a module may be off in float64, of its largest number: rounding of some thousand sums and products."""


def drawn(number: int, seed: int) -> tuple[str, str]:
    """Return a kind and a random network of it.

    Widths add up to 11 once in some hundred texts, and are then called `k_l` where no Repeat is: that is no network.
    Nor is one with the size k in a second Repeat, whose index is k, or with a penalty on no parameter.
    """
    kind = list(KINDS)[number % len(KINDS)]
    for more in count():  # without an end
        text = KINDS[kind](np.random.default_rng([seed, number, more] if more else [seed, number]))
        if text.count("Repeat(") > 1 and re.search(r"\bk\b", text):
            continue
        with suppress(KeyError):
            Network(text, SIZES)
            return kind, text
    raise AssertionError(kind)


def that_failed() -> list[str]:
    """Return the texts of the corpus."""
    lines = FAILED.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def wrong_in(text: str, asked: Asked) -> list[str]:
    """Return what is wrong with a network; an error is wrong too, whatever it is."""
    try:
        return list(asked(text))
    except Exception as error:  # what a random text must never raise
        place = traceback.extract_tb(error.__traceback__)[-1]
        said = str(error).splitlines()[0] if str(error) else ""
        return [f"{type(error).__name__} in {Path(place.filename).stem}.{place.name}: {said}"]


def shrunk(text: str, asked: Asked) -> str:
    """Return the smallest network found that is a network, and wrong as `text` is."""
    raised = re.compile(r"\w+Error in [\w.<>]+")

    def kind_of(found: Sequence[str]) -> str | None:
        """Where an error is raised, or that a number is wrong, or that nothing is."""
        place = raised.match(found[0]) if found else None
        return place[0] if place else "wrong" if found else None

    kind = kind_of(wrong_in(text, asked))

    def fails(other: str) -> bool:
        try:
            Network(other, SIZES)
            symprop.parse_network(other)
        except Exception:  # what is left is no network
            return False
        return kind_of(wrong_in(other, asked)) == kind

    return smallest(text, fails)


def asked_of(texts: Iterable[tuple[Sequence[str], str, Asked]]) -> Outcome:
    """Return the outcome of networks, each with words that are counted and what asks it.

    What fails is told as small as it was found.
    """
    counted: Counter[str] = Counter()
    failures, cases = [], 0
    for words, text, asked in texts:
        counted.update(words)
        cases += 1
        if found := wrong_in(text, asked):
            failures.append(f"{text} ({', '.join(words)}): {found[0]}; smallest: {shrunk(text, asked)}")
    return Outcome(cases, tuple(failures), dict(sorted(counted.items())))


def those_that_failed(cases: int, seed: int) -> Outcome:
    """Ask the corpus again."""
    return asked_of(((), text, partial(problems, sizes=SIZES)) for text in that_failed()[:cases])


def random_ones(asked: Asked) -> Callable[[int, int], Outcome]:
    """Return what asks random networks of all kinds."""
    return in_ways(lambda text, way: asked(text), lambda way: None)


def in_ways(
    asked: Callable[[str, Way], Sequence[str]], fitting: Callable[[Way], Way | None] = lambda way: way
) -> Callable[[int, int], Outcome]:
    """Return what asks random networks of all kinds, each in the way that `fitting` makes of a random one, if any."""

    def ask(cases: int, seed: int) -> Outcome:
        return asked_of(map(partial(case, seed=seed), range(cases)))

    def case(number: int, seed: int) -> tuple[Sequence[str], str, Asked]:
        kind, text = drawn(number, seed)
        way = fitting(drawn_way(np.random.default_rng([seed, number, 1]), text))
        return (kind, *(way.told() if way else ())), text, lambda other: asked(other, way or Way())

    return ask


def read_again(text: str, way: Way) -> list[str]:
    """Return what a second reader finds wrong where a network is asked in a way."""
    return problems(text, SIZES, way.batch, partial(random_ways.asked, way, text), way.evaluation)


def against(engine: str, text: str, way: Way) -> list[str]:
    """Return where a network, asked in a way, is not what a framework finds."""
    return against_frameworks.problems(text, (engine,), (way,))


def certified(text: str) -> list[str]:
    """Return the rows of a certificate that failed."""
    found = symprop.check(with_numbers(text))
    return [f"{row.name}, {row.oracle}: {row.error:.1e} {row.note}" for row in found.failures]


def in_digits(cases: int, seed: int) -> Outcome:
    """Compare modules of tiny networks with 50 digits, in units of the last place of the largest element."""
    failures, worst, where, number, done = [], 0.0, "", 0, 0
    while done < cases:
        _, text = drawn(number, seed)
        number += 1
        read = Network(text, SIZES)
        if sum(map(np.prod, read.parameters.values())) > 30 or any(word in text for word in in_many_digits.INEXACT):
            continue
        done += 1
        for name, units in units_off(text, read):
            if not units * np.finfo(float).eps <= LIMIT_OF_RUNS:
                failures.append(f"{text}: {name} is off by {units:.0f} units")
            if not units <= worst:
                worst, where = units, f"{name} of {text}"
    return Outcome(done, tuple(failures), {"worst error, ulp": round(worst, 1), "of": where})


def units_off(text: str, read: Network) -> Iterator[tuple[str, float]]:
    """Yield by how many units in the last place loss and gradients are off, of the largest element of each."""
    random = np.random.default_rng(0)
    params, x, y = point(read, random)
    masks = dropped(read, random)
    names = symprop.parse_network(text)
    numeric = names.with_sizes({name: SIZES[name] for name in names.sizes if name in SIZES})
    numeric = numeric.with_sizes({name: SIZES[name] for name in numeric.sizes})
    loss, grads = symprop.compile(numeric).loss_and_grads(params, taken(x), y, **({"masks": masks} if masks else {}))
    found = {"L": loss, **grads}
    true = dict(in_many_digits.slopes(text, SIZES, params, x, y, masks))
    whole = max(float(np.max(np.abs(value))) for name, value in true.items() if name != "L")
    for name, value in true.items():
        with mpmath.workdps(in_many_digits.DIGITS):
            off = float(np.max(np.abs(in_many_digits.exact(np.asarray(found[name], dtype=float)) - value)))
        scale = abs(float(value)) if name == "L" else whole
        yield f"d{name}" if name != "L" else "L", off / np.spacing(max(scale, np.finfo(float).tiny))


MEASURES = (
    Measure(
        "networks that once failed",
        "Each network that was ever found wrong is what a second reader of its text makes of it.",
        those_that_failed,
        short=1000,
        usual=1000,
        long=1000,
    ),
    Measure(
        "networks read twice",
        "A random network, asked in a random way in float64 (target or layout, batch, sizes as names, evaluation), has"
        " the parameters, starts, loss and slopes that a second reader of its text finds.",
        in_ways(read_again, lambda way: replace(way, dtype="float64")),
        short=4,
        usual=400,
        long=10_000,
        part=250,
    ),
    Measure(
        "networks against JAX",
        "Loss and all gradients of a random network, to read and fast, are those of JAX in float64.",
        random_ones(partial(against_frameworks.problems, engines=("jax",))),
        short=2,
        usual=150,
        long=10_000,
        needs=("jax",),
        part=250,
    ),
    Measure(
        "networks against PyTorch",
        "Loss and all gradients of a random network, to read and fast, are those of PyTorch in float64.",
        random_ones(partial(against_frameworks.problems, engines=("torch",))),
        short=2,
        usual=150,
        long=10_000,
        needs=("torch",),
        part=250,
    ),
    Measure(
        "networks in every way",
        "Loss and gradients of a random network, asked in a random way (target or layout, float64 or float32, batch,"
        " sizes as names, evaluation), are those of PyTorch in float64, but for the rounding of float32.",
        in_ways(partial(against, "torch")),
        short=2,
        usual=150,
        long=10_000,
        needs=("torch",),
        part=250,
    ),
    Measure(
        "certificates of random networks",
        "No row of the certificate of a random network fails.",
        random_ones(certified),
        short=1,
        usual=30,
        long=1000,
        part=250,
    ),
    Measure(
        "tiny networks in 50 digits",
        "Loss and gradients are off by rounding alone, of the largest number.",
        in_digits,
        short=3,
        usual=300,
        long=3000,
    ),
)

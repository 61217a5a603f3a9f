"""Random networks over the whole language: read a second time, run by other frameworks, and in 50 digits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import against_frameworks
import in_many_digits
import mpmath
import numpy as np
from network_reference import Network
from random_networks import SIZES, dropped, network, point, problems, taken
from random_recurrent import recurrent
from random_transformers import transformer
from shrinking import smallest

import symprop
from trust.measures import Measure, Outcome

KINDS: Mapping[str, Callable[[np.random.Generator], str]] = {
    "layers": network,
    "windows": partial(network, places=True),
    "transformers": transformer,
    "recurrent": recurrent,
}
FAILED = Path(__file__).parent / "networks_that_failed.txt"
"""Every text that ever failed, as small as it was found: a line each. Lines that begin with # say what it shows."""
LIMIT_OF_RUNS = 1e-9
"""How far a module may be off in float64, of its largest number: rounding of some thousand sums and products."""


def drawn(number: int, seed: int) -> tuple[str, str]:
    """Return a kind and a random network of it."""
    kind = list(KINDS)[number % len(KINDS)]
    return kind, KINDS[kind](np.random.default_rng([seed, number]))


def that_failed() -> list[str]:
    """Return the texts of the corpus."""
    lines = FAILED.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def wrong_in(text: str, asked: Callable[[str], Sequence[str]]) -> list[str]:
    """Return what is wrong with a network; an error is wrong too, whatever it is."""
    try:
        return list(asked(text))
    except Exception as error:  # what a random text must never raise
        return [f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"]


def shrunk(text: str, asked: Callable[[str], Sequence[str]]) -> str:
    """Return the smallest network found that is a network, and wrong as `text` is."""
    errors = [each.partition(":")[0] for each in wrong_in(text, asked)[:1] if each.partition(":")[0].endswith("Error")]

    def fails(other: str) -> bool:
        try:
            Network(other, SIZES)
            symprop.parse_network(other)
        except Exception:  # what is left is no network
            return False
        found = wrong_in(other, asked)
        kinds = [each.partition(":")[0] for each in found[:1]]
        return bool(found) and (kinds == errors if errors else not kinds[0].endswith("Error"))

    return smallest(text, fails)


def asked_of(texts: Iterator[tuple[str, str]], asked: Callable[[str], Sequence[str]]) -> Outcome:
    """Return the outcome of networks, each with its kind; what fails is told as small as it was found."""
    told: Counter[str] = Counter()
    failures = []
    for kind, text in texts:
        told[kind] += 1
        if found := wrong_in(text, asked):
            failures.append(f"{text}: {found[0]}; smallest: {shrunk(text, asked)}")
    return Outcome(sum(told.values()), tuple(failures), dict(told) if len(told) > 1 else {})


def those_that_failed(cases: int, seed: int) -> Outcome:
    """Ask the corpus again."""
    return asked_of((("corpus", text) for text in that_failed()[:cases]), partial(problems, sizes=SIZES))


def random_ones(asked: Callable[[str], Sequence[str]]) -> Callable[[int, int], Outcome]:
    """Return what asks random networks of all kinds."""
    return lambda cases, seed: asked_of((drawn(number, seed) for number in range(cases)), asked)


def certified(text: str) -> list[str]:
    """Return the rows of a certificate that failed."""
    named = symprop.parse_network(text).sizes
    found = symprop.check(text, sizes={name: SIZES[name] for name in named if name in SIZES})
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
        "A random network has the parameters, starts, loss and slopes that a second reader of its text finds.",
        random_ones(partial(problems, sizes=SIZES)),
        short=4,
        usual=400,
        long=10_000,
        part=250,
    ),
    Measure(
        "networks against JAX",
        "Loss and all gradients of a random network, to read and fast, are those of JAX in float64.",
        random_ones(partial(against_frameworks.problems, engines=("jax",), forms=("read", "fast"))),
        short=2,
        usual=150,
        long=10_000,
        needs=("jax",),
        part=250,
    ),
    Measure(
        "networks against PyTorch",
        "Loss and all gradients of a random network, to read and fast, are those of PyTorch in float64.",
        random_ones(partial(against_frameworks.problems, engines=("torch",), forms=("read", "fast"))),
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
        usual=60,
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

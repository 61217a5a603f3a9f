"""Second derivatives of random networks: by the oracles of the certificate, and by other frameworks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import count

import against_frameworks
import numpy as np
from against_jacobians import QUESTIONS, answers, has_factors
from network_reference import Network
from random_networks import SIZES
from random_ways import Way, drawn_way

import symprop
from symprop.codegen.case import Case
from symprop.networks.recurrent import written_out_in_time
from symprop.verify import curvature_checks
from symprop.verify.reduced import tiny
from trust.measures import Measure, Outcome
from trust.networks import KINDS, Asked, asked_of, drawn, random_ones

HALVES = (list(QUESTIONS)[:3], list(QUESTIONS)[3:])
"""Products with matrices, which share what moves along a direction; norms, kernels and factors."""


def rows_that_fail(text: str) -> list[str]:
    """Return the rows of second derivatives that do not agree; some networks have none."""
    numeric = symprop.parse_network(text)
    for _ in range(2):  # a count may bring names of its own
        numeric = numeric.with_sizes({name: SIZES[name] for name in numeric.sizes if name in SIZES})
    small = tiny(written_out_in_time(numeric))
    read = Network(text, SIZES)
    if not read.parameters or read.truncated:
        return []
    found = [*curvature_checks.rows(Case(small), 0)]
    return [f"{row.name}, {row.oracle}: {row.error:.1e} {row.note}" for row in found if not row.ok]


def from_jacobians(cases: int, seed: int) -> Outcome:
    """Ask each random network half of the questions, in a random way of those that NumPy has; count the answers.

    Few networks have factors of K-FAC that a block is the product of: each sixteenth is drawn until it has.
    """

    def asked(questions: Sequence[str], way: Way, text: str) -> list[str]:
        found = answers(text, way, questions)
        told.setdefault(text, list(found))
        return [f"{question}: {each}" for question, wrong in found.items() for each in wrong]

    def case(number: int) -> tuple[Sequence[str], str, Asked]:
        asks_factors = number % (4 * len(KINDS)) == len(KINDS)
        found = (drawn(other, seed) for other in count(number, len(KINDS) * cases))
        kind, text = next(each for each in found if not asks_factors or has_factors(each[1]))
        way = drawn_way(np.random.default_rng([seed, number, 1]), text)
        way = Way("fast" if way.form == "fast" else "read", batch=min(way.batch, 2), evaluation=way.evaluation)
        texts.append(text)
        return (kind, way.form), text, partial(asked, HALVES[number // len(KINDS) % 2], way)

    texts: list[str] = []
    told: dict[str, list[str]] = {}
    outcome = asked_of(map(case, range(cases)))
    answered = Counter(question for text in texts for question in told.get(text, ()))
    return replace(outcome, figures={**outcome.figures, **dict(sorted(answered.items()))})


MEASURES = (
    Measure(
        "second derivatives",
        "Products with the Hessian, the Gauss-Newton and the Fisher matrix, norms of the gradients of examples and the"
        " mean of the clipped ones are what differences in 50 digits and the complex step find, each step an identity.",
        random_ones(rows_that_fail),
        short=1,
        usual=60,
        long=1000,
    ),
    Measure(
        "Hessian products against JAX",
        "The Hessian of a random network times a random direction, to read and fast, is that of JAX in float64.",
        random_ones(partial(against_frameworks.wrong_products, engines=("jax",))),
        short=1,
        usual=150,
        long=1000,
        needs=("jax",),
    ),
    Measure(
        "Hessian products against PyTorch",
        "The Hessian of a random network times a random direction, to read and fast, is that of PyTorch in float64.",
        random_ones(partial(against_frameworks.wrong_products, engines=("torch",))),
        short=1,
        usual=150,
        long=1000,
        needs=("torch",),
    ),
    Measure(
        "curvature from Jacobians",
        "Products with the Gauss-Newton and the Fisher matrices, norms of the gradients of examples, the mean of the"
        " clipped ones, the tangent kernel and K-FAC's factors of a random network are those built of PyTorch's"
        " Jacobian of its outputs.",
        from_jacobians,
        short=1,
        usual=60,
        long=1000,
        needs=("torch",),
        part=250,
    ),
)

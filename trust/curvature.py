"""Second derivatives of random networks: by the oracles of the certificate, and by other frameworks."""

from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import count

import against_frameworks
import numpy as np
from against_jacobians import FITTING, QUESTIONS, wrong_curvature
from network_reference import Network
from random_networks import SIZES
from random_ways import Way, drawn_way

import symprop
from symprop.codegen.case import Case
from symprop.networks.recurrent import written_out_in_time
from symprop.verify import curvature_checks
from symprop.verify.reduced import tiny
from trust.measures import Measure, Outcome
from trust.networks import drawn, random_ones, shrunk, wrong_in


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
    """Ask each random network one question, in a random way of those that NumPy has."""
    counted: Counter[str] = Counter()
    failures = []
    for number in range(cases):
        question = list(QUESTIONS)[number % len(QUESTIONS)]
        found = (drawn(other, seed) for other in count(number, cases))
        kind, text = next(each for each in found if FITTING.get(question, bool)(each[1]))
        way = drawn_way(np.random.default_rng([seed, number, 1]), text)
        evaluation = "BatchNorm" not in text and (way.evaluation or question == "tangent kernel")
        way = Way("fast" if way.form == "fast" else "read", batch=way.batch, evaluation=evaluation)
        answers: list[list[str] | None] = []
        said = wrong_in(text, partial(_kept, answers, question, way))
        if said:
            smaller = shrunk(text, partial(_kept, [], question, way))
            failures.append(f"{question} of {text} ({', '.join(way.told())}): {said[0]}; smallest: {smaller}")
        counted[f"{question}: none" if answers[:1] == [None] else question] += 1
        counted[kind] += 1
    return Outcome(cases, tuple(failures), dict(sorted(counted.items())))


def _kept(answers: list[list[str] | None], question: str, way: Way, text: str) -> list[str]:
    """Return what is wrong with an answer, and keep whether there is one."""
    answers.append(wrong_curvature(text, question, way))
    return answers[-1] or []


MEASURES = (
    Measure(
        "second derivatives",
        "Products with the Hessian, the Gauss-Newton and the Fisher matrix, and norms of the gradients of examples, are"
        " what differences in 50 digits and the complex step find, each step an identity.",
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
        "Products with the Gauss-Newton and the Fisher matrices, norms of the gradients of examples, the tangent kernel"
        " and K-FAC's factors of a random network are those built of PyTorch's Jacobian of its outputs.",
        from_jacobians,
        short=2,
        usual=120,
        long=1200,
        needs=("torch",),
        part=300,
    ),
)

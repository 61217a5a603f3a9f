"""Second derivatives of random networks: by the oracles of the certificate, and by other frameworks."""

from __future__ import annotations

from functools import partial

import against_frameworks
from network_reference import Network
from random_networks import SIZES

import symprop
from symprop.codegen.case import Case
from symprop.networks.recurrent import written_out_in_time
from symprop.verify import curvature_checks
from symprop.verify.reduced import tiny
from trust.measures import Measure
from trust.networks import random_ones


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
)

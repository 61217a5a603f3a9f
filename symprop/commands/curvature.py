"""The command `curvature`: eigenvalues, trace and condition of a network's Hessian, or the like, on data."""

from __future__ import annotations

import argparse
from typing import Any

from symprop.commands.arguments import Enter, in_options, output_argument, read_network, readable, sizes_argument
from symprop.commands.outcome import Outcome
from symprop.errors import SpecError
from symprop.networks import Network
from symprop.saved import Model, load_weights
from symprop.spectrum import MATRICES, Spectrum, described, model_on, spectrum

OPTIONS = {"fisher(empirical=True)": "--matrix empirical-fisher", "gauss_newton()": "--matrix gauss-newton"}
"""How a call that an error allows is typed as options."""


def enter(command: Enter) -> None:
    """Enter the command of this module."""
    parser = command("curvature", _curvature)
    parser.add_argument(
        "network", metavar="NETWORK", help="weights that train wrote, WEIGHTS.npz; or a network, at its first weights"
    )
    sizes_argument(parser)
    parser.add_argument(
        "--data", metavar="FILE.csv", type=readable, required=True, help="a header row, then one example a row; or -"
    )
    parser.add_argument("--target", metavar="COLUMN", help="the column that is predicted; weights know theirs")
    parser.add_argument("--matrix", choices=MATRICES, default="hessian", help="of which matrix (hessian)")
    parser.add_argument("--top", type=int, default=5, metavar="K", help="how many of the largest eigenvalues (5)")
    parser.add_argument("--draws", type=int, default=100, metavar="N", help="random vectors for the trace (100)")
    parser.add_argument("--seed", type=int, default=0, help="of these, and of the first weights of a network")
    output_argument(parser)


def network_or_weights(text: str, sizes: str) -> Network | Model:
    """Return the weights in a file, or a network.

    Raises:
        SympropError: neither, or sizes for weights, which have theirs.
    """
    if not text.endswith(".npz"):
        return read_network(text, sizes)
    if sizes:
        raise SpecError("weights have numbers for all sizes\nallowed: no --sizes")
    return load_weights(text)


def _curvature(options: argparse.Namespace) -> Outcome:
    network = network_or_weights(options.network, options.sizes)
    model, features, targets = model_on(network, options.data, options.target, max(options.seed, 0))
    numbers = {"top": options.top, "draws": options.draws, "seed": options.seed}
    try:
        found = spectrum(model, features, targets, matrix=options.matrix, **numbers)
    except SpecError as error:
        raise in_options(error, OPTIONS) from None
    is_trained = isinstance(network, Model)
    where = f"at the weights of {options.network}" if is_trained else "at the start of training"
    told = described(found, where, scaled=not is_trained)
    return Outcome(told, lambda: _fields(model, found), output=options.output)


def _fields(model: Model, found: Spectrum) -> dict[str, Any]:
    pairs = zip(found.largest, found.bounds, strict=True)
    return {
        "network": model.network.text,
        "matrix": found.matrix,
        "parameters": found.size,
        "examples": found.examples,
        "eigenvalues": [{"value": value, "error": error} for value, error in pairs],
        "trace": found.trace,
        "trace_error": found.trace_error,
        "exact_trace": sum(found.every) if found.every else None,
        "condition": found.condition,
        "rank": found.rank,
        "negative": found.negative,
    }

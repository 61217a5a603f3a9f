"""The command that judges a backward pass in a file of the user's: certify."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from symprop.certify.certification import Certification
from symprop.certify.certify import certify
from symprop.certify.explaining import SECONDS
from symprop.certify.loading import opened
from symprop.certify.running import LIBRARIES
from symprop.commands.arguments import (
    DISAGREES,
    FORMULA_HELP,
    NETWORK_HELP,
    Enter,
    limit_argument,
    parse_sizes,
    read_network,
    standard_input,
    text_of,
    where_argument,
)
from symprop.commands.outcome import STANDARD, Outcome, terminal_width
from symprop.errors import SpecError
from symprop.networks.network import LAYOUTS, Network

MORE = "The file is run as Python runs it: certify what you would run. The exit code is 1 where a gradient is wrong."


def enter(command: Enter) -> None:
    """Enter the command of this module."""
    parser = command("certify", _certify)
    parser.description = f"{parser.description}. {MORE}"
    parser.add_argument(
        "backward",
        metavar="FILE.py:FUNCTION",
        help="the backward pass, called by the names of its parameters; - reads standard input",
    )
    parser.add_argument("--formula", metavar="FORMULA", help=f"the forward pass: {FORMULA_HELP}")
    parser.add_argument("--network", metavar="NETWORK", help=f"the forward pass: {NETWORK_HELP}")
    parser.add_argument("--wrt", metavar="Q,K,V", help="the variables of the gradients that it returns, in their order")
    where_argument(parser)
    parser.add_argument("--sizes", metavar="n0=64,n1=32", default="", help="numbers for sizes given by name")
    parser.add_argument("--layout", choices=LAYOUTS, default="rows", help="of a network's batch (rows), or one example")
    parser.add_argument("--arrays", choices=LIBRARIES, help="the library whose arrays it takes; found out without it")
    limit_argument(parser, SECONDS, "how long the search for a mistake may take")
    parser.add_argument("--seed", metavar="NUMBER", type=int, default=0, help="of the random places (0)")


def _certify(options: argparse.Namespace) -> Outcome:
    if options.formula is not None and options.network is not None:
        raise SpecError("a forward pass is --formula or --network, not both")
    forward: Network | str | None = None
    if options.network is not None:
        forward = read_network(options.network)
    elif options.formula is not None:
        forward = text_of(options.formula)
    with _backward(options.backward) as backward:
        found = certify(
            backward if forward is None else forward,
            None if forward is None else backward,
            options.wrt,
            options.where,
            sizes=parse_sizes(options.sizes),
            arrays=options.arrays,
            layout=options.layout,
            seed=options.seed,
            limit=options.limit or float("inf"),
        )
    return Outcome(found.fitted(terminal_width()), lambda: _fields(found), 0 if found.ok else DISAGREES)


@contextmanager
def _backward(place: str) -> Iterator[Any]:
    """Give the function of a file, or of what comes in at standard input, `-:function`."""
    path, colon, name = place.partition(":")
    if path != STANDARD:
        with opened(place) as backward:
            yield backward
        return
    with TemporaryDirectory() as folder:
        file = Path(folder) / "standard_input.py"
        file.write_bytes(standard_input().getvalue())
        with opened(f"{file}{colon}{name}") as backward:
            yield backward


def _fields(found: Certification) -> dict[str, Any]:
    gradients = [
        {"name": line.name, "ok": line.ok, "off_by": float(line.off), "allowed": float(line.limit), "note": line.note}
        for line in found.lines
    ]
    said = {"ok": found.ok, "message": found.message, "raised": found.failed, "places": found.places}
    diagnosis = None if found.diagnosis is None else found.diagnosis.message
    return {**said, "gradients": gradients, "diagnosis": diagnosis, "remarks": found.remarks}

"""The command that judges a backward pass in a file of the user's: certify."""

from __future__ import annotations

import argparse

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
    text_of,
    where_argument,
)
from symprop.errors import SpecError
from symprop.networks.network import LAYOUTS, Network

MORE = "The file is run as Python runs it: certify what you would run. The exit code is 1 where a gradient is wrong."


def enter(command: Enter) -> None:
    """Enter the command of this module."""
    parser = command("certify", _certify, "say whether a backward pass that you wrote gives the right gradients")
    parser.epilog = MORE
    parser.add_argument(
        "backward", metavar="FILE.py:FUNCTION", help="the backward pass, called by its parameters' names"
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


def _certify(options: argparse.Namespace) -> int:
    if options.formula is not None and options.network is not None:
        raise SpecError("a forward pass is --formula or --network, not both")
    forward: Network | str | None = None
    if options.network is not None:
        forward = read_network(options.network)
    elif options.formula is not None:
        forward = text_of(options.formula)
    with opened(options.backward) as backward:
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
    print(found.table)
    return 0 if found.ok else DISAGREES

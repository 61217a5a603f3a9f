"""What commands share: how to enter one, the arguments that several take, and where their output goes."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable

from symprop.algebra.names import validated
from symprop.errors import SpecError, shown
from symprop.files import read_text, write_whole
from symprop.networks.network import Network
from symprop.networks.optimisers import OPTIMISERS
from symprop.networks.spec import is_formula_text, parse_network
from symprop.verify.gathering import SECONDS

PROGRAM = "symprop"
DISAGREES = 1
"""The exit code where a check finds a disagreement."""
UNDECIDED = 5
"""The exit code where a comparison finds neither a proof nor a counterexample."""
NETWORK_HELP = (
    'a network such as "Input(64) >> Dense(10) >> SoftmaxCrossEntropy()", or the path of a file that holds one'
)
OPTIMISER_HELP = f'{", ".join(OPTIMISERS)}, or with its numbers: "Adam(lr=0.01, schedule=Warmup(100) >> Cosine(1000))"'
FORMULA_HELP = 'NumPy notation, such as "sum((X @ w - y)**2)"'

Run = Callable[[argparse.Namespace], int]
Enter = Callable[[str, Run, str], argparse.ArgumentParser]
"""Enters a command: its name, what it runs, and what it does in one line; returns the parser of its arguments."""


def network_argument(parser: argparse.ArgumentParser, optional: bool = False, what: str = "") -> None:
    parser.add_argument("network", metavar="NETWORK", nargs="?" if optional else None, help=what + NETWORK_HELP)
    parser.add_argument("--sizes", metavar="n0=64,n1=32", default="", help="numbers for sizes given by name")


def where_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--where",
        metavar="DECLARATIONS",
        default="",
        help='sizes and facts: "X: m n, A: n n symmetric, alpha:"; inferred without it',
    )


def read_network(text_or_path: str, sizes: str = "") -> Network:
    """Return the network of a text, or of the file that holds one; `sizes` are numbers for names, "n0=64,n1=32".

    What is the path of a file is read; so is what has no bracket or begins with `.` or `/`, which no network does.

    Raises:
        SympropError: the file cannot be read, or the text is no network.
    """
    if not text_or_path.strip():
        raise SpecError(f"the network is empty\nallowed: {NETWORK_HELP}")
    network = parse_network(text_of(text_or_path))
    given = parse_sizes(sizes)
    return network.with_sizes(given) if given else network


def text_of(text_or_path: str) -> str:
    """Return a text of a network or a formula as it is, or what stands in the file of this path.

    Raises:
        OutputError: the file cannot be read.
    """
    begins = text_or_path[:1] in {".", "/"}
    if os.path.isfile(text_or_path) or begins or not ("(" in text_or_path or is_formula_text(text_or_path)):
        return read_text(text_or_path)
    if re.fullmatch(r"[\w.-]+(/[\w.-]+)+", text_or_path):  # nets/digits.txt divides nothing
        return read_text(text_or_path)
    return text_or_path


def parse_sizes(text: str) -> dict[str, int]:
    """Return the numbers of `--sizes`.

    >>> parse_sizes("n0=64, n1=32")
    {'n0': 64, 'n1': 32}

    Raises:
        SpecError: not of this form.
        SymbolNameError: a name that cannot be a size.
    """
    sizes: dict[str, int] = {}
    for part in text.split(",") if text.strip() else ():
        name, _, number = (piece.strip() for piece in part.partition("="))
        if not (number.isascii() and number.isdecimal() and len(number) <= 20):
            raise SpecError(
                f"--sizes {shown(part)} cannot be read\nallowed: names with whole numbers, such as n0=64,n1=32"
            )
        if validated(name) in sizes:
            raise SpecError(f"--sizes gives {shown(name)} twice")
        sizes[name] = int(number)
    return sizes


def put(text: str, output: str | None) -> None:
    if output is None:
        print(text)
    else:
        write_whole(output, text if text.endswith("\n") else text + "\n")
        told(output)


def told(output: str) -> None:
    """Say that a file was written."""
    print(f"wrote {output}", file=sys.stderr)


def limit_argument(
    parser: argparse.ArgumentParser, seconds: float = SECONDS, what: str = "how long a check may compute"
) -> None:
    parser.add_argument(
        "--limit",
        metavar="SECONDS",
        type=_seconds,
        default=seconds,
        help=f"{what} ({seconds:g}); 0 for as long as it takes",
    )


def _seconds(text: str) -> float | None:
    """Return seconds, None for 0."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{shown(text)} is no number of seconds from 0")
    return seconds or None


def output_argument(parser: argparse.ArgumentParser, what: str = "FILE") -> None:
    parser.add_argument("-o", metavar=what, dest="output", help="write here instead of printing")

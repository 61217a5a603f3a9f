"""What commands share: how to enter one, the arguments that several take, and where their input comes from."""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from symprop.algebra.latex.tokens import is_latex
from symprop.algebra.names import validated
from symprop.commands.outcome import STANDARD, Run
from symprop.errors import DataError, SpecError, shown
from symprop.files import check_writable, read_text
from symprop.limits import SECONDS
from symprop.networks.network import Network
from symprop.networks.optimisers import OPTIMISERS
from symprop.networks.spec import is_formula_text, parse_network

if TYPE_CHECKING:
    from symprop.commands.parser import Parser

DISAGREES = 1
"""The exit code where a check finds a disagreement."""
UNDECIDED = 5
"""The exit code where a comparison finds neither a proof nor a counterexample."""
NETWORK_HELP = 'a network such as "Input(64) >> Dense(10) >> SoftmaxCrossEntropy()", a file that holds one, or -'
OPTIMISER_HELP = f'{", ".join(OPTIMISERS)}, or with its numbers: "Adam(lr=0.01, schedule=Warmup(100) >> Cosine(1000))"'
FORMULA_HELP = 'NumPy notation, such as "sum((X @ w - y)**2)", a file that holds it, or -'

STANDARD_OUTPUT = (STANDARD, "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
"""The names of what a command prints to."""

Enter = Callable[[str, Run], "Parser"]
"""Enters a command of the table by what it runs; returns the parser of its arguments."""


def network_argument(parser: argparse.ArgumentParser, optional: bool = False, what: str = "") -> None:
    parser.add_argument("network", metavar="NETWORK", nargs="?" if optional else None, help=what + NETWORK_HELP)
    sizes_argument(parser)


def sizes_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sizes", metavar="n0=64,n1=32", default="", help="numbers for sizes given by name")


def where_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--where",
        metavar="DECLARATIONS",
        default="",
        help='sizes and facts: "X: m n, A: n n symmetric, alpha:"; what it does not name is inferred',
    )


def read_network(text_or_path: str, sizes: str = "") -> Network:
    """Return the network of a text, or of the file that holds one; `sizes` are numbers for names, "n0=64,n1=32".

    What is the path of a file is read; so is what has no bracket or begins with `.` or `/`, which no network does.

    Raises:
        SympropError: the file cannot be read, or the text is no network.
    """
    return sized(network_of(text_of(text_or_path) if text_or_path.strip() else ""), sizes)


def network_of(text: str) -> Network:
    """Return the network of a text.

    Raises:
        SympropError: the text is empty or no network.
    """
    if not text.strip():
        raise SpecError(f"the network is empty\nallowed: {NETWORK_HELP}")
    return parse_network(text)


def sized(network: Network, sizes: str) -> Network:
    """Return a network with the numbers of `--sizes`."""
    given = parse_sizes(sizes)
    return network.with_sizes(given) if given else network


def text_of(text_or_path: str) -> str:
    """Return a text of a network or a formula as it is, or what stands in the file of this path; `-` is standard input.

    Raises:
        OutputError: the file cannot be read.
    """
    if text_or_path == STANDARD:
        return read_text(standard_input())
    begins = text_or_path[:1] in {".", "/"}
    is_text = "(" in text_or_path or is_formula_text(text_or_path) or is_latex(text_or_path)
    if os.path.isfile(text_or_path) or begins or not is_text:
        return read_text(text_or_path)
    if re.fullmatch(r"[\w.-]+(/[\w.-]+)+", text_or_path):  # nets/digits.txt divides nothing
        return read_text(text_or_path)
    return text_or_path


def formula_of(text_or_path: str) -> str:
    """Return a text of a formula as it is, or what stands in a file of this path that has an ending or a slash.

    Raises:
        OutputError: the file cannot be read.
    """
    is_file = re.search(r"[./]", text_or_path) and os.path.isfile(text_or_path)
    ends = re.fullmatch(r"[\w./-]+\.(txt|tex|md|py)", text_or_path)  # a slip in a name is no formula
    named = text_or_path == STANDARD or is_file or ends or text_or_path[:2] in ("./", "..") or text_or_path[:1] == "/"
    return text_of(text_or_path) if named else text_or_path


class Standard(io.BytesIO):
    """What came in at standard input, read to its end."""

    def __str__(self) -> str:
        return "standard input"


def standard_input() -> Standard:
    """Return what stands at standard input, which can be read once.

    Raises:
        DataError: nothing, or nothing any more.
    """
    data = sys.stdin.buffer.read()
    if not data:
        raise DataError("standard input is empty\nallowed: - once, with a pipe or a file: symprop ... - < FILE")
    return Standard(data)


def readable(path: str) -> str | Standard:
    """Return what a file is read from: its path, or standard input for `-`."""
    return standard_input() if path == STANDARD else path


def writable(path: str) -> str:
    """Return a path that can be written, or `-`.

    Raises:
        OutputError: what must not be replaced, or cannot be written.
    """
    if path in STANDARD_OUTPUT:
        return STANDARD
    check_writable(path)
    return path


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


def output_argument(
    parser: argparse.ArgumentParser, what: str = "FILE", told: str = "write here instead of printing"
) -> None:
    parser.add_argument("-o", metavar=what, dest="output", type=writable, help=told)
    parser.add_argument(
        "--force", action="store_true", help="write over a file that symprop did not write, or that was edited since"
    )


def in_options(error: SpecError, options: Mapping[str, str]) -> SpecError:
    """Return an error of a call that allows other calls, with these typed as options."""
    told = str(error)
    for call, option in options.items():
        told = told.replace(call, option)
    return SpecError(told)

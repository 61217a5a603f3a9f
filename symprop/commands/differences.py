"""The command that compares two networks: diff."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from rich.console import Console

from symprop.commands.arguments import NETWORK_HELP, Enter, output_argument, parse_sizes, read_network
from symprop.commands.outcome import Outcome
from symprop.commands.page_files import PAGE_FILES, form_of, page_outcome
from symprop.commands.report_options import PAGE, report_arguments, sheet_of
from symprop.differences.changes import Side
from symprop.differences.difference import NetworkDifference, diff
from symprop.differences.documents import html_page, latex_page
from symprop.differences.pages import coloured_page, plain_page
from symprop.errors import SpecError, listed, shown
from symprop.networks.network import LAYOUTS, Network
from symprop.notation.sheet import Sheet

WRITERS: dict[str, Callable[[NetworkDifference, Sheet], str]] = {
    "pretty": lambda difference, sheet: difference.pretty(),
    "text": lambda difference, sheet: difference.text(),
    "latex": latex_page,
    "html": html_page,
}
MORE = "The exit code is 0 when the difference was printed, whether or not the networks differ."


def enter(command: Enter) -> None:
    """Enter the command of this module."""
    parser = command("diff", _diff)
    parser.description = f"{parser.description}. {MORE}"
    parser.add_argument("before", metavar="NETWORK_A", help=NETWORK_HELP)
    parser.add_argument("after", metavar="NETWORK_B", help="the network that is compared with it")
    parser.add_argument("--sizes", metavar="n0=64,n1=32", default="", help="numbers for sizes given by name, in both")
    parser.add_argument("--layout", choices=LAYOUTS, help="one example, or a batch in rows or columns")
    parser.add_argument("--format", choices=WRITERS, help="latex and html are whole documents")
    output_argument(parser, told=PAGE_FILES)
    report_arguments(parser, "of a page in a file", only=PAGE)


def _diff(options: argparse.Namespace) -> Outcome:
    difference = diff(*_networks(options), layout=options.layout)
    sheet = sheet_of(options)
    found = page_outcome(lambda form: WRITERS[form](difference, sheet), lambda: _fields(difference), options)
    form = form_of(options)
    return replace(found, show=partial(print_difference, difference, form)) if form in ("pretty", "text") else found


def _networks(options: argparse.Namespace) -> tuple[Network, Network]:
    """Read both networks; a size goes to each that has its name."""
    first, second = read_network(options.before), read_network(options.after)
    given = parse_sizes(options.sizes)
    for name in given:
        if name not in first.sizes and name not in second.sizes:
            raise SpecError(
                f"--sizes: neither network has a size {shown(name)}\n"
                f"they have {listed(dict.fromkeys((*first.sizes, *second.sizes))) or 'numbers for all sizes'}"
            )
    return _sized(first, given), _sized(second, given)


def _sized(network: Network, given: dict[str, int]) -> Network:
    own = {name: size for name, size in given.items() if name in network.sizes}
    return network.with_sizes(own) if own else network


def print_difference(difference: NetworkDifference, notation: str, console: Console | None = None) -> None:
    """Print a difference: in colours where the terminal has them (and NO_COLOR is not set), else with marks below."""
    console = console or Console(highlight=False, soft_wrap=True)
    if console.is_terminal and console.color_system is not None and not console.no_color:
        console.print(coloured_page(difference, notation), soft_wrap=True)
    else:
        print(plain_page(difference, notation))


def _fields(difference: NetworkDifference) -> dict[str, Any]:
    equations = [
        {"part": each.part, "kind": each.kind, "before": _side(each.before), "after": _side(each.after)}
        for each in difference.changes
    ]
    networks = {"before": difference.before.text, "after": difference.after.text, "layout": difference.layout}
    return {**networks, "differ": bool(difference), "layers": difference.layers, "equations": equations}


def _side(side: Side | None) -> str | None:
    return None if side is None else f"{side.left.text()} = {side.right.text()}"

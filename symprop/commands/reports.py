"""The command `report`: a report on a network as LaTeX, PDF, HTML or Markdown."""

from __future__ import annotations

import argparse
from typing import Any

from rich.console import Console

from symprop.codegen.targets.target import DTYPES
from symprop.commands.arguments import Enter, network_argument, read_network, writable
from symprop.commands.outcome import STANDARD, Outcome
from symprop.errors import SpecError
from symprop.networks.network import LAYOUTS, Network
from symprop.notation.choices import BOLD, LAYER_INDICES, TRANSPOSES
from symprop.notation.paper import COLUMNS, PAPERS, POINTS
from symprop.reports.report import LEVELS, STEPS, TITLE, Report, report
from symprop.saved import Model, load_weights
from symprop.terminal import is_watched

WHOLE = "-o report.tex, report.pdf, report.html or report.md"


def enter(command: Enter) -> None:
    """Enter the command of this module."""
    parser = command("report", _report)
    network_argument(parser)
    parser.add_argument(
        "-o", metavar="FILE", dest="output", type=writable, help="FILE.tex, .pdf, .html, .md; LaTeX is printed without"
    )
    parser.add_argument("--fragment", action="store_true", help="LaTeX for \\input in a paper, in place of a document")
    parser.add_argument("--equation", metavar="NAME", help="one equation in LaTeX, such as delta2 or W1")
    parser.add_argument("--layout", choices=LAYOUTS, help="of the formulas")
    parser.add_argument(
        "--symbol",
        metavar="NAME=LATEX",
        action="append",
        default=[],
        help=r"such as delta=\varepsilon; may be repeated",
    )
    parser.add_argument("--bold", choices=BOLD, default="none", help="what is printed bold")
    parser.add_argument("--transpose", choices=TRANSPOSES, default="top", help="the sign of a transpose")
    parser.add_argument(
        "--layer-index", choices=LAYER_INDICES, default="mixed",
        help="where a layer's number stands; mixed: numbers below, a general (l) above",
    )  # fmt: skip
    parser.add_argument("--title", default=TITLE, help="the title of the report")
    parser.add_argument("--prefix", metavar="TEXT", default="", help="begins the labels of a fragment")
    parser.add_argument("--level", choices=LEVELS, default="section", help="the headings of a fragment")
    parser.add_argument(
        "--without", metavar="SECTION", action="append", default=[], help="leave a section out, such as certificate"
    )
    parser.add_argument("--steps", choices=STEPS, default="brief", help="brief: a line for each equation; or all")
    parser.add_argument("--author", default="", help="who wrote it, under the title")
    parser.add_argument("--date", default="", help="when, as it is to be printed")
    parser.add_argument("--short", action="store_true", help="the equations and their derivation alone")
    parser.add_argument("--full", action="store_true", help="with every operation and every check as an appendix")
    parser.add_argument("--paper", choices=PAPERS, default="a4", help="the paper")
    parser.add_argument("--points", type=int, choices=POINTS, default=10, help="the size of the letters")
    parser.add_argument("--columns", type=int, choices=COLUMNS, default=1, help="of the page, or of your paper")
    parser.add_argument("--slides", action="store_true", help="as slides (Beamer), in LaTeX and PDF")
    parser.add_argument("--dtype", choices=DTYPES, default="float64", help="of the generated code")
    parser.add_argument("--seed", type=int, default=0, help="of what is random in the report")


def _subject(network: str, sizes: str) -> Network | Model:
    """Return what the report is on: a network, or weights with the training that they had."""
    if not network.endswith(".npz"):
        return read_network(network, sizes)
    if sizes:
        raise SpecError("weights have numbers for all sizes\nallowed: no --sizes")
    return load_weights(network)


def _report(options: argparse.Namespace) -> Outcome:
    if options.fragment and options.equation is not None:
        raise SpecError("--fragment and --equation are two different things\nallowed: one of them")
    if (options.prefix or options.level != "section") and not options.fragment:
        raise SpecError("--prefix and --level are for a --fragment")
    partial = options.fragment or options.equation is not None
    to_file = options.output not in (None, STANDARD)
    if partial and to_file and not options.output.endswith(".tex"):
        raise SpecError(f"a fragment is LaTeX\nallowed: -o FILE.tex; without --fragment and --equation {WHOLE}")
    made = report(
        _subject(options.network, options.sizes),
        layout=options.layout,
        symbols=options.symbol,
        bold=options.bold,
        transpose=options.transpose,
        layer_index=options.layer_index,
        title=options.title,
        without=options.without,
        dtype=options.dtype,
        seed=options.seed,
        steps=options.steps,
        author=options.author,
        date=options.date,
        short=options.short,
        full=options.full,
        paper=options.paper,
        points=options.points,
        columns=options.columns,
        slides=options.slides,
    )
    if options.equation is not None:
        return Outcome(made.equation(options.equation), lambda: _fields(made), output=options.output)
    with Console(stderr=True, quiet=not is_watched()).status("deriving, generating and checking"):
        if to_file and not partial:
            made.write(options.output)
            return Outcome("", lambda: _fields(made), written=(options.output,))
        text = made.fragment(options.prefix, options.level) if partial else made.latex()
    return Outcome(text, lambda: _fields(made), output=options.output)


def _fields(made: Report) -> dict[str, Any]:
    return {
        "network": made.network.text,
        "layout": made.derivation.system.layout,
        "title": made.title,
        "sections": [section.title for section in made.sections],
    }

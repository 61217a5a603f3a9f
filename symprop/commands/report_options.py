"""What commands that write a report have in common: its options, and how it is written."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symprop.commands.arguments import DISAGREES
from symprop.commands.outcome import STANDARD, Outcome
from symprop.commands.page_files import form_of
from symprop.errors import SpecError, warned
from symprop.limits import DTYPES
from symprop.networks.network import LAYOUTS
from symprop.notation.choices import BOLD, LAYER_INDICES, PLAIN, TRANSPOSES, Notation, symbols_of
from symprop.notation.paper import COLUMNS, PAPERS, POINTS, Paper
from symprop.notation.sheet import PLAIN_SHEET, Sheet
from symprop.terminal import is_watched

if TYPE_CHECKING:
    from symprop.reports.report import Report

ENDINGS = (".tex", ".pdf", ".html", ".md")
LEVELS = ("section", "subsection")
STEPS = ("brief", "all")
WHOLE = "-o report.tex, report.pdf, report.html or report.md"
CERTIFICATE = "sec:certificate"
_APART = ("fragment", "equation", "prefix", "level")
"""Options that are no choices of the report, but what is written of it."""


def report_arguments(
    parser: argparse.ArgumentParser, of: str = "", but: tuple[str, ...] = (), only: tuple[str, ...] = ()
) -> None:
    """Add the options of a report, but those that a command has itself, or `only` those that its pages have.

    Only what is given stands in the namespace.
    """
    group = parser.add_argument_group(of) if of else parser

    def add(*names: str, **how: Any) -> None:
        name = names[0].removeprefix("--")
        if name not in but and (not only or name in only):
            group.add_argument(*names, default=argparse.SUPPRESS, **how)

    add("--fragment", action="store_true", help="LaTeX for \\input in a paper, in place of a document")
    add("--equation", metavar="NAME", help="one equation in LaTeX, such as delta2 or W1; of a formula w")
    add("--layout", choices=LAYOUTS, help="of the formulas")
    add(
        "--symbol", metavar="NAME=LATEX", action="append", dest="symbols",
        help=r"such as delta=\varepsilon; may be repeated",
    )  # fmt: skip
    add("--bold", choices=BOLD, help="what is printed bold")
    add("--transpose", choices=TRANSPOSES, help="the sign of a transpose")
    add(
        "--layer-index", choices=LAYER_INDICES,
        help="where a layer's number stands; mixed: numbers below, a general (l) above",
    )  # fmt: skip
    add("--title", help="the title of the report")
    add("--prefix", metavar="TEXT", help="begins the labels of a fragment")
    add("--level", choices=LEVELS, help="the headings of a fragment")
    add("--without", metavar="SECTION", action="append", help="leave a section out, such as certificate")
    add("--steps", choices=STEPS, help="brief: a line for each equation, or each part of a formula; or all")
    add("--author", help="who wrote it, under the title")
    add("--date", help="when, as it is to be printed")
    add("--short", action="store_true", help="the equations and their derivation alone")
    add("--full", action="store_true", help="with every operation and every check as an appendix")
    add("--paper", choices=PAPERS, help="the paper")
    add("--points", type=int, choices=POINTS, help="the size of the letters")
    add("--columns", type=int, choices=COLUMNS, help="of the page, or of your paper")
    add("--slides", action="store_true", help="as slides (Beamer), in LaTeX and PDF")
    add(
        "--unroll",
        type=int,
        nargs="?",
        const=3,
        metavar="MOMENTS",
        help="recurrent layers for 3 moments too",
    )
    add("--curvature", action="store_true", help="with products of the Hessian and the Gauss-Newton matrix, derived")
    add("--data", metavar="FILE.csv", help="of --curvature and weights: with the spectrum on these rows")
    add("--seed", type=int, help="of what is random in the report")
    add("--dtype", choices=DTYPES, help="of the generated code")


_CHOICES = (
    "layout", "symbols", "bold", "transpose", "layer_index", "title", "without", "steps", "author", "date", "short",
    "full", "paper", "points", "columns", "slides", "dtype", "seed", "unroll", "curvature", "data",
)  # fmt: skip


def choices(options: argparse.Namespace) -> dict[str, Any]:
    """Return what was chosen of a report, as `symprop.report` takes it."""
    return {name: value for name in _CHOICES if (value := vars(options).get(name)) is not None}


PAGE = ("title", "author", "date", "paper", "points")
NOTATION = ("symbol", "bold", "transpose", "layer-index")
"""The options of a report that pages in files have: of what stands around the formulas, and of these."""
_OF_PAGES = (*PAGE, "columns", "symbols", "bold", "transpose", "layer_index")


def sheet_of(
    options: argparse.Namespace, known: Callable[[], tuple[dict[str, str], Collection[str]]] | None = None
) -> Sheet:
    """Return what was chosen of a page that goes to a file; `known` are the names that may have symbols, and signs.

    Raises:
        SpecError: an unknown choice, a symbol for what does not occur, or a page that goes to no file.
    """
    given = {name: value for name, value in choices(options).items() if name in _OF_PAGES}
    if given and form_of(options) not in ("latex", "html"):
        raise SpecError(f"--{_typed(next(iter(given)))} is of a page in a file\nallowed: -o FILE.pdf, .tex or .html")
    if not given:
        return PLAIN_SHEET
    from symprop.reports.choices import byline, checked_title
    from symprop.reports.symbols import check_symbols

    notation = Notation(
        symbols_of(given.get("symbols", ())),
        given.get("bold", PLAIN.bold),
        given.get("transpose", PLAIN.transpose),
        given.get("layer_index", PLAIN.layer_index),
    )
    if notation.symbols and known is not None:
        check_symbols(notation.symbols, *known())
    on: dict[str, Any] = {name: given[name] for name in ("paper", "points", "columns") if name in given}
    title = checked_title(given["title"]) if "title" in given else ""
    return Sheet(title, byline(given.get("author", ""), given.get("date", "")), Paper(**on) if on else None, notation)


def _typed(name: str) -> str:
    return "symbol" if name == "symbols" else name.replace("_", "-")


def refuse_choices(options: argparse.Namespace) -> None:
    """Refuse options of a report where none is written.

    Raises:
        SpecError: one was given.
    """
    of_question = ("full", "layout", "dtype")
    given = next((name for name in (*_CHOICES, *_APART) if name in options and name not in of_question), None)
    if given is not None:
        raise SpecError(f"--{_typed(given)} is of a report, which ends in {', '.join(ENDINGS)}\nallowed: {WHOLE}")


def is_report(options: argparse.Namespace) -> bool:
    """Whether the ending of the file that is asked for is that of a report."""
    return options.output is not None and Path(options.output).suffix.lower() in ENDINGS


def check_parts(options: argparse.Namespace) -> None:
    """Check which part of a report is asked for.

    Raises:
        SpecError: two parts, what is of a fragment without one, or a fragment that is no LaTeX.
    """
    fragment, equation, prefix, level = (vars(options).get(name) for name in _APART)
    if fragment and equation is not None:
        raise SpecError("--fragment and --equation are two different things\nallowed: one of them")
    if (prefix is not None or level is not None) and not fragment:
        raise SpecError("--prefix and --level are for a --fragment")
    to_file = options.output not in (None, STANDARD)
    if (fragment or equation is not None) and to_file and not options.output.endswith(".tex"):
        raise SpecError(f"a fragment is LaTeX\nallowed: -o FILE.tex; without --fragment and --equation {WHOLE}")


def written(made: Report, options: argparse.Namespace, fields: Callable[[], dict[str, Any]]) -> Outcome:
    """Write a report, or the part of it that is asked for: to a file, or as the LaTeX that is printed.

    Where it shows a certificate in which a check failed, this is told, and the exit code says it.
    """
    fragment, equation, prefix, level = (vars(options).get(name) for name in _APART)
    if equation is not None:
        return Outcome(made.equation(equation), fields, output=options.output)
    from rich.console import Console  # here, so that a formula is answered without it

    is_file, text = options.output not in (None, STANDARD), ""
    with Console(stderr=True, quiet=not is_watched()).status("deriving, generating and checking"):
        if fragment:
            text = made.fragment(prefix or "", level or "section")
        elif is_file:
            made.write(options.output)
        else:
            text = made.latex()
    code = 0
    if any(section.label == CERTIFICATE for section in made.sections) and not made.certificate.ok:
        code = DISAGREES
        warned([f"the certificate in the report: {made.certificate.summary}"])
    if is_file and not fragment:
        return Outcome("", fields, code, written=(options.output,))
    return Outcome(text, fields, code, options.output)

"""The command `report`: a report on a network or a formula as LaTeX, PDF, HTML or Markdown."""

from __future__ import annotations

import argparse
from typing import Any

from symprop.algebra.formula import Formula, formula_with
from symprop.algebra.inference.infer import LIKELY_SCALAR
from symprop.algebra.latex.formulas import latex_formula_of
from symprop.algebra.latex.tokens import is_latex
from symprop.commands.arguments import (
    Enter,
    formula_of,
    network_argument,
    network_of,
    output_argument,
    parse_sizes,
    sized,
    text_of,
    where_argument,
)
from symprop.commands.outcome import Outcome
from symprop.commands.report_options import check_parts, choices, report_arguments, written
from symprop.errors import SpecError, shown
from symprop.formulas.answer import Answer
from symprop.formulas.ask import QUESTIONS, value_of
from symprop.networks.network import Network
from symprop.networks.spec import is_formula_text
from symprop.reports.report import Report, report
from symprop.saved import Model, load_weights


def enter(command: Enter) -> None:
    """Enter the command of this module."""
    parser = command("report", _report)
    network_argument(parser, optional=True, what="a formula, ")
    parser.add_argument("--latex", metavar="LATEX", help="the formula in LaTeX, such as '\\|A x - b\\|_2^2'")
    where_argument(parser)
    parser.add_argument(
        "--wrt", metavar="NAME", nargs="+", default=[],
        help="of a formula: the variables, all without it; u,v for a mixed Hessian",
    )  # fmt: skip
    parser.add_argument(
        "--ask", choices=QUESTIONS, nargs="+", default=[],
        help="of a formula: what is derived; the gradient without it, or of an array the Jacobian",
    )  # fmt: skip
    parser.add_argument("--along", metavar="NAME", help="of a product: the name of its direction (v, of jvp u)")
    output_argument(parser, told="FILE.tex, .pdf, .html, .md; LaTeX is printed without")
    report_arguments(parser)


def _report(options: argparse.Namespace) -> Outcome:
    check_parts(options)
    asked = _subject(options)
    made = report(
        answers(asked, options.wrt, options.ask, options.along) if isinstance(asked, Formula) else asked,
        **choices(options),
    )
    return written(made, options, lambda: report_fields(made))


def _subject(options: argparse.Namespace) -> Network | Model | Formula:
    """Return what the report is on: a network, weights with the training that they had, or a formula."""
    if (options.network is None) == (options.latex is None):
        told = 'report "x @ A @ x" --wrt x, the formula first; or report --latex "x^\\top A x" --wrt x'
        raise SpecError(f"a report is on one network or formula\nallowed: {told}")
    if options.network is not None and options.network.endswith(".npz"):
        if options.sizes:
            raise SpecError("weights have numbers for all sizes\nallowed: no --sizes")
        found: Network | Model | Formula = load_weights(options.network)
    else:
        found = _read(options)
    for name in ("where", "wrt", "ask", "along"):
        if vars(options)[name] and not isinstance(found, Formula):
            raise SpecError(f"--{name} is of a formula\nallowed: a network without it")
    return found


def _read(options: argparse.Namespace) -> Network | Formula:
    value = value_of(options.ask[0]) if options.ask else LIKELY_SCALAR
    sizes = parse_sizes(options.sizes)
    if options.latex is not None:
        return latex_formula_of(options.latex, options.where, {}, value).with_sizes(sizes)
    is_about_formula = options.where.strip() or options.wrt or options.ask
    text = (formula_of if is_about_formula else text_of)(options.network).strip() if options.network.strip() else ""
    if is_latex(text):
        return latex_formula_of(text, options.where, {}, value).with_sizes(sizes)
    if not is_formula_text(text) and not (is_about_formula and ">>" not in text):
        return sized(network_of(text), options.sizes)
    asked = [part for name in options.wrt for part in _parts(name)]
    return formula_with(text, options.where, {}, value, asked).with_sizes(sizes)


def answers(about: Formula, wrt: list[str], kinds: list[str], along: str | None = None) -> list[Answer]:
    """Return the answers to questions about a formula, by each of the variables; products have a direction.

    Raises:
        SympropError: a question that the formula cannot be asked, or no such variable.
    """
    if along is not None and not any(QUESTIONS[kind].direction for kind in kinds):
        raise SpecError(f"--along {shown(along)} names the direction of a product\nallowed: --ask vjp, jvp or hvp")
    kinds = kinds or ["jacobian" if about.node.rank else "gradient"]
    names = wrt or [each.name for each in about.variables if "index" not in each.facts_by_kind]
    found: dict[str, Answer] = {}
    for name in names:
        for kind in kinds:
            parts = _parts(name)
            if kind == "hessian" and len(parts) > 2:
                raise SpecError(f"--wrt {shown(name)} names {len(parts)} variables\nallowed: two for a mixed hessian")
            for by in [parts] if kind == "hessian" else [[part] for part in parts]:
                direction = [along] if along is not None and QUESTIONS[kind].direction else []
                answer: Answer = QUESTIONS[kind].ask(about, *by, *direction)
                found.setdefault(answer.name, answer)
    return list(found.values())


def _parts(name: str) -> list[str]:
    return [part.strip() for part in name.split(",")]


def report_fields(made: Report) -> dict[str, Any]:
    """Return what `--json` prints of a report."""
    return {
        "network": made.derivation.source,
        "layout": made.derivation.system.layout,
        "title": made.title,
        "sections": [section.title for section in made.sections],
    }

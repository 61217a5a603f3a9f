"""The questions about formulas: gradient, jacobian, hessian, vjp, jvp, hvp."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from symprop.algebra.formula import Formula, formula_with
from symprop.algebra.latex.formulas import latex_formula_of
from symprop.algebra.latex.tokens import is_latex
from symprop.commands.arguments import (
    DISAGREES,
    FORMULA_HELP,
    Enter,
    formula_of,
    limit_argument,
    output_argument,
    parse_sizes,
    sizes_argument,
    where_argument,
)
from symprop.commands.outcome import Outcome
from symprop.commands.proofs import certificate_fields, proof
from symprop.commands.report_options import check_parts, choices, is_report, refuse_choices, report_arguments, written
from symprop.errors import SpecError, shown
from symprop.formulas.answer import Answer
from symprop.formulas.answers import Answers
from symprop.formulas.arrangement import ORDERS, SYMMETRIES
from symprop.formulas.ask import QUESTIONS, value_of
from symprop.formulas.pages import read_as
from symprop.networks.spec import is_network_text

if TYPE_CHECKING:
    from symprop.verify.certificate import Certificate

WRITERS: dict[str, Callable[[Answer | Answers], str]] = {
    "pretty": lambda answer: answer.page(),
    "text": lambda answer: _above(answer, "# ") + answer.text(),
    "latex": lambda answer: _above(answer, "% ") + answer.latex(),
    "numpy": lambda answer: _below_the_first(answer.numpy().rstrip("\n"), _above(answer, "# ")),
    "html": lambda answer: answer.html(),
    "steps": lambda answer: _above(answer, "") + str(answer.steps()),
}


def enter(command: Enter) -> None:
    """Enter the commands of this module."""
    for name, question in QUESTIONS.items():
        asked = command(name, _question)
        asked.set_defaults(question=name, along=None)
        more = ", or a network, all of whose gradients are printed" if name == "gradient" else ""
        asked.add_argument("formula", metavar="FORMULA", nargs="?", help=f"{FORMULA_HELP}; or LaTeX{more}")
        asked.add_argument("--latex", metavar="LATEX", help="the formula in LaTeX, such as '\\|A x - b\\|_2^2'")
        where_argument(asked)
        asked.add_argument("--wrt", metavar="NAME", help="the variable, all without it; U,V for a mixed Hessian")
        asked.instead[""] = "--wrt {} for the variable"
        if name in ("jacobian", "hessian"):
            asked.instead["--symmetric"] = "--vec vech, which moves pairs of a symmetric matrix as one"
            asked.add_argument("--vec", choices=ORDERS, default="rows", help="the order of the elements of matrices")
        if name == "gradient":
            asked.instead["--vec"] = "jacobian and hessian have it; a gradient has the shape of its variable"
            what = "with respect to a symmetric matrix, each element alone or both of a pair together"
            asked.add_argument("--symmetric", choices=SYMMETRIES, default="free", help=what)
        if question.direction:
            asked.add_argument("--along", metavar="NAME", help=f"the name of the direction ({question.direction})")
        asked.add_argument("--format", choices=WRITERS, help="how it is printed; html is a report")
        sizes_argument(asked)
        asked.add_argument("--check", action="store_true", help="certify the answer by independent oracles")
        asked.add_argument("--full", action="store_true", help="print every row of --check")
        limit_argument(asked)
        output_argument(asked, told="write here instead of printing; a report to FILE.pdf, .html, .tex or .md")
        report_arguments(
            asked,
            "of a report, which is written to FILE.pdf, .html, .tex or .md",
            but=("full",) if name == "gradient" else ("full", "layout"),
        )


def _question(options: argparse.Namespace) -> Outcome:
    names = [name.strip() for name in options.wrt.split(",")] if options.wrt is not None else []
    if len(names) > 1 and (options.question != "hessian" or len(names) > 2):
        problem = f"--wrt {shown(options.wrt)} names {len(names)} variables"
        raise SpecError(f"{problem}\nallowed: one, all without --wrt, or two for a mixed hessian")
    source = _source(options)
    is_page = options.format == "html" or (options.format is None and is_report(options))
    (check_parts if is_page else refuse_choices)(options)
    if options.question == "gradient" and isinstance(source, str) and is_network_text(source):
        from symprop.commands.of_networks import of_network  # here, so that a formula is answered without it

        return of_network(source, names, is_page, options)
    if "layout" in options or ("dtype" in options and not is_page):
        told = "--layout is of a network" if "layout" in options else "--dtype is of the code in a report"
        raise SpecError(f"{told}\nallowed: a formula without it")
    asked: list[str | None] = [*(names or [None]), *([] if options.along is None else [options.along])]
    conventions = {name: vars(options)[name] for name in ("vec", "symmetric") if name in options}
    answer: Answer | Answers = QUESTIONS[options.question].ask(source, *asked, **conventions)
    answer = answer.with_sizes(parse_sizes(options.sizes))
    if is_page:
        return _reported(answer, options)
    text, certificate = WRITERS[options.format or "pretty"](answer), None
    if options.check:
        certificate = answer.check(limit=options.limit)
        text = f"{text}\n\n{proof(certificate, options.full)}"
    code = 0 if certificate is None or certificate.ok else DISAGREES
    return Outcome(text, lambda: _fields(answer, certificate), code, options.output)


def _reported(answer: Answer | Answers, options: argparse.Namespace) -> Outcome:
    """Write a report on an answer, or print its HTML."""
    from symprop.reports.report import report  # here, so that a formula is answered without it

    made = report(answer, **choices(options))
    made = replace(made, subject=replace(made.subject, limit=options.limit))
    certificate = made.certificate if options.check else None
    code = 0 if certificate is None or certificate.ok else DISAGREES
    if options.format is None:
        outcome = written(made, options, lambda: _fields(answer, certificate))
        told = outcome.text if certificate is None else proof(certificate, options.full)
        return replace(outcome, text=told, code=code or outcome.code)
    return Outcome(made.html(), lambda: _fields(answer, certificate), code, options.output)


def _fields(answer: Answer | Answers, certificate: Certificate | None) -> dict[str, Any]:
    """The fields of a question, which are the same for one answer and for several."""
    found = [answer] if isinstance(answer, Answer) else list(answer)
    formula = found[0].result.formula
    return {
        "formula": formula.source,
        "read_as": formula.readings,
        "answers": [
            {
                "wrt": [each.name for each in one.result.by],
                "along": None if one.result.direction is None else one.result.direction.name,
                "numpy": one.text(),
                "latex": one.latex(),
                "pretty": one.pretty(),
                "shape": one.shape,
                "steps": len(one.steps()),
                "remarks": one.remarks,
                "used": one.ledger,
            }
            for one in found
        ],
        "certificate": None if certificate is None else certificate_fields(certificate),
    }


def _source(options: argparse.Namespace) -> Formula | str:
    """Return the formula that is asked about, or its text where its shapes are to be inferred, or a network's text."""
    if (options.formula is None) == (options.latex is None):
        raise SpecError('a question is about one formula\nallowed: "x @ A @ x", or --latex "x^\\top A x"')
    kind = value_of(options.question)
    if options.latex is not None:
        return latex_formula_of(options.latex, options.where, {}, kind)
    text = formula_of(options.formula).strip()
    if is_latex(text):
        return latex_formula_of(text, options.where, {}, kind)
    return formula_with(text, options.where, {}, kind) if options.where.strip() else text


def _above(answer: Answer | Answers, before: str) -> str:
    """The shapes that were inferred, in lines above the answer."""
    result = answer.result if isinstance(answer, Answer) else answer.answers[0].result
    return "".join(f"{line}\n" for line in read_as(result, before))


def _below_the_first(source: str, lines: str) -> str:
    """Put lines below the first of a source, which says how the file is encoded."""
    first, _, rest = source.partition("\n")
    return f"{first}\n{lines}{rest}"

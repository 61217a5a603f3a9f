"""The commands about formulas: gradient, jacobian, hessian, vjp, jvp, hvp, compare."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from symprop.algebra.declarations import declarations_text
from symprop.algebra.formula import Formula
from symprop.algebra.latex.formulas import formula, latex_formula_of, right_side
from symprop.algebra.latex.papers import equation
from symprop.algebra.latex.tokens import is_latex
from symprop.analysis.derivation import derive
from symprop.commands.arguments import (
    DISAGREES,
    FORMULA_HELP,
    NETWORK_HELP,
    UNDECIDED,
    Enter,
    formula_of,
    limit_argument,
    output_argument,
    read_network,
    readable,
    where_argument,
)
from symprop.commands.derived import of_network
from symprop.commands.outcome import Outcome
from symprop.commands.proofs import certificate_fields
from symprop.errors import SpecError, shown
from symprop.files import read_text
from symprop.formulas.answer import Answer
from symprop.formulas.answers import Answers
from symprop.formulas.arrangement import ORDERS, SYMMETRIES
from symprop.formulas.ask import QUESTIONS, value_of
from symprop.formulas.compare.compare import compare
from symprop.formulas.compare.comparison import Comparison
from symprop.formulas.compare.of_derivation import compare_line
from symprop.formulas.pages import read_as
from symprop.networks.network import LAYOUTS
from symprop.networks.spec import is_network_text
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
        if name in ("jacobian", "hessian"):
            asked.add_argument("--vec", choices=ORDERS, default="rows", help="the order of the elements of matrices")
        if name == "gradient":
            what = "with respect to a symmetric matrix, each element alone or both of a pair together"
            asked.add_argument("--symmetric", choices=SYMMETRIES, default="free", help=what)
        if question.direction:
            asked.add_argument("--along", metavar="NAME", help=f"the name of the direction ({question.direction})")
        asked.add_argument("--format", choices=WRITERS, default="pretty", help="html is a whole document")
        asked.add_argument("--check", action="store_true", help="certify the answer by independent oracles")
        limit_argument(asked)
        output_argument(asked)

    parser = command("compare", _compare)
    parser.add_argument("first", metavar="FORMULA_A", help=f"{FORMULA_HELP}; or LaTeX; with --equation a .tex file")
    parser.add_argument("second", metavar="FORMULA_B", nargs="?", help="none where a network's is meant")
    parser.add_argument("--equation", metavar="NUMBER", help="the equation of the file, by its number or label")
    parser.add_argument("--with", dest="other", metavar="FORMULA_B", help="the other formula")
    where_argument(parser)
    parser.add_argument("--network", metavar="NETWORK", help=f"whose quantity FORMULA_A is to be: {NETWORK_HELP}")
    parser.add_argument("--of", metavar="NAME", help="the quantity of the network: delta1, dW1, dL/dW1, a1, da2/dz1")
    parser.add_argument("--layout", choices=LAYOUTS, help="of one example, or of a batch in rows or columns")


def _question(options: argparse.Namespace) -> Outcome:
    names = [name.strip() for name in options.wrt.split(",")] if options.wrt is not None else []
    if len(names) > 1 and (options.question != "hessian" or len(names) > 2):
        problem = f"--wrt {shown(options.wrt)} names {len(names)} variables"
        raise SpecError(f"{problem}\nallowed: one, or two for a mixed hessian")
    source = _source(options)
    if options.question == "gradient" and isinstance(source, str) and is_network_text(source):
        return of_network(source, names, options)
    asked: list[str | None] = [*(names or [None]), *([] if options.along is None else [options.along])]
    conventions = {name: vars(options)[name] for name in ("vec", "symmetric") if name in options}
    answer: Answer | Answers = QUESTIONS[options.question].ask(source, *asked, **conventions)
    written, certificate = WRITERS[options.format](answer), None
    if options.check:
        certificate = answer.check(limit=options.limit)
        written = f"{written}\n\n{certificate.table()}"
    code = 0 if certificate is None or certificate.ok else DISAGREES
    return Outcome(written, lambda: _fields(answer, certificate), code, options.output)


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
    return formula(text, options.where) if options.where.strip() else text


def _above(answer: Answer | Answers, before: str) -> str:
    """The shapes that were inferred, in lines above the answer."""
    result = answer.result if isinstance(answer, Answer) else answer.answers[0].result
    return "".join(f"{line}\n" for line in read_as(result, before))


def _below_the_first(source: str, lines: str) -> str:
    """Put lines below the first of a source, which says how the file is encoded."""
    first, _, rest = source.partition("\n")
    return f"{first}\n{lines}{rest}"


def _compare(options: argparse.Namespace) -> Outcome:
    found, above = _compared_with_network(options) if options.network is not None else _compared(options)
    code = 0 if found.equal else DISAGREES if found.equal is False else UNDECIDED
    return Outcome("\n".join([*above, str(found)]), lambda: _comparison(found), code)


def _comparison(found: Comparison) -> dict[str, Any]:
    counter = found.counterexample
    sides = {"first": found.first.source, "second": found.second.source}
    said = {"equal": found.equal, "kind": found.kind, "message": found.message, **sides, "used": found.used}
    return {**said, "counterexample": None if counter is None else str(counter)}


def _first(options: argparse.Namespace) -> tuple[str, list[str]]:
    """Return the first formula, which may be an equation of a file, and what is said of where it stands."""
    if options.equation is None:
        return formula_of(options.first), []
    asked = equation(read_text(readable(options.first)), options.equation)
    found = right_side(asked.latex)
    return found, [f"{options.first}, line {asked.line}: {' '.join(found.replace('&', ' ').split())}"]


def _compared(options: argparse.Namespace) -> tuple[Comparison, list[str]]:
    second = options.second if options.other is None else options.other
    both = options.second is not None and options.other is not None
    if second is None or both or options.of is not None or options.layout is not None:
        told = second is not None and not both
        problem = "--of and --layout are of a network" if told else "compare takes two formulas"
        allowed = 'FORMULA_A FORMULA_B, FORMULA_A --with FORMULA_B, or --network "..." --of delta1 FORMULA'
        raise SpecError(f"{problem}\nallowed: {allowed}")
    first, above = _first(options)
    found = compare(first, formula_of(second), options.where)
    if not options.where.strip() and found.first.variables:
        above = [*above, declarations_text(found.first.variables)]
    return found, above


def _compared_with_network(options: argparse.Namespace) -> tuple[Comparison, list[str]]:
    if options.second is not None or options.other is not None or options.of is None or options.where.strip():
        problem = "a line is compared with one quantity of a network, whose names and shapes are known"
        raise SpecError(f'{problem}\nallowed: --network "..." --of delta1 FORMULA')
    line, above = _first(options)
    return compare_line(derive(read_network(options.network), options.layout), options.of, line), above

"""The commands about formulas: gradient, jacobian, hessian, vjp, jvp, hvp, compare."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from symprop.algebra.declarations import declarations_text
from symprop.algebra.formula import Formula
from symprop.algebra.latex.formulas import formula, latex_formula_of, right_side
from symprop.algebra.latex.papers import equation
from symprop.analysis.derivation import derive
from symprop.commands.arguments import (
    DISAGREES,
    FORMULA_HELP,
    NETWORK_HELP,
    UNDECIDED,
    Enter,
    limit_argument,
    output_argument,
    put,
    read_network,
    where_argument,
)
from symprop.errors import SpecError, shown
from symprop.files import check_writable, read_text
from symprop.formulas.answer import Answer
from symprop.formulas.answers import Answers
from symprop.formulas.arrangement import ORDERS, SYMMETRIES
from symprop.formulas.ask import QUESTIONS, value_of
from symprop.formulas.compare.compare import compare
from symprop.formulas.compare.comparison import Comparison
from symprop.formulas.compare.of_derivation import compare_line
from symprop.formulas.pages import read_as
from symprop.networks.network import LAYOUTS

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
        asked = command(name, _question, f"print the {question.name} of a formula in matrix form")
        asked.set_defaults(question=name, along=None)
        asked.add_argument("formula", metavar="FORMULA", nargs="?", help=FORMULA_HELP)
        asked.add_argument("--latex", metavar="FORMULA", help="the formula in LaTeX, such as '\\|A x - b\\|_2^2'")
        where_argument(asked)
        asked.add_argument("--wrt", metavar="NAME", help="the variable, all without it; U,V for a mixed Hessian")
        if name in ("jacobian", "hessian"):
            asked.add_argument("--vec", choices=ORDERS, default="rows", help="the order of the elements of matrices")
        if name == "gradient":
            what = "by a symmetric matrix, each element alone or both of a pair together"
            asked.add_argument("--symmetric", choices=SYMMETRIES, default="free", help=what)
        if question.direction:
            asked.add_argument("--along", metavar="NAME", help=f"the name of the direction ({question.direction})")
        asked.add_argument("--format", choices=WRITERS, default="pretty", help="html is a whole document")
        asked.add_argument("--check", action="store_true", help="certify the answer by independent oracles")
        limit_argument(asked)
        output_argument(asked)

    parser = command("compare", _compare, "say whether two formulas are equal, or how they differ")
    parser.add_argument("first", metavar="FORMULA_A", help=f"{FORMULA_HELP}, or LaTeX; with --equation a .tex file")
    parser.add_argument("second", metavar="FORMULA_B", nargs="?", help="none where a network's is meant")
    parser.add_argument("--equation", metavar="NUMBER", help="the equation of the file, by its number or label")
    parser.add_argument("--with", dest="other", metavar="FORMULA_B", help="the other formula")
    where_argument(parser)
    parser.add_argument("--network", metavar="NETWORK", help=f"whose quantity FORMULA_A is to be: {NETWORK_HELP}")
    parser.add_argument("--of", metavar="NAME", help="the quantity of the network: delta1, dW1, dL/dW1, a1, da2/dz1")
    parser.add_argument("--layout", choices=LAYOUTS, help="of one example, or of a batch in rows or columns")


def _question(options: argparse.Namespace) -> int:
    if options.output is not None:
        check_writable(options.output)
    names = [name.strip() for name in options.wrt.split(",")] if options.wrt is not None else []
    if len(names) > 1 and (options.question != "hessian" or len(names) > 2):
        problem = f"--wrt {shown(options.wrt)} names {len(names)} variables"
        raise SpecError(f"{problem}\nallowed: one, or two for a mixed hessian")
    asked: list[str | None] = [*(names or [None]), *([] if options.along is None else [options.along])]
    conventions = {name: vars(options)[name] for name in ("vec", "symmetric") if name in options}
    source = _source(options)
    answer: Answer | Answers = QUESTIONS[options.question].ask(source, *asked, **conventions)
    written, code = WRITERS[options.format](answer), 0
    if options.check:
        certificate = answer.check(limit=options.limit)
        written, code = f"{written}\n\n{certificate.table()}", 0 if certificate.ok else DISAGREES
    put(written, options.output)
    return code


def _source(options: argparse.Namespace) -> Formula | str:
    """Return the formula that is asked about, or its text where its shapes are to be inferred."""
    if (options.formula is None) == (options.latex is None):
        raise SpecError('a question is about one formula\nallowed: "x @ A @ x", or --latex "x^\\top A x"')
    if options.latex is not None:
        kind = value_of(options.question)
        return latex_formula_of(options.latex, options.where, {}, kind)
    return formula(options.formula, options.where) if options.where.strip() else str(options.formula)


def _above(answer: Answer | Answers, before: str) -> str:
    """The shapes that were inferred, in lines above the answer."""
    result = answer.result if isinstance(answer, Answer) else answer.answers[0].result
    return "".join(f"{line}\n" for line in read_as(result, before))


def _below_the_first(source: str, lines: str) -> str:
    """Put lines below the first of a source, which says how the file is encoded."""
    first, _, rest = source.partition("\n")
    return f"{first}\n{lines}{rest}"


def _compare(options: argparse.Namespace) -> int:
    found = _compared_with_network(options) if options.network is not None else _compared(options)
    print(found)
    return 0 if found.equal else DISAGREES if found.equal is False else UNDECIDED


def _first(options: argparse.Namespace) -> str:
    """Return the first formula, which may be an equation of a file."""
    if options.equation is None:
        given: str = options.first
        return given
    asked = equation(read_text(options.first), options.equation)
    found = right_side(asked.latex)
    print(f"{options.first}, line {asked.line}: {' '.join(found.replace('&', ' ').split())}")
    return found


def _compared(options: argparse.Namespace) -> Comparison:
    second = options.second if options.other is None else options.other
    both = options.second is not None and options.other is not None
    if second is None or both or options.of is not None or options.layout is not None:
        told = second is not None and not both
        problem = "--of and --layout are of a network" if told else "compare takes two formulas"
        allowed = 'FORMULA_A FORMULA_B, FORMULA_A --with FORMULA_B, or --network "..." --of delta1 FORMULA'
        raise SpecError(f"{problem}\nallowed: {allowed}")
    found = compare(_first(options), second, options.where)
    if not options.where.strip() and found.first.variables:
        print(declarations_text(found.first.variables))
    return found


def _compared_with_network(options: argparse.Namespace) -> Comparison:
    if options.second is not None or options.other is not None or options.of is None or options.where.strip():
        problem = "a line is compared with one quantity of a network, whose names and shapes are known"
        raise SpecError(f'{problem}\nallowed: --network "..." --of delta1 FORMULA')
    return compare_line(derive(read_network(options.network), options.layout), options.of, _first(options))

"""The commands about formulas: gradient, jacobian, hessian, vjp, jvp, hvp, compare."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from symprop.algebra.formula import formula
from symprop.commands.arguments import DISAGREES, FORMULA_HELP, Enter, output_argument, put, where_argument
from symprop.errors import SpecError, shown
from symprop.files import check_writable
from symprop.formulas.answer import Answer
from symprop.formulas.ask import QUESTIONS
from symprop.formulas.compare.compare import compare

WRITERS: dict[str, Callable[[Answer], str]] = {
    "pretty": Answer.page,
    "text": Answer.text,
    "latex": Answer.latex,
    "numpy": lambda answer: answer.numpy().rstrip("\n"),
    "html": Answer.html,
    "steps": lambda answer: str(answer.steps()),
}


def enter(command: Enter) -> None:
    """Enter the commands of this module."""
    for name, question in QUESTIONS.items():
        asked = command(name, _question, f"print the {question.name} of a formula in matrix form")
        asked.set_defaults(question=name, along=None)
        asked.add_argument("formula", metavar="FORMULA", help=FORMULA_HELP)
        where_argument(asked)
        asked.add_argument("--wrt", metavar="NAME", required=True, help="the variable; U,V for a mixed Hessian")
        if question.direction:
            asked.add_argument("--along", metavar="NAME", help=f"the name of the direction ({question.direction})")
        asked.add_argument("--format", choices=WRITERS, default="pretty", help="html is a whole document")
        asked.add_argument("--check", action="store_true", help="certify the answer by independent oracles")
        output_argument(asked)

    parser = command("compare", _compare, "say whether two formulas are equal, or how they differ")
    parser.add_argument("first", metavar="FORMULA_A", help=FORMULA_HELP)
    parser.add_argument("second", metavar="FORMULA_B")
    where_argument(parser)


def _question(options: argparse.Namespace) -> int:
    if options.output is not None:
        check_writable(options.output)
    names = [name.strip() for name in options.wrt.split(",")]
    if len(names) > 1 and (options.question != "hessian" or len(names) > 2):
        problem = f"--wrt {shown(options.wrt)} names {len(names)} variables"
        raise SpecError(f"{problem}\nallowed: one, or two for a mixed hessian")
    along = [] if options.along is None else [options.along]
    answer: Answer = QUESTIONS[options.question].ask(formula(options.formula, options.where), *names, *along)
    written, code = WRITERS[options.format](answer), 0
    if options.check:
        certificate = answer.check()
        written, code = f"{written}\n\n{certificate.table()}", 0 if certificate.ok else DISAGREES
    put(written, options.output)
    return code


def _compare(options: argparse.Namespace) -> int:
    found = compare(options.first, options.second, options.where)
    print(found)
    return 0 if found else DISAGREES

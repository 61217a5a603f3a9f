"""The commands about formulas: gradient, jacobian, hessian, vjp, jvp, hvp, compare."""

from __future__ import annotations

import argparse

from symprop.commands.arguments import FORMULA_HELP, Enter, output_argument, put, where_argument

ANSWER_FORMATS = ("pretty", "text", "latex", "numpy", "html", "steps")
QUESTIONS = {
    "gradient": "gradient",
    "jacobian": "Jacobian",
    "hessian": "Hessian",
    "vjp": "vector-Jacobian product",
    "jvp": "Jacobian-vector product",
    "hvp": "Hessian-vector product",
}
PRODUCTS = {"vjp": "v", "jvp": "u", "hvp": "v"}


def enter(command: Enter) -> None:
    """Enter the commands of this module."""
    for question, what in QUESTIONS.items():
        asked = command(question, _question, f"print the {what} of a formula in matrix form")
        asked.set_defaults(question=question)
        asked.add_argument("formula", metavar="FORMULA", help=FORMULA_HELP)
        where_argument(asked)
        asked.add_argument("--wrt", metavar="NAME", required=True, help="the variable; U,V for a mixed Hessian")
        if question in PRODUCTS:
            asked.add_argument("--along", metavar="NAME", help=f"the name of the direction ({PRODUCTS[question]})")
        asked.add_argument("--format", choices=ANSWER_FORMATS, default="pretty", help="html is a whole document")
        asked.add_argument("--check", action="store_true", help="certify the answer by independent oracles")
        output_argument(asked)

    compare = command("compare", _compare, "say whether two formulas are equal, or how they differ")
    compare.add_argument("first", metavar="FORMULA_A", help=FORMULA_HELP)
    compare.add_argument("second", metavar="FORMULA_B")
    where_argument(compare)


def _question(options: argparse.Namespace) -> int:
    from symprop.commands import formula_run
    from symprop.files import check_writable

    if options.output is not None:
        check_writable(options.output)
    along = options.along if options.question in PRODUCTS else None
    written, code = formula_run.run(
        options.question, options.formula, options.where, options.wrt, along, options.format, options.check
    )
    put(written, options.output)
    return code


def _compare(options: argparse.Namespace) -> int:
    from symprop.commands import formula_run

    written, code = formula_run.run_compare(options.first, options.second, options.where)
    print(written)
    return code

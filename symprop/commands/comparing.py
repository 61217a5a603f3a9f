"""The command that compares two formulas: compare."""

from __future__ import annotations

import argparse
from typing import Any

from symprop.algebra.declarations import declarations_text
from symprop.algebra.latex.asked import questions
from symprop.algebra.latex.formulas import sides
from symprop.algebra.latex.papers import equation
from symprop.algebra.latex.tokens import is_latex, tokens
from symprop.analysis.derivation import derive
from symprop.commands.arguments import (
    DISAGREES,
    FORMULA_HELP,
    NETWORK_HELP,
    UNDECIDED,
    Enter,
    formula_of,
    read_network,
    readable,
    where_argument,
)
from symprop.commands.outcome import Outcome
from symprop.errors import SpecError
from symprop.files import read_text
from symprop.formulas.compare.compare import compare
from symprop.formulas.compare.comparison import Comparison
from symprop.formulas.compare.of_derivation import compare_line
from symprop.networks.network import LAYOUTS


def enter(command: Enter) -> None:
    """Enter the command of this module."""
    parser = command("compare", _compare)
    parser.add_argument("first", metavar="FORMULA_A", help=f"{FORMULA_HELP}; or LaTeX; with --equation a .tex file")
    alone = "none where a network's is meant, or FORMULA_A is an equation with a derivative on its left"
    parser.add_argument("second", metavar="FORMULA_B", nargs="?", help=alone)
    parser.add_argument("--equation", metavar="NUMBER", help="the equation of the file, by its number or label")
    parser.add_argument("--with", dest="other", metavar="FORMULA_B", help="the other formula")
    where_argument(parser)
    parser.add_argument("--network", metavar="NETWORK", help=f"whose quantity FORMULA_A is to be: {NETWORK_HELP}")
    parser.add_argument("--of", metavar="NAME", help="the quantity of the network: delta1, dW1, dL/dW1, a1, da2/dz1")
    parser.add_argument("--layout", choices=LAYOUTS, help="of one example, or of a batch in rows or columns")


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
    found = equation(read_text(readable(options.first)), options.equation)
    return found.latex, [f"{options.first}, line {found.line}: {' '.join(found.latex.replace('&', ' ').split())}"]


def _both(options: argparse.Namespace, first: str) -> tuple[str, str]:
    r"""Return the two formulas: the first alone may be an equation, `\nabla_x x^\top A x = (A + A^\top) x`."""
    second = options.second if options.other is None else options.other
    left, *right = sides(first) if is_latex(first) else (first,)
    is_question = bool(right and questions(tokens(left), left))
    twice = options.second is not None and options.other is not None
    of_network = options.of is not None or options.layout is not None
    if of_network or twice or (second is None and not is_question):
        problem = "--of and --layout are of a network" if of_network else "compare takes two formulas"
        allowed = 'FORMULA_A FORMULA_B, FORMULA_A --with FORMULA_B, or --network "..." --of delta1 FORMULA'
        raise SpecError(f"{problem}\nallowed: {allowed}")
    if second is None:
        return left, right[-1]
    return first if options.equation is None else (right or [left])[-1], formula_of(second)


def _compared(options: argparse.Namespace) -> tuple[Comparison, list[str]]:
    first, above = _first(options)
    found = compare(*_both(options, first), options.where)
    if not options.where.strip() and found.first.variables:
        above = [*above, declarations_text(found.first.variables)]
    return found, above


def _compared_with_network(options: argparse.Namespace) -> tuple[Comparison, list[str]]:
    if options.second is not None or options.other is not None or options.of is None or options.where.strip():
        problem = "a line is compared with one quantity of a network, whose names and shapes are known"
        raise SpecError(f'{problem}\nallowed: --network "..." --of delta1 FORMULA')
    line, above = _first(options)
    line = line if options.equation is None else sides(line)[-1]
    return compare_line(derive(read_network(options.network), options.layout), options.of, line), above

"""The symbols that an author chooses for a report: each for a name that it has, and no two things print alike."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sympy import Symbol

from symprop.algebra.named_numbers import named_numbers
from symprop.algebra.names import closest
from symprop.algebra.nodes import Variable
from symprop.algebra.trees import variables
from symprop.errors import SpecError, listed, shown
from symprop.networks.sizes import NUMBERED
from symprop.notation.choices import usual
from symprop.notation.function_notes import functions_of
from symprop.notation.latex import OPERATORS
from symprop.reports.subject import Subject

_WORDS = re.compile(r"\\(?:operatorname|mathrm|text|begin|end)\{[^{}]*\}")
_SIGN = re.compile(r"\\[A-Za-z]+|[A-Za-z]")


def check_symbols(subject: Subject) -> None:
    """Check the symbols that were chosen for a report.

    Raises:
        SpecError: one for a name that the report does not have, or that stands for something else in it.
    """
    chosen = dict(subject.notation.symbols)
    if not chosen:
        return
    known = names_of(subject)
    for name in chosen:
        if name in NUMBERED and name in subject.network.sizes:
            raise SpecError(
                f"{shown(name)} is a size and a letter of parameters, and one symbol cannot stand for both\n"
                "allowed: another name for the size, such as n1"
            )
        if name not in known:
            raise SpecError(
                f"nothing in the report is called {shown(name)}{closest(name, list(known))}\nit has {listed(known)}"
            )
    written = {**known, **chosen}
    others = _others(subject, known)
    for name, symbol in chosen.items():
        twin = next((each for each in written if each != name and written[each] == symbol), None)
        if twin is not None:
            raise SpecError(
                f"the symbol {shown(symbol)} of {shown(name)} is that of {shown(twin)} in this report\n"
                f"allowed: another symbol, or one for {shown(twin)} too"
            )
        if symbol in others:
            raise SpecError(
                f"the symbol {shown(symbol)} of {shown(name)} is another sign in this report\nallowed: another symbol"
            )


def names_of(subject: Subject) -> Mapping[str, str]:
    """Return what may get a symbol, and how it is written without: arrays, functions, numbers with a name, sizes,
    counts of blocks and moments, and indices."""
    equations = subject.derivation.equations
    nodes = [side for equation in equations for side in (equation.target, equation.expression)]
    loops = (loop for loop in subject.derivation.system.loops)
    symbols = {each for node in nodes for each in node.free_symbols}
    symbols |= {each for loop in loops for each in (loop.index, *loop.count.free_symbols)}
    letters = dict.fromkeys(each.letter for node in nodes for each in variables(node))
    known = {letter: Variable(letter, (), ()).latex() for letter in letters}
    for function in functions_of(subject.derivation):
        known[function.name] = OPERATORS.get(function.name, function.name)
    known |= {each.label: each.variable.latex() for each in named_numbers(nodes)}
    sizes = sorted(each.name for each in symbols if isinstance(each, Symbol))
    return known | {name: usual(name) for name in sizes if name not in known}


def _others(subject: Subject, known: Mapping[str, str]) -> set[str]:
    """The signs that stand in the formulas of a report and belong to none of its names, such as I and the indices."""
    formulas = (_WORDS.sub("", equation.latex()) for equation in subject.derivation.equations)
    signs = {sign for formula in formulas for sign in _SIGN.findall(formula)}
    return {"I", *signs} - {sign for written in known.values() for sign in _SIGN.findall(written)}

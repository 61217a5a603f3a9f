"""The symbols that an author chooses for a report: each for a name that it has, and no two things print alike."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from sympy import Symbol

from symprop.algebra.named_numbers import named_numbers
from symprop.algebra.nodes import Variable
from symprop.algebra.trees import variables
from symprop.analysis.derivation import Derivation
from symprop.errors import SpecError, listed, shown
from symprop.hints import closest
from symprop.notation.choices import usual
from symprop.notation.function_notes import functions_of
from symprop.notation.latex import OPERATORS

_WORDS = re.compile(r"\\(?:operatorname|mathrm|text|begin|end)\{[^{}]*\}")
_SIGN = re.compile(r"\\[A-Za-z]+|[A-Za-z]")


def check_symbols(symbols: Iterable[tuple[str, str]], known: Mapping[str, str], signs: Collection[str] = ()) -> None:
    """Check the symbols that were chosen for a report, by what each of its names is written as without them.

    Raises:
        SpecError: one for a name that the report does not have, or that is another name's or one of its other `signs`.
    """
    chosen = dict(symbols)
    written = {**known, **chosen}
    for name, symbol in chosen.items():
        if name not in known:
            raise SpecError(
                f"nothing in the report is called {shown(name)}{closest(name, list(known))}\nit has {listed(known)}"
            )
        twin = next((each for each in written if each != name and written[each] == symbol), None)
        if twin is not None:
            raise SpecError(
                f"the symbol {shown(symbol)} of {shown(name)} is that of {shown(twin)} in this report\n"
                f"allowed: another symbol, or one for {shown(twin)} too"
            )
        if symbol in signs:
            raise SpecError(
                f"the symbol {shown(symbol)} of {shown(name)} is another sign in this report\nallowed: another symbol"
            )


def names_of(derivation: Derivation) -> dict[str, str]:
    """Return what may get a symbol, and how it is written without: arrays, functions, numbers with a name, sizes,
    counts of blocks and moments, and indices."""
    equations = derivation.equations
    nodes = [side for equation in equations for side in (equation.target, equation.expression)]
    symbols = {each for node in nodes for each in node.free_symbols}
    symbols |= {each for loop in derivation.system.loops for each in (loop.index, *loop.count.free_symbols)}
    letters = dict.fromkeys(each.letter for node in nodes for each in variables(node))
    known = {letter: Variable(letter, (), ()).latex() for letter in letters}
    for function in functions_of(derivation):
        known[function.name] = OPERATORS.get(function.name, function.name)
    known |= {each.label: each.variable.latex() for each in named_numbers(nodes)}
    sizes = sorted(each.name for each in symbols if isinstance(each, Symbol))
    return known | {name: usual(name) for name in sizes if name not in known}


def signs_of(derivation: Derivation, known: Mapping[str, str]) -> set[str]:
    """The signs that stand in the formulas of a report and belong to none of its names, such as I and the indices."""
    formulas = (_WORDS.sub("", equation.latex()) for equation in derivation.equations)
    signs = {sign for formula in formulas for sign in _SIGN.findall(formula)}
    return {"I", *signs} - {sign for written in known.values() for sign in _SIGN.findall(written)}

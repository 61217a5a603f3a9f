"""What random formulas hold: values as NumPy has them, each word of the language, each kind of node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from symprop.algebra import nodes as n
from symprop.algebra.formula import Formula
from symprop.algebra.trees import walk
from symprop.formulas.checks.checks import ATTEMPTS
from symprop.formulas.checks.oracles import value
from symprop.formulas.checks.points import FormulaPoint, at_sizes, lifted, numbered, points, size_symbols
from tests.drawn_calls import WORDS, numpy_words
from tests.grown_formulas import grown
from trust.formulas import ERRORS, asked, drawn, first_line, near
from trust.measures import Measure, Outcome

OF_NETWORKS = (n.Known,)
"""Kinds that no formula has: masks and positions, which only layers make."""
ENOUGH = 10 * len(WORDS)
"""So many formulas have nodes of all kinds, if the words that make rare ones are drawn as often as others."""


def values(cases: int, seed: int) -> Outcome:
    """Compare the values of formulas with those that NumPy gives for their text, and the text that is printed."""
    failures = []
    for number in range(cases):
        text = f"formula {number}"
        try:
            kind = ("gradient", "jacobian")[number // 2 % 2]
            text, f = drawn(kind, number, np.random.default_rng((seed, number)))
            failures += [f"{text}: {what}" for what in _otherwise(f, some_point(f, seed))]
        except ERRORS as error:
            failures.append(f"{text}: {first_line(error)}")
    return Outcome(cases, tuple(failures))


def some_point(f: Formula, seed: int) -> FormulaPoint:
    """Return a point of a formula, at which it has a value if one is found, of the first sizes that fit."""
    symbols = size_symbols(f.variables, f.whole.node)
    more = lifted(symbols, f.whole.node)
    orders = ({symbol: size + more for symbol, size in numbered(symbols, turn).items()} for turn in range(ATTEMPTS))
    sizes = next(each for each in orders if at_sizes(f.whole.node, each) is not None)
    found = list(points(f.variables, seed, lambda number: sizes, ATTEMPTS))
    return next((each for each in found if np.all(np.isfinite(value(f.whole.node, each)))), found[0])


def _otherwise(f: Formula, point: FormulaPoint) -> Iterator[str]:
    whole = f.whole.node
    true = value(whole, point)
    given = numpy_words() | {str(size): number for size, number in point.sizes.items()} | dict(point.values)
    for what, written in (("its text", f.source), ("what is printed", f.text()), ("it in one", whole.text())):
        names = dict(given)
        *statements, last = (line.strip() for line in written.split(";"))
        with np.errstate(all="ignore"):
            for line in statements:  # texts that this drew, or that symprop printed
                name, _, expression = line.partition(" = ")
                names[name] = eval(expression, names)
            found = eval(last, names)
        if not near(found, true, lambda arithmetic: value(whole, point, arithmetic)):
            yield f"another value by NumPy of {what}: {written[:300]}"


def words_drawn(cases: int, seed: int) -> Outcome:
    """Draw a formula for each word of the tables, so many in all, and tell which words and kinds none has."""
    lacking, met, kinds = dict[str, str](), set[str](), Counter[str]()
    for number in range(cases):
        word = WORDS[number % len(WORDS)]
        random = np.random.default_rng((seed, number))
        kind = ("gradient", "jacobian")[number % 2]
        try:
            f = grown(random, word, scalar=kind == "gradient").read()
        except ValueError as error:
            lacking[word] = str(error)
            continue
        met.add(word)
        result = asked(kind, f, random).whole
        kinds.update({type(part).__name__ for node in (f.whole.node, result.node) for part in walk(node)})
    named = {kind.__name__ for kind in n.NODE_KINDS if kind not in OF_NETWORKS}
    never = sorted(named - kinds.keys())
    failures = [said for word, said in lacking.items() if word not in met]
    if cases >= ENOUGH:
        failures += [f"no formula has a node of the kind {kind}" for kind in never]
    figures = {
        "words of the tables": len(WORDS),
        "kinds met": len(named) - len(never),
        "kinds never met": len(never),
    }
    return Outcome(cases, tuple(failures), figures)


MEASURES = (
    Measure(
        "words in random formulas",
        "Each function, option, sign, bracket, fact and spelling of the tables, and each kind of node, is drawn.",
        words_drawn,
        short=12,
        usual=3 * len(WORDS),
        long=ENOUGH,
    ),
    Measure(
        "values of formulas",
        "A random formula has the value that NumPy gives for its text, and for the text that is printed.",
        values,
        short=20,
        usual=2000,
        long=10_000,
        part=1000,
    ),
)

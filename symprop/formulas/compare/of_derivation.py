"""A line of one's own derivation against the network's: `d.compare("delta1", "(W2.T @ delta2) * (1 - a1**2)")`.

The line may read whatever the derivation names. Points are drawn for data and parameters alone; all that is made of
them is computed, by the equations. So what two names have to do with each other is never lost, whichever a line uses.
A proof may take names for variables, since what is equal for all values is equal for those that there are; where that
proves nothing, names that one side alone reads are written out by their equations, the last first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from sympy import Integer

from symprop.algebra.definitions import reaching
from symprop.algebra.equations import Equation
from symprop.algebra.formula import Formula
from symprop.algebra.latex.tokens import is_latex
from symprop.algebra.named_numbers import NamedNumber, named_numbers
from symprop.algebra.names import variable
from symprop.algebra.nodes import Node, Pullback, Pushforward, Scalar, Variable
from symprop.algebra.reading.mentions import names_in
from symprop.algebra.reading.statements import statements
from symprop.algebra.trees import replace as replaced
from symprop.algebra.trees import variables, walk
from symprop.analysis.comparing import COMPARE
from symprop.analysis.derivation import Derivation, derive
from symprop.errors import FormulaError, ShapeError, SympropError, listed, shown
from symprop.formulas.compare.comparison import Comparison
from symprop.formulas.compare.given import Given, mentioned, read_over, taken
from symprop.formulas.compare.in_latex import line_in_latex
from symprop.formulas.compare.judge import judged
from symprop.formulas.compare.quantities import known_variables, plain_name, quantity, with_indices, without_number
from symprop.formulas.compare.sides import Sides, definitions_for
from symprop.formulas.compare.sizes import size_choices
from symprop.formulas.compare.steps import at_steps, equations_at, steps_of
from symprop.formulas.through_names import without_derivatives
from symprop.hints import closest
from symprop.networks.network import Network

LARGEST = 60
"""Elements of an array up to which a network is compared at its own sizes, else at small ones."""
HEAVIEST = 400
"""Nodes of a formula whose names are written out for a proof."""


@dataclass(frozen=True)
class Line:
    """A quantity of a derivation and a line that is to be it."""

    name: str
    derived: Node
    line: Node
    derivation: Derivation

    @property
    def definitions(self) -> tuple[Equation, ...]:
        """The equations in order."""
        return tuple(self.derivation.equations)


def compare_line(derivation: Derivation, of: str, line: Given) -> Comparison:
    """Compare a line of one's own derivation with what a derivation says; `Derivation.compare` is this."""
    found = _read(derivation, of, line)
    small = _at_small_sizes(derivation, of, line) or found
    return judged(_sides(small), lambda: _forms(found))


COMPARE.append(compare_line)


# ---------------------------------------------------------------- reading


def _read(derivation: Derivation, of: str, line: Given) -> Line:
    asked = quantity(derivation, of)
    known = known_variables(derivation)
    short = without_number(known)
    numbers = _hyperparameters(derivation, known)
    given = taken(line, "line")
    if isinstance(given, Formula):
        node = given.whole.node
    elif is_latex(given):
        target = known.get(asked.name, asked.node.shape)
        node = line_in_latex(_with_deltas(given, known), derivation, (*known.values(), *short, *numbers), target)
    else:
        node = _line_of(given, asked.name, {**known, **{each.name: each for each in (*short, *numbers)}})
    node = replaced(node, {**short, **{each: Scalar(number) for each, number in numbers.items()}})
    equations = tuple(derivation.equations)
    _check_reached(node, equations)
    node = without_derivatives(node, equations)
    return Line(asked.name, asked.node, node, derivation)


def _check_reached(node: Node, equations: Sequence[Equation]) -> None:
    """Raise where a derivative goes from a block to one that is a number of blocks away that has a name.

    Raises:
        FormulaError: the first of them.
    """
    for part in walk(node):
        if not isinstance(part, (Pullback, Pushforward)):
            continue
        expression, by = part.operands[1:] if isinstance(part, Pullback) else part.operands[:2]
        read = variables(expression)
        reached = {by, *(each.target for each in reaching([by], equations))}
        named = any(number.free_symbols for each in (by, *read) for number in each.index)
        if named and reached.isdisjoint(read):
            told = f"no equation leads from {by.text()} to {expression.text()}"
            raise FormulaError(f"{told}\nallowed: a derivative within a block, or into the next")


def _hyperparameters(derivation: Derivation, known: Mapping[str, Variable]) -> dict[Variable, NamedNumber]:
    """Return the numbers with a name of a derivation, by variables that stand for them in a line."""
    found = named_numbers(equation.expression for equation in derivation.equations)
    return {variable(each.name): each for each in found if each.name not in known}


def _line_of(text: str, name: str, known: dict[str, Variable]) -> Node:
    """Read a text over what a derivation names; `delta1 = ` and the like may stand in front.

    Raises:
        FormulaError: a name that the derivation does not have; the nearest is told.
    """
    before, equals, behind = text.partition("=")
    if equals and not behind.startswith("=") and plain_name(before) in (name, f"dL/{name}"):
        text = behind
    text = with_indices(_as_names(text, known), known)
    words = mentioned(text, known)
    sizes = {symbol.name: each for each in known.values() for size in each.shape for symbol in size.free_symbols}
    plain = [each for each in known if not each.isidentifier()]
    for word in () if plain else _named(text):
        if word not in known and word not in sizes:
            told = f"the derivation has no {shown(word)}{closest(word, list(known))}"
            raise FormulaError(f"{told}\nallowed: {listed(known)}")
    read = dict.fromkeys(known[word] for word in words)
    read.update(dict.fromkeys(sizes[word] for word in sizes if re.search(rf"\b{word}\b", text) and word not in known))
    try:
        return read_over(text, tuple(read)).whole.node
    except ShapeError as problem:
        first, *rest = str(problem).split("\n")
        raise ShapeError("\n".join([first + _turned(text, tuple(read)), *rest])) from None


def _turned(text: str, read: tuple[Variable, ...]) -> str:
    """Say which matrix of a text would have to be transposed for the shapes to fit."""
    for each in (each for each in read if each.rank == 2):
        for found in re.finditer(rf"\b{re.escape(each.name)}\b(?!\.T)", text):
            try:
                read_over(f"{text[: found.start()]}{each.name}.T{text[found.end() :]}", read)
            except SympropError:
                continue
            return f"; {each.name}.T would"
    return ""


def _named(text: str) -> Sequence[str]:
    own = [each.name for each in statements(text)]
    return [name for each in statements(text) for name in each.read(names_in) if name not in own]


def _as_names(text: str, known: dict[str, Variable]) -> str:
    """Write derivatives of the loss with respect to their names: `dL/dW1` is `dW1`."""

    def named(found: re.Match[str]) -> str:
        by = found[1]
        return next((name for name in (f"d{by}", by.replace("z", "delta", 1)) if name in known), found[0])

    return re.sub(r"\bdL\s*/\s*d([A-Za-z]\w*)", named, text)


_DERIVATIVE = re.compile(r"\\d?frac\s*\{\s*\\partial\s*L\s*\}\s*\{\s*\\partial\s*(z_(?:\d|\{[^{}]*\}))\s*\}")


def _with_deltas(latex: str, known: dict[str, Variable]) -> str:
    """Write derivatives of the loss with respect to pre-activations as deltas, where the derivation calls them so."""

    def named(found: re.Match[str]) -> str:
        name = plain_name(found[1].replace("z_", r"\delta_"))
        return f"{{{known[name].latex()}}}" if name in known else found[0]

    return _DERIVATIVE.sub(named, latex)


# ---------------------------------------------------------------- points


def _at_small_sizes(derivation: Derivation, of: str, line: Given) -> Line | None:
    """Return the same line at small sizes, where the network's own are large; None where it does not fit these.

    Raises:
        LimitError: (by `size_choices`) nothing smaller fits.
    """
    network = derivation.network
    if not isinstance(network, Network) or network.sizes:
        return None
    counts = [prod(each.shape, start=Integer(1)) for each in known_variables(derivation).values()]
    if not any(count.is_Integer and count > LARGEST for count in counts):
        return None
    text = line if isinstance(line, str) else taken(line, "line")
    text = text if isinstance(text, str) else text.whole.node.text()
    try:
        smaller = derive(network.resized(network.needs.smaller(by_turns=True)), derivation.system.layout)
        return _read(smaller, of, text)
    except SympropError:  # the line has a size of the network as a number, or a layer needs it
        return None


def _sides(found: Line) -> Sides:
    steps = steps_of(found.derivation)
    one, other = (Formula(node.text(), node, variables(node)) for node in (found.derived, found.line))
    here = tuple(at_steps(node, steps) for node in (found.derived, found.line))
    definitions = definitions_for(here, equations_at(found.derivation, steps))
    made = {each.target for each in definitions}
    read = [each for node in (*here, *(each.expression for each in definitions)) for each in variables(node)]
    roots = tuple(dict.fromkeys(each for each in read if each not in made))
    sides = Sides(one, other, roots, (), definitions, (found.name, "the line"), found.definitions, steps)
    return replace(sides, choices=[sides.sized(sizes) for sizes in size_choices(here, roots)])


# ---------------------------------------------------------------- proofs


def _forms(found: Line) -> Iterator[tuple[Node, Node]]:
    """Yield the two as they are, then with names written out that one of them alone reads, then without any names."""
    left, right = found.derived, found.line
    yield left, right
    definitions = {each.target: each.expression for each in found.definitions}
    order = list(definitions)
    alone, all_of_them = _alone, _all
    for chosen in (alone, all_of_them):
        one, other = left, right
        while True:
            names = [each for each in order if each in chosen(set(variables(one)), set(variables(other)))]
            if not names or max(one.weight, other.weight) > HEAVIEST:
                break
            change = {names[-1]: definitions[names[-1]]}
            one, other = replaced(one, change), replaced(other, change)
        yield one, other


Chosen = Callable[[set[Variable], set[Variable]], set[Variable]]


def _alone(left: set[Variable], right: set[Variable]) -> set[Variable]:
    return left ^ right


def _all(left: set[Variable], right: set[Variable]) -> set[Variable]:
    return left | right

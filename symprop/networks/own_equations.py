"""The equations of a cell of one's own: `i = sigmoid(W @ x + b); c = c_prev + i`, read name by name.

A name with an equation is what a moment makes, `c_prev` what the moment before left of it, `x` the row of the sequence.
Every other name is a parameter, a number that is given, or a size, which stands where only a size can.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NoReturn

from sympy import Expr

from symprop.algebra.hints import NAMES
from symprop.algebra.inference.recurrences import readings
from symprop.algebra.inference.syntax import parts_of
from symprop.algebra.inference.unknown_sizes import Unknown
from symprop.algebra.names import validated
from symprop.algebra.reader import names_in
from symprop.algebra.reading.mentions import LIMITS, tree_of
from symprop.algebra.reading.statements import Statement, statements
from symprop.algebra.shapes import Shape, shape_text
from symprop.algebra.sizes import size_text
from symprop.algebra.tokens import refuse, scan
from symprop.errors import SpecError, SymbolNameError, shown
from symprop.hints import closest
from symprop.networks.own import code_has

INPUT_NAME = "x"
BEFORE = "_prev"
_TIMES = re.compile(r"_(prev\w*|previous|old|last|before|next|new|now|t|t[-_]?1|tm1|tp1|[0-9]+)|[0-9]+")
"""What people write behind a name for another moment."""
_MEANT = {"t": "the moment, which no equation may read"} | {
    name: f"no parameter; type {told}, or another name" for name, told in NAMES.items() if name != "e"
}
"""Names that stand for something else on paper."""


@dataclass(frozen=True)
class CellEquations:
    """Equations in the order in which a moment computes them.

    >>> cell = CellEquations("h = tanh(W @ x + R @ h_prev + b)")
    >>> cell.names, cell.states, cell.free
    (('h',), ('h',), ('W', 'R', 'b'))
    """

    text: str

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """Each equation: its name, its formula, where that begins.

        Raises:
            SpecError: no text, or a formula without a name.
            FormulaError: a name twice, or what is no formula.
        """
        if not isinstance(self.text, str):
            raise SpecError(f'Scan: equations are text, such as "h = tanh(W @ x + R @ h_prev)", not {shown(self.text)}')
        found = statements(self.text)
        for each in found:
            if not each.name:
                refuse("Scan: an equation begins with a name, as h = tanh(W @ x)", self.text, each.start, 1, SpecError)
        return found

    @property
    def canonical(self) -> str:
        """The equations on one line, as a network's text can have them."""
        if not re.search(r'[\r\n#"]', self.text):
            return self.text.strip()
        lines = ((each.name, " ".join(scan(each.text, LIMITS).line.split())) for each in self.statements)
        return "; ".join(f"{name} = {line}" for name, line in lines).replace('"', "'")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names that have an equation."""
        return tuple(each.name for each in self.statements)

    @cached_property
    def trees(self) -> tuple[tuple[str, ast.expr], ...]:
        """Each name with the syntax tree of its formula."""
        return tuple((each.name, each.read(tree_of)) for each in self.statements)

    @cached_property
    def read(self) -> dict[str, tuple[str, ...]]:
        """The names in each equation."""
        return {each.name: each.read(names_in) for each in self.statements}

    @cached_property
    def sizes(self) -> tuple[str, ...]:
        """The names that stand where only a size can."""
        return tuple(parts_of(self.trees).sizes)

    @cached_property
    def states(self) -> tuple[str, ...]:
        """The names that a later moment reads, in the order of their equations."""
        read = {name for names in self.read.values() for name in names}
        return tuple(name for name in self.names if name + BEFORE in read)

    @cached_property
    def free(self) -> tuple[str, ...]:
        """The names of parameters and numbers, in order of appearance."""
        every = dict.fromkeys(name for names in self.read.values() for name in names)
        known = {INPUT_NAME, *self.names, *(name + BEFORE for name in self.states), *self.sizes}
        return tuple(name for name in every if name not in known)

    @property
    def carried(self) -> dict[str, str]:
        """What the moment before left, by its name, and the equation that it has."""
        return {name + BEFORE: name for name in self.states}

    def check(self, output: str, numbers: Iterable[str]) -> None:
        """Raise where a name means nothing or two things, or an equation has no use; `numbers` are given by name.

        Raises:
            SpecError: the name, with a caret under its place.
        """
        for name in self.names:
            self._check_name(name, f"{name}_t", self._place_of_equation(name))
        for name in self.free:
            if name not in numbers:
                self._check_parameter(name)
        for name in self.sizes:
            if name in (*self.names, *self.carried, INPUT_NAME):
                self._refuse(f"{name!r} is the name of a size and of an array\nallowed: two names", name)
        if output not in self.names:
            hint = closest(output, self.names)
            raise SpecError(
                f"Scan: no equation says the output {shown(output)}{hint}\nallowed: {', '.join(self.names)}"
            )
        self._check_order()
        if not any(INPUT_NAME in names for names in self.read.values()):
            raise SpecError(f"Scan: no equation reads x, a row of the sequence, in {shown(self.text)}")
        useful = set(self._reached(output, {name: self._without_moments(name) for name in self.names}))
        for name in self.names:
            if name not in useful | {output}:
                self._refuse(
                    f"{name!r} is read by no equation that the output needs\nallowed: output={name!r}, or less",
                    name, self._place_of_equation(name),
                )  # fmt: skip

    def _check_order(self) -> None:
        """Raise where an equation reads another of the same moment before that is there."""
        for place, name in enumerate(self.names):
            for other in self.read[name]:
                if other not in self.names[place:]:
                    continue
                circle = name == other or name in self._reached(other, self.read)
                why = "needs itself at the same moment" if circle else "is read before its equation"
                self._refuse(
                    f"{other!r} {why}\nallowed: {other}{BEFORE}, what the moment before left"
                    + ("" if circle else ", or its equation first"),
                    other, self._place_in(name, other),
                )  # fmt: skip

    def _check_parameter(self, name: str) -> None:
        """Raise where a name may stand for no parameter, because it looks like something else or is taken."""
        if name.endswith(BEFORE):
            stem = name.removesuffix(BEFORE)
            if stem in (INPUT_NAME, *self.carried):
                told = f"an equation that keeps it: s = {stem}, then s{BEFORE}"
            else:
                told = f"an equation {stem} = ..., or a state that there is{closest(stem, self.names)}"
            self._refuse(f"{name!r}: no equation says {stem!r}\nallowed: {told}", name)
        stem = next((each for each in (*self.names, INPUT_NAME) if name.startswith(each)), "")
        if stem and _TIMES.fullmatch(name[len(stem) :]):
            also = "" if stem == INPUT_NAME else f", or {stem}{BEFORE}, what the moment before left"
            self._refuse(f"{name!r} is no name here\nallowed: {stem}, of this moment{also}", name)
        if name in _MEANT:
            self._refuse(f"{name!r} is {_MEANT[name]}", name)
        self._check_name(name, f"{name}1", None)

    def _check_name(self, name: str, in_code: str, place: int | None) -> None:
        try:
            validated(name)
        except SymbolNameError as problem:
            self._refuse(str(problem), name, place)
        taken = name == INPUT_NAME or name.endswith((BEFORE, "_")) or name[-1].isdigit() or name == "t"
        is_gradient = name.partition("_")[0] == "delta" or (name[0] == "d" and name[1:] in (*self.names, *self.free))
        if taken or is_gradient or code_has(name, in_code):
            self._refuse(
                f"{name!r} has a meaning of its own in networks, formulas or code\n"
                "allowed: another name, without a number at its end", name, place,
            )  # fmt: skip

    def _without_moments(self, name: str) -> tuple[str, ...]:
        return tuple(self.carried.get(each, each) for each in self.read[name])

    def _reached(self, name: str, read: Mapping[str, Iterable[str]]) -> Iterator[str]:
        """Yield the names that an equation needs, and what these need."""
        waiting, seen = [name], set[str]()
        while waiting:
            for each in read.get(waiting.pop(), ()):
                if each in read and each not in seen:
                    seen.add(each)
                    waiting.append(each)
                    yield each

    def _place_of_equation(self, name: str) -> int:
        start = next(each.start for each in self.statements if each.name == name)
        return self.text.rfind(name, 0, start)

    def _place_in(self, equation: str, name: str) -> int:
        each = next(each for each in self.statements if each.name == equation)
        found = re.search(rf"\b{re.escape(name)}\b", each.text)
        return each.start + (found.start() if found else 0)

    def _refuse(self, message: str, name: str, place: int | None = None) -> NoReturn:
        """Raise with a caret under a name where it first stands, or at a place."""
        if place is None:
            reading = (each.name for each in self.statements if re.search(rf"\b{re.escape(name)}\b", each.text))
            place = self._place_in(next(reading, self.names[0]), name)
        refuse(f"Scan: {message}".replace("\n", "; "), self.text, place, len(name), SpecError)


@lru_cache(maxsize=256)
def inferred_shapes(
    cell: CellEquations, known: tuple[tuple[str, Shape], ...], sizes: tuple[tuple[str, Expr], ...]
) -> Mapping[str, Shape]:
    """Return the shapes of names, of sizes in the terms of `known`.

    Raises:
        SpecError: a size that nothing tells, or what may be read in two ways.
    """
    names = dict(sizes)
    word = re.compile(rf"\b({'|'.join(names)})\b(?!\s*=[^=])") if names else None
    texts = {each.name: each.text for each in cell.statements}
    if word is not None:
        texts = {name: word.sub(lambda found: f"({size_text(names[found[1]])})", text) for name, text in texts.items()}
    found = readings([(name, tree_of(text)) for name, text in texts.items()], dict(known), cell.carried)
    if not found.fits:
        return found.shapes[0]  # the reader says where it does not fit
    first, *others = found.shapes
    unlike = next((name for other in others for name in cell.free if other.get(name) != first.get(name)), None)
    if unlike is not None:
        listed = " or ".join(dict.fromkeys(shape_text(each[unlike]) for each in found.shapes))
        problem = f"Scan: {unlike} may have shape {listed} in {shown(cell.text)}"
        raise SpecError(f'{problem}\nallowed: its sizes, learned={{"{unlike}": "8"}}, "" for a number')
    for name in (*cell.states, *cell.names, *cell.free):
        shape = first.get(name, ())
        if any(isinstance(each, Unknown) for size in shape for each in size.free_symbols):
            example = " ".join("8" if size.has(Unknown) else size_text(size).replace(" ", "") for size in shape)
            told = f"{name}={example if len(shape) == 1 else repr(example)}"
            told = told if name in cell.names else f'learned={{"{name}": "{example}"}}'
            problem = f"Scan: the size of {name} follows from no equation of {shown(cell.text)}"
            raise SpecError(f"{problem}\nallowed: {told}")
    return first

"""The right gradients of a formula: its derived vector-Jacobian products, confirmed by the complex step.

Named sizes get small numbers, each its own, so that a lost transpose shows; values are random and satisfy what is
declared. A place has a finite value, lies on no kink, and rounding moves its derivatives little.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from sympy import Expr, prod

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, System
from symprop.algebra.formula import Formula
from symprop.algebra.names import variable
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.numbered_sizes import numbers_for, sizes_given
from symprop.algebra.trees import replace as replaced
from symprop.algebra.trees import variables, walk
from symprop.certify.subject import Exact, Place, Slopes, Subject, agree, largest
from symprop.errors import FormulaError, LimitError, shown
from symprop.formulas import questions
from symprop.formulas.checks.oracles import complex_jacobian, integers, value
from symprop.formulas.checks.points import FormulaPoint, at_sizes, lifted, numbered, points, size_symbols
from symprop.verify import noise
from symprop.verify.arithmetic import Array
from symprop.verify.watching import Side, seen

WANTED, MORE, ATTEMPTS = 3, 2, 26
"""How many places are taken, how many more that see another side of a switch, and how many are tried."""
GROWTH = (0, 2, 4)
"""How much larger sizes are from place to place: windows overlap, and n - 1 is not 1, in what is not the smallest."""
SMALL = 120
"""Up to so many elements in each array, sizes are larger."""
MOST = 4_000
"""How many elements a derivative with respect to one variable may move."""
MOST_READ = 1_000_000
"""How many elements any array may have."""
WHOLE = frozenset({"bits", "one-hot", "index", "signs"})
"""Facts of numbers that are whole: where these are given, they stay as they are."""


@dataclass(frozen=True)
class FormulaPlace(Place):
    """A point of a formula, with its Jacobians by the complex step."""

    told: str
    derived: Mapping[str, Node]
    cotangent: str
    point: FormulaPoint
    values: Mapping[str, Any]
    shape: tuple[int, ...]
    slopes: Mapping[str, Slopes]
    alternatives: Mapping[str, Any] = field(default_factory=dict)

    @property
    def variables(self) -> Mapping[str, Array]:  # type: ignore[override]
        return self.point.values

    @property
    def alive(self) -> bool:
        """Whether no derivative is 0 everywhere."""
        return all(np.any(each.value) for each in self.slopes.values())

    def right(self, names: Sequence[str], cotangent: Array) -> dict[str, Exact]:
        at = replace(self.point, values={**self.point.values, self.cotangent: cotangent})
        found = {}
        for name in names:
            node, slopes = self.derived[name], self.slopes[name]
            derived, moved = value(node, at), noise.of_run(partial(value, node, at))
            oracle = np.tensordot(cotangent, slopes.value, axes=np.ndim(cotangent))
            allowed = moved + np.tensordot(np.abs(cotangent), slopes.rounding, axes=np.ndim(cotangent))
            worst = largest(allowed)
            found[name] = Exact(derived, worst, agree(derived, oracle, worst))
        return found

    def jacobian(self, name: str) -> Slopes | None:
        return self.slopes[name]


class FormulaSubject(Subject):
    """A formula, whose value may be of any shape; its own names for parts may be asked for too."""

    def __init__(self, formula: Formula, wrt: Sequence[str] = (), sizes: Mapping[str, int] | None = None) -> None:
        self.formula = formula
        self.title = formula.source
        self.value = formula.name
        self.is_scalar = not formula.shape
        free = [each for each in formula.variables if "index" not in each.facts_by_kind]
        for name in wrt:
            questions.differentiable(formula, name)
        self.by = tuple(wrt) or _as_typed(free, formula.source)
        self.differentiable = self.by
        if not self.by:
            raise FormulaError(f"{shown(formula.source)} has no variables\nallowed: a formula that names arrays")
        self.symbols = size_symbols(formula.variables, formula.whole.node)
        parts = [each.name for each in formula.definitions]
        self.names = (*(each.name for each in formula.variables), *parts, *(str(each) for each in self.symbols))
        self.numbers = sizes_given(sizes)
        self.fixed = self._fixed(self.numbers)
        self.cotangent = Variable(self._free("g"), (), formula.shape)
        if formula.readings:
            self.inferred = formula.readings[0]
            self.remarks = (f"read as {self.inferred}",)

    def _fixed(self, sizes: Mapping[str, int]) -> dict[Expr, int]:
        return {symbol: int(number) for symbol, number in numbers_for(self.symbols, sizes).items()}

    @property
    def diagnosed(self) -> Formula:
        return self.formula

    def _free(self, name: str) -> str:
        """Return a name, with a mark where the formula has it."""
        while name in self.names:
            name += "_"
        return name

    @cached_property
    def derived(self) -> dict[str, Node]:
        """The gradients with respect to each variable, for a cotangent."""
        name = self.cotangent.name
        return {by: questions.vjp(self.formula, by, name).whole.node for by in self.by}

    def drawn(self, seed: int) -> list[Place]:
        alive: list[FormulaPlace] = []
        dead: list[FormulaPlace] = []
        extra: list[FormulaPlace] = []
        known: set[Side] = set()
        for place, sides in self._tried(seed):
            if len(alive) < WANTED:
                (alive if place.alive else dead).append(place)
                known |= sides if place.alive else set()
            elif not sides <= known and len(extra) < MORE:
                extra.append(place)
                known |= sides
            if len(alive) == WANTED and (len(extra) == MORE or not _one_sided(known)):
                break
        return [*alive, *extra, *dead[: max(0, WANTED - len(alive))]]

    def _tried(self, seed: int) -> Iterator[tuple[FormulaPlace, frozenset[Side]]]:
        """Yield places that will do, and the sides of switches that each sees."""
        formula, written = self.formula, self.formula.whole.node
        more = lifted(self.symbols, written)
        variables = {each.name: each for each in formula.variables}

        def sizes(number: int) -> dict[Expr, int]:
            least = {symbol: size + more for symbol, size in numbered(self.symbols, number).items()} | self.fixed
            growth = GROWTH[number % len(GROWTH)]
            larger = {symbol: size + growth for symbol, size in least.items()} | self.fixed
            return larger if self._largest(larger) <= SMALL else least

        self._check_work(sizes(0))
        for point in points(formula.variables, seed, sizes, ATTEMPTS):
            here = at_sizes(written, point.sizes)
            if here is None:
                continue
            look = seen(*self._watched(here, point))
            if not look.regular:
                continue
            slopes = {name: _slopes(here, variables[name], point) for name in self.by}
            if all(each.steady for each in slopes.values()):
                shape = integers(formula.shape, point.sizes)
                told = ", ".join(f"{size}={number}" for size, number in point.sizes.items())
                name, values = self.cotangent.name, self._values(point)
                derived = {by: at_sizes(node, point.sizes) or node for by, node in self.derived.items()}
                yield FormulaPlace(told, derived, name, point, values, shape, slopes), look.sides

    def _watched(self, node: Node, point: FormulaPoint) -> tuple[System, list[list[dict[str, Array]]]]:
        """Return a formula as a system, and its values at a point, of which is asked what happens there.

        What compares whole numbers alone that stay as they are, such as bits, lies on no kink: its value stands for it.
        """

        def stays(each: Variable) -> bool:
            return each.name not in self.by and not WHOLE.isdisjoint(each.facts_by_kind)

        compared = [part for part in walk(node) if isinstance(part, n.Compare) and all(map(stays, variables(part)))]
        names = {
            part: variable(self._free(f"known{at}"), part.shape) for at, part in enumerate(dict.fromkeys(compared))
        }
        values = dict(point.values) | {each.name: value(part, point) for part, each in names.items()}
        read = (*self.formula.variables, *names.values())
        return _system(replaced(node, names) if names else node, read), [[values]]

    def _values(self, point: FormulaPoint) -> dict[str, Any]:
        """Return what every name is at a point: arrays, parts of the formula, sizes."""
        found: dict[str, Any] = {str(size): number for size, number in point.sizes.items()}
        at: dict[str, Array] = dict(point.values)
        for each in self.formula.definitions:
            at[each.name] = value(each.expression, replace(point, values=at))
        at.setdefault(self.value, value(self.formula.node, replace(point, values=at)))
        return found | at

    def _largest(self, sizes: Mapping[Expr, int]) -> int:
        """Return how many elements the largest array has."""
        arrays = (*self.formula.variables, *(each.target for each in self.formula.definitions), self.cotangent)
        return max(int(prod(integers(each.shape, sizes))) for each in arrays)

    def _check_work(self, sizes: Mapping[Expr, int]) -> None:
        for each in self.formula.variables:
            count = int(prod(integers(each.shape, sizes)))
            most = MOST if each.name in self.by else MOST_READ
            if count > most:
                problem = f"{shown(each.name)} has {count:,} elements, more than {most:,}"
                raise LimitError(f"{problem}\nallowed: sizes declared by names, so that they can be small")


def _slopes(node: Node, by: Variable, point: FormulaPoint) -> Slopes:
    """Return the Jacobian by the complex step, and how far rounding moves it."""
    return Slopes(complex_jacobian(node, by, point), noise.of_run(partial(complex_jacobian, node, by, point)))


def _system(node: Node, variables: Sequence[Variable]) -> System:
    """Return a formula as a system, of which is asked what happens at a point."""
    target = Variable("value of the formula", (), node.shape)
    return System((Equation(target, node),), (), (), tuple(variables), target, None)


def _as_typed(variables: Sequence[Variable], source: str) -> tuple[str, ...]:
    """Return names in the order of their first appearance in a text, what does not appear last."""
    order = list(dict.fromkeys(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", source)))
    names = [each.name for each in variables]
    return tuple(sorted(names, key=lambda name: order.index(name) if name in order else len(order)))


def _one_sided(sides: set[Side]) -> bool:
    return any((*side[:2], not side[2]) not in sides for side in sides)

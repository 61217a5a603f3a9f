"""Two formulas side by side, and the cases at which they are compared: random ones, and special ones.

Smooth formulas that differ do so at random points. What is decided (`x > 3`, `relu`, a maximum) may differ at a single
place, or far away: so each choice in a formula is looked for where it is even, and on both sides of that.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import sympy
from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.definitions import needed_for
from symprop.algebra.equations import Equation
from symprop.algebra.formula import Formula
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import variables, walk
from symprop.formulas.compare.cases import Case, located
from symprop.formulas.compare.steps import at_steps
from symprop.verify.values import Draw, values_for

LARGEST_NUMBER = 10**12
NUMBERS: tuple[Draw, ...] = (Draw(), Draw(positive=True), Draw(5), Draw(1, positive=True), Draw(40, 101))
"""How values are drawn: near 0 on both sides, above 0 alone, and far from 0."""
RANDOM = 12


@dataclass(frozen=True)
class Sides:
    """Two formulas, the variables that they may read, and the choices of sizes at which they are compared.

    `definitions` make values of variables that are not drawn, in order; `names` are what messages call the two. A line
    of a derivation has equations that it may read (`told`), and numbers for what counts its loops (`steps`).
    """

    one: Formula
    other: Formula
    variables: tuple[Variable, ...]
    choices: Sequence[Mapping[Expr, int]]
    definitions: tuple[Equation, ...] = ()
    names: tuple[str, str] = ("the first", "the second")
    told: tuple[Equation, ...] = ()
    steps: Mapping[Expr, Expr] = field(default_factory=dict)

    @property
    def nodes(self) -> tuple[Node, Node]:
        return self.one.node, self.other.node

    def cases(self, count: int = RANDOM) -> Iterator[Case]:
        """Yield random cases in which both formulas have a value."""
        return self.cases_of(self.nodes, count)

    def cases_of(self, nodes: Sequence[Node], count: int = RANDOM) -> Iterator[Case]:
        """Yield about `count` random cases in which every one of `nodes` is finite, each choice of sizes in turn."""
        random = np.random.default_rng(0)
        found = 0
        for how, sizes in _alternating(self.choices, (NUMBERS[0], *beyond_constants(nodes), *NUMBERS[1:])):
            case = self.case(sizes, values_for(self.variables, sizes, random, how))
            if case is not None and all(case.value(node) is not None for node in nodes):
                yield case
                found += 1
                if found == count:
                    return

    def case(self, sizes: Mapping[Expr, int], values: Mapping[str, np.ndarray] | None) -> Case | None:
        """Return the case of some sizes and values; None where there are no values, or a definition does not fit."""
        if values is None:
            return None
        sizes = self.sized(sizes)
        made: list[Equation] = []
        for each in self.definitions:
            here = located(each.expression, sizes)
            if here is None:
                return None
            made.append(Equation(each.target, here))
        return Case(sizes, values, tuple(made))

    def sized(self, sizes: Mapping[Expr, int]) -> dict[Expr, int]:
        """Return sizes with the numbers of steps, and with the sizes of these steps."""
        return {**sizes, **{each: int(number.xreplace(dict(sizes))) for each, number in self.steps.items()}}

    @cached_property
    def read(self) -> tuple[Variable, ...]:
        """What the two formulas read, at the numbers of steps."""
        return tuple(dict.fromkeys(each for node in self.nodes for each in variables(at_steps(node, self.steps))))

    def lacking(self) -> str:
        """Say which formula has no value at any case; "both", or nothing where each has one."""
        one, other = (any(True for _ in self.cases_of((node,), 1)) for node in self.nodes)
        return ("" if other else self.names[1]) if one else (self.names[0] if other else "both")

    @property
    def free(self) -> Sides:
        """The same sides over the names that they read, each drawn by itself but for what the others determine."""
        read = set(self.read)
        kept = tuple(
            each for each in self.definitions if each.target in read and read.issuperset(variables(each.expression))
        )
        made = {each.target for each in kept}
        return replace(self, variables=tuple(each for each in self.read if each not in made), definitions=kept)

    @property
    def drawn(self) -> Sides:
        """The same sides over what must be drawn for them: what is computed of other variables follows these."""
        return self if self.definitions else self.free

    def over(self, variables: tuple[Variable, ...]) -> Sides:
        """Return the same sides with other facts of their variables."""
        return replace(self, variables=variables)


def definitions_for(nodes: Iterable[Node], definitions: Sequence[Equation]) -> tuple[Equation, ...]:
    """Return the definitions that some nodes read, themselves or by others, in order."""
    needed = {each for node in nodes for each in needed_for(node, definitions)}
    return tuple(each for each in definitions if each in needed)


def may_lack_value(node: Node) -> bool:
    """Whether a formula may have no value at some points: it holds a logarithm, a root, a quotient, an inverse, ..."""
    return any(_is_partial(part) for part in walk(node))


def _is_partial(part: Node) -> bool:
    match part:
        case n.Power():
            return not (part.exponent.is_integer and part.exponent.is_nonnegative)
        case n.Map():
            body = part.function.definition
            return body.has(*PARTIAL) or any(
                not power.exp.is_Integer or power.exp < 0 for power in body.atoms(sympy.Pow)
            )
    return isinstance(part, (n.Inverse, n.LogDeterminant, n.MatrixPower, n.Decomposition))


PARTIAL = (sympy.log, sympy.asin, sympy.acos, sympy.tan, sympy.loggamma, sympy.polygamma)


def beyond_constants(nodes: Iterable[Node], parts: int = 7) -> tuple[Draw, ...]:
    """Return ways to draw that reach both sides of large numbers in formulas, such as `where(x > 1000, ...)`."""
    large = sorted({int(constant) for constant in constants_in(nodes) if 20 < constant < LARGEST_NUMBER})
    return tuple(Draw(2 * constant, parts) for constant in large[-3:])


def constants_in(nodes: Iterable[Node]) -> list[Expr]:
    """Return the sizes of the rational numbers in formulas, each once."""
    found = (part.value for node in nodes for part in walk(node) if isinstance(part, (n.Scalar, n.Fill)))
    return list(dict.fromkeys(abs(value) for value in found if value.is_Rational))


def _alternating(
    choices: Sequence[Mapping[Expr, int]], draws: Sequence[Draw]
) -> Iterator[tuple[Draw, Mapping[Expr, int]]]:
    """Yield pairs of ways to draw and sizes, so that early pairs differ in both."""
    if choices:
        for turn in range(3):
            for shift, place in itertools.product(range(len(draws)), range(len(choices))):
                yield draws[(shift + place + turn) % len(draws)], choices[place]

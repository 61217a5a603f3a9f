"""Special cases at which formulas that agree at random points may differ: at kinks, zeros and ties, and far away.

Each choice in a formula (`x > 3`, `relu(W @ x)`, `maximum(x, y)`) is a number that is compared with 0. One element of a
variable is moved until that number is 0, which is exact where it depends on the element linearly, and then to either
side, near and far.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

import mpmath
import numpy as np
import sympy
from sympy import Expr, Integer, Rational

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import variables, walk
from symprop.formulas.compare.cases import DIGITS, Case
from symprop.formulas.compare.factors import fraction
from symprop.formulas.compare.sides import Sides, constants_in
from symprop.verify.arithmetic import Array
from symprop.verify.values import Draw, satisfies, values_for

MOST_SWITCHES, MOST_CONSTANTS, DRAWS = 8, 8, 4
FAR = (Integer(1000), Integer(-1000), Rational(1, 1000), Rational(-1, 1000))
BESIDE = (Integer(0), Rational(1, 64), Rational(-1, 64), Integer(1000), Integer(-1000))
"""How far from a kink formulas are looked at."""
CHOOSING = (sympy.Piecewise, sympy.Abs, sympy.Max, sympy.Min, sympy.sign, sympy.Heaviside)


def special_cases(sides: Sides) -> Iterator[Case]:
    """Yield special cases at which both formulas have a value."""
    for case in itertools.chain(_from_pool(sides), _at_switches(sides)):
        if all(case.value(node) is not None for node in sides.nodes):
            yield case


def _from_pool(sides: Sides) -> Iterator[Case]:
    """Yield cases of few different numbers: zeros, ones, the constants of the formulas and numbers far away."""
    constants = [each for each in constants_in(sides.nodes) if each > 0][:MOST_CONSTANTS]
    beside = [each for constant in constants for each in (constant, -constant, 2 * constant, 1 / constant)]
    pools = [[Integer(0)], [Integer(1)], [Integer(0), Integer(1), Integer(-1)], [*beside, Integer(0)], [*FAR, *beside]]
    random = np.random.default_rng(1)
    for sizes, pool in itertools.product(sides.choices[:2], pools):
        for _ in range(1 if len(pool) == 1 else DRAWS):
            values = _drawn(sides.variables, sizes, pool, random)
            case = sides.case(sizes, values)
            if case is not None:
                yield case


def _drawn(
    known: Iterable[Variable], sizes: Mapping[Expr, int], pool: Sequence[Expr], random: np.random.Generator
) -> dict[str, Array] | None:
    """Return values of a pool where the facts allow it, and random ones elsewhere."""
    found: dict[str, Array] = {}
    for each in known:
        drawn = values_for((each,), sizes, random, Draw())
        if drawn is None:
            return None
        value = drawn[each.name]
        if value.dtype.kind == "O":
            pooled = np.empty(value.shape, dtype=object)
            for place in np.ndindex(value.shape):
                pooled[place] = pool[int(random.integers(len(pool)))]
            value = pooled if satisfies(pooled, each, sizes) else value
        found[each.name] = value
    return found


# ---------------------------------------------------------------- kinks


def switches(node: Node) -> Iterator[Node]:
    """Yield what decides in a formula: nodes whose sign is asked for.

    >>> from symprop.algebra.formula import formula
    >>> [each.text() for each in switches(formula("relu(x - 1) + where(x > y, x, y)", x="n", y="n").node)]
    ['x - 1', 'x - y']
    """
    for part in dict.fromkeys(walk(node)):
        match part:
            case n.Compare(operands=(left, right)):
                yield n.Add(left, n.negative(right))
            case n.Map() if part.function.definition.has(*CHOOSING):
                if len(part.operands) == 2:
                    yield n.Add(part.operands[0], n.negative(part.operands[1]))
                    continue
                yield part.operands[0]
                numbers = sorted((each for each in part.function.definition.atoms(Rational) if each), key=str)
                yield from (n.Add(part.operands[0], n.Scalar(-number)) for number in numbers[:2])


def _at_switches(sides: Sides) -> Iterator[Case]:
    """Yield cases at which what decides is even, then beside it."""
    found = dict.fromkeys(each for node in sides.nodes for each in switches(node))
    random = np.random.default_rng(2)
    for switch in list(found)[:MOST_SWITCHES]:
        for sizes, how in zip(sides.choices[:2], (Draw(2, 1), Draw()), strict=False):
            case = sides.case(sizes, values_for(sides.variables, sizes, random, how))
            if case is not None and case.value(switch) is not None:
                yield from _even(case, switch, sides)


def _even(case: Case, switch: Node, sides: Sides) -> Iterator[Case]:
    """Move one element of a variable until the first element of what decides is 0; the first that can do it moves."""
    at = case.value(switch)
    moving = [each for each in _roots(switch, sides) if each in sides.variables]
    for each in moving:
        values = case.values[each.name]
        if at is None or values.dtype.kind != "O":
            continue
        for place in itertools.islice(np.ndindex(values.shape), 4):
            stepped = _moved(case, each, place, Integer(1)).value(switch)
            distance = None if stepped is None else _distance(at, stepped)
            if distance is None:
                continue
            for beside in BESIDE:
                moved = _moved(case, each, place, distance + beside)
                if satisfies(moved.values[each.name], each, case.sizes):
                    yield moved
            return


def _roots(switch: Node, sides: Sides) -> tuple[Variable, ...]:
    """The variables that a switch reads, by what it is defined by."""
    read = dict.fromkeys(variables(switch))
    for each in reversed(sides.definitions):
        if each.target in read:
            read.update(dict.fromkeys(variables(each.expression)))
    return tuple(read)


def _moved(case: Case, variable: Variable, place: tuple[int, ...], by: Expr) -> Case:
    values = case.values[variable.name].copy()
    values[place] = values[place] + by
    return case.changed(variable.name, values)


def _distance(at: Array, stepped: Array) -> Expr | None:
    """How far to go for the first element to be 0, if it moves by a fraction of small integers."""
    with mpmath.workdps(DIGITS):
        moved = [(a, b - a) for a, b in zip(at.ravel(), stepped.ravel(), strict=True) if a != b]
        if not moved:
            return None
        first, slope = moved[0]
        return Integer(0) if first == 0 else fraction(-first / slope)

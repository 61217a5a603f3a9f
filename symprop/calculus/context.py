"""What a rule is, and what it may use: the equations that are known so far, and facts.

A rule looks at one tidy node and returns the node that it becomes, with the facts it used, or None. The rewriter
(`rewriting.py`) applies rules inside whole formulas and records the steps; every step is checked numerically by the
certificate.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import sympy
from sympy import Expr

from symprop.algebra.alike import ForAlike, pattern
from symprop.algebra.batching import expanded as expanded_by
from symprop.algebra.equations import Equation, Item, System
from symprop.algebra.kinds.patterns import Common
from symprop.algebra.nodes import Multiply, Node, Power, Variable
from symprop.algebra.roles import STATISTIC
from symprop.algebra.table import kinds_of
from symprop.algebra.trees import loose, variables
from symprop.calculus.coefficients import base_and_exponent, unexpanded
from symprop.calculus.tidy import tidy

KnownFact = str | Equation

WORKED_OUT_ON_DEMAND: dict[str, Callable[..., Any]] = {}
"""What works out the answers of a table that holds those that were asked for, of a subject along some axes."""


class Quotient(NamedTuple):
    """An equation `h = c * r**k`, a product with a root: its place among all such, `r`, `k`, itself and `c`.

    The root is one that is held, with `k` = 1, or `x` where the equation has `1 / sqrt(x)`.
    """

    place: int
    root: Node
    power: Expr
    equation: Equation
    rest: tuple[Node, ...]


@dataclass(frozen=True)
class Context:
    """What a derivation may use: the equations so far, by right side and by name.

    `given` are variables after which no index of a series is called, whether they stand in the formula or not.
    `adjoints` are the backward equations by name, those that a walk has found so far, and `centred` says why the left
    side of an equation sums to 0 along some axes, or that it is not known to; `vanishing` says of sums of a variable
    whether they are 0, where that has been asked. `worked` has what was worked out of formulas by their pattern. A
    context `watches` another where what is asked of it is noted (`reuse.py`).
    """

    by_value: Mapping[Node, Equation] = field(default_factory=dict)
    by_name: Mapping[Variable, Equation] = field(default_factory=dict)
    given: tuple[Variable, ...] = ()
    adjoints: dict[Variable, Equation] = field(default_factory=dict)
    vanishing: dict[tuple[Node, tuple[int, ...]], bool] = field(default_factory=dict)
    centred: dict[tuple[Equation, tuple[int, ...]], tuple[KnownFact, ...]] = field(default_factory=dict)
    worked: dict[Hashable, list[Any]] = field(default_factory=dict)
    watches: Context | None = None

    @cached_property
    def powers(self) -> Mapping[Node, Equation]:
        """The equations whose right side is a power, by its base: what the forward pass holds."""
        return {value.operands[0]: found for value, found in self.by_value.items() if isinstance(value, Power)}

    @cached_property
    def quotients(self) -> Mapping[Node, tuple[Quotient, ...]]:
        """The equations whose right side is a product with a root, `h = c * r`, by that root."""
        roots = {found.target for base, found in self.powers.items() if found.expression.args[1].is_Integer is False}
        quotients: dict[Node, list[Quotient]] = {}
        held = ((found, value) for value, found in self.by_value.items() if isinstance(value, Multiply))
        for found, value in held:
            for factor in value.operands:
                inside, axes = unexpanded(factor)
                base, power = base_and_exponent(inside)
                if inside not in roots and (not inside.rank or power.is_Integer is not False):
                    continue
                root = expanded_by(base, *reversed(axes))
                rest = tuple(other for other in value.operands if other is not factor)
                place = sum(map(len, quotients.values()))
                quotients.setdefault(root, []).append(Quotient(place, root, power, found, rest))
        return {root: tuple(each) for root, each in quotients.items()}

    def equation(self, node: Node) -> Equation | None:
        """Return the equation whose left side is `node`, of the forward pass or one that a walk has found."""
        return self.by_name.get(node) or self.adjoints.get(node) if isinstance(node, Variable) else None

    @cached_property
    def averaged(self) -> frozenset[Variable]:
        """What statistics are of: what a norm takes in."""
        read = (variables(found.expression) for found in self.by_name.values() if found.target.role == STATISTIC)
        return frozenset(variable for each in read for variable in each if variable.role != STATISTIC)

    @cached_property
    def tables(self) -> dict[str, Mapping[Any, Any]]:
        """All that a rule may ask it, by name."""
        tables: dict[str, Mapping[Any, Any]] = {"by_value": self.by_value, "by_name": self.by_name}
        tables |= {"adjoints": self.adjoints, "centred": self.centred, "vanishing": self.vanishing}
        return tables | {"powers": self.powers, "quotients": self.quotients}

    @cached_property
    def patterns(self) -> dict[str, frozenset[Common]]:
        """What the formulas of each table that does not grow look like, whatever the numbers in names."""
        fixed = {"by_value": self.by_value, "powers": self.powers, "quotients": self.quotients}
        return {table: frozenset(pattern(formula)[0] for formula in known) for table, known in fixed.items()}

    def definition(self, node: Node) -> Node:
        """Return what defines `node` when it is a variable of an equation, else `node`."""
        equation = self.by_name.get(node) if isinstance(node, Variable) else None
        return equation.expression if equation else node


def context(system: System) -> Context:
    """Return what the rules may use of a system: every equation, by right side and by name.

    Inside a loop the equations are known for the block `l`, the one after it, the last, and the first, whose flows
    reach what stands before the loop.
    """
    known = list(_known(system.items))
    tidied = ForAlike(tidy)
    same = {each.expression for each in known if _is_the_same_in_all(each)}
    values = (each for each in reversed(known) if each.expression.operands and each.expression not in same)
    by_value = {tidied(equation.expression): equation for equation in values}
    return Context(by_value, {equation.target: equation for equation in known})


def _is_the_same_in_all(equation: Equation) -> bool:
    """Whether each block computes the same, which is no value of a block where a sum over all has it outside."""
    index = [part for part in equation.target.index if part.free_symbols]
    return bool(index) and bool(loose(equation.target, equation.expression))


def _known(items: Iterable[Item]) -> Iterator[Equation]:
    for item in items:
        if isinstance(item, Equation):
            yield item
            continue
        inside = tuple(_known(item.items))
        for shift in (item.index, item.index + 1, item.count, sympy.Integer(1)):
            yield from (_moved(equation, item.index, shift) for equation in inside)


def _moved(equation: Equation, index: sympy.Symbol, to: sympy.Expr) -> Equation:
    if to == index:
        return equation
    return Equation(variable_at(equation.target, index, to), node_at(equation.expression, index, to))


def node_at(node: Node, index: sympy.Symbol, to: sympy.Expr) -> Node:
    moved: Node = node.xreplace({index: to})
    return moved


def variable_at(variable: Variable, index: sympy.Symbol, to: sympy.Expr) -> Variable:
    moved: Variable = variable.xreplace({index: to})
    return moved


@dataclass(frozen=True)
class Applied:
    """What a rule made of a node, and the facts that allowed it."""

    result: Node
    facts: tuple[KnownFact, ...] = ()


@dataclass(frozen=True)
class Rule:
    """A named identity. `identity` says it in one line of NumPy notation."""

    name: str
    identity: str
    apply: Callable[[Node, Context], Applied | None]

    @cached_property
    def kinds(self) -> tuple[type, ...]:
        """The kinds of node of which it can make something."""
        return kinds_of(self.apply)


Apply = Callable[[Node, Context], Applied | None]


def rule(rules: list[Rule], name: str, identity: str) -> Callable[[Apply], Apply]:
    """Enter the decorated function in `rules`, which are tried in the order in which they are entered."""

    def enter(apply: Apply) -> Apply:
        rules.append(Rule(name, identity, apply))
        return apply

    return enter

"""Forward and reverse mode of differentiation between two variables of a network, and what each costs.

The *tangent* of a variable, `dot_z1`, is its derivative in a direction, pushed forward by the equations (a
Jacobian-vector product). The *cotangent*, `bar_z1`, is the derivative of a weighting of the output, pulled back (a
vector-Jacobian product). The Jacobian itself takes one forward pass for each input or one reverse pass for each
output; as a product of the Jacobians on the way it is the same in every order, but its cost is not.

Source: Griewank and Walther, *Evaluating Derivatives* (2008), chapters 3 and 14; Cormen et al., *Introduction to
Algorithms*, matrix-chain multiplication.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import sympy
from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, Loop, System
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.printable import Shown
from symprop.algebra.trees import added, variables
from symprop.analysis.flops import Operations, operations
from symprop.analysis.orders import Factor, Order, cheaper, orders
from symprop.calculus.jacobians import chained, pushforward
from symprop.calculus.reached import dependents, way
from symprop.calculus.rewriting import simplified
from symprop.calculus.rules import Context, context
from symprop.errors import SpecError, shown


@dataclass(frozen=True)
class Link:
    """One factor of the chain rule: the Jacobian of `target` with respect to `source`."""

    target: Variable
    source: Variable
    jacobian: Node


@dataclass(frozen=True)
class Modes(Shown):
    """Forward mode, reverse mode, and the chain of Jacobians from `by` to `of`."""

    of: Variable
    by: Variable
    links: tuple[Link, ...]
    tangents: tuple[Equation, ...]
    cotangents: tuple[Equation, ...]

    _repr_pretty_ = Shown._repr_pretty_  # before the `__repr__` of a dataclass, which IPython would take

    @property
    def forward_pass(self) -> Operations:
        """The cost of one Jacobian-vector product."""
        return _cost(self.tangents)

    @property
    def reverse_pass(self) -> Operations:
        """The cost of one vector-Jacobian product."""
        return _cost(self.cotangents)

    @property
    def forward_mode(self) -> Expr:
        """The cost of the full Jacobian, one forward pass for each element of `by`."""
        return sympy.expand(_length(self.by) * self.forward_pass.total)

    @property
    def reverse_mode(self) -> Expr:
        """The cost of the full Jacobian, one reverse pass for each element of `of`."""
        return sympy.expand(_length(self.of) * self.reverse_pass.total)

    @property
    def factors(self) -> tuple[Factor, ...]:
        """The matrices of the chain, the output's first, as they stand in the product."""
        return tuple(
            Factor(_length(link.target), _length(link.source), isinstance(link.jacobian, n.Diag))
            for link in reversed(self.links)
        )

    @cached_property
    def orders(self) -> tuple[Order, ...]:
        """Every order of multiplying the chain, with its cost; the forward and the reverse order are named."""
        return orders(self.factors)

    def order(self, name: str) -> Order:
        """Return the order named "forward" or "reverse"."""
        return next(order for order in self.orders if name in order.names)

    def best_order(self, sizes: Mapping[Expr, int] | None = None) -> Order:
        """Return the cheapest order at the given sizes.

        Raises:
            SpecError: a size is still a symbol.
        """
        return min(self.orders, key=lambda order: _number(order.cost, sizes))

    def cheaper(self) -> tuple[str, sympy.Basic]:
        """Return the cheaper of forward and reverse order, and the condition on the sizes under which forward is.

        The name is "forward", "reverse" or "equal" where it does not depend on the sizes, else "depends".
        """
        return cheaper(self.order("forward").cost, self.order("reverse").cost)

    def text(self) -> str:
        """Return the equations of both modes, the chain, its costs and the verdict, as plain text."""
        name, condition = self.cheaper()
        lines = ["forward mode (Jacobian-vector product)"]
        lines += [f"  {equation.text()}" for equation in self.tangents]
        lines += ["reverse mode (vector-Jacobian product)"]
        lines += [f"  {equation.text()}" for equation in self.cotangents]
        lines += [f"d{self.of.name}/d{self.by.name} = " + " @ ".join(f"J{k}" for k in range(len(self.links), 0, -1))]
        for number, link in enumerate(self.links, start=1):
            lines.append(f"  J{number} = d{link.target.name}/d{link.source.name} = {link.jacobian.text()}")
        for order in self.orders:
            label = f"  ({', '.join(order.names)})" if order.names else ""
            lines.append(f"  {order.text()}: {order.cost}{label}")
        verdict = {"depends": f"forward is cheaper when {condition}", "equal": "forward and reverse cost the same"}
        lines.append(verdict.get(name, f"{name} is cheaper"))
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()


def modes(system: System, of: Variable, by: Variable, through: Sequence[Variable] | None = None) -> Modes:
    """Derive forward and reverse mode from `by` to `of`.

    The chain stops at every variable through which all of `of` depends on `by`, or only at those in `through`.

    >>> from symprop.networks import Dense, Input, ReLU
    >>> system = (Input("n0") >> Dense("n1") >> ReLU() >> Dense("n2")).system()
    >>> found = modes(system, system.output, system.inputs[0])
    >>> found.order("reverse").cost - found.order("forward").cost
    -n0*n1 + n1*n2

    Raises:
        SpecError: `of` does not depend on `by`, or one of them is not a vector.
    """
    for variable in (of, by):
        if variable.rank > 1:
            raise SpecError(f"modes are derived between vectors; {shown(variable.name)} has rank {variable.rank}")
    equations = between(stretch(system, of, by), of, by)
    known = context(system)
    passed = stations(equations, by)
    if through is not None:
        unknown = [variable.name for variable in through if variable not in passed]
        if unknown:
            raise SpecError(f"not all ways from {by.name} to {of.name} go through {shown(unknown[0])}")
        passed = [by, *(station for station in passed[1:-1] if station in through), of]
    place = {by: 0} | {equation.target: number for number, equation in enumerate(equations, start=1)}
    links = tuple(
        Link(target, source, chained(equations[place[source] : place[target]], target, source, known))
        for source, target in itertools.pairwise(passed)
    )
    return Modes(of, by, links, tangents(equations, by, known), cotangents(equations, of, by, known))


def stretch(system: System, of: Variable, by: Variable) -> list[Equation]:
    """Return equations with all ways from `by` to `of`: all outside loops, or in the blocks of one.

    Raises:
        SpecError: a way leads through a symbolic number of blocks.
    """
    found = way(system.items, of, by)
    if found is None:
        raise SpecError(
            f"the number of blocks on the way from {by.name} to {of.name} is a symbol\n"
            "allowed here: two variables of one block, or Repeat with a number"
        )
    return found


def without_loops(system: System) -> list[Equation]:
    """Return the equations of a system that has no loop over a symbolic number of blocks.

    Raises:
        SpecError: it has one.
    """
    for item in system.items:
        if isinstance(item, Loop):
            raise SpecError(f"the number of blocks {shown(item.count)} is a symbol\nallowed here: Repeat with a number")
    return [item for item in system.items if isinstance(item, Equation)]


def between(equations: Sequence[Equation], of: Variable, by: Variable) -> list[Equation]:
    """Return the equations on the ways from `by` to `of`, in order.

    Raises:
        SpecError: there is no way.
    """
    reached, wanted = dependents(equations, [by]), {of}
    needed: list[Equation] = []
    for equation in reversed(equations):
        if equation.target in wanted and equation.target in reached and equation.target != by:
            needed.append(equation)
            wanted |= {variable for variable in variables(equation.expression) if variable in reached}
    check_depends(equations, of, by)
    return needed[::-1]


def check_depends(equations: Sequence[Equation], of: Variable, by: Variable) -> None:
    """Refuse two variables of which the first does not depend on the second.

    Raises:
        SpecError: it does not; where the second depends on the first, the order of the two is told.
    """
    if of not in dependents(equations, [by]):
        turned = of != by and by in dependents(equations, [of])
        told = f"\n{by.name} depends on {of.name}: ask in the order {by.name!r}, {of.name!r}" if turned else ""
        raise SpecError(f"{of.name} does not depend on {by.name}{told}")


def stations(equations: Sequence[Equation], by: Variable) -> list[Variable]:
    """Return the variables that every way from `by` goes through: those that no equation reads past."""
    position = {by: 0} | {equation.target: place for place, equation in enumerate(equations, start=1)}
    furthest = 0  # the last equation that reads a variable before the present one
    found: list[Variable] = []
    last_use = dict.fromkeys(position, 0)
    for place, equation in enumerate(equations, start=1):
        for variable in variables(equation.expression):
            if variable in last_use:
                last_use[variable] = place
    for variable, place in position.items():
        if furthest <= place:
            found.append(variable)
        furthest = max(furthest, last_use[variable])
    return found


def tangent_of(variable: Variable) -> Variable:
    """Return the variable that holds the tangent: `dot_z1` for `z1`."""
    return variable.change(letter=f"dot_{variable.letter}", facts=())


def cotangent_of(variable: Variable) -> Variable:
    """Return the variable that holds the cotangent: `bar_z1` for `z1`."""
    return variable.change(letter=f"bar_{variable.letter}", facts=())


def tangents(equations: Sequence[Equation], by: Variable, known: Context) -> tuple[Equation, ...]:
    """Return the forward-mode equations: the tangent of each target, by the pushforward table."""
    moving = {by, *(equation.target for equation in equations)}
    found = []
    for equation in equations:
        parts = [
            pushforward(equation.expression, variable, tangent_of(variable))
            for variable in variables(equation.expression)
            if variable in moving
        ]
        expression, steps = simplified(added(parts), known)
        found.append(Equation(tangent_of(equation.target), expression, steps, f"the tangent of {equation.name}"))
    return tuple(found)


def cotangents(equations: Sequence[Equation], of: Variable, by: Variable, known: Context) -> tuple[Equation, ...]:
    """Return the reverse-mode equations: the cotangent of each variable, by the pullback table, `by` last."""
    pending: dict[Variable, list[Node]] = {}
    targets = {equation.target for equation in equations}
    found = []

    def settle(variable: Variable) -> None:
        if variable == of:
            return  # its cotangent is what the caller gives
        parts = pending[variable]
        expression, steps = simplified(added(parts), known)
        found.append(Equation(cotangent_of(variable), expression, steps, f"the cotangent of {variable.name}"))

    for equation in reversed(equations):
        settle(equation.target)
        for variable in variables(equation.expression):
            if variable == by or variable in targets:
                flow = n.Pullback(cotangent_of(equation.target), equation.expression, variable)
                pending.setdefault(variable, []).append(flow)
    settle(by)
    return tuple(found)


def _length(variable: Variable) -> Expr:
    return variable.shape[0] if variable.rank else Integer(1)


def _cost(equations: Sequence[Equation]) -> Operations:
    return Operations.sum(operations(equation.expression) for equation in equations)


def _number(cost: Expr, sizes: Mapping[Expr, int] | None) -> int:
    value = cost.subs(sizes) if sizes else cost
    if not value.is_Integer:
        symbols = ", ".join(sorted(map(str, value.free_symbols)))
        raise SpecError(f"the best order depends on sizes without a number: {symbols}")
    return int(value)

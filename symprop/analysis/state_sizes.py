"""How large what a moment makes can be: gates have the range of their function, and what is carried follows.

A formula of degree one in each of several quantities takes its largest value where each is at an end of its range, so
that `(1 - z) * n + z * h` is at most 1 where `z` lies between 0 and 1 and the others between -1 and 1. A state that is
at most `F(B)` where it was at most `B` is at most the solution of `B = F(B)`, or grows by the same in each moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import sympy
from sympy import Dummy, Expr, Integer, Max, Poly

from symprop.algebra import nodes as n
from symprop.algebra.equations import Carry, Loop, System
from symprop.algebra.named_numbers import unnamed
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import PARAMETER
from symprop.algebra.trees import numbers_apart
from symprop.analysis.slopes import largest_value
from symprop.analysis.vanishing import UnboundedError, norm

MOST_CORNERS = 1024
"""Combinations of ends of ranges that are tried."""


class Sizes:
    """What elements of formulas in a loop are at most, in the norms of parameters and the moment.

    `states` says it of the states, `asked` of those, as the moment before left them, that an answer took into account.

    >>> from symprop.networks import GRU, LSTM, Input
    >>> for cell in (GRU(2), LSTM(2)):
    ...     system = (Input("T", 3) >> cell).system()
    ...     sizes = Sizes(system, system.loops[0])
    ...     {carry.after.text(): size for carry, size in sizes.states.items()}
    {'h1[t]': 1}
    {'h1[t]': 1, 'c1[t]': t}
    """

    def __init__(self, system: System, loop: Loop) -> None:
        self.loop = loop
        self.made = {each.target: each.expression for each in loop.equations}
        self.starts = {each.target: each.expression for each in system.equations}
        self.ranges: dict[Expr, tuple[Expr, Expr]] = {}
        self.known: dict[Node, Expr] = {}
        self.before: dict[Node, Expr] = {}
        self.asked: dict[Node, Expr] = {}
        self.states = self._states()
        self.known.clear()
        self.asked.clear()
        for carry in loop.carries:
            size = self.states.get(carry)
            self.before.pop(carry.before, None)
            if size is not None:
                self.before[carry.before] = sympy.expand(size.subs(loop.index, loop.index - 1))

    def largest(self, node: Node) -> Expr | None:
        """Return what the elements of a formula are at most in absolute value, or None where nothing is known."""
        try:
            return self._largest(node)
        except UnboundedError:
            return None

    def _largest(self, node: Node) -> Expr:
        value = self._value(node)
        free = sorted(value.free_symbols & self.ranges.keys(), key=lambda each: each.dummy_index)
        gates = [each for each in free if self.ranges[each][0] != -self.ranges[each][1]]
        if 2 ** len(gates) > MOST_CORNERS or any(sympy.degree(value, each) > 1 for each in gates):
            raise UnboundedError(node)
        sizes = {each: self.ranges[each][1] for each in free if each not in gates}
        found = []
        for ends in product(*(self.ranges[each] for each in gates)):
            left = Poly(value.subs(dict(zip(gates, ends, strict=True))), *sizes, Dummy())
            signs = {powers: abs(coefficient) for powers, coefficient in left.terms()}
            found.append(Poly(signs, *left.gens).as_expr().subs(sizes))
        return Max(*map(sympy.expand, found))

    # ------------------------------------------------------------ states

    def _states(self) -> dict[Carry, Expr]:
        """What each state is at most at the loop's index, those of which that is known."""
        symbols = {carry: Dummy(f"B{place}", positive=True) for place, carry in enumerate(self.loop.carries)}
        self.before = {carry.before: symbol for carry, symbol in symbols.items()}
        after = {carry: self.largest(carry.after) for carry in symbols}
        starts = {carry: self._start(carry) for carry in symbols}
        found: dict[Carry, Expr] = {}
        for _ in symbols:
            for carry in (each for each in symbols if each not in found):
                size, start = after[carry], starts[carry]
                if size is None or start is None:
                    continue
                size = size.xreplace({symbols[each]: _always(value, self.loop) for each, value in found.items()})
                solved = _solved(size, symbols[carry], start, self.loop.index)
                if solved is not None and not solved.free_symbols & set(symbols.values()):
                    found[carry] = solved
        return {carry: found[carry] for carry in symbols if carry in found}

    def _start(self, carry: Carry) -> Expr | None:
        start = self.starts.get(self.loop.start(carry))
        if start is None:
            return None
        number, rest = numbers_apart(start.operands if isinstance(start, n.Multiply) else (start,))
        if start.constant is not None:
            return sympy.Abs(start.constant)
        match rest:
            case [Variable(role=role) as parameter] if role == PARAMETER:
                return sympy.Abs(number) * norm(parameter)
        return None

    # ------------------------------------------------------------ formulas

    def _value(self, node: Node) -> Expr:
        """An element of a formula as a polynomial in quantities, each with a range; the same element of the same array
        is the same quantity."""
        if node.number is not None:
            return unnamed(node.number)
        if node not in self.known:
            self.known[node] = self._worked_out(node)
        return self.known[node]

    def _worked_out(self, node: Node) -> Expr:
        if node in self.before:
            self.asked[node] = self.before[node]
            return self._quantity(-self.before[node], self.before[node])
        match node:
            case Variable() if node in self.made:
                return self._value(self.made[node])
            case Variable(role=role) if role == PARAMETER and node.rank == 1:
                return self._quantity(-norm(node), norm(node))
            case n.Map(operands=(_,)):
                return self._of_function(node)
            case n.Add() | n.Multiply():
                values = [
                    self._value(each) if each.shape in (node.shape, ()) else self._apart(each) for each in node.operands
                ]
                return sympy.expand((sympy.Add if isinstance(node, n.Add) else sympy.Mul)(*values))
            case n.Structural(operands=(inner,)):
                return self._apart(inner)
            case n.MatMul(operands=(Variable(role=role) as weight, inner)) if role == PARAMETER and inner.rank == 1:
                size = norm(weight) * sympy.sqrt(inner.shape[0]) * self._largest(inner)  # |v| <= sqrt(n) max |v_i|
                return self._quantity(-size, size)
        raise UnboundedError(node)

    def _of_function(self, node: n.Map) -> Expr:
        """The range of a function of one array, from the largest values of what it is above and below."""
        body = node.function.body
        if (size := largest_value(body)) is None:
            raise UnboundedError(node)
        above, below = largest_value(body + size.value), largest_value(body - size.value)
        if above is None or below is None:
            raise UnboundedError(node)
        return self._quantity(size.value - below.value, above.value - size.value)

    def _apart(self, node: Node) -> Expr:
        """Other elements of the same array: a quantity with the same range."""
        value = self._value(node)
        if value in self.ranges:
            return self._quantity(*self.ranges[value])
        size = self._largest(node)
        return self._quantity(-size, size)

    def _quantity(self, low: Expr, high: Expr) -> Expr:
        made = Dummy("q", real=True)
        self.ranges[made] = low, high
        return made


def _solved(size: Expr, before: Expr, start: Expr, index: Expr) -> Expr | None:
    """What a state is at most whose size is `size` of what it was `before`, and was at most `start`.

    Each term of the largest is `a * before + b`: with a < 1 it keeps within `b / (1 - a)`, with a = 1 it grows by b.
    """
    terms: Sequence[Expr] = size.args if isinstance(size, Max) else (size,)
    kept, grown = [start], [Integer(0)]
    for term in terms:
        slope = sympy.diff(term, before)
        rest = sympy.expand(term - slope * before)
        if not slope.is_number or rest.has(before) or not 0 <= slope <= 1:
            return None
        if slope == 1:
            grown.append(rest)
        else:
            kept.append(rest / (1 - slope))
    return Max(*kept) + index * Max(*grown)


def _always(size: Expr, loop: Loop) -> Expr:
    """What a state was at most the moment before."""
    return size.subs(loop.index, loop.index - 1)


__all__ = ["Sizes"]

"""The loops of a derivation at numbers of steps, so that what a line names is computed and nothing is taken for free.

A line about a general step (`delta[l]`, `c1[t]`) is looked at in the middle of a loop that is written out: of three
blocks, or of as many moments as the network has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TypeVar

import sympy
from sympy import Basic, Expr, Integer
from sympy.core.function import AppliedUndef

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, loops_in
from symprop.algebra.nodes import Node
from symprop.algebra.trees import added, replace, walk, zeros
from symprop.algebra.unrolling import written_out
from symprop.analysis.derivation import Derivation

BLOCKS = 3
"""How many steps a loop has whose number of steps is a symbol."""


def steps_of(derivation: Derivation) -> dict[Expr, Expr]:
    """Return what stands for counts, indices and sizes that vary from step to step, where a derivation has loops.

    >>> import symprop
    >>> d = symprop.derive("Input(n_0) >> Repeat(Dense(n_l) >> Tanh(), N) >> Dense(k) >> MeanSquaredError()")
    >>> print(*(f"{old}: {new}" for old, new in steps_of(d).items()), sep=", ")
    N: 3, l: 2, n(0): n_0, n(N): n_3, n(l + 1): n_3, n(l - 1): n_1, n(l): n_2
    """
    loops = tuple(loops_in((*derivation.system.items, *derivation.backward)))
    found: dict[Expr, Expr] = {}
    for loop in loops:
        found |= {symbol: Integer(BLOCKS) for symbol in sorted(loop.count.free_symbols, key=str)}
        found[loop.index] = Integer((int(loop.count.xreplace(found)) + 1) // 2)
    return found | _widths([part for each in derivation.equations for part in (each.target, each.expression)], found)


def _widths(nodes: Iterable[Node], steps: Mapping[Expr, Expr]) -> dict[Expr, Expr]:
    """Return a symbol for each size that varies from step to step: `n_2` for `n(2)`, and for `n(l)` where l is 2."""
    sizes = {size for node in nodes for part in walk(node) for each in part.shape for size in each.atoms(AppliedUndef)}
    return {size: _symbol(size.xreplace(dict(steps))) for size in sorted(sizes, key=str)}


def _symbol(size: Basic) -> Expr:
    return sympy.Symbol(f"{type(size).__name__}_{size.args[0]}", integer=True, positive=True)


def equations_at(derivation: Derivation, steps: Mapping[Expr, Expr]) -> tuple[Equation, ...]:
    """Return all equations in the order of computation, loops written out.

    >>> import symprop
    >>> d = symprop.derive("Input(2, 2) >> RNN(1) >> MeanSquaredError()")
    >>> print(*(each.name for each in equations_at(d, steps_of(d))[:6]), sep=", ")
    h1[0], x[1], a1[1], h1[1], x[2], a1[2]
    """
    counts = {symbol: number for symbol, number in steps.items() if symbol.is_Symbol}
    found = written_out((*derivation.system.items, *derivation.backward), counts)
    made = [Equation(_at(each.target, steps), at_steps(each.expression, steps)) for each in found]
    return tuple({each.target: each for each in made}.values())


def at_steps(node: Node, steps: Mapping[Expr, Expr]) -> Node:
    """Return a formula at numbers of steps, with its series written out: what it reads then has a value of its own."""
    return _at_steps(node, tuple(steps.items())) if steps else node


@lru_cache(maxsize=2_000)
def _at_steps(node: Node, steps: tuple[tuple[Expr, Expr], ...]) -> Node:
    return terms_of_series(_at(node, dict(steps)))


def terms_of_series(node: Node) -> Node:
    """Return a formula with each series whose number of terms is known written out as a sum."""
    here = node
    while series := next((part for part in walk(here) if isinstance(part, n.BlockSum) and part.count.is_Integer), None):
        terms = [series.at(Integer(place)) for place in range(1, int(series.count) + 1)]
        here = replace(here, {series: added(terms) if terms else zeros(*series.shape)})
    return here


Kind = TypeVar("Kind", bound=Node)


def _at(node: Kind, steps: Mapping[Expr, Expr]) -> Kind:
    moved: Kind = node.xreplace(dict(steps))
    return moved.xreplace(_widths([moved], {}))

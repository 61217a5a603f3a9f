"""The Jacobian of a stack of residual blocks as a sum over paths: one path for each choice of blocks to go through.

Block `k` computes `h_k = h_(k-1) + f_k(h_(k-1))`, so its Jacobian is `I + J_k`, and that of the stack by the first
branch is `(I + J_n) ... (I + J_2)`. Multiplied out these are `2**(n - 1)` products, an ensemble of shallower networks
(Veit, Wilber and Belongie, *Residual networks behave like ensembles of relatively shallow networks*, 2016).
A block that adds several branches to its input has a factor `I + J_k + J_k'`, so a path may take either of them. Where
branches are multiplied or put one after the other there is no such sum, and nothing is said.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from math import prod

import sympy

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, System
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.printable import Shown
from symprop.algebra.trees import added, terms_of
from symprop.analysis.modes import without_loops
from symprop.calculus.chains import links
from symprop.calculus.jacobians import between_vectors, chained
from symprop.calculus.reached import dependents
from symprop.calculus.rules import context
from symprop.errors import LimitError, SpecError

MOST_PATHS = 2**11

Path = tuple[int, ...]
"""The blocks that a path goes through, by position in the stack, the last one first; `()` is the identity."""


@dataclass(frozen=True)
class Block:
    """A branch of a residual block, `exit = entry + branch + ...`, and its Jacobian with respect to the entry."""

    entry: Variable
    branch: Variable
    exit: Variable
    jacobian: Node


@dataclass(frozen=True)
class Expansion(Shown):
    """The Jacobian of the last block's output with respect to the first block's branch, multiplied out.

    A block stands in `blocks` once for each of its branches.
    """

    blocks: tuple[Block, ...]
    paths: tuple[Path, ...]

    _repr_pretty_ = Shown._repr_pretty_  # before the `__repr__` of a dataclass, which IPython would take

    @property
    def stack(self) -> tuple[tuple[Block, ...], ...]:
        """The branches, block by block."""
        return tuple(tuple(block) for _, block in itertools.groupby(self.blocks, key=lambda branch: branch.exit))

    def groups(self) -> tuple[tuple[Path, ...], ...]:
        """The paths by the last branch that they go through; the identity comes first."""
        grouped = itertools.groupby(self.paths, key=lambda path: path[:1])
        return tuple(tuple(paths) for _, paths in grouped)

    def factored(self) -> Node:
        """The product `(I + J_n) @ ... @ (I + J_2)`."""
        identity = n.Identity(self.blocks[0].branch.shape[0])
        factors = [n.Add(identity, *(branch.jacobian for branch in block)) for block in reversed(self.stack[1:])]
        return _product(factors, identity)

    def matrix(self, path: Path) -> Node:
        """One path as a product of the Jacobians of its blocks."""
        identity = n.Identity(self.blocks[0].branch.shape[0])
        return _product([self.blocks[position].jacobian for position in path], identity)

    def expanded(self) -> Node:
        """The sum over all paths."""
        return added([self.matrix(path) for path in self.paths])

    def text(self) -> str:
        """The sum in named partial derivatives, `df3/df2 df2/df1`, grouped by the last block."""
        return self._written("I", " ", lambda of, by: f"d{of.name}/d{by.name}", "({})")

    def pretty(self) -> str:
        """The same in Unicode."""
        return self._written("I", " ", lambda of, by: f"∂{of.pretty()}/∂{by.pretty()}", "({})")

    def __str__(self) -> str:
        return self.pretty()

    def latex(self, write: Callable[[Variable], str] = Variable.latex) -> str:
        """The same as LaTeX, the names by `write`."""
        return self._written(
            r"\mathbf{I}",
            " ",
            lambda of, by: rf"\frac{{\partial {write(of)}}}{{\partial {write(by)}}}",
            r"\left( {} \right)",
        )

    def _written(self, identity: str, times: str, partial: Callable[[Variable, Variable], str], group: str) -> str:
        def product(path: Path) -> str:
            stations = [self.blocks[position].branch for position in (*path, 0)]
            return times.join(partial(of, by) for of, by in itertools.pairwise(stations)) or identity

        written = []
        for paths in self.groups():
            total = " + ".join(product(path) for path in paths)
            written.append(group.format(total) if len(paths) > 1 else total)
        return " + ".join(written)


def _product(factors: list[Node], identity: Node) -> Node:
    if not factors:
        return identity
    return reduce(n.MatMul, [part for factor in factors for part in links(factor)])


def residual_blocks(system: System) -> tuple[Block, ...]:
    """Return the longest stack of residual blocks in a network, each block starting where the one before ends.

    Each stands there once for each of its branches.

    Raises:
        SpecError: the network has no residual block of vectors with an identity shortcut.
    """
    equations = without_loops(system)
    known = context(system)
    stacks: list[list[list[Block]]] = []
    for position, equation in enumerate(equations):
        found = _shortcut(equation, equations[:position])
        before = equations[:position]
        if found is None or not all(between_vectors(before, branch, found[0]) for branch in found[1]):
            continue
        entry, branches = found
        block = [Block(entry, each, equation.target, chained(before, each, entry, known)) for each in branches]
        if stacks and stacks[-1][-1][0].exit == entry:
            stacks[-1].append(block)
        else:
            stacks.append([block])
    if not stacks:
        raise SpecError("the network has no residual block of vectors with an identity shortcut")
    longest: list[list[Block]] = max(stacks, key=len)
    return tuple(itertools.chain.from_iterable(longest))


def _shortcut(equation: Equation, before: list[Equation]) -> tuple[Variable, list[Variable]] | None:
    """The entry and the branches of `h = f + g + entry`, where `f` and `g` are computed from `entry`."""
    terms = [term for term in terms_of(equation.expression) if isinstance(term, Variable)]
    if len(terms) < 2 or len(set(terms)) < len(terms_of(equation.expression)):
        return None
    for entry in reversed(terms):
        branches = [term for term in terms if term != entry]
        if set(branches) <= dependents(before, [entry]):
            return entry, branches
    return None


def paths(system: System) -> Expansion:
    """Return the Jacobian of a stack of residual blocks with respect to its first branch, multiplied out into paths.

    >>> from symprop.networks import Dense, Input, ReLU, Residual
    >>> block = Residual(Dense("n") >> ReLU())
    >>> network = Input("n") >> block >> block >> block
    >>> paths(network.system()).text()
    'I + df2/df1 + (df3/df1 + df3/df2 df2/df1)'

    Raises:
        SpecError: the network has no residual block with an identity shortcut.
        LimitError: more than 2,048 paths, those of 12 blocks with a branch each.
    """
    blocks = residual_blocks(system)
    stack = Expansion(blocks, ()).stack
    count = prod(1 + len(block) for block in stack[1:])
    if count > MOST_PATHS:
        raise LimitError(
            f"{len(stack)} residual blocks have {count:,} paths\nallowed: 12 blocks of one branch, {MOST_PATHS:,} paths"
        )
    symbols = [sympy.Symbol(f"J{position}", commutative=False) for position in range(len(blocks))]
    product: sympy.Expr = sympy.Integer(1)
    for block in reversed(stack[1:]):
        product = product * (1 + sympy.Add(*(symbols[blocks.index(branch)] for branch in block)))
    terms = sympy.Add.make_args(sympy.expand(product))
    position_of = {symbol: position for position, symbol in enumerate(symbols)}
    found = [tuple(position_of[factor] for factor in sympy.Mul.make_args(term)) if term != 1 else () for term in terms]
    return Expansion(blocks, tuple(sorted(found)))

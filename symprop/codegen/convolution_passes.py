"""Convolutions as one operation, for libraries that have it.

A layer writes a convolution as windows times a kernel, of which the rules make its derivatives: a fold of a product,
and a product with windows. In a program all three are found by what they are: formulas of that form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sympy import Basic, Expr, Integer, oo

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import replace, terms_of, walk
from symprop.analysis.derivation import Derivation
from symprop.calculus.readings import kernels
from symprop.codegen import passes
from symprop.codegen.convolutions import (
    Convolution,
    ConvolutionByInput,
    ConvolutionByKernel,
    MaxPool,
    MaxPoolByInput,
)
from symprop.codegen.program import Emit, Pass, Program, Statement, rewritten
from symprop.codegen.readable_passes import readable


@dataclass(frozen=True)
class Pattern:
    """A formula whose variables stand for anything of their shape, and what is written in its place."""

    formula: Node
    result: Node

    def at(self, node: Node) -> Node | None:
        """Return the result for a node that has this form, else None; the form must say what all in the result is.

        >>> from symprop.algebra import variable
        >>> x, d, A = variable("x", (9, 2)), variable("d", (4, 2)), variable("A", (4, 9))
        >>> Pattern(A @ x, x).at(A @ (x + 1)).text()
        'x + 1'
        """
        found: dict[Node, Node] = {}
        is_found = _alike(self.formula, node, found) and found.keys() >= set(self.result.operands)
        return replace(self.result, found) if is_found else None


def _alike(pattern: Basic, node: Basic, found: dict[Node, Node]) -> bool:
    if isinstance(pattern, Variable):
        return isinstance(node, Node) and node.shape == pattern.shape and found.setdefault(pattern, node) == node
    if not isinstance(pattern, Node):
        return bool(pattern == node)
    same_kind = type(pattern) is type(node) and len(pattern.args) == len(node.args)
    return same_kind and all(_alike(*pair, found) for pair in zip(pattern.args, node.args, strict=True))


def as_convolutions(program: Program) -> Program:
    """Write each convolution of the forward pass, and what flows back of it, as one operation."""
    return _rewritten(program, _convolutions)


def as_max_pools(program: Program) -> Program:
    """Write the maxima of windows in the forward pass, and what flows back of them, as one operation."""
    return _rewritten(program, _max_pools)


def _rewritten(program: Program, forms: Callable[[Node], Iterator[Pattern]]) -> Program:
    found = [pattern for each in program.forward for pattern in forms(each.expression)]

    def written(node: Node) -> Node:
        for pattern in found:
            new = pattern.at(node)
            if new is not None:
                return new.with_operands(map(written, new.operands))
        operands = tuple(map(written, node.operands))
        return node if operands == node.operands else node.with_operands(operands)

    def change(statement: Statement, emit: Emit) -> Statement:
        return statement.with_expression(written(statement.expression))

    return rewritten(program, change) if found else program


def _convolutions(expression: Node) -> Iterator[Pattern]:
    """Yield the forms of the convolutions in a formula of a batch, and of what flows back of each."""
    for term in terms_of(expression):
        windows = [part for part in walk(term) if isinstance(part, n.Window)]
        candidates = (pair for each in windows for pair in _of_windows(term, each))
        for name, given in candidates:
            pattern = Pattern(given.meant(name), given)
            if pattern.at(term) is None:
                continue
            (x, W), (strides, paddings, dilations) = given.operands, given.geometry
            d = Variable("d_", (), given.shape)
            by_input = ConvolutionByInput(d, W, strides, paddings, dilations, x.shape)
            by_kernel = ConvolutionByKernel(x, d, strides, paddings, dilations, W.shape)
            yield from (pattern, *(Pattern(each.meant(name), each) for each in (by_input, by_kernel)))
            break


def _max_pools(expression: Node) -> Iterator[Pattern]:
    """Yield the forms of the maxima of windows in a formula of a batch, and of what flows back of each."""
    for part in walk(expression):
        windows = part.operands[0] if isinstance(part, n.Extreme) else None
        if not isinstance(windows, n.Window):
            continue
        array, paddings = _without_padding(windows.operands[0], -oo)
        name, x = windows.args[5].args, Variable("x_", (), array.shape)
        pool = MaxPool(x, *windows.args[2:4], paddings, part.shape)
        if len(windows.axes) == array.rank - 2 and Pattern(pool.meant(name), pool).at(part) is not None:
            back = MaxPoolByInput(x, Variable("d_", (), part.shape), *pool.args[1:4], x.shape)
            yield from (Pattern(each.meant(name), each) for each in (pool, back))


def _without_padding(array: Node, outside: Expr) -> tuple[Node, tuple[tuple[Expr, ...], ...]]:
    """Return what is padded with a value along the axes of places, and the widths of each of them."""
    if isinstance(array, n.Pad) and array.value == outside:
        return array.operands[0], array.widths[1:-1]
    return array, ((Integer(0), Integer(0)),) * (array.rank - 2)


def _of_windows(term: Node, windows: n.Window) -> Iterator[tuple[tuple[Basic, ...], Convolution]]:
    """Yield what convolution a term may be that holds these windows of a batch, with their name."""
    inside, axes = windows.operands[0], windows.axes
    if axes != tuple(range(1, len(axes) + 1)) or inside.rank != len(axes) + 2:
        return
    array, paddings = _without_padding(inside, Integer(0))
    x = Variable("x_", (), array.shape)
    sizes, strides, dilations = (each.args for each in windows.args[2:5])
    for kernel in kernels(term, windows, sizes):
        if (inside.shape[-1] / kernel.shape[-1]).is_integer:
            W = Variable("W_", (), kernel.shape)
            shape = (*windows.shape[: len(axes) + 1], kernel.shape[0])
            yield windows.args[5].args, Convolution(x, W, strides, paddings, dilations, shape)


def convolving(derivation: Derivation, *further: Pass) -> Program:
    """Return the program of a derivation as it is read, its convolutions each one operation."""
    return passes.run(readable(derivation), (as_convolutions, *further, passes.dead))


def pooling(derivation: Derivation) -> Program:
    """Return the program of a derivation as it is read, its convolutions and maxima of windows each one operation."""
    return convolving(derivation, as_max_pools)


__all__ = ["as_convolutions", "as_max_pools", "convolving", "pooling"]

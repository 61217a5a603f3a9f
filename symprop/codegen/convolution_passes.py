"""Convolutions as one operation, for libraries that have it.

A layer writes a convolution as windows times a kernel, of which the rules make its derivatives: a fold of a product,
and a product with windows. In a program all three are found by what they are: formulas of that form.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sympy import Basic

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import replace, terms_of, walk
from symprop.analysis.derivation import Derivation
from symprop.calculus.readings import kernels
from symprop.codegen import passes
from symprop.codegen.convolutions import Convolution, ConvolutionByInput, ConvolutionByKernel
from symprop.codegen.program import Emit, Program, Statement, rewritten
from symprop.codegen.readable_passes import readable


@dataclass(frozen=True)
class Pattern:
    """A formula whose variables stand for anything of their shape, and what is written in its place."""

    formula: Node
    result: Convolution

    def at(self, node: Node) -> Node | None:
        """Return the result for a node that has this form, else None.

        >>> from symprop.algebra import variable
        >>> x, d, A = variable("x", (9, 2)), variable("d", (4, 2)), variable("A", (4, 9))
        >>> Pattern(A @ x, x).at(A @ (x + 1)).text()
        'x + 1'
        """
        found: dict[Node, Node] = {}
        return replace(self.result, found) if _alike(self.formula, node, found) else None


def _alike(pattern: Basic, node: Basic, found: dict[Node, Node]) -> bool:
    if isinstance(pattern, Variable):
        return isinstance(node, Node) and node.shape == pattern.shape and found.setdefault(pattern, node) == node
    if not isinstance(pattern, Node):
        return bool(pattern == node)
    same_kind = type(pattern) is type(node) and len(pattern.args) == len(node.args)
    return same_kind and all(_alike(*pair, found) for pair in zip(pattern.args, node.args, strict=True))


def as_convolutions(program: Program) -> Program:
    """Write each convolution of the forward pass, and what flows back of it, as one operation."""
    found = [pattern for each in program.forward for pattern in _patterns(each.expression)]

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


def _patterns(expression: Node) -> Iterator[Pattern]:
    """Yield the forms of the convolutions in a formula of a batch, and of what flows back of each."""
    for term in terms_of(expression):
        windows = [part for part in walk(term) if isinstance(part, n.Window)]
        candidates = (pair for each in windows for pair in _of_windows(term, each))
        for name, given in candidates:
            pattern = Pattern(given.meant(name), given)
            if pattern.at(term) is None:
                continue
            (x, W), geometry = given.operands, given.args[2:5]
            d = Variable("d_", (), given.shape)
            by_input = ConvolutionByInput(d, W, *geometry, x.shape)
            by_kernel = ConvolutionByKernel(x, d, *geometry, W.shape)
            yield from (pattern, *(Pattern(each.meant(name), each) for each in (by_input, by_kernel)))
            break


def _of_windows(term: Node, windows: n.Window) -> Iterator[tuple[tuple[Basic, ...], Convolution]]:
    """Yield what convolution a term may be that holds these windows of a batch, with their name."""
    inside, axes = windows.operands[0], windows.axes
    if axes != tuple(range(1, len(axes) + 1)) or inside.rank != len(axes) + 2:
        return
    padded = isinstance(inside, n.Pad) and inside.value == 0
    array = inside.operands[0] if padded else inside
    paddings = inside.widths[1:-1] if isinstance(inside, n.Pad) and padded else ((0, 0),) * len(axes)
    x = Variable("x_", (), array.shape)
    sizes, strides, dilations = (each.args for each in windows.args[2:5])
    for kernel in kernels(term, windows, sizes):
        if (inside.shape[-1] / kernel.shape[-1]).is_integer:
            W = Variable("W_", (), kernel.shape)
            shape = (*windows.shape[: len(axes) + 1], kernel.shape[0])
            yield windows.args[5].args, Convolution(x, W, strides, paddings, dilations, shape)


def convolving(derivation: Derivation) -> Program:
    """Return the program of a derivation as it is read, its convolutions each one operation."""
    return passes.run(readable(derivation), (as_convolutions, passes.dead))


__all__ = ["as_convolutions", "convolving"]

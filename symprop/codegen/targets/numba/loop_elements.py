"""One element of an array as a scalar, and the loops that a sum in it needs: leaves, elementwise kinds and sums.

An element is a scalar node, whose variables have names such as `z1[i, j]`, so that it prints as any scalar does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.known import values_of, written_out
from symprop.algebra.nodes import Node, Scalar, Variable
from symprop.algebra.table import Table
from symprop.codegen.targets.code import number
from symprop.codegen.targets.numpy.source import numpy_source

LOOPS = Table("loops")

COMPILED = {
    **{"tanh": "_tanh", "sigmoid": "_sigmoid", "softplus": "_softplus"},
    **{"erf": "math.erf", "maximum": "max", "minimum": "min"},
}
"""How a function of one number is called, where it has not NumPy's name."""

Indices = tuple[str, ...]


@dataclass
class Loops:
    """Lines that are being written, how deep the loops are, and names for indices and totals that are free."""

    lines: list[str] = field(default_factory=list)
    depth: int = 0
    indices: int = 0
    totals: int = 0

    def write(self, line: str) -> None:
        self.lines.append("    " * self.depth + line)

    def index(self) -> str:
        self.indices += 1
        return "ijkl"[self.indices - 1] if self.indices <= 4 else f"i{self.indices}"

    def over(self, shape: Iterable[Expr]) -> Indices:
        """Begin a loop over each axis and return the indices; an axis of length 1 needs none."""
        found = []
        for size in shape:
            if size == 1:
                found.append("0")
                continue
            found.append(self.index())
            self.write(f"for {found[-1]} in range({number(size).text}):")
            self.depth += 1
        return tuple(found)

    def end(self, indices: Indices) -> None:
        loops = sum(index != "0" for index in indices)
        self.depth -= loops
        self.indices -= loops

    def total(self, start: str, shape: Iterable[Expr], step: Callable[[str, Indices], str]) -> Node:
        """Accumulate over loops: `step` gives the line for the name of the total and the indices. Return the total."""
        self.totals += 1
        name = {1: "total", 2: "subtotal"}.get(self.totals, f"subtotal{self.totals - 1}")
        self.write(f"{name} = {start}")
        inner = self.over(shape)
        line = step(name, inner)
        self.write(line)
        self.end(inner)
        return named(name)

    def element(self, node: Node, at: Indices) -> Node:
        """Return one element of `node` as a scalar; sums in it are accumulated before."""
        row: Callable[[Loops, Node, Indices], Node] = LOOPS[type(node)]
        return row(self, node, at)

    def text(self, node: Node, at: Indices) -> str:
        return numpy_source(self.element(node, at))


def named(text: str) -> Variable:
    """Return a scalar that prints as `text`."""
    return Variable(text, (), ())


def _below(node: Node, at: Indices, shape: Sequence[Expr]) -> Indices:
    """The indices of an operand of an elementwise operation of the given shape: NumPy's broadcasting."""
    own = at[len(shape) - node.rank :] if node.rank else ()
    return tuple("0" if size == 1 else index for index, size in zip(own, node.shape, strict=True))


# ---------------------------------------------------------------- leaves and elementwise kinds


@LOOPS.row(n.Variable)
def _(loops: Loops, node: Variable, at: Indices) -> Node:
    return named(f"{node.name}[{', '.join(at)}]") if at else node


@LOOPS.row(n.Scalar, n.Fill)
def _(loops: Loops, node: n.Scalar, at: Indices) -> Node:
    return named(f"DTYPE({number(node.value).text})")  # a plain number would make float64 of what it meets


@LOOPS.row(n.Identity)
def _(loops: Loops, node: Node, at: Indices) -> Node:
    return named(f"({at[0]} == {at[1]})")


@LOOPS.row(n.Data)
def _(loops: Loops, node: n.Data, at: Indices) -> Node:
    values = values_of(node)
    if values is not None:
        return named(f"DTYPE(({', '.join(str(float(value)) for value in values)})[{at[0]}])")
    element = loops.element(written_out(node, lambda axis: named(at[axis])), ())
    return named(f"DTYPE({numpy_source(element)})")


@LOOPS.row(n.Add, n.Multiply)
def _(loops: Loops, node: Node, at: Indices) -> Node:
    return node.with_operands(
        [each if each == Scalar(-1) else loops.element(each, _below(each, at, node.shape)) for each in node.operands]
    )


@LOOPS.row(n.Power)
def _(loops: Loops, node: n.Power, at: Indices) -> Node:
    base = loops.element(node.operands[0], at)
    if node.exponent == 2 and isinstance(base, Variable):
        return n.Multiply(base, base)
    return node.with_operands([base])


@LOOPS.row(n.Map)
def _(loops: Loops, node: n.Map, at: Indices) -> Node:
    operands = [loops.element(each, _below(each, at, node.shape)) for each in node.operands]
    if node.function.name in COMPILED:
        return named(f"{COMPILED[node.function.name]}({', '.join(map(numpy_source, operands))})")
    return node.with_operands(operands)


@LOOPS.row(n.Compare)
def _(loops: Loops, node: n.Compare, at: Indices) -> Node:
    left, right = (loops.text(each, _below(each, at, node.shape)) for each in node.operands)
    return named(f"({left} {node.relation} {right})")


@LOOPS.row(n.Where)
def _(loops: Loops, node: n.Where, at: Indices) -> Node:
    condition, yes, no = (loops.text(each, _below(each, at, node.shape)) for each in node.operands)
    if condition == f"({yes} > {no})" and no == "DTYPE(0)":
        return named(f"max({yes}, DTYPE(0))")
    return named(f"({yes} if {condition} else {no})")


# ---------------------------------------------------------------- sums


@LOOPS.row(n.MatMul)
def _(loops: Loops, node: Node, at: Indices) -> Node:
    left, right = node.operands
    column = at[-1:] if right.rank > 1 else ()
    rows = at[: len(at) - len(column)]
    row = rows[len(rows) - left.rank + 1 :] if left.rank > 1 else ()

    def step(name: str, inner: Indices) -> str:
        first = loops.element(left, (*row, *inner))
        second = loops.element(right, (*(at[: right.rank - 2] if right.rank > 2 else ()), *inner, *column))
        return f"{name} += {numpy_source(n.Multiply(first, second))}"

    return loops.total("DTYPE(0)", left.shape[-1:], step)


@LOOPS.row(n.Outer)
def _(loops: Loops, node: Node, at: Indices) -> Node:
    left, right = node.operands
    return n.Multiply(loops.element(left, at[:1]), loops.element(right, at[1:]))


def _reduced(loops: Loops, node: n.Sum, at: Indices, start: str, step: Callable[[str, str], str]) -> Node:
    operand = node.operands[0]
    outer = iter(at)
    given: list[str | None] = []
    for axis in range(operand.rank):
        if axis in node.axes:
            given.append(None)
            if node.keepdims:
                next(outer)
        else:
            given.append(next(outer))

    def inside(name: str, inner: Indices) -> str:
        own = iter(inner)
        return step(name, loops.text(operand, tuple(next(own) if index is None else index for index in given)))

    return loops.total(start, (operand.shape[axis] for axis in node.axes), inside)


@LOOPS.row(n.Sum)
def _(loops: Loops, node: n.Sum, at: Indices) -> Node:
    return _reduced(loops, node, at, "DTYPE(0)", lambda name, each: f"{name} += {each}")


@LOOPS.row(n.Product)
def _(loops: Loops, node: n.Sum, at: Indices) -> Node:
    return _reduced(loops, node, at, "DTYPE(1)", lambda name, each: f"{name} *= {each}")


@LOOPS.row(n.Extreme)
def _(loops: Loops, node: n.Extreme, at: Indices) -> Node:
    start = f"DTYPE({'-' if node.which == 'max' else ''}np.inf)"
    return _reduced(loops, node, at, start, lambda name, each: f"{name} = {node.which}({name}, {each})")


__all__ = ["LOOPS", "Indices", "Loops", "named"]

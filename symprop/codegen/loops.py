"""Statements as loops over single numbers, for a compiler such as numba: the index meaning of each kind, as source.

Elementwise work, and the sums inside it, are fused into the loop of the statement that they stand in. An element is a
scalar node, whose variables have names such as `z1[i, j]`, so that it prints as any scalar does. A kind without a row
has no loops here, and a network that needs it is refused for targets that are made of loops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import sympy
from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.known import written_out
from symprop.algebra.nodes import Node, Scalar, Variable
from symprop.algebra.table import Table
from symprop.algebra.trees import walk
from symprop.codegen.code import number
from symprop.codegen.numpy_source import numpy_source
from symprop.codegen.program import Statement

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
        return _named(name)

    def element(self, node: Node, at: Indices) -> Node:
        """Return one element of `node` as a scalar; sums in it are accumulated before."""
        row: Callable[[Loops, Node, Indices], Node] = LOOPS[type(node)]
        return row(self, node, at)

    def text(self, node: Node, at: Indices) -> str:
        return numpy_source(self.element(node, at))


def _named(text: str) -> Variable:
    """Return a scalar that prints as `text`."""
    return Variable(text, (), ())


def has_loops(expression: Node) -> bool:
    """Whether every kind in an expression has loops; sums by index only as the whole of a statement."""
    inside = [part for part in walk(expression) if part is not expression]
    return all(type(part) in LOOPS for part in inside) and (
        type(expression) in LOOPS or isinstance(expression, n.ScatterAdd)
    )


LARGE_PRODUCT = 256
"""From so many elements of its matrices on, a product is left to BLAS."""


def is_large(node: Node) -> bool:
    """Whether a node is a product of two matrices for BLAS: any in which one has many elements."""
    if not isinstance(node, n.MatMul) or any(operand.rank != 2 for operand in node.operands):
        return False
    sizes = [size for size in (*node.operands[0].shape, node.operands[1].shape[1]) if size.is_Integer]
    return bool(sympy.prod(sizes) >= LARGE_PRODUCT)


def leading_product(statement: Statement) -> Node | None:
    """Return the large product that fills the target, the whole of the right side or one of its terms or factors."""
    expression = statement.expression
    direct = expression.operands if isinstance(expression, (n.Add, n.Multiply)) else (expression,)
    return next((part for part in direct if is_large(part) and part.shape == statement.shape), None)


def loop_lines(statement: Statement) -> list[str]:
    """Return the lines that compute a statement, number by number; a large product is a call of BLAS before.

    >>> from symprop.algebra import variable
    >>> x, W, b = variable("x", (4, 3)), variable("W1", (2, 3)), variable("b1", (2,))
    >>> print(*loop_lines(Statement(variable("z1", (4, 2)), x @ W.T + b)), sep=chr(10))
    for i in range(4):
        for j in range(2):
            total = DTYPE(0)
            for k in range(3):
                total += x[i, k] * W1[j, k]
            z1[i, j] = total + b1[j]
    """
    loops = Loops()
    target, expression = statement.target, statement.expression
    product = leading_product(statement)
    if product is not None:
        left, right = map(numpy_source, product.operands)
        loops.write(f"np.dot({left}, {right}, {target.name})")
        if product == expression:
            return loops.lines
        expression = expression.with_operands([target if part == product else part for part in expression.operands])
    if isinstance(expression, n.Sum) and expression.axes == (0,) and expression.rank and not expression.keepdims:
        loops.write(f"{target.name}[...] = 0")  # row by row, as the rows lie in memory
        at = loops.over(expression.operands[0].shape)
        loops.write(f"{target.name}[{', '.join(at[1:])}] += {loops.text(expression.operands[0], at)}")
        return loops.lines
    if isinstance(expression, n.ScatterAdd):
        values, ids = expression.operands
        loops.write(f"{target.name}[...] = 0")
        at = loops.over(values.shape)
        place = (loops.text(ids, at[: ids.rank]), *at[ids.rank :])
        loops.write(f"{target.name}[{', '.join(place)}] += {loops.text(values, at)}")
        return loops.lines
    at = loops.over(target.shape)
    value = loops.text(expression, at)
    value = value[1:-1] if isinstance(expression, n.Where) and value.startswith("(") else value
    loops.write(f"{target.name}[{', '.join(at)}] = {value}" if at else f"{target.name} = {value}")
    return loops.lines


def _below(node: Node, at: Indices, shape: Sequence[Expr]) -> Indices:
    """The indices of an operand of an elementwise operation of the given shape: NumPy's broadcasting."""
    own = at[len(shape) - node.rank :] if node.rank else ()
    return tuple("0" if size == 1 else index for index, size in zip(own, node.shape, strict=True))


# ---------------------------------------------------------------- leaves and elementwise kinds


@LOOPS.row(n.Variable)
def _(loops: Loops, node: Variable, at: Indices) -> Node:
    return _named(f"{node.name}[{', '.join(at)}]") if at else node


@LOOPS.row(n.Scalar, n.Fill)
def _(loops: Loops, node: n.Scalar, at: Indices) -> Node:
    return _named(f"DTYPE({number(node.value).text})")  # a plain number would make float64 of what it meets


@LOOPS.row(n.Identity)
def _(loops: Loops, node: Node, at: Indices) -> Node:
    return _named(f"({at[0]} == {at[1]})")


@LOOPS.row(n.Known)
def _(loops: Loops, node: n.Known, at: Indices) -> Node:
    element = loops.element(written_out(node, lambda axis: _named(at[axis])), ())
    return _named(f"DTYPE({numpy_source(element)})")


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
        return _named(f"{COMPILED[node.function.name]}({', '.join(map(numpy_source, operands))})")
    return node.with_operands(operands)


@LOOPS.row(n.Compare)
def _(loops: Loops, node: n.Compare, at: Indices) -> Node:
    left, right = (loops.text(each, _below(each, at, node.shape)) for each in node.operands)
    return _named(f"({left} {node.relation} {right})")


@LOOPS.row(n.Where)
def _(loops: Loops, node: n.Where, at: Indices) -> Node:
    condition, yes, no = (loops.text(each, _below(each, at, node.shape)) for each in node.operands)
    if condition == f"({yes} > {no})" and no == "DTYPE(0)":
        return _named(f"max({yes}, DTYPE(0))")
    return _named(f"({yes} if {condition} else {no})")


# ---------------------------------------------------------------- sums


@LOOPS.row(n.MatMul)
def _(loops: Loops, node: Node, at: Indices) -> Node:
    left, right = node.operands
    row = at[: left.rank - 1] if left.rank > 1 else ()
    column = at[-1:] if right.rank > 1 else ()

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


# ---------------------------------------------------------------- the same elements in other places


@LOOPS.row(n.Structural)
def _(loops: Loops, node: n.Structural, at: Indices) -> Node:
    moved, operand = node.index_map, node.operands[0]
    place = [_affine(moved.terms(axis), moved.offset(axis), at) for axis in range(operand.rank)]
    ends = {axis: number(moved.source[axis]).text for axis in moved.leaving}
    guards = [f"0 <= {place[axis]} < {end}" for axis, end in ends.items()]
    if not isinstance(operand, Variable):  # sums in it are accumulated before, wherever the place is
        for axis, end in ends.items():
            place[axis] = f"min(max({place[axis]}, 0), {_factor(end)} - 1)"
    element = loops.element(operand, tuple(place))
    if not guards:
        return element
    return _named(f"({numpy_source(element)} if {' and '.join(guards)} else DTYPE({number(moved.outside).text}))")


def _affine(terms: Iterable[tuple[int, Expr]], offset: Expr, at: Indices) -> str:
    """Return a place as source: a term for each index, and the offset where it is not 0."""
    text = ""
    for k, coefficient in terms:
        factor = "" if abs(coefficient) == 1 else f"{number(abs(coefficient)).text} * "
        term = f"{factor}{_factor(at[k]) if factor or coefficient < 0 else at[k]}"
        text = (
            f"{text} + {term}" if text and coefficient > 0 else f"{text} - {term}".strip() if coefficient < 0 else term
        )
    if offset == 0 and text:
        return text
    if text.startswith("-"):  # the offset first: n - 1 - i
        return f"{number(offset).text} {text}"
    return (
        f"{text} - {number(-offset).text}"
        if offset.is_negative and text
        else f"{text} + {number(offset).text}".removeprefix(" + ")
    )


@LOOPS.row(n.Fold)
def _(loops: Loops, node: n.Fold, at: Indices) -> Node:
    windows = node.unfolded

    def step(name: str, inner: Indices) -> str:
        place, guards = list(at), []
        for k, (axis, _, stride, dilation) in zip(inner, node.steps, strict=True):
            moved = f"{at[axis]} - {k}" if dilation == 1 else f"{at[axis]} - {dilation} * {k}"
            guards.append(f"0 <= {moved} < {number(stride * (windows.shape[axis] - 1) + 1).text}")
            place[axis] = moved
            if stride > 1:
                guards.append(f"({moved}) % {stride} == 0")
                place[axis] = f"({moved}) // {stride}"
        return f"{name} += {loops.text(node.operands[0], (*place, *inner))} if {' and '.join(guards)} else DTYPE(0)"

    return loops.total("DTYPE(0)", windows.shape[node.rank :], step)


@LOOPS.row(n.Concatenate)
def _(loops: Loops, node: n.Concatenate, at: Indices) -> Node:
    before, ends, pieces = sympy.Integer(0), [], []
    for part in node.operands:
        moved = _affine([(node.axis, sympy.Integer(1))], -before, at)
        before += part.shape[node.axis]
        ends.append(number(before).text)
        pieces.append(loops.text(part, (*at[: node.axis], moved, *at[node.axis + 1 :])))
    text = pieces[-1]
    for piece, end in zip(pieces[-2::-1], ends[-2::-1], strict=True):
        text = f"({piece} if {at[node.axis]} < {end} else {text})"
    return _named(text)


@LOOPS.row(n.Reshape)
def _(loops: Loops, node: Node, at: Indices) -> Node:
    operand = node.operands[0]
    kept = 0
    while kept < min(node.rank, operand.rank) and node.shape[kept] == operand.shape[kept]:
        kept += 1
    tail = 0
    while tail < min(node.rank, operand.rank) - kept and node.shape[-1 - tail] == operand.shape[-1 - tail]:
        tail += 1
    flat, end, last = "", node.rank - tail, operand.rank - tail
    for index, size in zip(at[kept:end], node.shape[kept:end], strict=True):
        flat = f"{_product(flat, size)} + {index}" if flat else index
    inner: list[str] = []
    for place in range(kept, last):
        rest: Expr = sympy.prod(operand.shape[place + 1 : last], start=sympy.Integer(1))
        index = flat or "0"
        if operand.shape[place] != 1 and flat:
            index = flat if rest == 1 else f"{_factor(flat)} // {_factor(number(rest).text)}"
            index = index if place == kept else f"{_factor(index)} % {_factor(number(operand.shape[place]).text)}"
        inner.append(index if operand.shape[place] != 1 else "0")
    return loops.element(operand, (*at[:kept], *inner, *at[end:]))


def _product(index: str, size: Expr) -> str:
    return f"{_factor(index)} * {_factor(number(size).text)}"


def _factor(text: str) -> str:
    return text if text.isalnum() else f"({text})"


@LOOPS.row(n.Take)
def _(loops: Loops, node: Node, at: Indices) -> Node:
    table, ids = node.operands
    return loops.element(table, (loops.text(ids, at[: ids.rank]), *at[ids.rank :]))


@LOOPS.row(n.OneHot)
def _(loops: Loops, node: Node, at: Indices) -> Node:
    return _named(f"({loops.text(node.operands[0], at[:-1])} == {at[-1]})")


__all__ = ["LOOPS", "has_loops", "loop_lines"]

"""Statements as loops over single numbers, for a compiler such as numba: the index meaning of each kind, as source.

Elementwise work, and the sums inside it, are fused into the loop of the statement that they stand in. A kind without a
row has no loops here, and a network that needs it is refused for targets that are made of loops.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import sympy
from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import walk
from symprop.codegen.program import Statement
from symprop.codegen.scans import OfSteps, Scan
from symprop.codegen.targets.code import number
from symprop.codegen.targets.numba.loop_places import LOOPS, Loops
from symprop.codegen.targets.numpy.source import numpy_source
from symprop.codegen.views import one_place

WHOLE = (n.ScatterAdd, n.First, Scan, OfSteps)
"""Kinds that loops write as the whole of a statement, not element by element."""


def has_loops(expression: Node) -> bool:
    """Whether every kind in an expression has loops; some only as the whole of a statement."""
    inside = [part for part in walk(expression) if part is not expression]
    return all(type(part) in LOOPS for part in inside) and (type(expression) in LOOPS or isinstance(expression, WHOLE))


LARGE_PRODUCT = 256
"""From so many elements of its matrices on, a product is left to BLAS."""


def is_large(node: Node) -> bool:
    """Whether a node is a product for BLAS, of a matrix with another or with a stack: any in which one is large."""
    if not isinstance(node, n.MatMul) or tuple(operand.rank for operand in node.operands) not in ((2, 2), (2, 3)):
        return False
    sizes = [size for size in (*node.operands[0].shape, node.operands[1].shape[-1]) if size.is_Integer]
    return bool(sympy.prod(sizes) >= LARGE_PRODUCT)


def leading_product(statement: Statement) -> Node | None:
    """Return the large product that fills the target, the whole of the right side or one of its terms or factors."""
    expression = statement.expression
    direct = expression.operands if isinstance(expression, (n.Add, n.Multiply)) else (expression,)
    return next((part for part in direct if is_large(part) and part.shape == statement.shape), None)


def loop_lines(statement: Statement, strided: Collection[Node] = ()) -> list[str]:
    """Return the lines that compute a statement, number by number; a large product is a call of BLAS before.

    `strided` are arrays whose elements do not lie one after the other.

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
    if isinstance(expression, (Scan, OfSteps)):
        return []  # `over_time.py` has these
    product = leading_product(statement)
    if product is not None:
        left, right = map(numpy_source, product.operands)
        stack = loops.over(product.shape[:-2])
        of_stack = f"[{', '.join(stack)}]" if stack else ""
        loops.write(f"np.dot({left}, {right}{of_stack}, {target.name}{of_stack})")
        loops.end(stack)
        if product == expression:
            return loops.lines
        expression = expression.with_operands([target if part == product else part for part in expression.operands])
    if isinstance(expression, n.Sum) and expression.rank and not expression.keepdims:
        outer = len(expression.axes)
        if expression.axes == tuple(range(outer)):
            loops.write(f"{target.name}[...] = 0")  # row by row, as the rows lie in memory
            at = loops.over(expression.operands[0].shape)
            loops.write(f"{target.name}[{', '.join(at[outer:])}] += {loops.text(expression.operands[0], at)}")
            return loops.lines
    if isinstance(expression, n.ScatterAdd):
        values, ids = expression.operands
        loops.write(f"{target.name}[...] = 0")
        at = loops.over(values.shape)
        place = (loops.text(ids, at[: ids.rank]), *at[ids.rank :])
        loops.write(f"{target.name}[{', '.join(place)}] += {loops.text(values, at)}")
        return loops.lines
    if isinstance(expression, n.First):
        return _first(loops, target, expression)
    if isinstance(expression, n.Concatenate):
        return _side_by_side(loops, target, expression)
    if (flat := _in_one_loop(expression, strided)) is not None and target not in strided:
        target, expression = _flat(target, target.name), flat
    at = loops.over(target.shape)
    value = loops.text(expression, at)
    value = value[1:-1] if isinstance(expression, n.Where) and value.startswith("(") else value
    into = f"[{', '.join(at) or '()'}]" if at or target.is_of_gradient else ""  # the gradient of a number is an array
    loops.write(f"{target.name}{into} = {value}")
    return loops.lines


def _in_one_loop(node: Node, strided: Collection[Node]) -> Node | None:
    """Return an elementwise formula of whole arrays of one shape with each of them as a vector; None for any other.

    A compiler makes vector instructions of one long loop: 64 x 16 `tanh` take 0.3 µs, and 2.5 as 64 loops of 16.
    """
    arrays: dict[Node, Node] = {}

    def find(part: Node) -> bool:
        if not part.rank:
            return True
        if isinstance(part, n.Elementwise):
            return all(map(find, part.operands))
        place = one_place(part)
        whole = part if place is None or place[1] else place[0]
        if not isinstance(whole, Variable) or whole in strided:
            return False
        arrays[part] = _flat(part, whole.name if place is None else f"{whole.name}[{number(place[2]).text}]")
        return True

    def flat(part: Node) -> Node:
        if not part.rank:
            return part  # a number, though it may be a sum over one of the arrays
        return arrays[part] if part in arrays else part.with_operands(map(flat, part.operands))

    if node.rank < 2 or not isinstance(node, n.Elementwise) or not find(node):
        return None
    return flat(node) if {each.shape for each in arrays} == {node.shape} else None


def _flat(array: Node, name: str) -> Variable:
    return Variable(f"{name}.flat", (), (sympy.prod(array.shape),))


def _side_by_side(loops: Loops, target: Variable, node: n.Concatenate) -> list[str]:
    """Return a loop for each part, so that none asks which part an element belongs to."""
    before: Expr = sympy.Integer(0)
    for part in node.operands:
        at = loops.over(part.shape)
        place = [
            f"{each} + {number(before).text}" if axis == node.axis and before else each for axis, each in enumerate(at)
        ]
        loops.write(f"{target.name}[{', '.join(place)}] = {loops.text(part, at)}")
        loops.end(at)
        before += part.shape[node.axis]
    return loops.lines


def _first(loops: Loops, target: Variable, node: n.First) -> list[str]:
    """Return the lines that look through the elements along the axes for the first extreme one, and put 1 there."""
    operand, axes = node.operands[0], node.axes
    loops.write(f"{target.name}[...] = 0")
    outer = iter(loops.over(size for axis, size in enumerate(node.shape) if axis not in axes))
    own = ["" if axis in axes else next(outer) for axis in range(node.rank)]

    def at(places: Iterable[str]) -> tuple[str, ...]:
        inside = iter(places)
        return tuple(next(inside) if axis in axes else own[axis] for axis in range(node.rank))

    best = [f"first_place[{number}]" for number in range(len(axes))]
    loops.write(f"first_place = ({'0, ' * len(axes)})")
    inner = loops.over(node.shape[axis] for axis in axes)
    beyond = ">" if node.which == "max" else "<"
    loops.write(f"if {loops.text(operand, at(inner))} {beyond} {loops.text(operand, at(best))}:")
    loops.write(f"    first_place = ({', '.join(inner)},)")
    loops.end(inner)
    loops.write(f"{target.name}[{', '.join(at(best))}] = 1")
    return loops.lines


__all__ = ["LOOPS", "WHOLE", "has_loops", "loop_lines"]

"""What an operation gives: a view of memory, elements with steps between them, booleans, a constant array."""

from __future__ import annotations

from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.alike import asked_once
from symprop.algebra.nodes import Node, Variable


@asked_once
def is_view(node: Node) -> bool:
    """Whether `node` is a variable or a view of one."""
    return isinstance(node, Variable) or (gives_view(node) and is_view(node.operands[0]))


@asked_once
def gives_view(node: Node) -> bool:
    """Whether NumPy gives a view of the memory of the operand: elements in other places, and nothing around them."""
    return isinstance(node, n.Reshape) or (isinstance(node, n.Structural) and node.index_map.outside is None)


def one_place(node: Node) -> tuple[Node, int, Expr] | None:
    """Return what an operation takes one place of an axis of, along which axis and where: `x[:, 2]`; else None."""
    if not (isinstance(node, n.Reshape) and isinstance(part := node.operands[0], n.Slice)):
        return None
    whole, axis = part.operands[0], part.axis
    if part.shape[axis] != 1 or whole.rank == 1 or node.shape != (*whole.shape[:axis], *whole.shape[axis + 1 :]):
        return None
    return whole, axis, part.start


def has_steps(view: Node) -> bool:
    """Whether the elements in a row of a view have others between them, or stand in reverse."""
    stepped = isinstance(view, n.Flip) or (isinstance(view, n.Window) and any(step[3] > 1 for step in view.steps))
    return stepped or (isinstance(view, n.Structural) and has_steps(view.operands[0]))


def is_placed(node: Node) -> bool:
    """Whether an array is 0 but for what stands at some places, so that a sum with it need only add there."""
    return isinstance(node, n.ScatterAdd) or (isinstance(node, n.Pad) and node.value == 0)


def moves_rows(node: Node) -> bool:
    """Whether an array has the rows of another in another order, each whole."""
    return node.untransposed is not node and node.rank > 2 and node.order[-1] == node.rank - 1


def is_by_parts(node: Node) -> bool:
    """Whether a result is written where each part lies: products side by side, or with other axes."""
    match node:
        case n.Transpose(operands=(inner,)):
            return moves_rows(node) and (isinstance(inner, n.MatMul) or is_by_parts(inner))
        case n.Concatenate():
            return any(isinstance(each, (n.MatMul, n.Multiply)) or is_by_parts(each) for each in node.operands)
        case n.Reshape(operands=(n.MatMul() as product,)):
            return 1 < product.rank < node.rank
    return False


def is_constant(node: Node) -> bool:
    """Whether an array depends on sizes alone."""
    return isinstance(node, n.Leaf) and not isinstance(node, Variable) and bool(node.rank)


def is_boolean(node: Node, booleans: set[Node]) -> bool:
    """Whether an operation gives booleans, of variables some of which are."""
    if isinstance(node, n.Map):  # the smaller of two booleans is "and"
        return all(operand in booleans for operand in node.operands)
    return node.is_indicator or (gives_view(node) and is_boolean(node.operands[0], booleans))

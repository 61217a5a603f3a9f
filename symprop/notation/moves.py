"""Elements in other places as mathematics writes them: blocks, rows and columns, selections, parts of a matrix."""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.roles import LOSS
from symprop.algebra.symmetry import is_symmetric
from symprop.algebra.trees import variables
from symprop.notation.precedence import ATOM, POWER, Of, Piece
from symprop.notation.style import Style
from symprop.notation.sums import ROWS, transposed
from symprop.notation.triangular import Part, kept


@ROWS.row(n.Triangle, Part)
def _(node: n.Triangle | Part, of: Of, style: Style) -> Piece:
    name, array, diagonal = kept(node)
    return style.call(name, [of(array), *(Piece(each, ATOM) for each in diagonal)])


@ROWS.row(n.OneHot)
def _(node: n.OneHot, of: Of, style: Style) -> Piece:
    place = node.operands[0].number
    if place is None:
        return style.call("one_hot", [of(node.operands[0])])
    return Piece(style.subscript(style.constant("e", node.shape), style.number(place).text), ATOM)


@ROWS.row(n.Commutation)
def _(node: n.Commutation, of: Of, style: Style) -> Piece:
    return Piece(style.of_sizes("K", node.args), ATOM)


@ROWS.row(n.Duplication)
def _(node: n.Duplication, of: Of, style: Style) -> Piece:
    return Piece(style.of_sizes("D", node.args), ATOM)


@ROWS.row(n.Concatenate)
def _(node: n.Concatenate, of: Of, style: Style) -> Piece:
    if node.rank > 2:
        return style.call("concatenate", [*map(of, node.operands), Piece(style.along((node.axis,)), ATOM)])
    blocks = [of(operand).text for operand in node.operands]
    return Piece(style.blocks(blocks, beside=node.axis == 1), ATOM)


@ROWS.row(n.Expand)
def _(node: n.Expand, of: Of, style: Style) -> Piece:
    operand = node.operands[0]
    if operand.rank == 0:
        return of(operand)
    if operand.rank == 1:  # a column or a row
        return of(operand) if node.axis == 1 else Piece(transposed(operand, of, style), POWER)
    return style.call("expand", [of(operand), Piece(style.along((node.axis,)), ATOM)])


@ROWS.row(n.Reshape)
def _(node: n.Reshape, of: Of, style: Style) -> Piece:
    operand = node.operands[0]
    if node.rank == 1:
        if not operand.rank or (_is_of_network(operand) and operand.rank == 2 and operand.shape[1] == 1):
            return of(operand)  # a column is a vector
        return style.call("vec", [_by_columns(operand, of, style)])
    if operand.rank == 1 and node.rank == 2 and 1 in node.shape:  # a row or a column
        return of(operand) if node.shape[1] == 1 else Piece(transposed(operand, of, style), POWER)
    return Piece(style.arranged(of(operand).text, node.shape), ATOM)


def _by_columns(operand: Node, of: Of, style: Style) -> Piece:
    """What `vec` is of where it lists columns, as in mathematics; the pages of networks say that it lists rows."""
    if operand.rank != 2 or _is_of_network(operand):
        return of(operand)
    bare = operand.operands[0] if isinstance(operand, n.Transpose) else operand
    if bare is not operand or is_symmetric(operand):
        return of(bare)
    return Piece(transposed(operand, of, style), POWER)


def _is_of_network(node: Node) -> bool:
    return any(each.role not in ("", LOSS) for each in variables(node))


@ROWS.row(n.Take)
def _(node: n.Take, of: Of, style: Style) -> Piece:
    rows_of, ids = node.operands
    return Piece(f"{style.wrap(of(rows_of), ATOM)}[{of(ids).text}]", ATOM)

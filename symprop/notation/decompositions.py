"""What algorithms make of whole matrices, as mathematics writes it: `A⁺`, `expm(A)`, `L_expm(A, E)`, `U(A) V(A)ᵀ`."""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.notation.precedence import ATOM, POWER, Of, Piece, turned
from symprop.notation.style import Style
from symprop.notation.sums import ROWS


@ROWS.row(n.PseudoInverse)
def _(node: n.PseudoInverse, of: Of, style: Style) -> Piece:
    operand, is_turned = turned(node.operands[0])
    found = style.superscript(style.wrap(of(operand), ATOM), style.pseudoinverse)
    return Piece(style.superscript(style.group(found), style.transposed) if is_turned else found, POWER)


@ROWS.row(n.MatrixFunction)
def _(node: n.MatrixFunction, of: Of, style: Style) -> Piece:
    operand, is_turned = turned(node.operands[0])
    found = style.call(node.name, [of(operand)])
    return Piece(style.superscript(found.text, style.transposed), POWER) if is_turned else found


@ROWS.row(n.DividedDifference)
def _(node: n.DividedDifference, of: Of, style: Style) -> Piece:
    shown = node.operands[:2] if node.is_frechet else node.operands
    return Piece(f"{style.variable(n.Variable(f'L_{node.name}', (), ()))}{style.group(_listed(shown, of))}", ATOM)


def _listed(operands: tuple[n.Node, ...], of: Of) -> str:
    return ", ".join(of(operand).text for operand in operands)


@ROWS.row(n.MatrixNorm)
def _(node: n.MatrixNorm, of: Of, style: Style) -> Piece:
    return style.norm_of(of(node.operands[0]).text, node.which)


@ROWS.row(n.Eigh, n.Svd)
def _(node: n.Eigh | n.Svd, of: Of, style: Style) -> Piece:
    letter, inside = node.letters[node.part], of(node.operands[0])
    if not letter:
        return style.call("eigvalsh" if isinstance(node, n.Eigh) else "svdvals", [inside])
    vectors = Piece(f"{letter}{style.group(inside.text)}", ATOM)
    if isinstance(node, n.Svd) and node.part == 2:
        return Piece(style.superscript(vectors.text, style.transposed), POWER)
    return vectors

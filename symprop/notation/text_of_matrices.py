"""NumPy notation of what is made of whole matrices: inverses, powers, functions of matrices, spectra."""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.notation.numbers import call, length
from symprop.notation.precedence import ATOM, Of, Piece, turned
from symprop.notation.text import TEXT

OF_ONE: dict[type[n.Node], str] = {n.Inverse: "inv", n.PseudoInverse: "pinv"}
"""Functions of one matrix, of which a transpose stands outside."""


@TEXT.row(n.Inverse, n.PseudoInverse, n.MatrixFunction)
def _(node: n.Inverse | n.PseudoInverse | n.MatrixFunction, of: Of) -> Piece:
    operand, is_turned = turned(node.operands[0])
    name = node.name if isinstance(node, n.MatrixFunction) else OF_ONE[type(node)]
    return Piece(f"{call(name, of(operand).text).text}{'.T' * is_turned}", ATOM)


@TEXT.row(n.DividedDifference)
def _(node: n.DividedDifference, of: Of) -> Piece:
    if node.name == "expm" and node.is_frechet:
        return call("expm_frechet", *(of(operand).text for operand in node.operands[:2]), "compute_expm=False")
    rows, columns = (length(size).text for size in node.shape)
    left, middle, right = (of(operand).text for operand in node.operands)
    whole = f"[[{left}, {middle}], [zeros(({columns}, {rows})), {right}]]"
    return Piece(f"{node.name}(block({whole}))[:{rows}, {rows}:]", ATOM)


@TEXT.row(n.MatrixNorm)
def _(node: n.MatrixNorm, of: Of) -> Piece:
    return call("norm", of(node.operands[0]).text, "'nuc'" if node.which == "nuc" else node.which)


@TEXT.row(n.Eigh, n.Svd)
def _(node: n.Eigh | n.Svd, of: Of) -> Piece:
    inside = of(node.operands[0]).text
    if not node.letters[node.part]:
        return call("eigvalsh" if isinstance(node, n.Eigh) else "svdvals", inside)
    whole = f"eigh({inside})" if isinstance(node, n.Eigh) else f"svd({inside}, full_matrices=False)"
    return Piece(f"{whole}[{node.part}]", ATOM)

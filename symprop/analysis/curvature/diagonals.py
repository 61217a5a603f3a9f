"""The diagonal of the Hessian, from what its blocks are made of: `kron(A, B)` has `outer(diagonal(A), diagonal(B))`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce

from symprop.algebra import nodes as n
from symprop.algebra.equations import Item, Step, System, loops_in
from symprop.algebra.names import looked_up, spaced
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.table import Table
from symprop.algebra.trees import ones
from symprop.analysis.curvature.blocks import Alone, HessianBlock, hessian_block
from symprop.analysis.curvature.means import Examples
from symprop.calculus.chains import links
from symprop.calculus.rewriting import simplified
from symprop.calculus.rules import context
from symprop.errors import SpecError
from symprop.finishing.touches import finished

DIAGONAL = Table("diagonal of a matrix")
"""Rows take a square matrix and the recursion; they return its diagonal, from what the matrix is made of."""

Recursion = Callable[[Node], Node]


def diagonal_of(matrix: Node) -> Node:
    """Return the diagonal of a square matrix.

    >>> from symprop.algebra import variable
    >>> from symprop.calculus.tidy import tidy
    >>> p = variable("p", (3,))
    >>> print(tidy(diagonal_of(n.Diag(p) - n.Outer(p, p))).text())
    p - p * p
    """
    found: Node = DIAGONAL(matrix, diagonal_of)
    return found


@DIAGONAL.row(Node)
def _(node: Node, diagonal: Recursion) -> Node:
    return n.Diagonal(node)


@DIAGONAL.row(n.Add, n.Multiply)
def _(node: Node, diagonal: Recursion) -> Node:
    if any(each.rank and each.shape != node.shape for each in node.operands):
        return n.Diagonal(node)  # what is spread has no diagonal of its own
    return type(node)(*(diagonal(each) if each.rank else each for each in node.operands))


@DIAGONAL.row(n.Kron)
def _(node: n.Kron, diagonal: Recursion) -> Node:
    if any(each.shape[0] != each.shape[1] for each in node.operands):
        return n.Diagonal(node)
    return n.Reshape(n.Outer(*map(diagonal, node.operands)), (node.shape[0],))


@DIAGONAL.row(n.Outer)
def _(node: n.Outer, diagonal: Recursion) -> Node:
    return n.Multiply(*node.operands)


@DIAGONAL.row(n.Expand)
def _(node: n.Expand, diagonal: Recursion) -> Node:
    return node.operands[0] if node.shape == (1, 1) else n.Diagonal(node)


@DIAGONAL.row(n.Diag)
def _(node: n.Diag, diagonal: Recursion) -> Node:
    return node.operands[0]


@DIAGONAL.row(n.Identity)
def _(node: n.Identity, diagonal: Recursion) -> Node:
    return ones(node.shape[0])


@DIAGONAL.row(n.BlockSum)
def _(node: n.BlockSum, diagonal: Recursion) -> Node:
    return n.BlockSum(diagonal(node.operands[0]), node.index, node.count)


@DIAGONAL.row(n.Transpose)
def _(node: n.Transpose, diagonal: Recursion) -> Node:
    return diagonal(node.operands[0])


@DIAGONAL.row(n.MatMul)
def _(node: n.MatMul, diagonal: Recursion) -> Node:
    """(D A)_ii = d_i A_ii, and (A B)_ii = sum_j A_ij B_ji, which needs no product of matrices."""
    first, *rest = links(node)
    if isinstance(first, n.Diag):
        return n.Multiply(first.operands[0], diagonal(reduce(n.MatMul, rest)))
    *begun, last = first, *rest
    if isinstance(last, n.Diag):
        return n.Multiply(diagonal(reduce(n.MatMul, begun)), last.operands[0])
    if any(isinstance(each, n.Diag) for each in begun):
        return n.Diagonal(node)  # a rule of its own
    left, right = node.operands
    return n.Sum(n.Multiply(left, n.Transpose(right)), 1)


class Diagonals(dict[str, HessianBlock]):
    """Diagonals of the Hessian by the names of parameters; `why` says of each other parameter why it has none."""

    def __init__(self, found: Mapping[str, HessianBlock], why: Mapping[str, str]) -> None:
        super().__init__(found)
        self.why = dict(why)

    def __missing__(self, name: str) -> HessianBlock:
        known: str = spaced(name)
        if known in self:
            return self[known]
        raise SpecError(_told({known: looked_up(known, self.why, "no diagonal is of", self)}))

    def text(self) -> str:
        """Return the diagonals in NumPy notation, a line for each parameter."""
        return "\n".join(f"{name}: {each.text()}" for name, each in self.items())

    def pretty(self) -> str:
        """Return the same in Unicode."""
        return "\n".join(f"{each.of.pretty()}: {each.pretty()}" for each in self.values())

    def latex(self) -> str:
        """Return the same as LaTeX, without dollar signs: `aligned` rows, of which each begins with the parameter."""
        rows = r" \\ ".join(rf"{each.of.latex()} &\colon {each.latex()}" for each in self.values())
        return rf"\begin{{aligned}} {rows} \end{{aligned}}"

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"

    def __str__(self) -> str:
        return "\n".join([self.pretty(), *([_told(self.why)] if self.why else [])])


def _told(why: Mapping[str, str]) -> str:
    """Say which parameters have no diagonal, why, and what is allowed."""
    reasons: dict[str, list[str]] = {}
    for name, reason in why.items():
        reasons.setdefault(reason, []).append(name)
    told = "; nor ".join(f"of {', '.join(names)}, {reason}" for reason, names in reasons.items())
    first = next(iter(why))
    return f'there is no diagonal of the Hessian {told}\nallowed: hessian("{first}") as an operator, or hvp()'


def hessian_diagonal(
    system: System, backward: Iterable[Item], parameters: Iterable[Variable], alone: Alone | None = None
) -> Diagonals:
    """Return the diagonal of the Hessian for each of some parameters that has one, in its shape, exactly.

    `alone` is as for `hessian_block`; the diagonal of a batch is the mean of those of its examples.

    Raises:
        SpecError: none of them has one; or backpropagation is truncated.
    """
    after = tuple(backward)
    plain, items = (system, after) if alone is None else alone
    inside = dict(zip(system.wanted, plain.wanted, strict=True))
    found: dict[str, HessianBlock] = {}
    why: dict[str, str] = {}
    for parameter in parameters:
        block = hessian_block(plain, items, inside[parameter], inside[parameter])
        if block.matrix is None:
            loop = next(loops_in(block.equations), None)
            through = loop and f"goes through a loop over {loop.index} = 1, ..., {loop.count}"
            why[parameter.name] = f"whose block {through or 'has no short closed form'}"
        else:
            found[parameter.name] = _of_block(
                block.matrix, parameter, plain, None if alone is None else (system, after)
            )
    if not found:
        raise SpecError(_told(why))
    return Diagonals(found, why)


def _of_block(matrix: Node, parameter: Variable, plain: System, batch: Alone | None) -> HessianBlock:
    """Return the diagonal of a parameter's block, or the mean of those of the examples of a batch."""
    start, whole = matrix, matrix
    if parameter.rank:
        start, whole = (_shaped(each, parameter) for each in (n.Diagonal(matrix), diagonal_of(matrix)))
    answer, steps = simplified(whole, context(plain))
    first = [Step("diagonal of a matrix", start, whole)] if start != whole else []
    if batch is not None:
        first = []  # of one example, not of the batch
        answer, steps = simplified(Examples(*batch).mean(answer), context(batch[0]))
    answer, touches = finished(answer)
    told = f"the elements of {parameter.name} in its shape"
    return HessianBlock(parameter, parameter, answer, (), (*first, *steps, *touches), told)


def _shaped(diagonal: Node, parameter: Variable) -> Node:
    """Return a diagonal in the shape of a parameter, term by term."""
    if parameter.rank == 1 or not diagonal.rank:
        return diagonal
    match diagonal:
        case n.Reshape(operands=(inside,)) if inside.shape == parameter.shape:
            return inside
        case n.BlockSum(operands=(inside,)):
            return n.BlockSum(_shaped(inside, parameter), diagonal.index, diagonal.count)
        case n.Fill(value=value):
            return n.Fill(value, parameter.shape)
        case n.Elementwise(operands=operands) if all(each.shape in ((), diagonal.shape) for each in operands):
            return diagonal.with_operands(_shaped(each, parameter) for each in operands)
    return n.Reshape(diagonal, parameter.shape)

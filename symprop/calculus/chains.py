"""Products of matrices in one form: neighbours merged, numbers in front, and one way of writing the brackets.

A chain that ends in a vector is bracketed from the right, `A @ (B @ x)`, any other from the left, `(A @ B) @ C`, so
that equal products are equal trees. Neighbours that make a simpler matrix are merged by the rows of `NEIGHBOURS`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.shapes import same
from symprop.algebra.table import PairTable
from symprop.calculus.coefficients import cancelled, scalars_and_array, scalars_and_rest, scaled


def links(node: Node) -> list[Node]:
    """Return the factors of a product of matrices, the last of which may be a vector.

    >>> from symprop.algebra import variable
    >>> A, x = variable("A", (2, 2)), variable("x", (2,))
    >>> [link.text() for link in links(A @ A.T @ x)]
    ['A', 'A.T', 'x']
    """
    if isinstance(node, n.MatMul) and node.operands[0].rank == 2 and node.operands[1].rank <= 2:
        return [*links(node.operands[0]), *links(node.operands[1])]
    return [node]


def chained(node: Node, tidy: Callable[[Node], Node]) -> Node:
    """Return the tidy form of a product of matrices (or of matrices and a vector) whose factors are tidy."""
    total: Expr = Integer(1)
    scalars: list[Node] = []
    parts: list[Node] = []
    pending = [factor for link in links(node) for factor in _repeated(link)][::-1]
    while pending:
        coefficient, found, bare = scalars_and_array(pending.pop())
        total *= coefficient
        scalars.extend(found)
        if len(inside := links(bare)) > 1:  # what a number stood before: (-A B) C
            pending.extend(reversed(inside))
            continue
        merged = NEIGHBOURS(parts[-1], bare) if parts else None
        if merged is None and bare in parts[-2:-1] and _undoes(parts[-1], bare):
            parts.pop()  # P A P = P and A P A = A
        elif merged is None:
            parts.append(bare)
        else:
            parts.pop()
            pending.extend(reversed(links(tidy(merged))))
    middle = next((place for place, part in enumerate(parts[1:-1], 1) if _is_ones(part)), None)
    if middle is not None and parts[-1].rank == 2:  # A (1 1') B = (A 1) (B' 1)'
        left, right = (reduce(n.MatMul, part) for part in (parts[:middle], parts[middle + 1 :]))
        total *= parts[middle].constant
        parts = [tidy(n.Outer(n.Sum(left, 1), n.Sum(right, 0)))]
    if len(parts) > 1 and parts[-1].rank == 2 and all(part == parts[0] for part in parts):
        parts = [n.MatrixPower(parts[0], len(parts))]  # X X X, and nothing else, is a power
    product = parts[-1] if parts[-1].rank == 1 else parts[0]
    for part in parts[-2::-1] if parts[-1].rank == 1 else parts[1:]:
        product = n.MatMul(part, product) if parts[-1].rank == 1 else n.MatMul(product, part)
    product = scaled(cancelled(total), product)
    return tidy(n.Multiply(*scalars, product)) if scalars else product


def _is_ones(node: Node) -> bool:
    return isinstance(node, n.Fill) and node.rank == 2 and 1 not in node.shape


def _undoes(left: Node, right: Node) -> bool:
    """Whether one of two matrices is the pseudoinverse of the other."""
    pairs = ((left, right), (right, left))
    return any(isinstance(one, n.PseudoInverse) and one.operands[0] == other for one, other in pairs)


WRITTEN_OUT = 4
"""A power of a matrix up to this one stands as factors beside other factors: X X A, not X**2 A."""


def _repeated(link: Node) -> list[Node]:
    if isinstance(link, n.MatrixPower) and link.exponent in range(2, WRITTEN_OUT + 1):
        return list(link.operands) * int(link.exponent)
    return [link]


# ---------------------------------------------------------------- neighbours


NEIGHBOURS = PairTable("merged with")
"""What two neighbours in a product are together, by the kind of the left one, then of the right one."""


@NEIGHBOURS.row(n.Identity, Node)
def _(left: n.Identity, right: Node) -> Node:
    return right


@NEIGHBOURS.row(Node, n.Identity)
def _(left: Node, right: n.Identity) -> Node:
    return left


@NEIGHBOURS.row(n.Diag, Node)
def _(left: n.Diag, right: Node) -> Node | None:
    return n.Multiply(left.operands[0], right) if right.rank == 1 else None


@NEIGHBOURS.row(n.Diag, n.Diag)
def _(left: n.Diag, right: n.Diag) -> Node:
    return n.Diag(n.Multiply(left.operands[0], right.operands[0]))


@NEIGHBOURS.row(n.Expand, n.Expand)
def _(left: n.Expand, right: n.Expand) -> Node | None:
    """u[:, None] @ v[None, :] = u v'."""
    return n.Outer(*left.operands, *right.operands) if left.axis == 1 and right.axis == 0 else None


@NEIGHBOURS.row(n.Slice, Variable)
@NEIGHBOURS.row(n.Slice, n.Slice)
def _(left: n.Slice, right: Node) -> Node | None:
    """eye(n)[i:j] A = A[i:j]: rows of an identity select rows."""
    selects = isinstance(left.operands[0], n.Identity) and left.axis == 0
    return n.Slice(right, 0, left.start, left.stop) if selects else None


@NEIGHBOURS.row(n.Outer, Node)
def _(left: n.Outer, right: Node) -> Node:
    """(u v') x = (v' x) u, (u v') B = u (B' v)'."""
    u, v = left.operands
    return n.Multiply(n.MatMul(v, right), u) if right.rank == 1 else n.Outer(u, n.MatMul(n.Transpose(right), v))


@NEIGHBOURS.row(Node, n.Outer)
def _(left: Node, right: n.Outer) -> Node:
    return n.Outer(n.MatMul(left, right.operands[0]), right.operands[1])  # A (u v') = (A u) v'


@NEIGHBOURS.row(Node, n.Fill)
def _(left: Node, right: n.Fill) -> Node | None:
    """A 1 = the sums of the rows of A."""
    return n.Multiply(n.Scalar(right.value), n.Sum(left, 1)) if right.rank == 1 else None


@NEIGHBOURS.row(n.Fill, Node)
def _(left: n.Fill, right: Node) -> Node | None:
    """(1 1') x = (1' x) 1."""
    return n.Multiply(n.Sum(right), n.Fill(left.value, left.shape[:1])) if right.rank == 1 else None


@NEIGHBOURS.row(n.Fill, n.Fill)
def _(left: n.Fill, right: n.Fill) -> Node | None:
    """Matrices of one number each: (c 1 1') (d 1 1') = c d q 1 1', with q their common size."""
    if right.rank != 2:
        return None
    return n.Fill(left.value * right.value * left.shape[1], (left.shape[0], right.shape[1]))


@NEIGHBOURS.row(n.Inverse, Node)
@NEIGHBOURS.row(n.MatrixPower, Node)
@NEIGHBOURS.row(Node, n.Inverse, n.MatrixPower)
def _(left: Node, right: Node) -> Node | None:
    """inv(A) A = A inv(A) = I, and powers of one matrix have one exponent: A**i A**j = A**(i + j)."""
    (base, i, below), (other, j, under) = _matrix_power(left), _matrix_power(right)
    if base != other:
        return None
    if below != under:
        return n.MatrixPower(base, i + j) if (i + j).is_nonnegative or (i + j).is_nonpositive else None
    return n.MatrixPower(n.Inverse(base), -i - j) if below else n.MatrixPower(base, i + j)


def _matrix_power(node: Node) -> tuple[Node, Expr, bool]:
    """Return a matrix, its exponent, and whether that is below 0."""
    if not isinstance(node, (n.Inverse, n.MatrixPower)):
        return node, Integer(1), False
    base, exponent = node.plain
    return base, exponent, base is not node.operands[0] or bool(exponent.is_nonpositive)


@NEIGHBOURS.row(n.Kron, n.Kron)
def _(left: n.Kron, right: n.Kron) -> Node | None:
    """kron(A, B) kron(C, D) = kron(A C, B D) where the sizes fit (the mixed-product property)."""
    (a, b), (c, d) = left.operands, right.operands
    fit = same(a.shape[1], c.shape[0]) and same(b.shape[1], d.shape[0])
    return n.Kron(n.MatMul(a, c), n.MatMul(b, d)) if fit else None


@NEIGHBOURS.row(n.Kron, n.Commutation)
def _(left: n.Kron, right: n.Commutation) -> Node | None:
    a, b = left.operands  # kron(a, b) K = K kron(b, a), and K moves nothing where a or b has one row
    fit = same(right.args[0], b.shape[1]) and same(right.args[1], a.shape[1])
    return n.Kron(b, a) if fit and 1 in (a.shape[0], b.shape[0]) else None


@NEIGHBOURS.row(n.Commutation, n.Add)
def _(left: n.Commutation, right: n.Add) -> Node | None:
    """K (kron(A, B) + kron(C, D)) = (kron(B, A) + kron(D, C)) K."""
    terms: list[Node] = []
    ends: list[Node] = []
    for coefficient, scalars, bare in map(scalars_and_rest, right.operands):
        moved = NEIGHBOURS(left, bare) if isinstance(bare, n.Kron) else None
        if moved is None:
            return None
        product, end = moved.operands
        terms.append(n.Multiply(n.Scalar(coefficient), *scalars, product))
        ends.append(end)
    return n.MatMul(n.Add(*terms), ends[0]) if all(end == ends[0] for end in ends) else None


@NEIGHBOURS.row(n.Commutation, n.Commutation)
def _(left: n.Commutation, right: n.Commutation) -> Node | None:
    return n.Identity(left.shape[0]) if left.args == right.args[::-1] else None  # K_mn K_nm = I


@NEIGHBOURS.row(n.Commutation, n.Duplication)
def _(left: n.Commutation, right: n.Duplication) -> Node | None:
    return right if same(left.args[0], left.args[1]) else None  # K_nn D_n = D_n


@NEIGHBOURS.row(n.Commutation, n.Kron)
def _(left: n.Commutation, right: n.Kron) -> Node | None:
    """K_pm kron(A, B) = kron(B, A) K_qn moves commutations to the right."""
    a, b = right.operands  # K: vec of (p, q) to vec of (q, p); kron(a, b) has rows p = rows of a, q = rows of b
    fit = same(left.args[0], a.shape[0]) and same(left.args[1], b.shape[0])
    return n.MatMul(n.Kron(b, a), n.Commutation(a.shape[1], b.shape[1])) if fit else None


__all__ = ["chained", "links"]

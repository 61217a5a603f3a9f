"""Touches on Kronecker products: with vectors, with commutations, and what two of them share.

Source: Magnus and Neudecker, *Matrix Differential Calculus* (3rd ed., 2019), chapters 2 and 3, with rows in place of
columns: `commutation(m, n)` takes the elements of an (m, n) array to those of its transpose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import same
from symprop.algebra.table import PairTable, for_kinds
from symprop.algebra.trees import added, multiplied, terms_of, walk
from symprop.calculus.chains import links
from symprop.calculus.coefficients import coefficient_and_rest, scalars_and_rest, scaled
from symprop.calculus.known_forms import KnownForm
from symprop.calculus.tidy import tidy
from symprop.finishing.common_factors import product_of

BESIDE = PairTable("beside a Kronecker product")
"""What two neighbours in a product of matrices are together, one of them a Kronecker product with a vector."""


def _is_column(node: Node) -> bool:
    return node.rank == 2 and node.shape[1] == 1


def _is_row(node: Node) -> bool:
    return node.rank == 2 and node.shape[0] == 1


@BESIDE.row(n.Kron, n.Kron)
def _(left: n.Kron, right: n.Kron) -> Node | None:
    """kron(A, x) kron(y', B) = kron(A B, x y') K, and kron(x, A) kron(B, y') = kron(x y', A B) K; x, y are vectors."""
    (a, b), (c, d) = left.operands, right.operands
    if _is_column(b) and _is_row(c) and same(a.shape[1], d.shape[0]):
        return n.MatMul(n.Kron(_product(a, d), _product(b, c)), n.Commutation(c.shape[1], d.shape[1]))
    if _is_column(a) and _is_row(d) and same(b.shape[1], c.shape[0]):
        return n.MatMul(n.Kron(_product(a, d), _product(b, c)), n.Commutation(c.shape[1], d.shape[1]))
    fit = same(a.shape[1], c.shape[0]) and same(b.shape[1], d.shape[0])
    return n.Kron(_product(a, c), _product(b, d)) if fit else None  # the mixed product


@BESIDE.row(n.Kron, Node)
def _beside_left(left: n.Kron, right: Node) -> Node | None:
    """kron(A, x) B = kron(A B, x), and kron(x, A) B = kron(x, A B); x is a column."""
    a, b = left.operands
    if right.rank != 2 or not _is_plain(right):
        return None
    if _is_column(b) and same(a.shape[1], right.shape[0]):
        return n.Kron(_product(a, right), b)
    return n.Kron(a, _product(b, right)) if _is_column(a) and same(b.shape[1], right.shape[0]) else None


@BESIDE.row(Node, n.Kron)
def _beside_right(left: Node, right: n.Kron) -> Node | None:
    """A kron(B, y') = kron(A B, y'), and A kron(y', B) = kron(y', A B); y' is a row."""
    a, b = right.operands
    if left.rank != 2 or not _is_plain(left):
        return None
    if _is_row(b) and same(left.shape[1], a.shape[0]):
        return n.Kron(_product(left, a), b)
    return n.Kron(a, _product(left, b)) if _is_row(a) and same(left.shape[1], b.shape[0]) else None


@BESIDE.row(n.Kron, n.Add)
def _(left: n.Kron, right: n.Add) -> Node | None:
    """kron(A, B) (kron(C, D) + kron(E, F) K) = kron(A C, B D) + kron(A E, B F) K, where all sizes fit."""
    return _distributed(right, lambda parts: [BESIDE(left, parts[0]), *parts[1:]]) or _beside_left(left, right)


@BESIDE.row(n.Add, n.Kron)
def _(left: n.Add, right: n.Kron) -> Node | None:
    """(kron(A, B) + kron(C, D)) kron(E, F) = kron(A E, B F) + kron(C E, D F), where all sizes fit."""
    return _distributed(left, lambda parts: [*parts[:-1], BESIDE(parts[-1], right)]) or _beside_right(left, right)


def _distributed(node: n.Add, beside: Callable[[list[Node]], list[Node | None]]) -> Node | None:
    """Return a sum in each term of which a Kronecker product at an end was put together with one beside the sum."""
    terms: list[Node] = []
    for coefficient, scalars, rest in map(scalars_and_rest, node.operands):
        parts = links(rest) if rest is not None else []
        put = beside(parts) if parts and isinstance(parts[0], n.Kron) else [None]
        if None in put:
            return None
        terms.append(scaled(coefficient, multiplied([*scalars, product_of([part for part in put if part])])))
    return tidy(added(terms))


def _is_plain(node: Node) -> bool:
    """Whether a matrix is no Kronecker product, nor a sum that may become one: such a sum is put together first."""
    terms = [scalars_and_rest(term)[2] for term in terms_of(node)]
    kinds = (n.Kron, n.Commutation, n.MatMul, n.Outer) if len(terms) > 1 else (n.Kron, n.Commutation)
    return not any(
        isinstance(part, n.Kron) or _is_flat(part) for term in terms if isinstance(term, kinds) for part in walk(term)
    )


def _is_flat(node: Node) -> bool:
    return isinstance(node, n.Reshape) and node.rank == 1 and isinstance(node.operands[0], n.Outer)


def _product(left: Node, right: Node) -> Node:
    if _is_column(left) and _is_row(right):
        return n.Outer(_vector(left), _vector(right))
    return tidy(n.MatMul(left, right))


def _vector(node: Node) -> Node:
    """Return a row or a column as a vector."""
    return tidy(n.Sum(node, 1 if _is_column(node) else 0))


@for_kinds(n.MatMul)
def kron_of_vectors(node: n.MatMul) -> Node | None:
    """kron(I, x) @ M @ kron(I, x') = kron(M, x x'): one with a vector takes in what stands beside it."""
    parts = links(node)
    for place, (left, right) in enumerate(pairwise(parts)):
        found = BESIDE(left, right)
        if found is not None:
            return product_of([*parts[:place], *links(found), *parts[place + 2 :]])
    return None


# ---------------------------------------------------------------- what two of them share

Scalars = tuple[Node, ...]
Parts = tuple[Scalars, Node, Node]
"""A term as numbers and scalars, and the two factors of a Kronecker product."""


@for_kinds(n.Add)
def common_kron(node: n.Add) -> Node | None:
    """kron(A, C) + kron(B, C) = kron(A + B, C), and kron(C, A) + kron(C, B) = kron(C, A + B)."""
    terms = [list(_splits(term)) for term in node.operands]
    for first, one in enumerate(node.operands):
        for _, *factors in terms[first] if isinstance(scalars_and_rest(one)[2], n.Kron) else ():
            for side in (1, 0):
                alike = _sharing(terms, factors[side], side)
                if len(alike) < 2 or first not in alike:
                    continue
                number, inside = coefficient_and_rest(tidy(added(list(alike.values()))))
                if inside is None:
                    continue
                product = n.Kron(inside, factors[1]) if side else n.Kron(factors[0], inside)
                others = [(place, term) for place, term in enumerate(node.operands) if place not in alike]
                together = sorted([*others, (first, scaled(number, product))], key=lambda each: each[0])
                return added([term for _, term in together])
    return None


def _sharing(terms: list[list[Parts]], factor: Node, side: int) -> dict[int, Node]:
    """Return the other factors of the terms that have one on a side, by place; not of one that both sides share."""
    found: dict[int, Node] = {}
    for place, splits in enumerate(terms):
        for scalars, *parts in splits:
            both = parts[0] == parts[1] and any(
                other[2 - side] == factor for k, each in enumerate(terms) if k != place for other in each
            )
            if parts[side] == factor and not both:
                found[place] = multiplied([*scalars, parts[1 - side]])
    return found


def _splits(term: Node) -> Iterator[Parts]:
    """Yield the ways in which a term is a Kronecker product; `outer(u, vec(x y'))` is `kron(u x', y')`."""
    coefficient, scalars, rest = scalars_and_rest(term)
    numbers = (n.Scalar(coefficient), *scalars) if coefficient != 1 else scalars
    match rest:
        case n.Kron(operands=(a, b)):
            yield numbers, a, b
        case n.Outer(operands=(u, v)) if _is_flat(u) and _is_flat(v):
            (a, b), (c, d) = u.operands[0].operands, v.operands[0].operands
            yield numbers, n.Outer(a, c), n.Outer(b, d)
        case n.Outer(operands=(u, v)) if _is_flat(v):
            c, d = v.operands[0].operands
            yield numbers, n.Outer(u, c), n.Expand(d, 0)
            yield numbers, n.Expand(c, 0), n.Outer(u, d)
        case n.Outer(operands=(u, v)) if _is_flat(u):
            a, b = u.operands[0].operands
            yield numbers, n.Outer(a, v), n.Expand(b, 1)
            yield numbers, n.Expand(a, 1), n.Outer(b, v)


@for_kinds(n.Add)
def common_commutation(node: n.Add) -> Node | None:
    """A K + B K = (A + B) K, the commutation being the last factor of each term."""
    terms = [scalars_and_rest(term) for term in node.operands]
    chains = [links(rest) if rest is not None else [] for _, _, rest in terms]
    last = chains[0][-1] if chains[0] else None
    if not isinstance(last, n.Commutation) or any(len(chain) < 2 or chain[-1] != last for chain in chains):
        return None
    inside = [
        multiplied([n.Scalar(number), *scalars, product_of(chain[:-1])])
        for (number, scalars, _), chain in zip(terms, chains, strict=True)
    ]
    return n.MatMul(tidy(added(inside)), last)


KRONECKERS: tuple[KnownForm, ...] = (
    KnownForm("Kronecker product with a vector", "kron(eye(n), x) @ A = kron(A, x)", kron_of_vectors),
    KnownForm("common Kronecker factor", "kron(A, C) + kron(B, C) = kron(A + B, C)", common_kron),
    KnownForm("common commutation", "A @ K + B @ K = (A + B) @ K", common_commutation),
)

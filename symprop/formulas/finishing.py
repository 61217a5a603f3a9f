"""The last touch on an answer: what a person does before writing a formula down.

Common factors go to the outside (`X.T @ X @ W - X.T @ Y` is `X.T @ (X @ W - Y)`), sums of products of vectors become
inner products, and factors stand in the order in which they are read: numbers, scalars, names, longer things. Each is
a named step, like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

import sympy
from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.equations import Step
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import added, factors_of, is_ones, multiplied, ones, replace, terms_of, walk
from symprop.calculus.chains import links
from symprop.calculus.coefficients import (
    coefficient_and_rest,
    expanded,
    same_shape,
    scalars_and_rest,
    scaled,
    unexpanded,
)
from symprop.calculus.known_forms import KnownForm, is_map
from symprop.calculus.tidy import tidy

MOST_ROUNDS = 5
"""How often all touches are tried: what one has changed may make room for another."""


def finished(node: Node) -> tuple[Node, tuple[Step, ...]]:
    """Return the form in which an answer is shown, and the steps that led there.

    >>> from symprop.algebra import variable
    >>> A, B, x = variable("A", (2, 3)), variable("B", (2, 3)), variable("x", (3,))
    >>> print(finished(tidy(2 * A @ x + 2 * B @ x))[0].text())
    2 * (A + B) @ x
    """
    steps: list[Step] = []
    for _ in range(MOST_ROUNDS):
        before = node
        for touch in TOUCHES:
            changed = _everywhere(node, touch.apply)
            if changed != node:
                steps.append(Step(touch.name, node, changed))
                node = changed
        if node == before:
            break
    return node, tuple(steps)


def _everywhere(node: Node, apply: Callable[[Node], Node | None]) -> Node:
    """Return `node` with a touch applied from the leaves up, as long as it changes something."""
    operands = tuple(_everywhere(operand, apply) for operand in node.operands)
    node = node if operands == node.operands else node.with_operands(operands)
    parts = links(node)
    node = _chain(parts) if len(parts) > 2 else node  # the brackets of a product, where a factor became a product
    changed = apply(node)
    return node if changed is None or changed == node else _everywhere(changed, apply)


# ---------------------------------------------------------------- inner products


@for_kinds(n.Sum)
def inner_product(node: n.Sum) -> Node | None:
    """sum(c * x * y) = c * (x @ y) for vectors; one that stands twice stays a sum of squares."""
    if node.rank or node.operands[0].rank != 1:
        return None
    coefficient, inside = coefficient_and_rest(node.operands[0])
    if not isinstance(inside, n.Multiply):
        return None
    scalars = [factor for factor in inside.operands if not factor.rank]
    vectors = [factor for factor in inside.operands if factor.rank]
    if len(vectors) < 2 or not all(same_shape(vector, inside) for vector in vectors):
        return None
    order = sorted(vectors, key=_rank_of_factor)
    return scaled(coefficient, multiplied([*scalars, n.MatMul(order[0], multiplied(order[1:]))]))


@for_kinds(n.Add)
def opposite_sigmoid(node: n.Add) -> Node | None:
    """y sigmoid(-t) - (1 - y) sigmoid(t) = y - sigmoid(t): in a sum that has both, one is enough where less is left."""
    sigmoids = [part for part in walk(node) if is_map(part, "sigmoid")]
    for part in sigmoids:
        opposite = FUNCTIONS["sigmoid"](tidy(n.negative(part.operands[0])))
        if opposite in sigmoids and coefficient_and_rest(part.operands[0])[0].could_extract_minus_sign():
            replaced = tidy(replace(node, {part: n.Scalar(1) - opposite}))
            terms = terms_of(replaced)
            collected = tidy(n.Add(*(piece for term in terms for piece in expanded(term))))
            if collected.weight < node.weight:
                return collected
    return None


@for_kinds(n.Sum)
def trace_of_product(node: n.Sum) -> Node | None:
    """sum(A * B.T) = trace(A @ B), where one of the two is a transpose."""
    if node.rank or node.operands[0].rank != 2:
        return None
    coefficient, scalars, inside = scalars_and_rest(node.operands[0])
    if not isinstance(inside, n.Multiply) or len(inside.operands) != 2:
        return None
    if not all(same_shape(operand, inside) for operand in inside.operands):
        return None
    for turned, other in (inside.operands, inside.operands[::-1]):
        plain = tidy(n.Transpose(turned))
        if _transposes(plain) < _transposes(turned):
            trace = n.Sum(n.Diagonal(tidy(n.MatMul(plain, other))))
            return scaled(coefficient, multiplied([*scalars, trace]))
    return None


# ---------------------------------------------------------------- common factors


@for_kinds(n.Add)
def common_matrix(node: n.Add) -> Node | None:
    """A X + A Y = A (X + Y), and X B + Y B = (X + Y) B: the terms that share an outer factor of a product."""
    terms = [_scalars_and_links(term) if same_shape(term, node) else ((), []) for term in node.operands]
    chains = [chain for _, chain in terms]
    for end in (-1, 0):  # a Hessian has its data on both sides: what is left stands in the middle
        for first, chain in enumerate(chains):
            alike = [place for place, other in enumerate(chains) if len(chain) > 1 and _shares(other, chain, end)]
            if len(alike) < 2 or any(len(other) > 1 for place, other in enumerate(chains) if place not in alike):
                continue  # X X A + X A X + A X X stays as it is
            inside = []
            for place in alike:
                rest = chains[place][1:] if end == 0 else chains[place][:-1]
                whole = n.Identity(chain[end].shape[1 if end == 0 else 0]) if not rest else _chain(rest)
                inside.append(tidy(multiplied([*terms[place][0], whole])))  # A + A B = A (I + B)
            total = tidy(added(inside))
            product = tidy(n.MatMul(chain[0], total) if end == 0 else n.MatMul(total, chain[-1]))
            others = [term for place, term in enumerate(node.operands) if place not in alike]
            return added([*others[:first], product, *others[first:]])
    return None


def _scalars_and_links(term: Node) -> tuple[tuple[Node, ...], list[Node]]:
    """Return a term as numbers and scalars, and the factors of its product of matrices."""
    coefficient, scalars, rest = scalars_and_rest(term)
    if rest is None:
        return (), []
    numbers = (n.Scalar(coefficient),) if coefficient != 1 else ()
    if not isinstance(rest, n.Outer):
        return (*numbers, *scalars), links(rest)
    (*left, u), (*right, v) = map(links, rest.operands)  # (A u) (B v)' = A (u v') B'
    return (*numbers, *scalars), [*left, n.Outer(u, v), *(tidy(n.Transpose(part)) for part in reversed(right))]


def _shares(other: list[Node], chain: list[Node], end: int) -> bool:
    """Whether a product has the factor at one end of another; a matrix alone, only where the other is of rank one."""
    if not other or other[end] != chain[end]:
        return False
    if isinstance(chain[end], n.Outer):
        return len(other) > 1
    if chain[end].rank == 1:  # (A + B) @ x, but not (A.T @ A + B.T @ B) @ x, which takes products of matrices
        return len(chain) == len(other) == 2
    return len(other) > 1 or (other[end].rank == 2 and any(isinstance(part, n.Outer) for part in chain))


def _chain(parts: Sequence[Node]) -> Node:
    if parts[-1].rank == 1:
        return reduce(lambda product, part: n.MatMul(part, product), parts[-2::-1], parts[-1])
    return reduce(n.MatMul, parts)


@for_kinds(n.Add)
def common_factor(node: n.Add) -> Node | None:
    """x y + x z = x (y + z), elementwise: a factor, or a power of one, that every term has."""
    terms = [_powers(term) for term in node.operands]
    shared: dict[Node, Expr] = {}
    for base in terms[0][1]:
        exponents = [powers.get(base) for _, powers in terms]
        if None in exponents or (not base.operands and not isinstance(base, Variable)):
            continue
        signs = {bool(e.could_extract_minus_sign()) for e in exponents if e is not None}
        if len(signs) == 1 and all(e.is_number for e in exponents if e is not None):
            smallest = max(exponents) if signs == {True} else min(exponents)  # type: ignore[type-var]
            shared[base] = smallest
    if not shared:
        return None
    outside = [base if exponent == 1 else n.Power(base, exponent) for base, exponent in shared.items()]
    inside = []
    for coefficient, powers in terms:
        rest = [
            n.Power(base, exponent - shared.get(base, 0))
            for base, exponent in powers.items()
            if exponent != shared.get(base, 0)
        ]
        inside.append(scaled(coefficient, tidy(multiplied(rest or [n.Scalar(1)]))))
    total = tidy(added(inside))
    if isinstance(ones_among_matrices(total), n.Add):
        return None  # 2 A - A * I, not A * (2 1 1' - I)
    result = tidy(n.Multiply(*outside, total))
    grown = result.weight > node.weight + len(shared) * 2  # a power of what was one factor, and a product
    return result if same_shape(result, node) and not grown else None


def _powers(term: Node) -> tuple[Expr, dict[Node, Expr]]:
    """Return a term as a number and powers of its factors."""
    coefficient, rest = coefficient_and_rest(term)
    powers: dict[Node, Expr] = {}
    for factor in rest.operands if isinstance(rest, n.Multiply) else () if rest is None else (rest,):
        base, exponent = (
            (factor.operands[0], factor.exponent) if isinstance(factor, n.Power) else (factor, sympy.Integer(1))
        )
        powers[base] = powers.get(base, sympy.Integer(0)) + exponent
    return coefficient, powers


@for_kinds(n.Add)
def ones_among_matrices(node: n.Add) -> Node | None:
    """c + I = c 1 1' + I: a number that is added to a matrix that is no array of elements stands as a matrix."""
    if node.rank != 2:
        return None
    number = next((term for term in node.operands if isinstance(term, n.Scalar)), None)
    matrices = [scalars_and_rest(term)[2] for term in node.operands if term.rank == 2]
    if number is None or not any(isinstance(part, (n.Identity, n.Diag, n.Outer, n.Kron)) for part in matrices):
        return None
    spread = n.Multiply(number, n.Fill(1, node.shape))
    return n.Add(*(spread if term is number else term for term in node.operands))


@for_kinds(n.Multiply)
def rows_and_columns(node: n.Multiply) -> Node | None:
    """u[:, None] * x = u x', x * (1 1') = 1 x' and u[:, None] * (1 1') = u 1': what is spread over rows and columns."""
    if node.rank != 2 or 1 in node.shape:
        return None
    numbers: list[Node] = []
    columns, rows = [ones(node.shape[0])], [ones(node.shape[1])]
    for factor in [piece for operand in node.operands for piece in factors_of(operand)]:
        bare, axes = unexpanded(factor)
        if not bare.rank:
            numbers.append(bare)
        elif bare.rank == 1:
            (columns if axes == (1,) else rows).append(bare)
        elif not is_ones(factor):
            return None
    column, row = (multiplied(factors[1:] or factors) for factors in (columns, rows))
    outer = n.Outer(column, row) if column.rank == row.rank == 1 else node
    return multiplied([*numbers, outer]) if outer.shape == node.shape and len(columns) + len(rows) > 2 else None


@for_kinds(n.Add)
def one_diagonal(node: n.Add) -> Node | None:
    """diag(x) + diag(y) = diag(x + y)."""
    parts = [(term, scalars_and_rest(term)) for term in node.operands]
    found = [(term, (number, scalars, rest)) for term, (number, scalars, rest) in parts if isinstance(rest, n.Diag)]
    if len(found) < 2:
        return None
    inside = [n.Multiply(n.Scalar(number), *scalars, *rest.operands) for _, (number, scalars, rest) in found if rest]
    others = [term for term in node.operands if all(term is not diagonal for diagonal, _ in found)]
    return added([n.Diag(tidy(added(inside))), *others])


# ---------------------------------------------------------------- transposes and order


@for_kinds(n.Add, n.Multiply)
def transpose_outside(node: n.Add | n.Multiply) -> Node | None:
    """A.T - B @ C.T = (A - C @ B.T).T, where that has no more transposes: the inside is often known already."""
    if node.rank != 2:
        return None
    arrays = [operand for operand in node.operands if operand.rank]
    if len(arrays) < 2 or not any(map(_transposes, arrays)):
        return None
    inside = tidy(n.Transpose(node))
    fewer = sum(map(_transposes, inside.operands)) < sum(map(_transposes, node.operands))
    return n.Transpose(inside) if fewer and not isinstance(inside, n.Transpose) else None


def _transposes(node: Node) -> int:
    """How many transposes stand in a product of matrices or in a sum of them."""
    if isinstance(node, n.Transpose):
        return 1 + _transposes(node.operands[0])
    inner = node.operands if isinstance(node, (n.Add, n.Multiply, n.MatMul, n.Inverse)) else ()
    return sum(map(_transposes, inner))


@for_kinds(n.Add)
def plain_first(node: n.Add) -> Node | None:
    """A.T + A = A + A.T: a matrix stands before its transpose."""
    terms = list(node.operands)
    for place, term in enumerate(terms):
        other = tidy(n.Transpose(term)) if term.rank == 2 else term
        if other in terms[place + 1 :] and _transposes(term) > _transposes(other):
            later = terms.index(other)
            terms[place], terms[later] = other, term
            return n.Add(*terms)
    return None


@for_kinds(n.Multiply)
def reading_order(node: n.Multiply) -> Node | None:
    """Numbers first, then scalars, then names, then what is longer; equals keep their places."""
    order = sorted(node.operands, key=_rank_of_factor)
    return None if list(node.operands) == order else n.Multiply(*order)


def _rank_of_factor(factor: Node) -> int:
    base = factor.operands[0] if isinstance(factor, (n.Power, n.Transpose, n.Expand)) else factor
    if isinstance(factor, n.Scalar):
        return 0
    if not factor.rank:
        return 1
    return 2 if isinstance(base, Variable) else 3


@for_kinds(n.Multiply)
def number_in_block(node: n.Multiply) -> Node | None:
    """2 kron(I, C) = kron(I, 2 C): the block that is repeated stands whole."""
    if not isinstance(node.operands[-1], n.Kron):
        return None
    *scalars, repeated = node.operands
    left, right = repeated.operands
    if not isinstance(left, n.Identity) or any(scalar.rank for scalar in scalars):
        return None
    return n.Kron(left, n.Multiply(*scalars, right))


TOUCHES: tuple[KnownForm, ...] = (
    KnownForm("inner product", "sum(x * y) = x @ y", inner_product),
    KnownForm("trace of a product", "sum(A * B.T) = trace(A @ B)", trace_of_product),
    KnownForm("a number as a matrix", "c + I = c 1 1' + I", ones_among_matrices),
    KnownForm("rows and columns", "x * (1 1') = 1 x'", rows_and_columns),
    KnownForm("one diagonal", "diag(x) + diag(y) = diag(x + y)", one_diagonal),
    KnownForm("common factor of products", "A @ X + A @ Y = A @ (X + Y)", common_matrix),
    KnownForm("opposite sigmoid", "sigmoid(-t) = 1 - sigmoid(t)", opposite_sigmoid),
    KnownForm("common factor", "x * y + x * z = x * (y + z)", common_factor),
    KnownForm("a number enters the block", "2 * kron(I, C) = kron(I, 2 * C)", number_in_block),
    KnownForm("transpose of a sum", "A.T - B @ C.T = (A - C @ B.T).T", transpose_outside),
    KnownForm("order of factors", "x * y = y * x", reading_order),
    KnownForm("order of terms", "A.T + A = A + A.T", plain_first),
)
"""In the order in which they are applied, each everywhere in the answer."""

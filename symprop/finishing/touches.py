"""The last touch on an answer: what a person does before writing a formula down.

Common factors go to the outside (`X.T @ X @ W - X.T @ Y` is `X.T @ (X @ W - Y)`), sums of products of vectors become
inner products, and factors stand in the order in which they are read: numbers, scalars, names, longer things. Each is
a named step, like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.equations import Step
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import (
    added,
    factors_of,
    is_ones,
    is_zero,
    multiplied,
    ones,
    replace,
    terms_of,
    transposes,
    walk,
)
from symprop.calculus.chains import links
from symprop.calculus.choice_rules import ONE_CHOICE, one_choice
from symprop.calculus.coefficients import (
    coefficient_and_rest,
    expanded,
    ones_among_matrices,
    same_shape,
    scalars_and_rest,
    scaled,
    unexpanded,
)
from symprop.calculus.known_forms import KnownForm, is_map
from symprop.calculus.tidy import tidy
from symprop.calculus.unit_vectors import ONE_EACH, one_element_each
from symprop.finishing.common_factors import (
    all_but_one,
    common_factor,
    common_matrix,
    common_number,
    common_vector,
    factor_of_some,
    product_of,
    repeated_matrix,
)
from symprop.finishing.kroneckers import KRONECKERS
from symprop.finishing.signs import added_first, one_sign, sign_inside
from symprop.finishing.traces import TRACES

MOST_ROUNDS = 5
"""How often all touches are tried: what one has changed may make room for another."""


def finished(node: Node, touches: Sequence[KnownForm] | None = None) -> tuple[Node, tuple[Step, ...]]:
    """Return the form in which an answer is shown, and the steps that led there; `touches` are those of `TOUCHES`.

    >>> from symprop.algebra import variable
    >>> A, B, x = variable("A", (2, 3)), variable("B", (2, 3)), variable("x", (3,))
    >>> print(finished(tidy(2 * A @ x + 2 * B @ x))[0].text())
    2 * (A + B) @ x
    """
    steps: list[Step] = []
    for _ in range(MOST_ROUNDS):
        before = node
        for touch in TOUCHES if touches is None else touches:
            changed = _everywhere(node, touch.apply, {})
            if changed != node:
                steps.append(Step(touch.name, node, changed))
                node = changed
        if node == before:
            break
    return node, tuple(steps)


def _everywhere(node: Node, apply: Callable[[Node], Node | None], known: dict[Node, Node]) -> Node:
    """Return `node` with a touch applied from the leaves up, as long as it changes something.

    What it makes of a part is `known` from then on: a derivative has its parts many times.
    """
    if (found := known.get(node)) is None:
        operands = tuple(_everywhere(operand, apply, known) for operand in node.operands)
        arranged = _arranged(node if operands == node.operands else node.with_operands(operands))
        changed = apply(arranged)
        known[node] = arranged  # a touch that comes back to what it began with ends there
        found = arranged if changed is None or changed == arranged else _everywhere(changed, apply, known)
        known[node] = found
    return found


def _arranged(node: Node) -> Node:
    """A product of matrices or vectors with its brackets and scalars in front, a sum without sums in it."""
    if any(map(is_zero, node.operands)):
        return tidy(node)
    if isinstance(node, n.Add):
        return _flat(node)
    paired = isinstance(node, n.Outer) or (isinstance(node, n.Kron) and not isinstance(node.operands[0], n.Identity))
    chain = list(node.operands) if paired else links(node)
    if len(chain) == 1:
        return node
    total: Expr = Integer(1)
    before: list[Node] = []
    parts: list[Node] = []
    for link in chain:
        coefficient, scalars, rest = scalars_and_rest(link)
        total *= coefficient
        before.extend(scalars)
        parts.append(link if rest is None else rest)
    flat = [each for part in parts for each in links(part)]
    product = node.with_operands(parts) if paired else product_of(flat)
    return scaled(total, multiplied([*before, product]))


def _flat(node: n.Add) -> Node:
    terms: list[Node] = []
    for term in node.operands:
        sign, rest = coefficient_and_rest(term)
        inside = isinstance(rest, n.Add) and sign in (1, -1) and same_shape(rest, node)
        terms.extend([scaled(sign, part) for part in terms_of(rest)] if rest is not None and inside else [term])
    return n.Add(*terms) if len(terms) > len(node.operands) else node


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


# ---------------------------------------------------------------- rows, columns, diagonals


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
    return added([tidy(n.Diag(tidy(added(inside)))), *others])


# ---------------------------------------------------------------- transposes and order


@for_kinds(n.Add, n.Multiply)
def transpose_outside(node: n.Add | n.Multiply) -> Node | None:
    """A.T - B @ C.T = (A - C @ B.T).T, where that has no more transposes: the inside is often known already."""
    if node.rank != 2:
        return None
    arrays = [operand for operand in node.operands if operand.rank]
    if len(arrays) < 2 or not transposes(*arrays) or any(isinstance(part, n.Kron) for part in walk(node)):
        return None
    coefficient, scalars, inside = scalars_and_rest(tidy(n.Transpose(node)))
    if inside is None or isinstance(inside, n.Transpose) or transposes(inside) >= transposes(*arrays):
        return None
    return scaled(coefficient, multiplied([*scalars, n.Transpose(inside)]))


@for_kinds(n.Add)
def plain_first(node: n.Add) -> Node | None:
    """A.T + A = A + A.T: a matrix stands before its transpose."""
    terms = list(node.operands)
    for place, term in enumerate(terms):
        other = tidy(n.Transpose(term)) if term.rank == 2 else term
        if other in terms[place + 1 :] and transposes(term) > transposes(other):
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
        return 1 if isinstance(base, Variable) else 3 if isinstance(base, n.MatMul) else 2
    return 4 if isinstance(base, Variable) else 5


@for_kinds(n.MatMul, n.Outer, n.Multiply)
def scalar_outside(node: n.MatMul | n.Outer | n.Multiply) -> Node | None:
    """(c A) B = c A B, and (c x) y' = c x y': what is no array stands before a product, with what stands there."""
    if isinstance(node, n.Multiply):
        minus = node.operands[0] == n.Scalar(-1) and len(node.operands) == 2 and isinstance(node.operands[1], n.Add)
        return tidy(node) if minus or any(isinstance(operand, n.Multiply) for operand in node.operands) else None
    apart = [scalars_and_rest(operand) for operand in node.operands]
    if all(number == 1 and not scalars for number, scalars, _ in apart):
        return None
    arrays = [rest for _, _, rest in apart if rest is not None]
    numbers = [n.Scalar(number) for number, _, _ in apart if number != 1]
    scalars = [scalar for _, scalars, _ in apart for scalar in scalars]
    return tidy(n.Multiply(*numbers, *scalars, node.with_operands(arrays))) if len(arrays) == 2 else None


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
    *TRACES,
    KnownForm("a number as a matrix", "c + I = c 1 1' + I", ones_among_matrices),
    KnownForm("rows and columns", "u[:, None] * x = u x'", rows_and_columns),
    KnownForm("one diagonal", "diag(x) + diag(y) = diag(x + y)", one_diagonal),
    KnownForm("common factor of products", "A @ X + A @ Y = A @ (X + Y)", common_matrix),
    KnownForm("all factors but one", "A @ M @ B + A @ N @ B + C = A @ (M + N) @ B + C", all_but_one),
    KnownForm("common vector", "outer(u, x) + outer(v, x) = outer(u + v, x)", common_vector),
    KnownForm("matrix that is repeated", "A @ X - X = (A - I) @ X", repeated_matrix),
    KnownForm("one sign", "f(x - y) - f(y - x) = 2 * f(x - y) where f is odd", one_sign),
    KnownForm("a sign enters a sum", "-A @ (C - B) = A @ (B - C)", sign_inside),
    *KRONECKERS,
    KnownForm("opposite sigmoid", "sigmoid(-t) = 1 - sigmoid(t)", opposite_sigmoid),
    KnownForm("one element each", ONE_EACH, one_element_each),
    KnownForm("one choice", ONE_CHOICE, one_choice),
    KnownForm("common number", "x / (2 * n) - y / n = (x - 2 * y) / (2 * n)", common_number),
    KnownForm("common factor", "x * y + x * z = x * (y + z)", common_factor),
    KnownForm("a scalar before a product", "(c * A) @ B = c * (A @ B)", scalar_outside),
    KnownForm("a number enters the block", "2 * kron(I, C) = kron(I, 2 * C)", number_in_block),
    KnownForm("transpose of a sum", "A.T - B @ C.T = (A - C @ B.T).T", transpose_outside),
    KnownForm("order of factors", "x * y = y * x", reading_order),
    KnownForm("order of terms", "A.T + A = A + A.T", plain_first),
    KnownForm("what is added first", "-x + y = y - x", added_first),
)
"""In the order in which they are applied, each everywhere in the answer."""

OF_EQUATIONS = (*TOUCHES, KnownForm("factor of some terms", "x * y + x * z + w = x * (y + z) + w", factor_of_some))
"""Those of equations of second derivatives, which are sums of products that share the slopes of activations."""

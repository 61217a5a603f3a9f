"""Chains of matrix products with Kronecker products in them, worked out without building what need not be built.

A Kronecker product, a commutation matrix or a diagonal matrix beside a dense one is applied to it: by reshapes, small
products, transposes, a scaling of rows. The order is the one of least work. Identities: Magnus and Neudecker, *Matrix
Differential Calculus* (3rd ed., 2019), chapters 2 and 3; Van Loan, *The ubiquitous Kronecker product* (2000).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sympy import Expr, Integer, prod

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.table import Table
from symprop.algebra.trees import added, factors_of, multiplied, terms_of, walk
from symprop.calculus.chains import links
from symprop.calculus.coefficients import coefficient_and_rest, scalars_and_rest, scaled
from symprop.codegen.matrix_passes import product, reshaped, transposed, typical
from symprop.codegen.program import Program, rewritten
from symprop.formulas.code.kronecker_blocks import (
    STRUCTURED,
    by_blocks,
    elements,
    merged_blocks,
    with_ones_split,
)

MOST_LINKS = 30
"""Longer chains stay as they are."""

MOST_BLOCKS = 8
"""Longer chains are not looked at for factors that work block by block."""

MOST_TERMS = 8
"""Sums of more terms are not multiplied out."""


def applied_kroneckers(program: Program) -> Program:
    """Apply Kronecker products, commutations and diagonal matrices to their neighbours in a chain of products.

    `kron(A, B) @ M` takes two products of small matrices, `commutation(m, n) @ M` a transpose; neither is built.
    """

    def visit(node: Node) -> Node:
        terms = terms_of(node)
        if len(terms) > 1:
            return added([n.negative(visit(bare)) if sign < 0 else visit(bare) for sign, bare in map(_sign, terms)])
        scalars, bare = _without_scalars([node]) if node.rank == 2 else ([], [node])
        if len(bare) <= MOST_LINKS and any(map(_is_kronecker, bare)) and (scalars or len(bare) > 1):
            return _product(scalars, bare, visit)
        operands = tuple(visit(operand) for operand in node.operands)
        return node if operands == node.operands else node.with_operands(operands)

    return rewritten(program, lambda statement, emit: statement.with_expression(visit(statement.expression)))


_Visit = Callable[[Node], Node]


def _is_kronecker(node: Node) -> bool:
    """Whether `node` is a product with a Kronecker product or a commutation in it, or a sum with such a term."""
    bare = scalars_and_rest(node)[2]
    terms = () if bare is None else terms_of(bare)
    if len(terms) > 1:
        return len(terms) <= MOST_TERMS and any(map(_is_kronecker, terms))
    return any(isinstance(link, (n.Kron, n.Commutation)) for term in terms for link in links(term))


def _without_scalars(parts: Sequence[Node]) -> tuple[list[Node], list[Node]]:
    """Return the numbers and scalars that parts are multiplied by, and the factors of the parts without them."""
    scalars: list[Node] = []
    bare: list[Node] = []
    for part in parts:
        coefficient, found, rest = scalars_and_rest(part)
        if rest is None:
            raise LookupError("a factor of a product of matrices is a matrix")
        scalars += [*([] if coefficient == 1 else [n.Scalar(coefficient)]), *found]
        for link in links(rest):
            if link == part:
                bare.append(link)
            else:
                more, below = _without_scalars([link])
                scalars += more
                bare += below
    return scalars, bare


def _product(scalars: list[Node], parts: list[Node], visit: _Visit) -> Node:
    """Return the product of a chain; sums with Kronecker products in them are multiplied out."""
    for place, part in enumerate(parts):
        if (scalars or len(parts) > 1) and len(terms_of(part)) > 1 and _is_kronecker(part):
            terms = [term for term in part.operands if _is_kronecker(term) or isinstance(term, STRUCTURED)]
            dense = [term for term in part.operands if term not in terms]
            products = []
            for term in (*terms, *([added(dense)] if dense else [])):
                sign, bare_term = _sign(term)
                more, bare = _without_scalars([bare_term])
                product = _product([*scalars, *more], [*parts[:place], *bare, *parts[place + 1 :]], visit)
                products.append(n.negative(product) if sign < 0 else product)
            return added(merged_blocks(products))
    parts = [_visited(part, visit) for part in parts]
    front, parts = _weighed(scalars, parts)
    ways = [parts]
    if all(isinstance(part, STRUCTURED) for part in parts) and len(parts) <= MOST_BLOCKS:
        ways = [way for chain in (parts, with_ones_split(parts)) for way in by_blocks(chain)]
    return multiplied([*front, min(map(_in_order, ways), key=work)])


def _sign(term: Node) -> tuple[int, Node]:
    """Return the sign of a term, which costs nothing where it is added, and the term without it."""
    coefficient = scalars_and_rest(term)[0]
    return (-1, scaled(Integer(-1), term)) if coefficient.could_extract_minus_sign() else (1, term)


def _visited(part: Node, visit: _Visit) -> Node:
    if isinstance(part, STRUCTURED) and part.operands:
        return part.with_operands(map(visit, part.operands))
    return part if isinstance(part, STRUCTURED) else visit(part)


def _weighed(scalars: list[Node], parts: list[Node]) -> tuple[list[Node], list[Node]]:
    """Move scalars into the smallest array that a Kronecker product or a diagonal matrix in the chain is made of."""
    choices = [
        (elements(operand), place, slot)
        for place, part in enumerate(parts)
        for slot, operand in enumerate(part.operands if isinstance(part, STRUCTURED) else ())
        if not isinstance(operand, (n.Identity, n.Fill))
    ]
    if not scalars or not choices:
        return scalars, parts
    _, place, slot = min(choices)
    operands = list(parts[place].operands)
    operands[slot] = _times(scalars, operands[slot])
    return [], [*parts[:place], parts[place].with_operands(operands), *parts[place + 1 :]]


def _times(scalars: list[Node], node: Node) -> Node:
    if isinstance(node, n.Reshape):
        return n.Reshape(_times(scalars, node.operands[0]), node.shape)
    numbers, others = zip(*map(coefficient_and_rest, scalars), strict=True)
    return scaled(prod(numbers), multiplied([*filter(None, others), *factors_of(node)]))


# ---------------------------------------------------------------- the order of least work


def _in_order(parts: list[Node]) -> Node:
    """Return the product, in the order of least work by the dynamic programme of matrix-chain multiplication."""
    count = len(parts)
    cost: dict[tuple[int, int], float] = {(place, place + 1): 0.0 for place in range(count)}
    steps: dict[tuple[int, int], tuple[int, _Combine]] = {}
    for length in range(2, count + 1):
        for start in range(count - length + 1):
            stop = start + length
            choices = []
            for middle in range(start + 1, stop):
                left, right = _side(parts, start, middle), _side(parts, middle, stop)
                below = cost[start, middle] + cost[middle, stop]
                for work, combine in _ways(left, right):
                    choices.append((below + work, middle, combine))
            cost[start, stop], middle, combine = min(choices, key=lambda choice: choice[0])
            steps[start, stop] = (middle, combine)

    def built(start: int, stop: int) -> Node:
        if stop == start + 1:
            return parts[start]
        middle, combine = steps[start, stop]
        return combine(built(start, middle), built(middle, stop))

    return built(0, count)


_Combine = Callable[[Node, Node], Node]
_Side = tuple[Expr, Expr, Node | None]


def _side(parts: list[Node], start: int, stop: int) -> _Side:
    """Return rows, columns and, for one factor with structure, that factor."""
    alone = parts[start] if stop == start + 1 and isinstance(parts[start], STRUCTURED) else None
    return parts[start].shape[0], parts[stop - 1].shape[1], alone


def _ways(left: _Side, right: _Side) -> list[tuple[float, _Combine]]:
    """Return the ways to multiply two matrices, each with its work; a factor with structure is applied."""
    rows, inner, first = left
    _, columns, second = right
    ways: list[tuple[float, _Combine]] = []
    if first is not None:  # what is applied to must be there: a factor with structure is built
        there = 0.0 if second is None else typical(inner * columns)
        ways.append((there + _work(first, columns), applied))
    if second is not None:
        there = 0.0 if first is None else typical(rows * inner)
        ways.append((there + _work(second, rows), applied_from_right))
    return ways or [(2 * typical(rows * inner * columns), n.MatMul)]


def _work(factor: Node, count: Expr) -> float:
    """The work of applying a factor with structure to `count` vectors."""
    work = typical(prod(factor.shape[:1]) * count)
    if isinstance(factor, n.Kron):
        first, second = factor.operands
        if not isinstance(first, n.Identity):
            work += 2 * typical(first.shape[0] * first.shape[1] * second.shape[1] * count)
        if not isinstance(second, n.Identity) and second.shape[1] != 1:
            work += 2 * typical(first.shape[0] * second.shape[0] * second.shape[1] * count)
    return work


def work(node: Node) -> float:
    """Return about how many elements are computed for `node`, a multiplication with an addition as two.

    >>> from symprop.algebra import variable
    >>> A, B = variable("A", (2, 3)), variable("B", (3, 4))
    >>> work(A @ B) == 2 * 24
    True
    """
    total = 0.0
    for part in dict.fromkeys(walk(node)):
        size = elements(part)
        if isinstance(part, n.MatMul):
            total += 2 * size * typical(part.operands[0].shape[-1])
        elif not isinstance(part, (n.Variable, n.Transpose, n.Expand, n.Identity)):
            total += size
    return total


def applied(factor: Node, matrix: Node) -> Node:
    """Return `factor @ matrix` for a Kronecker product, a commutation or a diagonal matrix.

    >>> from symprop.algebra import variable
    >>> print(applied(n.Commutation(2, 3), variable("M", (6, 4))).text())
    reshape(transpose(reshape(M, (2, 3, 4)), (1, 0, 2)), (6, 4))
    """
    done: Node = APPLIED(factor, matrix)
    return done


def applied_from_right(matrix: Node, factor: Node) -> Node:
    """Return `matrix @ factor` for a Kronecker product, a commutation or a diagonal matrix."""
    done: Node = APPLIED_FROM_RIGHT(factor, matrix)
    return done


APPLIED = Table("applied to a matrix")
APPLIED_FROM_RIGHT = Table("applied to a matrix from the right")


@APPLIED.row(n.Diag)
def _(factor: n.Diag, matrix: Node) -> Node:
    return n.Multiply(n.Expand(factor.operands[0], 1), matrix)


@APPLIED.row(n.Commutation)
def _(factor: n.Commutation, matrix: Node) -> Node:
    return reshaped(reshaped(matrix, (*factor.args, matrix.shape[1])).permuted((1, 0, 2)), matrix.shape)


@APPLIED.row(n.Kron)
def _(factor: n.Kron, matrix: Node) -> Node:
    """kron(A, B) = kron(A, I) kron(I, B)."""
    (first, second), columns = factor.operands, matrix.shape[1]
    wide = product(first, reshaped(matrix, (first.shape[1], second.shape[1] * columns)))
    stack = reshaped(wide, (first.shape[0], second.shape[1], columns))
    ones = second.shape[1] == 1 and second.constant is not None  # each row again and again
    return reshaped(n.Multiply(stack, second) if ones else product(second, stack), (factor.shape[0], columns))


@APPLIED_FROM_RIGHT.row(n.Diag)
def _(factor: n.Diag, matrix: Node) -> Node:
    return n.Multiply(matrix, factor.operands[0])


@APPLIED_FROM_RIGHT.row(n.Commutation)
def _(factor: n.Commutation, matrix: Node) -> Node:
    turned = reshaped(matrix, (matrix.shape[0], *factor.args[::-1])).permuted((0, 2, 1))
    return reshaped(turned, matrix.shape)


@APPLIED_FROM_RIGHT.row(n.Kron)
def _(factor: n.Kron, matrix: Node) -> Node:
    (first, second), rows = factor.operands, matrix.shape[0]
    tall = product(reshaped(matrix, (rows * first.shape[0], second.shape[0])), second)
    stack = reshaped(tall, (rows, first.shape[0], second.shape[1]))
    return reshaped(product(transposed(first), stack), (rows, factor.shape[1]))

"""The scalar operations of a formula, as exact polynomials in the sizes.

Counted are the operations of the formula as it stands, each distinct sub-formula once:

- *multiplications* and divisions, *additions* and subtractions (a change of sign is free: it makes `a + b` an `a - b`);
- *functions*: evaluations of an elementwise function, and comparisons. One each, whatever the function.

A matrix product `(n, k) @ (k, p)` is `n p k` multiplications and `n p (k - 1)` additions, together `n p (2 k - 1)`. A
product with `Diag(v)` only scales rows or columns, a product with the identity costs nothing. Selections, transposes
and other views cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import sympy
from sympy import Expr, Integer
from sympy.core.function import AppliedUndef

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import broadcast
from symprop.algebra.table import Table
from symprop.algebra.trees import factors_of
from symprop.calculus.coefficients import base_and_exponent

ZERO = Integer(0)
FLOPS = Table("flops")


@dataclass(frozen=True)
class Operations:
    """Numbers of scalar operations, polynomials in the sizes."""

    multiplications: Expr = ZERO
    additions: Expr = ZERO
    functions: Expr = ZERO

    def __add__(self, other: Operations) -> Operations:
        return Operations.sum((self, other))

    @classmethod
    def sum(cls, parts: Iterable[Operations]) -> Operations:
        """Return the sum of many counts at once."""
        listed = tuple(parts)
        return cls(
            sympy.expand(sympy.Add(*(part.multiplications for part in listed))),
            sympy.expand(sympy.Add(*(part.additions for part in listed))),
            sympy.expand(sympy.Add(*(part.functions for part in listed))),
        )

    @property
    def arithmetic(self) -> Expr:
        """Multiplications and additions."""
        return sympy.expand(self.multiplications + self.additions)

    @property
    def total(self) -> Expr:
        """All operations, a function evaluation counted as one."""
        return sympy.expand(self.arithmetic + self.functions)

    def over(self, index: sympy.Symbol, first: Expr, last: Expr) -> Operations:
        """Return the sum over `index` from `first` to `last`, done where the sizes do not depend on it."""
        return Operations(
            *(summed(part, index, first, last) for part in (self.multiplications, self.additions, self.functions))
        )


def size(node: Node) -> Expr:
    """Return the number of elements of `node`."""
    return sympy.expand(sympy.prod(node.shape))


@FLOPS.row(n.Leaf, n.Structural, n.Reshape, n.Diag, n.Take, n.OneHot, n.Concatenate)
def _(node: Node) -> Operations:
    return Operations()  # nothing is computed: a value that is there, a view or a copy


@FLOPS.row(n.Add)
def _(node: n.Add) -> Operations:
    return Operations(additions=_folded(node.operands))


@FLOPS.row(n.Multiply)
def _(node: n.Multiply) -> Operations:
    factors = [operand for operand in node.operands if operand.number not in (1, -1)]
    return Operations(multiplications=_folded(factors))


@FLOPS.row(n.Power)
def _(node: n.Power) -> Operations:
    exponent = node.exponent
    if not exponent.is_Integer:
        return Operations(functions=size(node))
    binary = bin(abs(int(exponent)))[2:]  # by repeated squaring, and one division for a negative exponent
    each = len(binary) - 1 + binary.count("1") - 1 + (1 if exponent < 0 else 0)
    return Operations(multiplications=max(each, 0) * size(node))


@FLOPS.row(n.MatMul)
def _(node: n.MatMul) -> Operations:
    match node.operands:
        case (n.Identity(), _) | (_, n.Identity()):
            return Operations()
        case n.Diag(), n.Diag():
            return Operations(multiplications=node.shape[0])
        case (n.Diag(), _) | (_, n.Diag()):
            return Operations(multiplications=size(node))
    inner = node.operands[0].shape[-1]
    return Operations(sympy.expand(size(node) * inner), sympy.expand(size(node) * (inner - 1)))


@FLOPS.row(n.Outer, n.Kron)
def _(node: Node) -> Operations:
    return Operations(multiplications=size(node))


@FLOPS.row(n.Sum)
def _(node: n.Sum) -> Operations:
    return Operations(additions=sympy.expand(size(node.operands[0]) - size(node)))


@FLOPS.row(n.BlockSum)
def _(node: n.BlockSum) -> Operations:
    once = operations(node.operands[0])  # counted already, as a sub-formula

    def more(each: Expr) -> Expr:
        return sympy.expand(summed(each, node.index, Integer(1), node.count) - each)

    return Operations(
        more(once.multiplications), more(once.additions) + (node.count - 1) * size(node), more(once.functions)
    )


@FLOPS.row(n.Inverse)
def _(node: n.Inverse) -> Operations:
    k = node.shape[0]  # by elimination with an identity beside: Golub and Van Loan, Matrix Computations, section 3.2
    return Operations(k**3, sympy.expand(k * (k - 1) ** 2))


@FLOPS.row(n.Determinant, n.LogDeterminant)
def _(node: Node) -> Operations:
    k = node.operands[0].shape[0]
    additions = sympy.expand(k * (k - 1) * (2 * k - 1) / 6)  # by elimination; then the product of k pivots
    below = sympy.expand(additions + k * (k - 1) / 2)
    if isinstance(node, n.LogDeterminant):
        return Operations(below, sympy.expand(additions + k - 1), k)
    return Operations(sympy.expand(below + k - 1), additions)


@FLOPS.row(n.MatrixPower)
def _(node: n.MatrixPower) -> Operations:
    k, exponent = node.shape[0], node.exponent
    products = sympy.Abs(exponent) - 1  # one after the other where the exponent is a symbol
    if exponent.is_Integer:
        binary = bin(abs(int(exponent)))[2:]
        products = Integer(max(len(binary) + binary.count("1") - 2, 0))
    once = Operations(sympy.expand(products * k**3), sympy.expand(products * k**2 * (k - 1)))
    return once + FLOPS(n.Inverse(node.operands[0])) if exponent.is_negative else once


CUBES = {
    n.PseudoInverse: 12,
    n.MatrixFunction: 14,
    n.DividedDifference: 40,
    n.Sylvester: 25,
    n.Cholesky: Integer(1) / 6,
}
"""About how many multiplications an algorithm needs for each m n min(m, n), 5 where nothing else is said.

Golub and Van Loan (2013), Higham (2008).
"""


@FLOPS.row(n.Decomposition)
def _(node: n.Decomposition) -> Operations:
    rows, columns = node.operands[0].shape
    count = CUBES.get(type(node), 5) * rows * columns * sympy.Min(rows, columns)
    return Operations(count, count)  # the leading term, which for iterations is that of usual matrices


@FLOPS.row(n.Product)
def _(node: n.Product) -> Operations:
    return Operations(multiplications=sympy.expand(size(node.operands[0]) - size(node)))


@FLOPS.row(n.Extreme)
def _(node: n.Extreme) -> Operations:
    return Operations(functions=sympy.expand(size(node.operands[0]) - size(node)))


@FLOPS.row(n.First)
def _(node: n.First) -> Operations:
    # per slice of k: k - 1 comparisons for the largest, k with it
    slices = sympy.prod(node.shape) / sympy.prod([node.shape[axis] for axis in node.axes])
    return Operations(functions=sympy.expand(2 * size(node) - slices))


@FLOPS.row(n.ScatterAdd, n.Fold)
def _(node: n.ScatterAdd) -> Operations:
    return Operations(additions=size(node.operands[0]))


@FLOPS.row(n.Map, n.Compare, n.Where)
def _(node: Node) -> Operations:
    return Operations(functions=size(node))


@FLOPS.row(n.Softmax)
def _(node: n.Softmax) -> Operations:
    # per slice of k: the maximum (k - 1 comparisons), k differences, k exponentials, their sum (k - 1), k quotients
    elements, slices = size(node), sympy.prod(node.shape) / node.shape[node.axis]
    return Operations(elements, sympy.expand(2 * elements - slices), sympy.expand(2 * elements - slices))


@FLOPS.row(n.LogSumExp)
def _(node: n.LogSumExp) -> Operations:
    # per slice of k: k - 1 comparisons, k differences, k exponentials, k - 1 additions, a logarithm, the maximum added
    elements = size(node.operands[0])
    return Operations(ZERO, sympy.expand(2 * elements), sympy.expand(2 * elements))


def _folded(operands: Sequence[Node]) -> Expr:
    """The operations of combining `operands` in pairs, the small ones first (numbers before they meet an array)."""
    ordered = sorted(operands, key=lambda operand: operand.rank)
    shape, count = ordered[0].shape if ordered else (), ZERO
    for operand in ordered[1:]:
        shape = broadcast(shape, operand.shape)
        count += sympy.prod(shape)
    return sympy.expand(count)


def operations(expression: Node) -> Operations:
    """Return the operations of a formula, each distinct sub-formula counted once.

    >>> from symprop.algebra import variable
    >>> W, x, b = variable("W", ("n", "k")), variable("x", ("k",)), variable("b", ("n",))
    >>> operations(W @ x + b).total
    2*k*n
    """
    return Operations.sum(FLOPS(node) for node in dict.fromkeys(_computed(expression)))


def _computed(expression: Node) -> Iterator[Node]:
    """Yield what is computed on the way: a product with a power below the line is a quotient, one division."""
    stack = [expression]
    while stack:
        node = stack.pop()
        yield node
        below = [operand for operand in node.operands if _is_below(operand)]
        if len(below) < len(factors_of(node)) > 1:
            stack.extend(
                operand.operands[0] ** -operand.exponent if operand in below else operand for operand in node.operands
            )
        else:
            stack.extend(node.operands)


def _is_below(node: Node) -> bool:
    exponent = base_and_exponent(node)[1]
    return bool(exponent.is_Integer and exponent < 0)


def indexed(value: Expr) -> Expr:
    """Return a polynomial with the sizes of a general layer written `n[l]`, which prints as `n_l`."""
    return value.replace(
        lambda part: isinstance(part, AppliedUndef),
        lambda part: sympy.Indexed(sympy.IndexedBase(str(part.func)), *part.args),
    )


def summed(term: Expr, index: sympy.Symbol, first: Expr, last: Expr) -> Expr:
    """Return the sum of `term` over `index`; a sum whose sizes depend on the index stays a `sympy.Sum`.

    Sums that stay are brought to one form, so that like ones meet: shifted until the highest size is that of `index`,
    and from 1 to the number of blocks, the terms at the ends put right.

    >>> l, count = sympy.symbols("l L", integer=True, positive=True)
    >>> n = sympy.Function("n")
    >>> summed(2 * n(l) * n(l + 1) + 3, l, Integer(1), count - 1)
    3*L - 2*n(0)*n(1) + 2*Sum(n(l)*n(l - 1), (l, 1, L)) - 3
    """
    fixed, moving = sympy.expand(term).as_independent(index, as_Add=True)
    total = sympy.expand(fixed * (last - first + 1))
    for part in sympy.Add.make_args(moving):
        coefficient, summand = part.as_independent(index, as_Add=False)
        if summand.has(index):
            total += sympy.expand(coefficient * _full_sum(summand, index, first, last))
    return total


def _full_sum(summand: Expr, index: sympy.Symbol, first: Expr, last: Expr) -> Expr:
    shifts = [size.args[0] - index for size in summand.atoms(AppliedUndef) if size.has(index)]
    shift = max((shift for shift in shifts if shift.is_Integer), default=Integer(0))
    summand, first, last = summand.subs(index, index - shift), first + shift, last + shift
    missing, count = last.as_coeff_Add()
    if not (first.is_Integer and abs(first - 1) <= 2 and abs(missing) <= 2 and count.is_Symbol):
        return sympy.Sum(summand, (index, first, last))
    ends = [summand.subs(index, place) for place in range(int(first), 1)]
    ends += [-summand.subs(index, place) for place in range(1, int(first))]
    ends += [summand.subs(index, count + place) for place in range(1, int(missing) + 1)]
    ends += [-summand.subs(index, count - place) for place in range(-int(missing))]
    return sympy.Sum(summand, (index, 1, count)) + sympy.Add(*ends)

"""Why gradients vanish or explode: how far each layer can scale a gradient, worked out from its formula.

The backward pass multiplies the gradient by `phi'(z)` and by the transposed weights, layer after layer. An activation
scales it by at most the supremum of `|phi'|` (a quarter for the sigmoid), a weight matrix by at most its largest
singular value, the norm `||W||`; a sum adds the bounds of its paths, which is why the `1 +` of a residual block helps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mpmath
import sympy
from sympy import Expr, Float, Integer, oo

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, System
from symprop.algebra.functions import DefinedFunction, ElementwiseFunction, T, plain
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.table import Table
from symprop.calculus.gaussian import DIGITS, Piece, numeric, pieces
from symprop.errors import FormulaError, SpecError, shown


@dataclass(frozen=True)
class Supremum:
    """The least upper bound of `|phi'|` and a place where it is taken, or approached (`oo`, `-oo`)."""

    value: Expr
    place: Expr
    exact: bool = True


@dataclass(frozen=True)
class Shrinkage:
    """One row of the table, from the output side: what reaches the layer, its factor, what leaves it."""

    layer: int
    arriving: Expr
    factor: Expr
    leaving: Expr


def slope_of(function: ElementwiseFunction) -> Expr:
    """Return the scalar derivative of an elementwise function of one variable, in `T`."""
    return sympy.diff(function.body, T).replace(sympy.DiracDelta, lambda *_: Integer(0))


def largest_slope(function: ElementwiseFunction) -> Supremum:
    """Return the supremum of the absolute value of the derivative.

    >>> from symprop.algebra.functions import FUNCTIONS
    >>> largest_slope(FUNCTIONS["sigmoid"])
    Supremum(value=1/4, place=0, exact=True)
    >>> largest_slope(FUNCTIONS["relu"]).value
    1

    Raises:
        FormulaError: the derivative is not bounded.
    """
    found = [_largest_on(piece) for piece in pieces(slope_of(function))]
    best = found[0]
    for candidate in found[1:]:
        if Float(candidate.value, DIGITS) > Float(best.value, DIGITS):
            best = candidate
    return best


def slope_at_output(function: ElementwiseFunction, output: Expr) -> Expr:
    """Return the derivative where the function's own value is `output`.

    >>> from symprop.algebra.functions import FUNCTIONS
    >>> slope_at_output(FUNCTIONS["sigmoid"], sympy.Rational(9, 10))
    9/100

    Raises:
        FormulaError: no place, or more than one derivative, belongs to that value.
    """
    slopes: dict[Expr, None] = {}
    for piece in pieces(function.body):
        slope = sympy.diff(piece.body, T)
        kernel = _kernel(piece.body)
        if kernel is None:
            continue
        inner = sympy.Dummy("u", real=True)
        body, derivative = piece.body.xreplace({kernel: inner}), slope.xreplace({kernel: inner})
        if not body.is_polynomial(inner) or sympy.degree(body, inner) != 1 or derivative.has(T):
            continue
        value = sympy.solve(body - output, inner)[0]
        low, high = _range(kernel, piece)
        if low <= value <= high:
            slopes[sympy.expand(derivative.subs(inner, value))] = None
    if len(slopes) != 1:
        raise FormulaError(f"{shown(function.name)} has {len(slopes)} derivatives where its value is {output}")
    return next(iter(slopes))


def _kernel(body: Expr) -> Expr | None:
    """The one function of the variable that `body` is made of (`T` itself for a polynomial), else None."""
    found = sorted(
        (part for part in body.atoms(sympy.Function) if part.has(T) and part.args[0].is_polynomial(T)),
        key=sympy.default_sort_key,
    )
    if not found:
        return T if body.is_polynomial(T) else None
    rest = body.xreplace({found[0]: Integer(0)})
    return found[0] if len(found) == 1 and not rest.has(T) else None


def _range(kernel: Expr, piece: Piece) -> tuple[Expr, Expr]:
    """The values that a monotone kernel takes on a piece: its limits at the ends."""
    if kernel == T:
        return piece.low, piece.high
    written = type(kernel).definition(kernel.args[0]) if isinstance(kernel, DefinedFunction) else kernel
    ends = [
        sympy.limit(written, T, end) if end in (-oo, oo) else written.subs(T, end) for end in (piece.low, piece.high)
    ]
    ordered = sorted(
        ends, key=lambda end: Float(end) if end.is_finite else (Float("inf") if end == oo else Float("-inf"))
    )
    return ordered[0], ordered[1]


_MONOTONE = (sympy.exp, sympy.tanh, sympy.erf, sympy.atan, sympy.sinh, DefinedFunction)


def _largest_on(piece: Piece) -> Supremum:
    """The supremum of `|body|` on one piece: by its critical points where it is a polynomial in one monotone kernel."""
    body = piece.body
    if not body.has(T):
        return Supremum(sympy.Abs(body), _anywhere(piece))
    kernel = _kernel(body)
    if kernel is None or not (kernel == T or isinstance(kernel, _MONOTONE)):
        return _numerically(piece)
    inner = sympy.Dummy("u", real=True)
    polynomial = body.xreplace({kernel: inner})
    if not polynomial.is_polynomial(inner) or not all(
        c.is_Rational for c in sympy.Poly(polynomial, inner).all_coeffs()
    ):
        return _numerically(piece)
    low, high = _range(kernel, piece)
    best: Supremum | None = None
    critical = (
        sympy.Poly(sympy.diff(polynomial, inner), inner).real_roots() if sympy.degree(polynomial, inner) > 1 else []
    )
    for value in (*critical, low, high):
        if not (low <= value <= high):
            continue
        height = sympy.Abs(polynomial.subs(inner, value)) if value.is_finite else oo
        if height == oo:
            raise FormulaError(f"the derivative {shown(body)} is not bounded")
        if best is None or Float(height, DIGITS) > Float(best.value, DIGITS):
            best = Supremum(height, _place(kernel, value, piece))
    if best is None:
        return _numerically(piece)
    return best


def _anywhere(piece: Piece) -> Expr:
    """Some place on the piece, as plain as can be."""
    if piece.high == oo:
        return oo if piece.low != -oo else Integer(0)
    return -oo if piece.low == -oo else (piece.low + piece.high) / 2


def _place(kernel: Expr, value: Expr, piece: Piece) -> Expr:
    """Where on the piece the kernel has the value."""
    for end in (piece.low, piece.high):
        written = plain(kernel) if end in (-oo, oo) else kernel
        at_end = sympy.limit(written, T, end) if end in (-oo, oo) else plain(written).subs(T, end)
        if at_end == value:
            return end
    found = sympy.solve(plain(kernel) - value, T)
    return found[0]


def _numerically(piece: Piece, reach: int = 40) -> Supremum:
    """The supremum of `|body|` by a grid and golden section, 30 digits; a body that grows towards an end is refused."""
    body = plain(piece.body)
    with mpmath.workdps(2 * DIGITS + 10):
        low = mpmath.mpf(-reach) if piece.low == -oo else mpmath.mpf(str(sympy.N(piece.low, 2 * DIGITS)))
        high = mpmath.mpf(reach) if piece.high == oo else mpmath.mpf(str(sympy.N(piece.high, 2 * DIGITS)))
        grid = mpmath.linspace(low, high, 801)
        heights = [abs(numeric(body, point)) for point in grid]
        top = max(range(len(grid)), key=heights.__getitem__)
        if top in (0, len(grid) - 1):
            end, inner = (piece.low, 80) if top == 0 else (piece.high, -81)
            if end in (-oo, oo) and heights[top] - heights[inner] > mpmath.mpf(10) ** -DIGITS:
                raise FormulaError(f"the derivative {shown(piece.body)} is not bounded")
            return Supremum(Float(mpmath.nstr(heights[top], DIGITS), DIGITS), end, False)
        place = _golden(body, grid[top - 1], grid[top + 1])
        height = abs(numeric(body, place))
        place = mpmath.mpf(0) if abs(place) < mpmath.mpf(10) ** -(DIGITS - 1) else place
        # a maximum is flat: with 2 * DIGITS in work, its place is good to DIGITS
        return Supremum(
            Float(mpmath.nstr(height, DIGITS), DIGITS), Float(mpmath.nstr(place, DIGITS - 5), DIGITS - 5), False
        )


def _golden(body: Expr, low: mpmath.mpf, high: mpmath.mpf) -> mpmath.mpf:
    ratio = (mpmath.sqrt(5) - 1) / 2
    while high - low > mpmath.mpf(10) ** -DIGITS:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if abs(numeric(body, left)) < abs(numeric(body, right)):
            low = left
        else:
            high = right
    return (low + high) / 2


def shrinkage(factors: Sequence[Expr]) -> tuple[Shrinkage, ...]:
    """Return the cumulative factors of layers L, ..., 1 for their factors in that order (the output side first).

    >>> [row.leaving for row in shrinkage([sympy.Rational(1, 4)] * 3)]
    [1/4, 1/16, 1/64]
    """
    rows: list[Shrinkage] = []
    arriving: Expr = Integer(1)
    for place, factor in enumerate(factors):
        leaving = arriving * factor
        rows.append(Shrinkage(len(factors) - place, arriving, factor, leaving))
        arriving = leaving
    return tuple(rows)


def activations(system: System) -> tuple[tuple[Variable, ElementwiseFunction], ...]:
    """Return the activations of a network, first layer first: the variable and the function that makes it."""
    return tuple(
        (equation.target, equation.expression.function)
        for equation in system.equations
        if isinstance(equation.expression, n.Map) and len(equation.expression.operands) == 1
    )


def vanishing(system: System, output: Expr | None = None) -> tuple[Shrinkage, ...]:
    """Return the table of a network's activation factors from its output to its input.

    Each factor is the largest slope of the layer's activation, or with `output` its slope where its value is that.
    """
    functions = [function for _, function in reversed(activations(system))]
    return shrinkage([largest_slope(f).value if output is None else slope_at_output(f, output) for f in functions])


def norm(variable: Variable) -> sympy.Symbol:
    """Return the symbol of a weight matrix's largest singular value."""
    return sympy.Symbol(f"||{variable.name}||", positive=True)


BOUND = Table("bound")
"""The largest factor by which a node can scale a tangent of one operand (in the Euclidean norm)."""


@BOUND.row(n.Add, n.Transpose, n.Reshape, n.Expand)
def _(node: Node, position: int) -> Expr:
    return Integer(1)


@BOUND.row(n.MatMul)
def _(node: n.MatMul, position: int) -> Expr:
    other = node.operands[1 - position]
    while isinstance(other, n.Transpose):
        other = other.operands[0]
    if not isinstance(other, Variable):
        raise SpecError(f"no bound is known for a product with {shown(other)}")
    return norm(other)


@BOUND.row(n.Map)
def _(node: n.Map, position: int) -> Expr:
    if len(node.operands) > 1:
        raise SpecError(f"no bound is known for {shown(node.function.name)} of {len(node.operands)} arrays")
    return largest_slope(node.function).value


@BOUND.row(n.Multiply)
def _(node: n.Multiply, position: int) -> Expr:
    others = [operand for place, operand in enumerate(node.operands) if place != position]
    if not all(isinstance(other, n.Scalar) for other in others):
        raise SpecError("no bound is known for a product of two arrays")
    return sympy.Abs(sympy.prod([other.value for other in others if isinstance(other, n.Scalar)]))


@BOUND.row(n.Softmax)
def _(node: n.Softmax, position: int) -> Expr:
    return sympy.Rational(1, 2)  # the largest eigenvalue of diag(p) - p p' is at most 1/2 (Gershgorin: 2 p (1 - p))


def jacobian_bound(system: System, of: Variable, by: Variable) -> Expr:
    """Return an upper bound of the spectral norm of `d of / d by`, a polynomial in the norms of the weights.

    Walks back from `of` and adds the bounds of all paths: `1 + c ||W||` for a residual block.

    Raises:
        SpecError: a formula on the way for which no bound is known, or `by` does not lead to `of`.
    """
    arriving: dict[Variable, Expr] = {of: Integer(1)}
    for equation in reversed([item for item in system.items if isinstance(item, Equation)]):
        if equation.target == by or equation.target not in arriving:
            continue
        here = arriving.pop(equation.target)
        for variable, factor in _factors(equation.expression):
            arriving[variable] = arriving.get(variable, Integer(0)) + here * factor
    if by not in arriving:
        raise SpecError(f"{of.name} does not depend on {by.name}")
    return arriving[by]


def _factors(expression: Node) -> list[tuple[Variable, Expr]]:
    """The variables of one equation's formula, each path to one with its bound; parameters and numbers left out."""
    if isinstance(expression, Variable):
        return [(expression, Integer(1))]
    found: list[tuple[Variable, Expr]] = []
    for position, operand in enumerate(expression.operands):
        below = _factors(operand)
        if not below or (isinstance(operand, Variable) and _is_weight(expression, position)):
            continue
        factor = BOUND(expression, position)
        found.extend((variable, factor * inner) for variable, inner in below)
    return found


def _is_weight(expression: Node, position: int) -> bool:
    """Whether the operand is the matrix of a product with a vector, through which no signal comes."""
    return (
        isinstance(expression, n.MatMul)
        and expression.operands[position].rank == 2
        and expression.operands[1 - position].rank == 1
    )


__all__ = [
    "Shrinkage",
    "Supremum",
    "activations",
    "jacobian_bound",
    "largest_slope",
    "norm",
    "shrinkage",
    "slope_at_output",
    "vanishing",
]

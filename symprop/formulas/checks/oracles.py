"""The derivatives of a formula that need no rule: the complex step, and second differences in 160 digits.

Both perturb single elements of an array, off its declared facts: facts hold for values, and are no part of what a
derivative is. First order: Squire and Trapp, *Using complex variables to estimate derivatives of real functions*
(1998). Second order: `(f(x+a+b) - f(x+a-b) - f(x-a+b) + f(x-a-b)) / 4`, whose error with steps `h` is `h**2`.
"""

from __future__ import annotations

from collections.abc import Mapping

import mpmath
import numpy as np
from sympy import Expr

from symprop.algebra.nodes import Node, Variable
from symprop.formulas.checks.points import FormulaPoint
from symprop.formulas.result import Result
from symprop.verify.arithmetic import Array, Complex, Precise
from symprop.verify.complex_step import CHUNK, STEP
from symprop.verify.evaluate import WORKING_DIGITS, Evaluator, stacked, unstacked
from symprop.verify.measure import precise_difference

SECOND_DIGITS, SECOND_STEP = 160, "1e-40"
"""Second differences with this step are off by 1e-80, and lose 80 of so many digits: about 80 are right."""
DIFFERENCE_STEP, SMOOTH = "1e-40", 1e-20
"""Slopes to both sides differ by the step times the curvature where there is no kink."""
SECOND_ORDER = ("hessian", "hvp")
SECOND_CHUNK = 2**16
"""How many numbers of mpmath the moved copies of a variable may take."""
VALUELESS = (ZeroDivisionError, np.linalg.LinAlgError, mpmath.libmp.NoConvergence)
"""What an arithmetic raises where a formula has no value, as the inverse of a singular matrix has none."""


def value(node: Node, point: FormulaPoint, arithmetic: Complex | None = None) -> Array:
    """Return the real value of a node at a point, in float64; not a number where it has no value."""
    arithmetic = arithmetic or Complex()
    try:
        with np.errstate(all="ignore"):
            found = Evaluator(arithmetic, stacked(point.values, arithmetic), point.sizes)(node)
    except VALUELESS:
        return np.full(integers(node.shape, point.sizes), np.nan)
    return unstacked(np.asarray(found)).real.astype(float)


def precise(node: Node, point: FormulaPoint) -> Array:
    """Return the value of a node in as many digits as mpmath works in; not a number where it has no value."""
    try:
        return unstacked(Evaluator(Precise(), stacked(point.precise, Precise()), point.sizes)(node))
    except VALUELESS:
        return np.full(integers(node.shape, point.sizes), mpmath.nan, dtype=object)


def integers(shape: tuple[Expr, ...], sizes: Mapping[Expr, int]) -> tuple[int, ...]:
    """Return a shape as integers."""
    return tuple(int(size.subs(sizes)) for size in shape)


def complex_jacobian(node: Node, by: Variable, point: FormulaPoint, arithmetic: Complex | None = None) -> Array:
    """Return the derivatives of all elements with respect to all of `by`: the axes of `node` first, then those of `by`.

    >>> from symprop.algebra.formula import formula
    >>> f = formula("x * x", x="2")
    >>> at = {"x": np.asarray([1.0, 3.0])}
    >>> complex_jacobian(f.node, f.variables[0], FormulaPoint({}, at, at)).tolist()
    [[2.0, 0.0], [0.0, 6.0]]
    """
    arithmetic = arithmetic or Complex()
    at = np.asarray(point.values[by.name])
    given = stacked(point.values, arithmetic)
    outer = integers(node.shape, point.sizes)
    length = max(1, CHUNK // max(1, at.size, *(np.size(each) for each in point.values.values())))
    columns = []
    for start in range(0, at.size, length):
        places = np.arange(start, min(start + length, at.size))
        moved = np.repeat(at.reshape(1, -1).astype(complex), len(places), axis=0)
        moved[np.arange(len(places)), places] += 1j * STEP
        try:
            with np.errstate(all="ignore"):
                run = Evaluator(arithmetic, {**given, by.name: moved.reshape(-1, *at.shape)}, point.sizes)
                found = np.asarray(run(node))
        except VALUELESS:
            found = np.full((1, *outer), np.nan)
        columns.append(np.broadcast_to(found, (len(places), *outer)).imag / STEP)
        columns[-1] = np.where(np.isfinite(np.broadcast_to(found, (len(places), *outer)).real), columns[-1], np.nan)
    stack = np.concatenate(columns) if columns else np.zeros((0, *outer))
    return np.moveaxis(stack, 0, -1).reshape((*outer, *at.shape))


def difference_jacobian(node: Node, by: Variable, point: FormulaPoint, sides: tuple[int, int] = (1, -1)) -> Array:
    """Return what `complex_jacobian` does by differences in 120 digits: central, or to one side with `sides` (1, 0).

    At a kink the central difference is the mean of the slopes on both sides.
    """
    with mpmath.workdps(WORKING_DIGITS):
        h = mpmath.mpf(DIFFERENCE_STEP)
        at = np.asarray(point.precise[by.name], dtype=object)
        given, outer = stacked(point.precise, Precise()), integers(node.shape, point.sizes)
        units = _units(at.shape)
        moved = np.concatenate([at + side * h * units for side in sides])
        found = np.asarray(Evaluator(Precise(), {**given, by.name: moved}, point.sizes)(node))
        one, other = np.split(np.broadcast_to(found, (len(moved), *outer)), 2)
        slopes = (one - other) / ((sides[0] - sides[1]) * h)
        return np.asarray(np.moveaxis(slopes, 0, -1).reshape((*outer, *at.shape)))


def is_smooth(node: Node, by: Variable, point: FormulaPoint) -> bool:
    """Whether the slopes on both sides of a point agree: not at a kink of `abs`, nor where two tie for a maximum.

    >>> from symprop.algebra.formula import formula
    >>> f = formula("abs(x)", x="")
    >>> [is_smooth(f.node, f.variables[0], FormulaPoint({}, {}, {"x": np.asarray(mpmath.mpf(x))})) for x in (0, 1)]
    [False, True]
    """
    ahead, behind = (difference_jacobian(node, by, point, sides) for sides in ((1, 0), (0, -1)))
    return precise_difference(ahead, behind) < SMOOTH


def second_differences(node: Node, rows: tuple[str, Array], columns: tuple[str, Array], point: FormulaPoint) -> Array:
    """Return `sum_ij d2 f / d x_i d y_j a_i b_j` of a scalar for each pair of directions `a` along x and `b` along y.

    `rows` and `columns` are a variable's name and its directions, stacked along the first axis.
    """
    with mpmath.workdps(SECOND_DIGITS):
        h = mpmath.mpf(SECOND_STEP)
        given = stacked(point.precise, Precise())
        (x, first), (y, second) = rows, columns
        pairs = list(np.ndindex(len(first), len(second)))
        largest = max(1, *(np.size(each) for each in point.precise.values()))
        length, found = max(1, SECOND_CHUNK // (4 * largest)), []
        for start in range(0, len(pairs), length):
            chosen = pairs[start : start + length]
            moved: dict[str, list[Array]] = {name: [] for name in dict.fromkeys((x, y))}
            for i, j in chosen:
                for along, across in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                    shifts = {x: along * h * first[i]}
                    shifts[y] = shifts.get(y, mpmath.mpf(0)) + across * h * second[j]
                    for name, shift in shifts.items():
                        moved[name].append(given[name][0] + shift)
            entered = {
                name: np.stack([np.asarray(each, dtype=object) for each in copies]) for name, copies in moved.items()
            }
            values = np.asarray(Evaluator(Precise(), {**given, **entered}, point.sizes)(node))
            f = np.broadcast_to(values, (4 * len(chosen),)).reshape(-1, 4)
            found.append((f[:, 0] - f[:, 1] - f[:, 2] + f[:, 3]) / (4 * h * h))
        return np.concatenate(found).reshape(len(first), len(second)) if found else np.zeros((len(first), len(second)))


def first_order(result: Result, point: FormulaPoint, arithmetic: Complex | None = None) -> Array:
    """Return the right answer to a question of first order, by the complex step, in the shape of the answer."""
    return _asked(result, point.values, complex_jacobian(result.formula.node, result.by[-1], point, arithmetic), point)


def first_differences(result: Result, point: FormulaPoint) -> Array:
    """Return the right answer to a question of first order, by central differences in 120 digits."""
    with mpmath.workdps(WORKING_DIGITS):
        slopes = difference_jacobian(result.formula.node, result.by[-1], point)
        return _asked(result, point.precise, slopes, point)


def _asked(result: Result, values: Mapping[str, Array], jacobian: Array, point: FormulaPoint) -> Array:
    """Return what is asked for of a Jacobian: itself, or its product with the direction."""
    rank = result.formula.node.rank
    if result.direction is not None:
        direction = np.asarray(values[result.direction.name])
        if result.kind == "vjp":
            return np.asarray(np.tensordot(direction, jacobian, axes=rank))
        return np.asarray(np.tensordot(jacobian, direction, axes=direction.ndim))
    if result.kind == "jacobian" and rank and result.by[-1].rank:
        outer = integers(result.formula.shape, point.sizes)
        return in_convention(result, jacobian.reshape(int(np.prod(outer)), -1), point)
    return in_convention(result, jacobian, point)


def in_convention(result: Result, found: Array, point: FormulaPoint) -> Array:
    """Return a derivative that is by rows and free elements in the convention of an answer."""
    if result.symmetric == "pairs":
        return np.asarray(found + found.T - np.diag(np.diag(found)))
    if result.vec != "rows" and found.ndim == 2 and result.kind in ("jacobian", "hessian"):
        for axis, part in enumerate(result.axes):
            if part.rank == 2 and all(each.rank for each in result.axes):
                shape = integers(part.shape, point.sizes)
                found = np.take(found, np.arange(found.shape[axis]).reshape(shape).ravel(order="F"), axis)
    return _halved(result, found, point) if result.vec == "vech" else found


def _halved(result: Result, found: Array, point: FormulaPoint) -> Array:
    """Return a derivative by columns with those of elements (i, j) and (j, i), for i >= j, added up as one."""
    for axis, part in enumerate(result.axes):
        if axis == 0 and result.kind == "jacobian":
            continue
        (size, _), axis = integers(part.shape, point.sizes), min(axis, found.ndim - 1)
        flat = found.reshape(-1) if found.ndim == 2 and not all(each.rank for each in result.axes) else found
        axis = min(axis, flat.ndim - 1)
        moved = np.moveaxis(flat, axis, 0).reshape(size, size, *np.delete(flat.shape, axis).astype(int))
        pairs = [
            moved[column, row] + (moved[row, column] if row > column else 0 * moved[row, column])
            for column in range(size)
            for row in range(column, size)
        ]
        found = np.moveaxis(np.asarray(pairs), 0, axis)
    return found


def second_order(result: Result, point: FormulaPoint) -> Array:
    """Return the right answer to a question of second order, by second differences, in the shape of the answer."""
    x, y = result.by[0], result.by[-1]
    shapes = [np.shape(point.precise[each.name]) for each in (x, y)]
    rows = (x.name, _units(shapes[0]))
    if result.kind == "hvp" and result.direction is not None:
        along = np.asarray(point.precise[result.direction.name], dtype=object)
        return second_differences(result.formula.node, rows, (y.name, along[None]), point).reshape(shapes[1])
    matrix = second_differences(result.formula.node, rows, (y.name, _units(shapes[1])), point)
    if shapes[0] and shapes[1]:
        return in_convention(result, matrix, point)
    return matrix.reshape(shapes[0] or shapes[1])


def _units(shape: tuple[int, ...]) -> Array:
    count = int(np.prod(shape, dtype=int))
    return np.asarray(Precise().array(np.eye(count, dtype=int))).reshape(count, *shape)

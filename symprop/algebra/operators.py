"""The functions of NumPy notation that are not elementwise: one row each, its arguments and the nodes that it makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, Integer, Rational, prod

from symprop.algebra import array_functions as arrays
from symprop.algebra import functions
from symprop.algebra import nodes as n
from symprop.algebra.arguments import axis_or_axes, each_axis, flag, for_each, one_axis, shape_given
from symprop.algebra.einsum import dot, einsum, inner, tensordot, vdot
from symprop.algebra.folding import LARGEST_EXPONENT
from symprop.algebra.named_numbers import unnamed
from symprop.algebra.nodes import Commutation, Duplication, MatrixPower, Node
from symprop.algebra.sizes import as_expression, size_of, whole
from symprop.algebra.trees import may_be_whole, ones, zeros
from symprop.errors import FormulaError, LimitError, shown


@dataclass(frozen=True)
class Operator:
    """A function of arrays: the names of its array arguments and of its options, and which options it needs.

    With `lists` the first argument is several arrays in brackets, named `arrays`; with `rest` these are all arguments
    behind the first. Options in `BY_NAME` have no place, because NumPy has others there (`dtype`, `out`, `mode`).
    """

    arrays: tuple[str, ...]
    make: Callable[..., Node]
    options: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    lists: bool = False
    rest: bool = False


def _sum(x: Node, axis: Any = None, keepdims: Any = False) -> Node:
    return n.Sum(x, axis_or_axes(axis), flag(keepdims))


def _mean(x: Node, axis: Any = None, keepdims: Any = False) -> Node:
    total = n.Sum(x, axis_or_axes(axis), flag(keepdims))
    return n.Multiply(n.Scalar(1 / prod(x.shape[position] for position in total.axes)), total)


def _log_sum_exp(x: Node, axis: Any = None, keepdims: Any = False) -> Node:
    """Over one axis, several, or all, one after the other: `logsumexp(logsumexp(A, axis=1))`."""
    axes = n.Sum(x, axis_or_axes(axis)).axes
    if not axes:
        raise FormulaError("logsumexp takes an array of one axis or more, and one axis of it or more")
    for place in reversed(axes):
        x = n.LogSumExp(x, place, flag(keepdims))
    return x


def _softmax(x: Node, axis: Any = -1) -> Node:
    if axis is None and x.rank != 1:  # all elements together, as in SciPy
        return n.Reshape(n.Softmax(arrays.raveled(x), 0), x.shape) if x.rank else n.Softmax(x)
    axis = -1 if axis is None else axis
    return n.Softmax(x, one_axis(axis))  # the last axis where none is named, as networks have it


def _log_softmax(x: Node, axis: Any = -1) -> Node:
    if axis is None:
        return n.Add(x, n.negative(_log_sum_exp(x)))
    return n.Add(x, n.negative(n.LogSumExp(x, one_axis(axis), True)))


def _diag(x: Node) -> Node:
    return n.Diagonal(x) if x.rank == 2 else n.Diag(x)


def _transpose(x: Node, axes: Any = None) -> Node:
    listed = axis_or_axes(axes)
    if isinstance(listed, int):
        raise FormulaError(f"axes are a tuple of integers, not {axes}")
    transposed = n.Transpose(x, listed)
    return transposed if x.rank > 1 else x


def _product(x: Node, axis: Any = None, keepdims: Any = False) -> Node:
    return n.Product(x, axis_or_axes(axis), flag(keepdims))


def _largest(x: Node, axis: Any = None, keepdims: Any = False) -> Node:
    return n.Extreme(x, axis_or_axes(axis), flag(keepdims), "max")


def _smallest(x: Node, axis: Any = None, keepdims: Any = False) -> Node:
    return n.Extreme(x, axis_or_axes(axis), flag(keepdims), "min")


def _norm(x: Node, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Node:
    """The norm of a vector or matrix, or of those along `axis`; without `ord`, the root of the sum of all squares."""
    if ord is not None and not isinstance(ord, Expr) and ord not in ("fro", "nuc"):
        raise FormulaError(f"ord is a number, inf, -inf, 'fro' or 'nuc', not {shown(ord)}")
    axes = n.Sum(x, axis_or_axes(axis)).axes
    if isinstance(ord, str) and len(axes) != 2:
        raise FormulaError(f"{shown(ord)} is a norm of matrices, over two axes; norm(x) is that of a vector")
    ord = None if ord == "fro" else ord
    along = tuple(int(place) % x.rank for place in axis) if isinstance(axis, tuple) else axes  # rows before columns
    if ord is None and (axis is None or len(axes) == 2):
        return n.Power(n.Sum(n.Power(x, 2), axes, flag(keepdims)), Rational(1, 2)) if x.rank else _magnitude(x)
    if len(along) == 1:
        return _vector_norm(x, 2 if ord is None else ord, axes, flag(keepdims))
    if len(along) == 2:
        return _matrix_norm(x, ord, along, flag(keepdims))
    allowed = "norm of a vector or matrix with ord, norm(x) of any array, or an axis or two"
    raise FormulaError(f"no norm {ord} over {len(along)} axes; allowed: {allowed}")


def _magnitude(x: Node) -> Node:
    return functions.FUNCTIONS["abs"](x)


def _vector_norm(x: Node, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Node:
    """`sum(abs(x)**p)**(1/p)`; at infinity the largest magnitude, at minus infinity the smallest; at 0 a count."""
    if ord == 2:
        return n.Power(n.Sum(n.Power(x, 2), axes, keepdims), Rational(1, 2))
    if ord in (sympy.oo, -sympy.oo):
        return n.Extreme(_magnitude(x), axes, keepdims, "max" if ord == sympy.oo else "min")
    if ord == 0:
        return n.Sum(n.Compare("!=", x, n.Scalar(0)), axes, keepdims)
    if ord == 1:
        return n.Sum(_magnitude(x), axes, keepdims)
    return n.Power(n.Sum(n.Power(_magnitude(x), ord), axes, keepdims), 1 / ord)


_SPECTRAL = {2: "2", -2: "-2", "nuc": "nuc"}
"""Norms by singular values."""


def _matrix_norm(x: Node, ord: Any, along: tuple[int, ...], keepdims: bool) -> Node:
    """The largest (1, inf) or smallest (-1, -inf) sum of magnitudes of a column (1, -1) or a row (inf, -inf)."""
    if ord in _SPECTRAL:
        return _spectral_norm(x, _SPECTRAL[ord], keepdims)
    if ord not in (1, -1, sympy.oo, -sympy.oo):
        allowed = "norm(A), the Frobenius norm, or 2, -2, 'nuc', 1, -1, inf, -inf"
        raise FormulaError(f"no norm {ord} of a matrix; allowed: {allowed}")
    summed, kept = along if abs(ord) == 1 else reversed(along)
    sums = n.Sum(_magnitude(x), summed, keepdims)
    place = kept - (kept > summed and not keepdims)
    return n.Extreme(sums, place, keepdims, "max" if ord > 0 else "min")


def _spectral_norm(x: Node, which: str, keepdims: bool) -> Node:
    if x.rank > 2:
        raise FormulaError(f"norms by singular values are of one matrix, not along axes of an array of rank {x.rank}")
    found = n.MatrixNorm(x, which)
    return n.Reshape(found, (1, 1)) if keepdims else found


def _matrix_power(a: Node, n: Any) -> Node:
    exponent = whole(n, "a power of a matrix")
    if exponent.is_number and abs(unnamed(exponent)) > LARGEST_EXPONENT:
        raise LimitError(f"powers of a matrix go up to {LARGEST_EXPONENT:,}, or to a size such as k")
    return MatrixPower(a, exponent)


def _identity(N: Any, M: Any = None) -> Node:
    if M is not None and as_expression(M) != size_of(N):
        raise FormulaError(f"eye(n) is square, so not eye({N}, {M})")
    return n.Identity(size_of(N))


def _commutation(m: Any, n: Any) -> Node:
    size_of(size_of(m) * size_of(n))
    return Commutation(m, n)


def _concatenate(parts: tuple[Node, ...], axis: Any = 0) -> Node:
    place = one_axis(axis)
    if not parts[0].rank or not -parts[0].rank <= place < parts[0].rank:
        raise FormulaError(f"axis {place} does not exist in an array of rank {parts[0].rank}")
    return n.Concatenate(*parts, axis=place)


def _stack(parts: tuple[Node, ...], axis: Any = 0) -> Node:
    place, rank = one_axis(axis), parts[0].rank + 1
    if not -rank <= place < rank:
        raise FormulaError(f"axis {place} does not exist in an array of rank {rank}")
    return n.Concatenate(*(n.Expand(part, place % rank) for part in parts), axis=place % rank)


def _width(value: Any) -> Expr:
    width = None if value is None or isinstance(value, tuple) else whole(value, "a width")
    if width is None or width.is_negative:
        raise FormulaError(f"a width is a whole number from 0, not {value}")
    return width


def _pad(x: Node, pad_width: Any, constant_values: Any = 0) -> Node:
    """One width for all sides, a pair for all axes, or a pair for each axis, as NumPy has it."""
    if not x.rank:
        raise FormulaError("pad takes an array of one axis or more")
    if may_be_whole(x) and not as_expression(constant_values).is_integer:
        raise FormulaError("constant_values beside whole numbers is a whole number")
    pairs = pad_width if isinstance(pad_width, tuple) else (pad_width, pad_width)
    if not any(isinstance(pair, tuple) for pair in pairs):
        pairs = (pairs,) * x.rank
    if len(pairs) != x.rank or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
        raise FormulaError(
            f"a pad needs a pair of widths, before and after, for each of the {x.rank} axes of the array"
        )
    return n.Pad(x, tuple(range(x.rank)), [tuple(map(_width, pair)) for pair in pairs], constant_values)


def _windows(x: Node, window_shape: Any, axis: Any = None) -> Node:
    axes = each_axis(tuple(range(x.rank)) if axis is None else axis)
    return n.Window(x, axes, for_each(axes, window_shape=window_shape)["window_shape"])


def _fold(
    windows: Node, window_shape: Any, axis: Any, length: Any, stride: Any = Integer(1), dilation: Any = Integer(1)
) -> Node:
    axes = each_axis(axis)
    sizes = for_each(axes, window_shape=window_shape, length=length)
    return n.Fold(windows, axes, sizes["window_shape"], shape_given(stride), shape_given(dilation), sizes["length"])


BY_NAME = frozenset({"keepdims", "constant_values", "ddof", "part"})
"""Options that are given by name alone."""

OPERATORS: dict[str, Operator] = {
    "sqrt": Operator(("x",), lambda x: n.Power(x, Rational(1, 2))),
    "square": Operator(("x",), lambda x: n.Power(x, 2)),
    "sum": Operator(("x",), _sum, ("axis", "keepdims")),
    "mean": Operator(("x",), _mean, ("axis", "keepdims")),
    "prod": Operator(("x",), _product, ("axis", "keepdims")),
    "max": Operator(("x",), _largest, ("axis", "keepdims")),
    "min": Operator(("x",), _smallest, ("axis", "keepdims")),
    "first_max": Operator(("x",), lambda x, axis=None: n.First(x, axis_or_axes(axis), "max"), ("axis",)),
    "first_min": Operator(("x",), lambda x, axis=None: n.First(x, axis_or_axes(axis), "min"), ("axis",)),
    "norm": Operator(("x",), _norm, ("ord", "axis", "keepdims")),
    "trace": Operator(("a",), lambda a: n.Sum(n.Diagonal(a))),
    "det": Operator(("a",), n.Determinant),
    "logdet": Operator(("a",), n.LogDeterminant),
    "inv": Operator(("a",), n.Inverse),
    "solve": Operator(("a", "b"), lambda a, b: n.MatMul(n.Inverse(a), b)),
    "matrix_power": Operator(("a",), _matrix_power, ("n",), ("n",)),
    "kron": Operator(("a", "b"), arrays.kronecker),
    "duplication": Operator((), lambda n: Duplication(size_of(n)), ("n",), ("n",)),
    "commutation": Operator((), _commutation, ("m", "n"), ("m", "n")),
    "concatenate": Operator((), _concatenate, ("axis",), lists=True),
    "stack": Operator((), _stack, ("axis",), lists=True),
    "softmax": Operator(("x",), _softmax, ("axis",)),
    "log_softmax": Operator(("x",), _log_softmax, ("axis",)),
    "logsumexp": Operator(("x",), _log_sum_exp, ("axis", "keepdims")),
    "outer": Operator(("a", "b"), n.Outer),
    "diag": Operator(("v",), _diag),
    "diagonal": Operator(("a",), n.Diagonal),
    "transpose": Operator(("a",), _transpose, ("axes",)),
    "where": Operator(("condition", "x", "y"), n.Where),
    "eye": Operator((), _identity, ("N", "M"), ("N",)),
    "ones": Operator((), lambda shape: ones(*shape_given(shape)), ("shape",), ("shape",)),
    "zeros": Operator((), lambda shape: zeros(*shape_given(shape)), ("shape",), ("shape",)),
    "full": Operator(
        (),
        lambda shape, fill_value: n.Fill(fill_value, shape_given(shape)),
        ("shape", "fill_value"),
        ("shape", "fill_value"),
    ),
    "reshape": Operator(("a",), arrays.reshaped, ("shape", "order"), ("shape",)),
    "one_hot": Operator(("ids",), lambda ids, size: n.OneHot(ids, size_of(size)), ("size",), ("size",)),
    "scatter_add": Operator(
        ("values", "ids"), lambda values, ids, size: n.ScatterAdd(values, ids, size_of(size)), ("size",), ("size",)
    ),
    "pad": Operator(("x",), _pad, ("pad_width", "constant_values"), ("pad_width",)),
    "flip": Operator(("x",), lambda x, axis=None: n.Flip(x, axis_or_axes(axis)), ("axis",)),
    "sliding_window_view": Operator(("x",), _windows, ("window_shape", "axis"), ("window_shape",)),
    "fold": Operator(
        ("windows",),
        _fold,
        ("window_shape", "axis", "length", "stride", "dilation"),
        ("window_shape", "axis", "length"),
    ),
    "leaky_relu": Operator(("x",), lambda x, slope=Rational(1, 100): functions.leaky_relu(slope)(x), ("slope",)),
    "elu": Operator(("x",), lambda x, alpha=1: functions.elu(alpha)(x), ("alpha",)),
    "var": Operator(("x",), arrays.variance, ("axis", "ddof", "keepdims")),
    "std": Operator(("x",), arrays.deviation, ("axis", "ddof", "keepdims")),
    "clip": Operator(("x",), arrays.clip, ("a_min", "a_max")),
    "logaddexp": Operator(("x", "y"), arrays.logaddexp),
    "diff": Operator(("a",), lambda a, n=1, axis=-1: arrays.differences(a, n, axis), ("n", "axis")),
    "tril": Operator(("a",), arrays.part_of, ("k",)),
    "triu": Operator(("a",), lambda a, k=0: arrays.part_of(a, k, upper=True), ("k",)),
    "cumsum": Operator(("a",), arrays.running_sums, ("axis",)),
    "dot": Operator(("a", "b"), dot),
    "inner": Operator(("a", "b"), inner),
    "vdot": Operator(("a", "b"), vdot),
    "tensordot": Operator(("a", "b"), tensordot, ("axes",)),
    "einsum": Operator((), einsum, ("subscripts",), ("subscripts",), rest=True),
    "ravel": Operator(("a",), arrays.raveled, ("order",)),
    "vec": Operator(("a",), arrays.vec),
    "swapaxes": Operator(("a",), arrays.swapped, ("axis1", "axis2"), ("axis1", "axis2")),
    "moveaxis": Operator(("a",), arrays.moved, ("source", "destination"), ("source", "destination")),
    "expand_dims": Operator(("a",), arrays.expanded, ("axis",), ("axis",)),
    "squeeze": Operator(("a",), arrays.squeezed, ("axis",)),
    "ones_like": Operator(("a",), lambda a: arrays.filled_like(a, 1)),
    "zeros_like": Operator(("a",), lambda a: arrays.filled_like(a, 0)),
    "full_like": Operator(("a",), arrays.filled_like, ("fill_value",), ("fill_value",)),
    "size": Operator(("a",), arrays.size, ("axis",)),
    "vstack": Operator((), lambda parts: arrays.stacked(parts, horizontal=False), lists=True),
    "hstack": Operator((), lambda parts: arrays.stacked(parts, horizontal=True), lists=True),
    "column_stack": Operator((), arrays.columns_stacked, lists=True),
}
"""Functions of arrays by name; elementwise functions are in `functions.FUNCTIONS`."""

"""The numbers that an answer of SymPy stands for: matrix and array expressions evaluated node by node in NumPy.

SymPy's own `as_explicit` stumbles over several of the expressions that SymPy's `diff` returns; an answer must not count
as wrong for that. What has a meaning is evaluated here; what is left undone (a `Derivative`) has none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy
from sympy import MatrixSymbol, Symbol
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalMatrix, DiagonalOf
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.matrices.expressions.slice import MatrixSlice
from sympy.tensor.array.expressions import array_expressions as arrays

Values = Mapping[str, Any]


class Undone(ValueError):
    """An expression that holds a derivative which SymPy has not worked out, or that stands for no number."""


def value(expression: Any, values: Values) -> Any:
    """Return the array that an expression stands for, where its symbols have these values by name.

    >>> X = MatrixSymbol("X", 2, 2)
    >>> float(value(sympy.Trace(X * X).diff(X), {"X": np.eye(2)})[0, 0])
    2.0

    Raises:
        Undone: a derivative is left in it, or it has no value.
    """
    if isinstance(expression, (MatrixSymbol, Symbol)):
        return values[expression.name]
    if isinstance(expression, (sympy.OneMatrix, sympy.ZeroMatrix, arrays.OneArray, arrays.ZeroArray)):
        is_one = isinstance(expression, (sympy.OneMatrix, arrays.OneArray))
        return np.full([int(size) for size in expression.shape], float(is_one))
    if isinstance(expression, sympy.Identity):
        return np.eye(int(expression.rows))
    if isinstance(expression, ElementwiseApplyFunction):
        return _elementwise(expression.function, value(expression.expr, values), values)
    if isinstance(expression, arrays.ArrayElementwiseApplyFunc):
        return _elementwise(expression.function, value(expression.expr, values), values)
    if isinstance(expression, arrays.ArrayContraction):
        return _diagonal(value(expression.expr, values), expression.contraction_indices, contracted=True)
    if isinstance(expression, arrays.ArrayDiagonal):
        return _diagonal(value(expression.expr, values), expression.diagonal_indices, contracted=False)
    if isinstance(expression, arrays.PermuteDims):
        return np.transpose(value(expression.expr, values), expression.permutation.array_form)
    if isinstance(expression, arrays.Reshape):
        return np.reshape(value(expression.expr, values), [int(size) for size in expression.shape])
    if isinstance(expression, sympy.NDimArray):
        return np.array(expression.tolist(), dtype=float)
    if isinstance(expression, MatrixElement):
        return value(expression.parent, values)[int(expression.i), int(expression.j)]
    if isinstance(expression, MatrixSlice):
        return value(expression.parent, values)[slice(*expression.rowslice), slice(*expression.colslice)]
    if isinstance(expression, sympy.BlockMatrix):
        rows, columns = expression.blockshape
        return np.block([[value(expression.blocks[i, j], values) for j in range(columns)] for i in range(rows)])
    if expression.func in MEANING:
        return MEANING[expression.func](*(value(part, values) for part in expression.args))
    if isinstance(expression, (sympy.Function, sympy.Piecewise, sympy.Max, sympy.Min)):
        return _scalar(expression, values)
    if not getattr(expression, "args", ()) and getattr(expression, "is_number", False):
        return float(expression)
    raise Undone(f"{type(expression).__name__} has no value")


def _scalar(expression: Any, values: Values) -> float:
    """Return a function of numbers, such as a sine or a choice, whose parts may be traces and elements of matrices."""
    parts = {part: sympy.Float(value(part, values)) for part in _outermost(expression)}
    try:
        return float(expression.xreplace(parts).doit())
    except TypeError as problem:
        raise Undone(f"{expression} has no value") from problem


def _outermost(expression: Any) -> set[Any]:
    """Return the symbols, traces, determinants and elements of matrices that a scalar expression is made of."""
    if isinstance(expression, (Symbol, sympy.Trace, sympy.Determinant, MatrixElement)):
        return {expression}
    return {found for part in expression.args for found in _outermost(part)}


def _elementwise(function: Any, array: Any, values: Values) -> Any:
    (written,) = function.variables
    others = {symbol: values[symbol.name] for symbol in function.expr.free_symbols if symbol != written}
    entry = sympy.Dummy(real=True)  # SymPy takes an element for complex, and writes `abs` with its real part
    body = function.expr.subs(others).xreplace({written: entry}).doit()
    try:
        return np.vectorize(lambda number: float(body.subs(entry, sympy.Float(number)).doit()), otypes=[float])(array)
    except TypeError as problem:
        raise Undone(f"{body} has no value") from problem


def _diagonal(array: Any, groups: Any, contracted: bool) -> Any:
    """Return the diagonal over each group of axes, behind the other axes; summed where `contracted`."""
    labels = list(range(np.ndim(array)))
    for group in groups:
        for axis in group:
            labels[axis] = min(group)
    grouped = [min(group) for group in groups]
    kept = [label for axis, label in enumerate(labels) if axis == label and label not in grouped]
    return np.einsum(array, labels, kept if contracted else [*kept, *grouped])


def _product(*factors: Any) -> Any:
    result = factors[0]
    for factor in factors[1:]:
        result = result @ factor if np.ndim(result) and np.ndim(factor) else result * factor
    return result


def _tensor(*factors: Any) -> Any:
    result = factors[0]
    for factor in factors[1:]:
        result = np.multiply.outer(result, factor)
    return result


def _matrix_power(base: Any, exponent: float) -> Any:
    return np.linalg.matrix_power(base, int(exponent)) if exponent == int(exponent) else np.power(base, exponent)


MEANING: dict[Any, Callable[..., Any]] = {
    sympy.MatAdd: lambda *terms: sum(terms[1:], terms[0]),
    sympy.Add: lambda *terms: sum(terms[1:], terms[0]),
    arrays.ArrayAdd: lambda *terms: sum(terms[1:], terms[0]),
    sympy.Mul: _product,
    sympy.MatMul: _product,
    arrays.ArrayTensorProduct: _tensor,
    sympy.Pow: lambda base, exponent: base**exponent,
    sympy.MatPow: _matrix_power,
    sympy.Inverse: _matrix_power,
    sympy.Transpose: np.transpose,
    sympy.Trace: np.trace,
    sympy.Determinant: np.linalg.det,
    sympy.HadamardProduct: lambda *factors: np.prod(np.stack(factors), axis=0),
    sympy.HadamardPower: np.power,
    sympy.KroneckerProduct: np.kron,
    DiagMatrix: lambda vector: np.diag(np.ravel(vector)),
    DiagonalMatrix: lambda matrix: np.diag(np.diag(matrix)),
    DiagonalOf: lambda matrix: np.diag(matrix)[:, None],
    sympy.exp: np.exp,
    sympy.log: np.log,
    sympy.Abs: np.abs,
    sympy.sign: np.sign,
    sympy.tanh: np.tanh,
}
"""What a kind of expression makes of the values of its parts."""


__all__ = ["Undone", "value"]

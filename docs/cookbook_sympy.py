"""The same questions put to SymPy's own matrix derivatives, each written as a user of SymPy would write it.

SymPy has matrices alone: a vector is a matrix of one column, a scalar of the language may be a matrix of one element
or a number. Where there are two ways to write a formula both are tried, and the better outcome counts. An answer is
evaluated at a random point (`sympy_values.py`) and compared with the right numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import sympy
from sympy import Determinant, HadamardProduct, Identity, KroneckerProduct, MatrixSymbol, OneMatrix, Symbol, Trace
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalOf

from benchmarks.sympy_values import Undone, value
from symprop.algebra.nodes import Variable
from symprop.formulas.checks.points import FormulaPoint

CLOSE = 1e-8
"""Largest error, relative to the largest element, of a float64 answer that counts as right."""

det, tr, log, exp, tanh, sqrt = Determinant, Trace, sympy.log, sympy.exp, sympy.tanh, sympy.sqrt
K = Symbol("k", integer=True, positive=True)


def each(function: Any, matrix: Any) -> Any:
    """Return a function of each element."""
    return matrix.applyfunc(function)


def total(matrix: Any) -> Any:
    """Return the sum of the elements, as a matrix of one element."""
    rows, columns = matrix.shape
    return OneMatrix(1, rows) * matrix * OneMatrix(columns, 1)


def hadamard(*factors: Any) -> Any:
    return HadamardProduct(*factors)


def structure(s: Any) -> Any:
    return s.T + s.T.T - hadamard(s.T, Identity(s.T.rows))


def both(vector: Any) -> tuple[Any, ...]:
    """Return the 2-norm of a vector in two ways."""
    return sqrt(tr(vector.T * vector)), sympy.HadamardPower(vector.T * vector, sympy.Rational(1, 2))


def softmax(z: Any) -> tuple[Any, ...]:
    powers = each(exp, z)
    return (powers / tr(total(powers)),)


SAID: dict[str, Callable[[Any], Any]] = {
    "det(A + x * B)": lambda s: det(s.A + s.x * s.B),
    "det(A + x * B + x**2 * C)": lambda s: det(s.A + s.x * s.B + s.x**2 * s.C),
    "det(X)": lambda s: det(s.X),
    "det(A @ X @ B)": lambda s: det(s.A * s.X * s.B),
    "det(X.T @ A @ X)": lambda s: det(s.X.T * s.A * s.X),
    "log(det(X.T @ X))": lambda s: log(det(s.X.T * s.X)),
    "log(det(inv(P @ P.T)))": lambda s: log(det((s.P * s.P.T).inv())),
    "log(abs(det(X)))": lambda s: log(sympy.Abs(det(s.X))),
    "det(matrix_power(X, k))": lambda s: det(s.X**K),
    "inv(A + x * B)": lambda s: (s.A + s.x * s.B).inv(),
    "inv(X)": lambda s: s.X.inv(),
    "a @ inv(X) @ b": lambda s: s.a.T * s.X.inv() * s.b,
    "det(inv(X))": lambda s: det(s.X.inv()),
    "trace(A @ inv(X) @ B)": lambda s: tr(s.A * s.X.inv() * s.B),
    "trace(inv(X + A))": lambda s: tr((s.X + s.A).inv()),
    "sum(exp(inv(A)))": lambda s: total(each(exp, s.A.inv())),
    "trace(X)": lambda s: tr(s.X),
    "x @ a": lambda s: s.x.T * s.a,
    "a @ X @ b": lambda s: s.a.T * s.X * s.b,
    "a @ X.T @ b": lambda s: s.a.T * s.X.T * s.b,
    "a @ X @ a": lambda s: s.a.T * s.X * s.a,
    "a @ X.T @ a": lambda s: s.a.T * s.X.T * s.a,
    "X": lambda s: s.X,
    "X @ A": lambda s: s.X * s.A,
    "X.T @ A": lambda s: s.X.T * s.A,
    "sum(X) * sum(X)": lambda s: (total(s.X) * total(s.X), tr(total(s.X)) ** 2),
    "sum(kron(X, X))": lambda s: total(KroneckerProduct(s.X, s.X)),
    "b @ X.T @ X @ c": lambda s: s.b.T * s.X.T * s.X * s.c,
    "(B @ x + b) @ C @ (D @ x + d)": lambda s: (s.B * s.x + s.b).T * s.C * (s.D * s.x + s.d),
    "X.T @ B @ X": lambda s: s.X.T * s.B * s.X,
    "x @ B @ x": lambda s: s.x.T * s.B * s.x,
    "b @ X.T @ D @ X @ c": lambda s: s.b.T * s.X.T * s.D * s.X * s.c,
    "(X @ b + c) @ D @ (X @ b + c)": lambda s: (s.X * s.b + s.c).T * s.D * (s.X * s.b + s.c),
    "(x - A @ s) @ W @ (x - A @ s)": lambda s: (s.x - s.A * s.s).T * s.W * (s.x - s.A * s.s),
    "(x - s) @ W @ (x - s)": lambda s: (s.x - s.s).T * s.W * (s.x - s.s),
    "matrix_power(X, 3)": lambda s: (s.X**3, s.X * s.X * s.X),
    "a @ matrix_power(X, 3) @ b": lambda s: (s.a.T * s.X**3 * s.b, s.a.T * sympy.MatMul(s.X, s.X, s.X) * s.b),
    "a @ matrix_power(X, 2).T @ matrix_power(X, 2) @ b": lambda s: (
        s.a.T * (s.X**2).T * s.X**2 * s.b,
        sympy.MatMul(s.a.T, s.X.T, s.X.T, s.X, s.X, s.b),
    ),
    "tanh(B @ x) @ A @ exp(C @ x)": lambda s: each(tanh, s.B * s.x).T * s.A * each(exp, s.C * s.x),
    "((A @ x) @ (A @ x)) / ((B @ x) @ (B @ x))": lambda s: (
        tr(s.x.T * s.A.T * s.A * s.x) / tr(s.x.T * s.B.T * s.B * s.x),
        s.x.T * s.A.T * s.A * s.x * (s.x.T * s.B.T * s.B * s.x).inv(),
    ),
    "x @ A @ x + b @ x": lambda s: s.x.T * s.A * s.x + s.b.T * s.x,
    "trace(X @ A)": lambda s: tr(s.X * s.A),
    "trace(A @ X @ B)": lambda s: tr(s.A * s.X * s.B),
    "trace(A @ X.T @ B)": lambda s: tr(s.A * s.X.T * s.B),
    "trace(X.T @ A)": lambda s: tr(s.X.T * s.A),
    "trace(A @ X.T)": lambda s: tr(s.A * s.X.T),
    "trace(kron(A, X))": lambda s: tr(KroneckerProduct(s.A, s.X)),
    "trace(X @ X)": lambda s: tr(s.X * s.X),
    "trace(matrix_power(X, 2) @ B)": lambda s: tr(s.X**2 * s.B),
    "trace(X.T @ B @ X)": lambda s: tr(s.X.T * s.B * s.X),
    "trace(B @ X @ X.T)": lambda s: tr(s.B * s.X * s.X.T),
    "trace(X @ X.T @ B)": lambda s: tr(s.X * s.X.T * s.B),
    "trace(X @ B @ X.T)": lambda s: tr(s.X * s.B * s.X.T),
    "trace(B @ X.T @ X)": lambda s: tr(s.B * s.X.T * s.X),
    "trace(X.T @ X @ B)": lambda s: tr(s.X.T * s.X * s.B),
    "trace(A @ X @ B @ X)": lambda s: tr(s.A * s.X * s.B * s.X),
    "trace(X.T @ X)": lambda s: tr(s.X.T * s.X),
    "trace(X @ X.T)": lambda s: tr(s.X * s.X.T),
    "trace(B.T @ X.T @ C @ X @ B)": lambda s: tr(s.B.T * s.X.T * s.C * s.X * s.B),
    "trace(X.T @ B @ X @ C)": lambda s: tr(s.X.T * s.B * s.X * s.C),
    "trace(A @ X @ B @ X.T @ C)": lambda s: tr(s.A * s.X * s.B * s.X.T * s.C),
    "trace((A @ X @ B + C) @ (A @ X @ B + C).T)": lambda s: tr((s.A * s.X * s.B + s.C) * (s.A * s.X * s.B + s.C).T),
    "trace(kron(X, X))": lambda s: (tr(KroneckerProduct(s.X, s.X)), tr(s.X) * tr(s.X)),
    "trace(matrix_power(X, k))": lambda s: tr(s.X**K),
    "trace(A @ matrix_power(X, 3))": lambda s: (tr(s.A * s.X**3), tr(sympy.MatMul(s.A, s.X, s.X, s.X))),
    "trace(B.T @ X.T @ C @ X @ X.T @ C @ X @ B)": lambda s: tr(
        s.B.T * s.X.T * s.C * s.X * s.X.T * s.C * s.X * s.B
    ),
    "trace(inv(X.T @ C @ X) @ A)": lambda s: tr((s.X.T * s.C * s.X).inv() * s.A),
    "trace(inv(X.T @ C @ X) @ (X.T @ B @ X))": lambda s: tr((s.X.T * s.C * s.X).inv() * (s.X.T * s.B * s.X)),
    "trace(inv(A + X.T @ C @ X) @ (X.T @ B @ X))": lambda s: tr(
        (s.A + s.X.T * s.C * s.X).inv() * (s.X.T * s.B * s.X)
    ),
    "norm(x - a)": lambda s: both(s.x - s.a),
    "(x - a) / norm(x - a)": lambda s: ((s.x - s.a) / both(s.x - s.a)[0],),
    "norm(x)**2": lambda s: (both(s.x)[0] ** 2, s.x.T * s.x),
    "x @ x": lambda s: s.x.T * s.x,
    "norm(X)**2": lambda s: sqrt(tr(s.X * s.X.T)) ** 2,
    "logdet(A + X.T @ X)": lambda s: log(det(s.A + s.X.T * s.X)),
    "sum(exp(T + T.T - T * eye(n)))": lambda s: total(each(exp, structure(s))),
    "trace(A @ (T + T.T - T * eye(n)))": lambda s: tr(s.A * structure(s)),
    "det(T + T.T - T * eye(n))": lambda s: det(structure(s)),
    "log(det(T + T.T - T * eye(n)))": lambda s: log(det(structure(s))),
    "trace(A @ (X * eye(n)))": lambda s: tr(s.A * hadamard(s.X, Identity(s.X.rows))),
    "trace(A @ diag(d))": lambda s: (tr(s.A * DiagMatrix(s.d)), DiagonalOf(s.A).T * s.d),
    # the examples of matrixcalculus.org
    "0.5 * x @ A @ x": lambda s: s.x.T * s.A * s.x / 2,
    "A @ exp(x)": lambda s: s.A * each(exp, s.x),
    "(y * v) @ x": lambda s: hadamard(s.y, s.v).T * s.x,
    "norm(A @ x - y, 1)": lambda s: (
        total(each(sympy.Abs, s.A * s.x - s.y)),
        total(each(lambda t: sqrt(t**2), s.A * s.x - s.y)),
    ),
    "norm(A @ x - y)**2": lambda s: (both(s.A * s.x - s.y)[0] ** 2, (s.A * s.x - s.y).T * (s.A * s.x - s.y)),
    "trace(A @ X.T @ B @ X @ C)": lambda s: tr(s.A * s.X.T * s.B * s.X * s.C),
    "log(det(inv(X)))": lambda s: log(det(s.X.inv())),
    "a**b": lambda s: s.a**s.b,
    "sum(log(exp(-y * (X @ w)) + ones((m,))))": lambda s: total(
        each(lambda t: log(exp(t) + 1), hadamard(-s.y, s.X * s.w))
    ),
    # what SymPy cannot do
    "x + tanh(A @ x)": lambda s: s.x + each(tanh, s.A * s.x),
    "p @ (x + tanh(A @ x))": lambda s: s.p.T * (s.x + each(tanh, s.A * s.x)),
    "logsumexp(x)": lambda s: (log(tr(total(each(exp, s.x)))), each(log, total(each(exp, s.x)))),
    "log(sum(exp(A @ x + b)))": lambda s: (
        log(tr(total(each(exp, s.A * s.x + s.b)))),
        each(log, total(each(exp, s.A * s.x + s.b))),
    ),
    "-sum(y * log(softmax(z)))": lambda s: -s.y.T * each(log, softmax(s.z)[0]),
    "logsumexp(z) - y @ z": lambda s: (
        each(log, total(each(exp, s.z))) - s.y.T * s.z,
        log(tr(total(each(exp, s.z)))) - tr(s.y.T * s.z),
    ),
    "-sum(y * log(exp(z) / sum(exp(z))))": lambda s: -s.y.T * each(log, softmax(s.z)[0]),
    "sum(p * x * x)": lambda s: (total(hadamard(s.p, s.x, s.x)), s.p.T * hadamard(s.x, s.x)),
    "sum((X @ w - y)**2) / (2 * m) + lam * sum(w * w)": lambda s: (
        (s.X * s.w - s.y).T * (s.X * s.w - s.y) / (2 * s.X.rows) + s.lam * s.w.T * s.w,
        tr((s.X * s.w - s.y).T * (s.X * s.w - s.y)) / (2 * s.X.rows) + s.lam * tr(s.w.T * s.w),
    ),
    "trace(A * X)": lambda s: tr(hadamard(s.A, s.X)),
    "y @ (W @ x + b)": lambda s: s.y.T * (s.W * s.x + s.b),
    "sum(log(1 + exp(-y * (X @ w))))": lambda s: total(each(lambda t: log(1 + exp(-t)), hadamard(s.y, s.X * s.w))),
    "sum((X @ W - Y)**2)": lambda s: tr((s.X * s.W - s.Y).T * (s.X * s.W - s.Y)),
    "exp(x) / sum(exp(x))": lambda s: softmax(s.x),
    "softmax(x)": lambda s: softmax(s.x),
}  # fmt: skip
"""Formulas by their text; a function of the symbols by name gives the expression, or several ways to write it."""


def symbols(variables: tuple[Variable, ...], point: FormulaPoint) -> SimpleNamespace:
    """Return SymPy's symbols for the arrays of a formula, at the sizes of a point."""
    found = {}
    for variable in variables:
        rows, columns = (*(int(size.subs(point.sizes)) for size in variable.shape), 1, 1)[:2]
        found[variable.name] = MatrixSymbol(variable.name, rows, columns) if variable.rank else Symbol(variable.name)
    return SimpleNamespace(**found)


def verdict(
    said: Any, by: str, kind: str, right: Any, known: SimpleNamespace, point: FormulaPoint, along: Any = None
) -> str:
    """Return "right", "wrong", or the error that SymPy ends with, for the better of the ways to write a formula."""
    ways = said if isinstance(said, tuple) else (said,)
    found = [_verdict(way, by, kind, right, known, point, along) for way in ways]
    return "right" if "right" in found else found[0]


def _verdict(way: Any, by: str, kind: str, right: Any, known: SimpleNamespace, point: FormulaPoint, along: Any) -> str:
    x = getattr(known, by)
    try:
        answer = way.diff(x).diff(x) if kind == "hessian" else way.diff(x)
    except Exception as error:  # whatever SymPy raises is its answer
        return f"error: {type(error).__name__}"
    if answer.has(sympy.Derivative):
        return "not worked out"
    try:
        found = np.asarray(value(answer, numbers(known, point)), dtype=float)
    except Undone:
        return "not worked out"
    except (ValueError, TypeError, IndexError):  # its parts do not fit together
        return "wrong"
    if along is not None:  # a product with the Jacobian: the axes of the variable come first
        if found.ndim != 2 * along.ndim:
            return "wrong"
        found = np.tensordot(along, found, along.ndim)
    return "right" if _same(found, right, kind) else "wrong"


def numbers(known: SimpleNamespace, point: FormulaPoint) -> dict[str, Any]:
    """Return the value of each symbol at a point."""
    found: dict[str, Any] = {str(symbol): int(size) for symbol, size in point.sizes.items()}
    for name, symbol in vars(known).items():
        array = np.asarray(point.values[name], dtype=float)
        found[name] = array.reshape(symbol.shape) if isinstance(symbol, MatrixSymbol) else float(array)
    return found


def _same(found: Any, right: Any, kind: str) -> bool:
    """Whether numbers agree, whatever the order in which SymPy lays the axes of a derivative of a matrix out."""
    true = np.asarray(right, dtype=float)
    if found.size != true.size:
        return False
    candidates = [found.reshape(true.shape)]
    if found.ndim == 4 and true.ndim == 2:  # axes of the variable first
        rows = found.shape[2] * found.shape[3]
        candidates.append(found.reshape(-1, rows).T.reshape(true.shape))
    if kind == "jacobian" and found.ndim == 2:
        candidates.append(found.T.reshape(true.shape))
    size = max(1.0, float(np.max(np.abs(true), initial=0.0)))
    return any(float(np.max(np.abs(candidate - true))) <= CLOSE * size for candidate in candidates)


__all__ = ["SAID", "symbols", "verdict"]

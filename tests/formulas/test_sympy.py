"""SymPy's matrix expressions in and out: both sides have the same numbers, and answers have SymPy's shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy
from sympy import (
    Determinant,
    HadamardPower,
    HadamardProduct,
    Identity,
    KroneckerProduct,
    Lambda,
    MatrixSymbol,
    OneMatrix,
    Symbol,
    Trace,
    ZeroMatrix,
    cos,
    exp,
    log,
    sqrt,
    symbols,
    tanh,
)
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalMatrix, DiagonalOf
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.matrices.expressions.slice import MatrixSlice

from symprop.algebra.formula import formula
from symprop.algebra.nodes import Node
from symprop.algebra.trees import walk
from symprop.errors import FormulaError, LimitError, ShapeError, SymbolNameError
from symprop.formulas.interchange.reading import from_sympy, is_sympy
from symprop.formulas.interchange.writing import to_sympy
from symprop.formulas.questions import gradient, jacobian
from tests.needed import needed
from tests.rounding import assert_off, assert_rounded, bound, exact
from tests.rounding_of_formulas import complex_step, counted

m, k = symbols("m k")
a, t = symbols("a t")
p = Symbol("p", positive=True)
A, B = MatrixSymbol("A", k, k), MatrixSymbol("B", k, k)
X, Y = MatrixSymbol("X", m, k), MatrixSymbol("Y", m, k)
w, v, y = MatrixSymbol("w", k, 1), MatrixSymbol("v", k, 1), MatrixSymbol("y", m, 1)
r, c = MatrixSymbol("r", 1, k), MatrixSymbol("c", 1, 1)
F, G = MatrixSymbol("F", 2, 3), MatrixSymbol("G", 3, 2)
NUMBERS = {"m": 2, "k": 3}


def values(seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    shapes = {symbol.name: [int(size.subs({m: 2, k: 3})) for size in symbol.shape] for symbol in SYMBOLS}
    return {
        **{
            name: random.uniform(0.2, 1.5, shape) + (2 * np.eye(3) if shape == [3, 3] else 0)
            for name, shape in shapes.items()
        },
        "a": 0.7,
        "p": 1.3,
        "t": 0.4,
        **{name: float(size) for name, size in NUMBERS.items()},
    }


SYMBOLS = (A, B, X, Y, w, v, y, r, c, F, G)


def size(value: Any) -> int:
    return int(value.subs({symbol: NUMBERS[symbol.name] for symbol in value.free_symbols}))


def number(expression: Any, point: dict[str, Any]) -> Any:
    """The value of a SymPy expression, by SymPy's own meaning of each kind, written here once more in NumPy."""
    if isinstance(expression, MatrixSymbol):
        return point[expression.name]
    if isinstance(expression, Symbol):
        return point[expression.name] if expression.name in point else float(NUMBERS[expression.name])
    if isinstance(expression, (OneMatrix, ZeroMatrix)):
        return np.full([size(each) for each in expression.shape], float(isinstance(expression, OneMatrix)))
    if isinstance(expression, Identity):
        return np.eye(size(expression.shape[0]))
    if isinstance(expression, ElementwiseApplyFunction):
        (entry,) = expression.function.variables
        inside = number(expression.expr, point)
        body = expression.function.expr
        numeric = np.vectorize(lambda x: number(body.xreplace({entry: sympy.Float(x)}), point), otypes=[float])
        return numeric(inside)
    if isinstance(expression, MatrixSlice):
        rows, columns = (slice(*map(size, part)) for part in (expression.rowslice, expression.colslice))
        return number(expression.parent, point)[rows, columns]
    if isinstance(expression, MatrixElement):
        return number(expression.parent, point)[size(expression.i), size(expression.j)]
    if isinstance(expression, sympy.BlockMatrix):
        blocks = expression.blocks
        return np.block([[number(blocks[i, j], point) for j in range(blocks.cols)] for i in range(blocks.rows)])
    if isinstance(expression, sympy.Piecewise):
        held = {symbol: point[symbol.name] for symbol in expression.free_symbols}
        return next(number(part.expr, point) for part in expression.args if part.cond.subs(held) is sympy.true)
    if not expression.args:
        return float(expression)
    return MEANING[expression.func](*(number(argument, point) for argument in expression.args))


def product(*factors: Any) -> Any:
    result = factors[0]
    for factor in factors[1:]:
        result = result @ factor if np.ndim(result) and np.ndim(factor) else result * factor
    return result


def power(base: Any, exponent: float) -> Any:
    return np.linalg.matrix_power(base, int(exponent))


MEANING: dict[Any, Any] = {
    sympy.MatAdd: lambda *terms: sum(terms[1:], terms[0]),
    sympy.Add: lambda *terms: sum(terms),
    sympy.Mul: lambda *factors: np.prod(factors),
    sympy.Pow: lambda base, exponent: base**exponent,
    sympy.MatMul: product,
    sympy.MatPow: power,
    sympy.Inverse: power,
    sympy.Transpose: np.transpose,
    sympy.Adjoint: np.transpose,
    sympy.Trace: np.trace,
    sympy.Determinant: np.linalg.det,
    HadamardProduct: lambda *factors: np.prod(np.stack(factors), axis=0),
    HadamardPower: np.power,
    KroneckerProduct: np.kron,
    DiagMatrix: lambda vector: np.diag(vector.ravel()),
    DiagonalMatrix: lambda matrix: np.diag(np.diag(matrix)),
    DiagonalOf: lambda matrix: np.diag(matrix)[:, None],
    sympy.DotProduct: lambda left, right: float(left.ravel() @ right.ravel()),
    sympy.log: np.log,
    sympy.exp: np.exp,
    sympy.Abs: np.abs,
    sympy.tanh: np.tanh,
    sympy.cos: np.cos,
}


def ours(node: Node, point: dict[str, Any]) -> np.ndarray:
    """The value of a node at the same point, with its bounds; sizes and vectors as symprop has them."""
    kept = {}
    for part in walk(node):
        if type(part).__name__ == "Variable":
            wanted = tuple(size(each) for each in part.shape)
            kept[part.name] = np.reshape(point[part.name], wanted)
    sizes = {
        symbol: NUMBERS[symbol.name]
        for symbol in node.free_symbols
        if isinstance(symbol, Symbol) and symbol.name in NUMBERS
    }
    found = counted(node, kept, sizes)
    return np.broadcast_to(found, tuple(size(each) for each in node.shape))


def same(left: Any, right: np.ndarray) -> None:
    """Say that SymPy's value is ours, which has its bounds."""
    left, right = np.ravel(left), np.ravel(right)
    assert_rounded(left, right)


EXPRESSIONS = [
    X * w - y,
    (X * w - y).T * (X * w - y) / m,
    X.T * (X * w - y) * 2 / m,
    w * v.T,
    w.T * A * v,
    w.T * A,
    r * A * w,
    r.T + w,
    c * w.T,
    A.T * B - 2 * a * A,
    A**3 + B,
    A**-1 * w,
    A.inverse().T * B,
    A**-2,
    a * log(Determinant(A)) * X,
    Trace(A * B.T) ** 2 + sqrt(p) / k,
    Trace(w * v.T),
    exp(a) * Determinant(A) - m,
    HadamardProduct(X, Y) + X,
    HadamardProduct(w, v, w),
    HadamardPower(X, 3),
    HadamardPower(w, sympy.Rational(1, 2)),
    HadamardPower(X, a),
    HadamardPower(p, X),
    (X * w).applyfunc(tanh),
    A.applyfunc(Lambda(t, t**2 + cos(t) + 1)),
    (X * w).applyfunc(Lambda(t, 1 / (1 + exp(-t)))),
    A.applyfunc(Lambda(t, a * t + Trace(B))),
    w.applyfunc(Lambda(t, 3)),
    X + 2 * OneMatrix(m, k),
    OneMatrix(m, 1) * w.T,
    OneMatrix(1, m) * y,
    A + Identity(k),
    X + ZeroMatrix(m, k),
    Identity(1) * c,
    DiagMatrix(w) * A,
    DiagonalMatrix(A) + B,
    DiagonalOf(A) - w,
    KroneckerProduct(A, X),
    KroneckerProduct(w, y),
    F[0:1, 1:3],
    F[:, 1],
    F[1, 2] * w,
    F[0, 0] + A[1, 0] * a,
    X[0:1, :],
    sympy.Adjoint(X),
    sympy.BlockMatrix([[A, X.T], [X, Identity(m)]]),
    sympy.BlockMatrix([[X, y]]),
    sympy.DotProduct(w, v) * a,
    r,
    c,
    a + 1 / m,
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_an_expression_of_sympy_keeps_its_value_and_its_shape_there_and_back(expression: Any) -> None:
    found = from_sympy(expression)
    back = to_sympy(found.node, expression)
    shape = expression.shape if isinstance(expression, sympy.MatrixExpr) else ()
    assert back.shape == shape if isinstance(back, sympy.MatrixExpr) else shape in ((), (1, 1))
    assert back.free_symbols <= expression.free_symbols | {m, k}
    for seed in range(2):
        point = values(seed)
        same(number(expression, point), ours(found.node, point))
        same(number(back, point), ours(found.node, point))


FORMULAS = [
    "X * w + y[:, None]",
    "X - mean(X, axis=0)",
    "X - mean(X, axis=1, keepdims=True)",
    "sum(X * Y)",
    "sum(X)",
    "sum(X, axis=0) + w",
    "sum(X, axis=1) * y",
    "sum(w * v)",
    "sum(2 * w * v * w)",
    "trace(A @ B)",
    "w @ A @ v",
    "w @ A",
    "outer(w, y)",
    "diag(w) @ A + diag(diagonal(A))",
    "tanh(A @ w) / a",
    "softmax(w)",
    "softmax(X, axis=1) + softmax(X, axis=0)",
    "logsumexp(w) * w",
    "logsumexp(X, axis=1) + y",
    "logsumexp(X, axis=0, keepdims=True) * X",
    "sigmoid(X) * relu(X - 1)",
    "softplus(a) + silu(a)",
    "maximum(w, v) - minimum(w, 1)",
    "where(w > v, w, 2 * v)",
    "where(a < 1, a, 3)",
    "where(X > 1, X, w)",
    "(w > 0.5) * v",
    "(1 > w) * v",
    "1 / w + w**2 + sqrt(v)",
    "w[:, None] * v[None, :]",
    "reshape(w, (1, k)) * A",
    "reshape(y, (m, 1)) * X",
    "inv(A) @ w + det(A) * v",
    "logdet(A) * eye(k)",
    "matrix_power(A, 3)",
    "kron(A, B)",
    "prod(w) * w",
    "concatenate((w, v))",
    "concatenate((A, X), axis=0)",
    "concatenate((X, Y), axis=1)",
    "A[0:2] * w",
    "A[:, 1:3]",
    "w[1:3]",
    "ones((m, k)) * 3 + zeros((m, k))",
    "full((k,), 2) * w",
    "sum(w, keepdims=True) * v",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_has_the_same_value_in_sympys_matrices(text: str) -> None:
    shapes = {"A": "k k", "B": "k k", "X": "m k", "Y": "m k", "w": "k", "v": "k", "y": "m", "a": ""}
    node = formula(text, **needed(shapes, text)).node
    for seed in range(2):
        point = values(seed)
        found = to_sympy(node)
        if isinstance(found, sympy.MatrixExpr):
            assert [size(each) for each in found.shape] == [*map(size, node.shape), 1, 1][:2]
        same(number(found, point), ours(node, point))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("E[i]", "a Take"),
        ("max(w)", "an? Extreme"),
        ("reshape(X, (m * k,))", "a Reshape"),
        ("X[:, :, None] * w", "an array of shape"),
        ("prod(X, axis=0)", "a product over an axis"),
    ],
)
def test_what_sympy_has_no_matrix_for_is_refused_by_name(text: str, words: str) -> None:
    node = formula(text, **needed({"E": "k m", "i": "m index k", "w": "k", "X": "m k"}, text)).node
    with pytest.raises(FormulaError, match=f"no expression for {words}"):
        to_sympy(node)


LOSSES = [
    ((X * w - y).T * (X * w - y), (w, X, y)),
    (w.T * A * w, (w, A)),
    (Trace(A * X.T * X) / m, (A, X)),
    (Trace(A.inverse() * B), (A, B)),
    (log(Determinant(A)), (A,)),
    (Determinant(A) * a, (A,)),
    (y.T * (X * w).applyfunc(tanh), (w, X, y)),
    (w.T * (w + (A * w).applyfunc(tanh)), (w, A)),
    (OneMatrix(1, k) * HadamardProduct(w, w, v), (w, v)),
    (Trace(HadamardPower(X, 2) * DiagMatrix(w) * X.T), (w, X)),
    (log(Trace(OneMatrix(1, k) * w.applyfunc(exp))), (w,)),
    (r * A * r.T, (r, A)),
    (c * Trace(A), (c, A)),
    (Trace(A**3), (A,)),
]


@pytest.mark.parametrize(("loss", "by"), LOSSES, ids=lambda value: str(value)[:60])
def test_the_gradient_of_an_expression_of_sympy_is_one_and_is_right(loss: Any, by: tuple[Any, ...]) -> None:
    read = from_sympy(loss)
    assert read.shape == ()
    for symbol in by:
        found = to_sympy(gradient(read, symbol.name).node, loss)
        assert is_sympy(found)
        if symbol != c:
            assert found.shape == symbol.shape
        point = values(3)
        shaped = {
            each.name: np.reshape(point[each.name], [size(part) for part in each.shape]) for each in read.variables
        }
        sizes = {
            part: NUMBERS[part.name]
            for part in read.node.free_symbols
            if isinstance(part, Symbol) and part.name in NUMBERS
        }
        by_ours = next(each for each in read.variables if each.name == symbol.name)
        slopes, off = complex_step(read.node, by_ours, shaped, sizes)
        slope = ours(gradient(read, symbol.name).node, point)
        assert_off(slope.astype(float), slopes, bound(slope) + off)
        same(number(found, point), slope)


@pytest.mark.parametrize(
    "condition",
    [
        ~((a > 0) & (p > 1)),
        sympy.Xor(a > 0, p > 1),
        ~sympy.Xor(a > 0, p > 1),
        sympy.Implies(a > 0, p > 1),
        (p > 1) & sympy.Equivalent(a > 0, p < 2),
    ],
    ids=str,
)
def test_a_choice_has_a_gradient_whatever_joins_its_conditions(condition: Any) -> None:
    choice = sympy.Piecewise((a**2 * p, condition), (a * p, True))
    found = to_sympy(gradient(from_sympy(choice), "a").node, choice)
    for point in ({a: x, p: y} for x in (-2, 3) for y in (0.5, 1.5, 2.5)):
        slope = 2 * point[a] * point[p] if condition.subs(point) == sympy.true else point[p]
        assert found.subs(point) == slope


@pytest.mark.parametrize("tie", [0, sympy.Rational(1, 2), sympy.Rational(1, 4), 1, p], ids=str)
def test_a_step_has_its_own_value_at_the_tie(tie: Any) -> None:
    step = from_sympy(p * sympy.Heaviside(a, tie)).node
    at_tie = 5 * float(sympy.sympify(tie).subs(p, 5))
    assert [float(counted(step, {"a": x, "p": 5.0})) for x in (-2.0, 0.0, 3.0)] == [0, at_tie, 5]
    found = to_sympy(gradient(from_sympy(a**2 * sympy.Heaviside(a, tie)), "a").node, a)
    assert [found.subs(a, x) for x in (-2, 0, 3)] == [0, 0, 6]


def test_answers_are_written_in_the_symbols_that_were_given() -> None:
    found = to_sympy(gradient(from_sympy(w.T * A * w), "w").node, w.T * A * w)
    assert found.free_symbols <= {A, w, k}
    assert found.shape == w.shape
    slope = to_sympy(jacobian(from_sympy(w + (A * w).applyfunc(tanh)), "w").node, A * w)
    assert slope.shape == (k, k)


def test_a_scalar_with_the_name_of_a_bound_one_is_not_caught() -> None:
    real = Symbol("t", real=True)
    expression = w.applyfunc(Lambda(a, a * real))
    back = to_sympy(from_sympy(expression).node, expression)
    same(number(back, values()), 0.4 * exact(values()["w"]))


def test_what_is_known_of_scalars_comes_along() -> None:
    facts = {each.name: each.facts_by_kind for each in from_sympy(p * a * w).variables}
    assert set(facts["p"]) == {"positive", "nonnegative"}
    assert facts["a"] == {}


def test_nodes_are_no_expressions_of_sympy() -> None:
    assert is_sympy(X) and is_sympy(a + 1) and is_sympy(sympy.Matrix([1]))
    assert not any(map(is_sympy, (formula("x", x="n").node, formula("x", x="n"), "x", 3, None)))


def deep() -> Any:
    expression = A
    for _ in range(75):  # two levels each; SymPy's own time is the square of their number
        expression = (expression + B).applyfunc(tanh)
    return expression


@pytest.mark.parametrize(
    ("expression", "error", "words"),
    [
        ((w.T * A * w)[0, 0], FormulaError, "no formula for a Sum"),
        (sympy.Matrix([[1, 2]]), FormulaError, "explicit"),
        (sympy.ImmutableMatrix([[1, 2], [3, 4]]) * F, FormulaError, "no formula for a ImmutableDenseMatrix"),
        (X[0, Symbol("i")], FormulaError, "no formula for a MatrixElement"),
        (sympy.MatrixExpr.applyfunc(A, sympy.gamma), FormulaError, "no elementwise meaning"),
        (a * sympy.gamma(a), FormulaError, r"no elementwise meaning for 'gamma\(a\)'"),
        (
            sympy.Piecewise((a, sympy.Contains(a, sympy.S.Integers)), (0, True)),
            FormulaError,
            r"Contains\(a, Integers\)",
        ),
        (sympy.Piecewise((a, a > 0)), FormulaError, r"'Piecewise\(\(a, a > 0\)\)' has no value where none"),
        (sympy.matrices.expressions.fourier.DFT(k), FormulaError, "no formula for a DFT"),
        (A ** sympy.Rational(1, 2), FormulaError, "no formula for a MatPow"),
        (MatrixSymbol("__import__('os')", k, k), SymbolNameError, "cannot be a name"),
        (MatrixSymbol("X", Symbol("lambda"), k), SymbolNameError, "reserved"),
        (Symbol("X") * X, FormulaError, "two symbols"),
        (MatrixSymbol("k", k, k), FormulaError, "two symbols"),
        (Symbol("k", positive=True) * A, FormulaError, "two symbols"),
        (deep(), LimitError, "levels"),
        ("X.T", FormulaError, "expected a SymPy expression"),
        (F[::2, :], FormulaError, "no formula for a MatrixSlice"),
        (sympy.Integral(sympy.Function("f")(a), a) * w, FormulaError, "no formula for a Integral"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_has_no_formula_is_refused_by_name(expression: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        from_sympy(expression)
    assert len(str(caught.value).splitlines()) <= 3


def test_a_matrix_that_stands_for_a_number_has_one_element() -> None:
    assert from_sympy(exp(Trace(A)) * w).shape == from_sympy(w).shape
    with pytest.raises(ShapeError, match="stands for a number"):
        from_sympy(sympy.Function("exp")(A, evaluate=False) if False else sympy.exp(A, evaluate=False))

"""The NumPy source of every sample node computes what the node means, in the dtype of the module."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import sympy
from samples import IDS, WITH_ELEMENTS

import symprop
from symprop.algebra import nodes as n
from symprop.algebra import variable
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import variables
from symprop.codegen import compile_network, passes
from symprop.codegen.program import HELPERS, Program, Statement
from symprop.codegen.targets.code import number
from symprop.codegen.targets.numpy.lines import PASSES
from symprop.codegen.targets.numpy.source import numpy_source
from symprop.errors import LimitError
from tests.rounding import FUNCTION, UNIT, assert_rounded, exact
from tests.rounding_of_formulas import counted

HELPER_NETWORK = (
    "Input(2) >> Embedding(70, 2) >> Dense(2) >> GELU() >> Dense(2) >> SiLU() >> Dense(2) >> Softplus()"
    " >> Loss('sum(fold(sliding_window_view(a, 2), 2, 0, 2)**2) + sum(a * first_max(a) * first_min(a)) + sum(y)')"
)
HELPER_MODULES = {dtype: compile_network(HELPER_NETWORK, dtype) for dtype in ("float64", "float32")}
NODES = [node for nodes in WITH_ELEMENTS.values() for node in nodes]


def program_of(*expressions: Node) -> Program:
    given = tuple(dict.fromkeys(v for expression in expressions for v in variables(expression)))
    targets = [Variable("out", (k,), expression.shape) for k, expression in enumerate(expressions)]
    statements = tuple(Statement(target, each) for target, each in zip(targets, expressions, strict=True))  # type: ignore[arg-type]
    return Program(statements, (), (), given, (), tuple(target.name for target in targets))  # type: ignore[attr-defined]


def run(program: Program, values: dict[str, Any], dtype: str = "float64") -> Any:
    """Run the statements of a program as a module would; warnings are errors."""
    module = HELPER_MODULES[dtype]
    scope = {
        "np": np,
        "DTYPE": module.DTYPE,
        **{name: getattr(module, name) for name in HELPERS if hasattr(module, name)},
        **values,
    }
    for statement in program.statements:
        exec(f"{statement.name} = {numpy_source(statement.expression)}", scope)
    return scope[program.returns[-1]]


def values_of(program: Program, dtype: str) -> dict[str, Any]:
    rng = np.random.default_rng(7)
    drawn = {v.name: np.asarray(rng.uniform(0.2, 0.9, [int(size) for size in v.shape])) for v in program.given}
    signs = {
        name: value if name in ("q", "QA", "r") else value * rng.choice([-1, 1], value.shape)
        for name, value in drawn.items()
    }
    return {k: np.array(IDS[k]) if k in IDS else np.asarray(v, dtype) for k, v in signs.items()}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("node", NODES, ids=[f"{type(node).__name__}-{k}" for k, node in enumerate(NODES)])
def test_source_computes_the_node(node: Node, dtype: str) -> None:
    program = passes.run(program_of(node), PASSES)
    values = values_of(program, dtype)
    found = np.asarray(run(program, values, dtype))
    exact = {name: value.astype(float) if name not in IDS else value for name, value in values.items()}
    expected = counted(node, exact)
    if values and set(values) - set(IDS):
        assert found.dtype == dtype
    assert_rounded(np.broadcast_to(found, expected.shape), expected, dtype)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (sympy.Rational(1, 100), "0.01"),
        (sympy.Rational(1, 3), "1 / 3"),
        (sympy.Rational(1, 12345), repr(1 / 12345)),
        (sympy.pi, "3.141592653589793"),
        (1 / sympy.sqrt(2), "0.7071067811865476"),
        (sympy.Integer(-2), "-2"),
        (sympy.Rational(-1, 2), "-0.5"),
        (sympy.Integer(10) ** 30, "1e+30"),
    ],
)
def test_constants_are_exact_or_the_nearest_float(value: sympy.Expr, text: str) -> None:
    assert number(value).text == text


def test_a_constant_that_no_float_holds_is_refused() -> None:
    with pytest.raises(LimitError, match="does not fit"):
        number(sympy.Integer(10) ** 400)


x, y, W, c = variable("x", (5, 3)), variable("y", (5, 3)), variable("W", (2, 3)), variable("c", (2,))
BOTH = n.Multiply(n.Compare(">", x, n.Scalar(0)), n.Compare(">", y, n.Scalar(0)))
m = sympy.Symbol("m", integer=True, positive=True)


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (x @ W.T + c, "x @ W.T + c"),
        ((x @ W.T) * c, "(x @ W.T) * c"),
        ((x * y) @ W.T, "(x * y) @ W.T"),
        (x - (y - x), "x - (y - x)"),
        (n.Multiply(n.Scalar(1 / m), x - y), "(x - y) / m"),
        (n.Multiply(n.Scalar(1 / (2 * m)), x), "x / (2 * m)"),
        (-(x * y), "-x * y"),
        ((-x) ** 2, "(-x) ** 2"),
        (-(x**2), "-(x**2)"),
        (-(x**2) * y, "-(x**2) * y"),
        (x**2, "x**2"),
        (x / (y * y), "x / (y * y)"),
        (x ** sympy.Rational(-1, 3), "x ** (-1 / 3)"),
        (x ** sympy.Rational(1, 3), "x ** (1 / 3)"),
        (x ** sympy.Rational(5, 2), "x**2.5"),
        (x ** sympy.Rational(-5, 2), "x**-2.5"),
        (x**-2, "x**-2"),
        (1 - n.Compare(">", x, n.Scalar(0)), "1 - (x > 0).astype(DTYPE)"),
        (x * n.Compare(">", y, n.Scalar(0)), "x * (y > 0)"),
        (n.Multiply(n.Compare(">", y, n.Scalar(0)), x), "x * (y > 0)"),
        (2 * n.Compare(">", y, n.Scalar(0)), "2 * (y > 0).astype(DTYPE)"),
        (n.Where(n.Compare(">", x, n.Scalar(0)), x, n.Scalar(0)), "np.maximum(x, 0)"),
        (n.Where(n.Compare(">", x, n.Scalar(0)), n.Scalar(1), n.Scalar(2)), "np.where(x > 0, DTYPE(1), DTYPE(2))"),
        (n.Where(BOTH, x, y), "np.where((x > 0) & (y > 0), x, y)"),
        (n.Where(1 - BOTH, x, y), "np.where(~((x > 0) & (y > 0)), x, y)"),
        (
            n.Where(1 - n.Multiply(1 - BOTH.operands[0], 1 - BOTH.operands[1]), x, y),
            "np.where((x > 0) | (y > 0), x, y)",
        ),
        (n.Where(c, x @ W.T, c), "np.where(c != 0, x @ W.T, c)"),
        (n.Sum(x, 0), "x.sum(axis=0)"),
        (n.Sum(x * y), "np.sum(x * y)"),
        (n.Expand(c, 1), "c[:, None]"),
        (n.Expand(c, 0), "c[None]"),
    ],
)
def test_source_reads_as_a_person_would_write_it(node: Node, text: str) -> None:
    assert numpy_source(node) == text


@pytest.mark.parametrize("power", ["-1/3", "-2/3", "-4/3", "-1/7", "1/3", "5/2", "-5/2", "-2"])
def test_a_fractional_power_is_the_power_of_the_fraction(power: str) -> None:
    module = compile_network(
        f"Input(2) >> Dense(2, bias=False) >> Activation('(1 + x*x)**({power})') >> MeanSquaredError()"
    )
    x, exponent = np.array([[0.7, -1.3]]), float(sympy.Rational(power))
    _, grads = module.loss_and_grads({"W1": np.eye(2)}, x, [[0, 0]])
    z = exact(x)
    value = (1 + z * z) ** exponent
    assert_rounded(module.forward({"W1": np.eye(2)}, x), value)
    slope = value * exponent * (1 + z * z) ** (exponent - 1) * 2 * z
    assert_rounded(grads["W1"], slope.T @ z)


def test_helpers_are_accurate_and_never_overflow() -> None:
    import mpmath

    module = HELPER_MODULES["float64"]
    points = np.concatenate([np.linspace(-7, 7, 301), np.logspace(-300, 0, 40), [0.46875, 4, -4, 6, 30.0, -30.0]])
    exact = {
        "erf": mpmath.erf,
        "sigmoid": lambda t: 1 / (1 + mpmath.exp(-t)),
        "softplus": lambda t: mpmath.log1p(mpmath.exp(t)),
    }
    with mpmath.workdps(40):
        for name, function in exact.items():
            for point, found in zip(points, getattr(module, name)(points), strict=True):
                true = function(mpmath.mpf(float(point)))
                # two functions of a mathematical library, and a handful of operations
                assert abs(float(found) - true) <= (2 * FUNCTION + 6) * UNIT["float64"] * abs(true), (name, point)
    far = np.array([-np.inf, -1e300, -1000, 1000, 1e300, np.inf])
    with np.errstate(over="raise", invalid="raise"):
        np.testing.assert_array_equal(module.sigmoid(far), [0, 0, 0, 1, 1, 1])
        np.testing.assert_array_equal(module.erf(far), [-1, -1, -1, 1, 1, 1])
        np.testing.assert_array_equal(module.softplus(far), [0, 0, 0, 1000, 1e300, np.inf])
    assert np.isnan(module.erf(np.array([np.nan]))).all()


def test_erf_in_float32_is_accurate_in_parts_of_any_size() -> None:
    """A fit of 1e-7, a tanh, and the roundings of a polynomial of which the first terms alone matter."""
    erf = HELPER_MODULES["float32"].erf
    points = np.concatenate([np.linspace(-7, 7, 70_001), np.logspace(-30, 0, 40), [3e38, np.inf]]).astype(np.float32)
    with np.errstate(over="raise", invalid="raise"):
        found = erf(points)
    true = np.array([math.erf(point) for point in points])
    assert found.dtype == np.float32
    assert np.all(np.abs(found - true) <= (1e-7 + (FUNCTION + 4) * UNIT["float32"]) * np.abs(true))
    np.testing.assert_array_equal(erf(points.reshape(-1, 1))[:, 0], found)


def test_a_comparison_of_sizes_is_a_number_too() -> None:
    """A one-hot array has the mean 1/k, so nothing is left of it but a size, which is a Python number."""
    f = symprop.formula("where(mean(T) < 0.4, s, 0)", T="m k one-hot", s="")
    slope = symprop.gradient(f, "s")
    assert slope.text() == "1/k < 2/5"
    assert [float(slope(T=np.eye(size), s=1.0)) for size in (2, 3)] == [0.0, 1.0]

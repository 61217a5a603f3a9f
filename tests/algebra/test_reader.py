"""The readers: what they take means what NumPy says, Python accepts it too, and the rest is refused in words."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy import Rational

from symprop import notation
from symprop.algebra import nodes as n
from symprop.algebra import variable
from symprop.algebra.calls import Call, CallSum, Name, read_calls
from symprop.algebra.elements import elements
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.operators import OPERATORS
from symprop.algebra.reader import names_in, read_formula
from symprop.errors import FormulaError, LimitError, ShapeError, SpecError, SympropError
from tests.patience import at_once
from tests.rounding import assert_off, assert_rounded, bound
from tests.rounding_of_formulas import counted

SHAPES: dict[str, tuple[Any, ...]] = {"x": (3,), "y": (3,), "W": (2, 3), "b": (2,), "X": (5, 3), "s": ()}


def test_a_layer_is_the_nodes_that_operators_build() -> None:
    W, x, b = variable("W", (2, 3)), variable("x", (3,)), variable("b", (2,))
    assert read_formula("W @ x + b", SHAPES) == W @ x + b


def test_numbers_are_exact() -> None:
    assert read_formula("0.1", {}) == n.Scalar(Rational(1, 10))
    assert read_formula("1e-3 + 2/3", {}) == n.Scalar(Rational(2003, 3000))
    digits = "0." + "123456789" * 5
    assert read_formula(digits, {}) == n.Scalar(Rational(digits))


def test_sums_and_products_are_flat() -> None:
    total = read_formula("x + y - x", SHAPES)
    assert isinstance(total, n.Add) and len(total.operands) == 3
    product = read_formula("2 * x * y / 4", SHAPES)
    assert product == n.Multiply(n.Scalar(Rational(1, 2)), variable("x", (3,)), variable("y", (3,)))


def test_powers_bind_to_the_right_and_before_a_minus() -> None:
    assert read_formula("-2**2", {}) == n.Scalar(-4)
    assert read_formula("2**3**2", {}) == n.Scalar(512)
    assert read_formula("2**-1", {}) == n.Scalar(Rational(1, 2))


def test_sizes_are_numbers() -> None:
    m = sympy.Symbol("m", integer=True, positive=True)
    assert read_formula("1 / m", {}, sizes=("m",)) == n.Scalar(1 / m)
    assert read_formula("eye(k)", {}, sizes={"k": 4}).shape == (4, 4)
    assert read_formula("reshape(X, (3 * k,))", {"X": ("k", 3)}, sizes=("k",)).rank == 1
    assert read_formula("-7 // 2 * x + 2 * m // 2", SHAPES, sizes=("m",)) == read_formula("-4 * x + m", SHAPES, ("m",))
    half = read_formula("ones((2, m * (m + 1) // 2))", {}, sizes=("m",))
    with pytest.raises(FormulaError, match="a quotient by '//' is an integer, or an expression in sizes that is one"):
        read_formula("x[: m // 2]", SHAPES, sizes=("m",))
    assert half.shape == (2, m * (m + 1) / 2) and half.text() == "ones((2, m*(m + 1) // 2))"


def test_ready_variables_and_own_functions_are_taken() -> None:
    x = variable("x", ("n",))
    swish = FUNCTIONS["silu"]
    assert read_formula("swish(x)", {"x": x}, functions={"swish": swish}) == swish(x)


def test_names_in_their_order() -> None:
    assert names_in("-sum(y * log(p), axis=1) + y.T * pi") == ("y", "p")
    assert names_in("where(a > 0, a, exp)") == ("a", "exp")


NUMPY: dict[str, Any] = {
    **{
        name: getattr(np, name)
        for name in ("exp", "log", "tanh", "sqrt", "square", "sum", "mean", "where", "outer", "eye")
    },
    **{
        name: getattr(np, name)
        for name in ("diag", "maximum", "minimum", "ones", "zeros", "full", "reshape", "transpose", "power", "prod")
    },
    **{name: getattr(np, name) for name in ("max", "min", "trace", "kron", "concatenate", "stack", "abs")},
    **{name: getattr(np.linalg, name) for name in ("det", "inv", "solve", "matrix_power", "norm")},
    "logdet": lambda a: np.linalg.slogdet(a)[1],
    "duplication": lambda n: np.eye(n * (n + 1) // 2)[
        [max(i, j) + min(i, j) * (2 * n - min(i, j) - 1) // 2 for i in range(n) for j in range(n)]
    ],
    "commutation": lambda m, k: np.eye(m * k)[np.arange(m * k).reshape(m, k).T.ravel()],
    "range": range,
    "softmax": lambda x, axis=None: np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True),
    "logsumexp": lambda x, axis=None, keepdims=False: np.log(np.exp(x).sum(axis=axis, keepdims=keepdims)),
    "log_softmax": lambda x, axis=None: x - np.log(np.exp(x).sum(axis=axis, keepdims=True)),
    "pi": np.pi,
}
FORMULAS = (
    *(
        "W @ x + b",
        "X @ W.T + b",
        "-x * 2 / 3 + y",
        "x[:, None] * y[None, :]",
        "x[None]",
        "2 ** 0.5 * x",
        "x ** 3 - x / y",
    ),
    *(
        "sum(x * y)",
        "sum(X, axis=0)",
        "sum(X, axis=(0, 1), keepdims=True)",
        "mean(X, axis=1)",
        "mean(X)",
        "exp(-x) / (1 + exp(-x))",
    ),
    *(
        "softmax(X, axis=1)",
        "softmax(X, axis=0)",
        "log_softmax(x)",
        "logsumexp(X, axis=1)",
        "logsumexp(X, 0, keepdims=True)",
        "where(x > 0.5, x, 0)",
    ),
    *(
        "outer(x, y)",
        "diag(x) @ x",
        "diag(outer(x, y))",
        "maximum(x, y)",
        "minimum(x, 0)",
        "eye(3) @ W.T",
        "ones((3,)) + x",
    ),
    *(
        "zeros(3) - x",
        "full((2, 2), 3)",
        "reshape(X, (3, 5))",
        "reshape(X, 15)",
        "transpose(X, (1, 0))",
        "sqrt(square(x))",
    ),
    *(
        "x - (y - x)",
        "x / (y / x)",
        "-(-x)",
        "+x",
        "s * X",
        "pi * x",
        "x.T",
        "(x\n + y  # comment\n)",
        "x - -y",
        "(x <= y) * x",
    ),
    *("sum((x - y)**2) / 2", "-sum(x * log(y))", "1 / x", "1 - x", "x * 0 + y"),
    *("prod(x)", "prod(X, axis=0)", "max(X)", "max(X, axis=1, keepdims=True) * X", "min(X, axis=0)", "max(x) - min(y)"),
    *("trace(X.T @ X)", "det(X.T @ X)", "logdet(X.T @ X + eye(3))", "inv(X.T @ X + eye(3))", "inv(W @ W.T).T @ b"),
    *("solve(W @ W.T + eye(2), b)", "kron(W, outer(b, x))", "matrix_power(W @ X.T @ X @ W.T, 2)", "commutation(2, 3)"),
    *("matrix_power(W @ W.T, 0)", "matrix_power(W @ W.T + eye(2), -2)", "commutation(2, 3) @ reshape(W, (6,))"),
    *("norm(x)", "norm(x)**2", "norm(x, 1)", "norm(X)", "norm(x - y, 2)"),
    *("concatenate((x, y))", "concatenate((W, X), axis=0)", "concatenate([W, W], axis=1)", "concatenate((x, y, x), 0)"),
    *("stack((x, y))", "stack((x, y), axis=1)", "stack((x, y), axis=-1) @ b"),
    *("x[0]", "x[-1]", "x[1:]", "x[:-1]", "x[-2:]", "x[0:2] * b", "X[:, 0]", "X[0]", "X[1, 2]", "X[1][2]", "X[:, :2]"),
    *("X[1:4, 1:]", "X[0, 1:]", "x[:]", "X[:, None, 1:]", "X[:, -1] @ X[:, 0]", "(2 * x)[1]", "X.T[0]"),
    *(
        "x ** y",
        "2 ** x",
        "x ** s",
        "s ** x",
        "power(x, y)",
        "power(x, 2)",
        "(x * y) ** (x - y)",
        "0.5 ** -x",
        "x ** -y",
    ),
    *(
        "sum([x ** i for i in range(3)], axis=0)",
        "sum([s * i for i in range(1, 4)])",
        "sum([i * X for i in range(2)], 0)",
    ),
    *(
        "sum([matrix_power(W @ W.T, i) @ b for i in range(1, 4)], axis=0)",
        "-(2 ** x)",
        "2 ** -x",
        "(-x) ** 2",
        "-x ** y",
    ),
)


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_has_the_value_that_numpy_gives_it(text: str, random: np.random.Generator) -> None:
    values = {name: random.uniform(0.2, 1.0, size=shape) for name, shape in SHAPES.items()}
    expected = np.asarray(eval(text, {**NUMPY, **values}))  # a fixed text of this test
    node = read_formula(text, SHAPES)
    assert tuple(node.shape) == expected.shape
    value = counted(node, values)
    assert_rounded(expected, value)
    assert_off(element_values(node, values), expected, 2 * bound(value))


@pytest.mark.parametrize("text", FORMULAS)
def test_what_is_printed_reads_back(text: str) -> None:
    """Once through the printer a formula is in the printer's form, and then it reads back as itself."""
    printed = notation.text(read_formula(text, SHAPES))
    again = read_formula(printed, SHAPES)
    assert again.shape == read_formula(text, SHAPES).shape
    assert notation.text(again) == printed


def element_values(node: n.Node, values: dict[str, np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """Evaluate a formula by its index meaning, element by element."""
    written = elements(node, values)
    return np.array([float(sympy.sympify(entry).evalf(30)) for entry in written.ravel()]).reshape(written.shape)


REFUSED = {
    "x.__class__": (FormulaError, "'.T' is the only attribute"),
    "x.T.__class__.__bases__": (FormulaError, "only attribute"),
    "__import__('os')": (FormulaError, "unknown function '__import__'"),
    "print(x)": (FormulaError, "unknown function 'print'"),
    "softmx(x)": (FormulaError, "did you mean 'softmax'"),
    "exp(x)(y)": (FormulaError, "by their names"),
    "lambda: x": (FormulaError, "lambda is not part of a formula"),
    "[x for x in y]": (FormulaError, "a list of terms outside of a sum is not part of a formula"),
    "x if x else y": (FormulaError, "if is not part of a formula"),
    "not x": (FormulaError, "not is not part of a formula"),
    "x and y": (FormulaError, "'and' or 'or' is not part"),
    "x := 3": (FormulaError, "':=' is not part"),
    "{x}": (FormulaError, "is not part"),
    "f'{x}'": (FormulaError, "is not part of a formula"),
    "x; y": (FormulaError, "';' is not part"),
    "x // y": (FormulaError, "'//' stands between sizes; type x / y for arrays"),
    "4 // 0": (FormulaError, "division by zero"),
    "2.5 // 2": (FormulaError, "beside '//' is an integer"),
    "q + x": (FormulaError, "unknown name 'q'"),
    "nan": (FormulaError, "unknown name"),
    "oo * x": (FormulaError, "unknown name"),
    "True": (FormulaError, "True is not part"),
    "1/0": (FormulaError, "division by zero"),
    "x / (2 - 2)": (FormulaError, "division by zero"),
    "0 ** -1": (FormulaError, "division by zero"),
    "x / sin(0)": (FormulaError, "division by zero"),
    "1 / tan(0) * x": (FormulaError, "division by zero"),
    "x / (cos(0) - 1)": (FormulaError, "division by zero"),
    "x * log(1)**-2": (FormulaError, "division by zero"),
    "(-1) ** 0.5": (FormulaError, "root of a negative number"),
    "1j": (FormulaError, "numbers are decimal"),
    "0x10": (FormulaError, "numbers are decimal"),
    "1_000": (FormulaError, "numbers are decimal"),
    "007": (FormulaError, "cannot be read"),
    "9 ** 9 ** 9": (LimitError, "exponents go up to"),
    f"{'-abs(' * 90}x{')' * 90}": (LimitError, "nested deeper than 150"),
    "((9**9)**999)**999": (LimitError, "bits"),
    "((9**9)**9999)**9999": (LimitError, "exponents go up to"),
    "x ** 1e9": (LimitError, "exponents go up to"),
    "1e999": (LimitError, "decimal exponents"),
    "W @ b": (ShapeError, "3 against 2"),
    "x + b": (ShapeError, "do not broadcast"),
    "x[3]": (ShapeError, "no elements"),
    "x[1:4]": (ShapeError, "no elements"),
    "x[::2]": (FormulaError, "no step"),
    "x[y, 0]": (FormulaError, "more indices"),
    "X[y, None]": (FormulaError, "side by side"),
    "x[:, :]": (FormulaError, "more indices"),
    "inv(X)": (ShapeError, "5 against 3"),
    "kron(x, 2)": (ShapeError, "rank 2"),
    "concatenate(x)": (FormulaError, "in brackets, such as (a, b)"),
    "concatenate((x, X))": (ShapeError, "rank 1"),
    "matrix_power(X.T @ X, 10**6)": (LimitError, "go up to 1,000"),
    "norm(W, 3)": (FormulaError, "no norm 3"),
    "sum([x for i in range(3)])": (FormulaError, "axis=0"),
    "sum([x for i in y], axis=0)": (FormulaError, "a series is sum"),
    "sum([x for s in range(3)], axis=0)": (FormulaError, "a name of its own"),
    "sum([x * i for i in range(3)], axis=0) * i": (FormulaError, "unknown name 'i'"),
    "x[...]": (FormulaError, "not part of a formula"),
    "exp(x, y)": (FormulaError, "takes 1 argument"),
    "exp(*x)": (FormulaError, "before an argument"),
    "sum(**x)": (FormulaError, "before an argument"),
    "sum(x, axes=0)": (FormulaError, "'axes'"),
    "sum(x, axis=2)": (FormulaError, "axis 2 does not exist"),
    "sum(x, axis=0.5)": (FormulaError, "an axis is an integer"),
    "sum(x, axis=y)": (FormulaError, "axis is a number"),
    "sum(x, axis=0, keepdims=2)": (FormulaError, "True or False"),
    "sum()": (FormulaError, "x is missing"),
    "sum(x, 0, False, 1)": (FormulaError, "too many"),
    "sum(x, x=y)": (FormulaError, "not 'x' here"),
    "transpose(X, 1)": (FormulaError, "tuple of integers"),
    "ones((0,))": (FormulaError, "positive integer"),
    "eye(2.5)": (FormulaError, "positive integer"),
    "eye(10**20)": (LimitError, "at most 1,000,000,000"),
    "exp": (FormulaError, "needs its argument"),
    "x > 0 > y": (FormulaError, "a comparison has one"),
    "x in y": (FormulaError, "a comparison has one"),
    "x is y": (FormulaError, "a comparison has one"),
    "x,": (FormulaError, "a tuple is not part"),
    "x = 3": (FormulaError, "cannot be read"),
    "x y": (FormulaError, "'*' or '@' is missing here"),
    "x +": (FormulaError, "something is missing behind '+'"),
    "exp(x": (FormulaError, "never closed"),
    "x)": (FormulaError, "closes no bracket"),
    "(x]": (FormulaError, "closes no bracket"),
    "x\n+ y": (FormulaError, "the line ends here"),
    "x \\\n + y": (FormulaError, "cannot stand"),
    "": (FormulaError, "empty formula"),
    "# only a comment": (FormulaError, "empty formula"),
    "(" * 10**5: (LimitError, "characters"),
    "(" * 1000 + "x" + ")" * 1000: (LimitError, "nest deeper than 100"),
    "-" * 5000 + "x": (LimitError, "signs in a row"),
    "- " * 5000 + "x": (LimitError, "signs in a row"),
    "x" + " + x" * 4000: (LimitError, "operations in a row"),
    "x" + "**1" * 4000: (LimitError, "powers in a row"),
    "x" + ".T" * 4000: (LimitError, "operations in a row"),
    "1" * 5000: (LimitError, "5,000 characters"),
    "\N{LATIN SMALL LIGATURE FI}lter": (FormulaError, "U+FB01"),
    "\N{CYRILLIC SMALL LETTER HA} + x": (FormulaError, "U+0445"),
    "\N{MATHEMATICAL BOLD SMALL X}": (FormulaError, "U+1D431"),
    "x.\N{MATHEMATICAL BOLD SMALL T}": (FormulaError, "not ASCII"),
    "x\0": (FormulaError, "character 2"),
    "x + \ud800": (FormulaError, "U+D800"),
    "x # \N{RIGHT-TO-LEFT OVERRIDE} hidden": (FormulaError, "U+202E"),
    "x\N{ZERO WIDTH SPACE}": (FormulaError, "U+200B"),
    "x\x0b": (FormulaError, "cannot stand"),
    "x\x0c+y": (FormulaError, "cannot stand"),
}


INSTEAD: dict[str, tuple[int, str]] = {
    **{"x^2": (1, "x**2"), "W^-1": (1, "inv(A)"), "W^T @ x": (1, "A.T"), "x' @ W @ x": (1, "x.T"), "W'": (1, "x.T")},
    **{"||x||": (0, "norm(x)"), "|x|": (0, "abs(x)"), "‖x‖": (0, "norm(x)"), "2x": (0, "2*x"), "x·y": (1, "@")},
    **{"x ⊙ y": (2, "type *"), "x²": (1, "x**2"), "Wᵀ": (1, "A.T"), "W⁻¹": (1, "inv(A)"), "λ * x": (0, "lambda_")},
    **{"Δ": (0, "type Delta"), "√x": (0, "sqrt(x)"), "x − y": (2, "type -"), "lambda * x": (0, "lambda_")},
    **{
        "x @ W x": (5, "'*' or '@' is missing"),
        "2 (x)": (1, "is missing"),
        "x(y)": (0, "is missing before the bracket"),
    },
    **{
        "x + * y": (4, "missing between '+' and '*'"),
        "norm(W 'fro')": (6, "a comma is missing"),
        "x // y": (0, "x / y"),
    },
    **{
        "max(x, y)": (0, "maximum(a, b)"),
        "argmax(x)": (0, "first_max"),
        "sum_i(x)": (0, "sum(x)"),
        "Tr(W)": (0, "'tr'"),
    },
    **{"np.lnalg": (0, "needs a function"), "np": (0, "is a module"), "np.foo(x)": (3, "unknown function 'foo'")},
    **{"sum x": (0, "sum(x)"), "e^x": (1, "exp(x)"), "@ x": (0, "missing before '@'"), "W.*X": (1, "type * alone")},
    **{"\\frac{1}{2}": (0, "for LaTeX"), "W\\b": (1, "solve(A, b)"), "ones(2, 3)": (0, "in brackets: ones((m, n))")},
    **{"tf.sum(x)": (0, "np.sum(x)"), "(x > 0) and (x < 1)": (0, "type a product of comparisons")},
    **{"SoftMax(x)": (0, "'softmax'"), "quad_form(x, W)": (0, "x @ A @ x"), "qr(W)": (0, "not part of the language")},
    **{
        "x.shape": (0, "x.shape[0]"),
        "x.sum": (0, ".sum()"),
        "W @ y * X": (0, "do not broadcast"),
        "W * X.T": (0, "is @"),
    },
}
"""What mathematicians and programmers type besides: where the caret stands, and what the message says to type."""


def test_what_to_type_instead_is_said_at_the_place() -> None:
    for text, (column, words) in INSTEAD.items():
        with pytest.raises(SympropError) as caught:
            read_formula(text, SHAPES)
        message = str(caught.value)
        assert (words in message, caught.value.column, message.count("\n")) == (True, column, 2), (text, message)


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: ascii(text)[:30])
def test_what_is_no_formula_is_refused_in_words_and_at_once(text: str) -> None:
    error, words = REFUSED[text]
    with at_once(), pytest.raises(error) as caught:
        read_formula(text, SHAPES)
    message = str(caught.value)
    assert words in message
    assert message.count("\n") <= 2
    assert all(character.isprintable() or character == "\n" for character in message)


def test_the_caret_stands_under_the_place() -> None:
    with pytest.raises(FormulaError) as caught:
        read_formula("x + exp(qq)", SHAPES)
    assert str(caught.value).split("\n")[1:] == ["  x + exp(qq)", "          ^^"]


def test_the_caret_shows_the_line_it_is_in() -> None:
    with pytest.raises(FormulaError) as caught:
        read_formula("(x +\n qq)", SHAPES)
    assert str(caught.value).split("\n")[1:] == ["   qq)", "   ^^"]


def test_only_text_is_read() -> None:
    with pytest.raises(FormulaError, match="is text, not int"):
        read_formula(3, SHAPES)  # type: ignore[arg-type]


def test_long_sums_are_read() -> None:
    assert len(read_formula("x" + " + x" * 900, SHAPES).operands) == 901


def test_repeated_squares_of_a_name_stay_small() -> None:
    text = "x"
    for _ in range(10):
        text = f"({text})**2"
    assert read_formula(text, SHAPES).shape == (3,)


def test_every_listed_function_has_a_name_of_its_own() -> None:
    shared = set(OPERATORS) & set(FUNCTIONS)
    assert shared == {"leaky_relu", "elu"}  # with a slope or alpha beside the array
    assert read_formula("leaky_relu(x)", SHAPES) == FUNCTIONS["leaky_relu"](variable("x", (3,)))
    assert read_formula("elu(x, alpha=1)", SHAPES) == FUNCTIONS["elu"](variable("x", (3,)))


SYMBOLS = st.sampled_from(
    [
        "x",
        "W",
        "exp",
        "sum",
        "(",
        ")",
        "[",
        "]",
        "+",
        "-",
        "*",
        "/",
        "**",
        "@",
        ".T",
        ",",
        ":",
        "None",
        "2",
        ".5",
        "axis=0",
        ">",
        " ",
        "\n",
        "#",
        "not",
        "lambda",
        "'",
        "{",
        "\0",
        "é",
    ]
)


@given(st.lists(SYMBOLS, max_size=15).map("".join))
def test_random_text_is_read_or_refused_and_python_accepts_what_is_read(text: str) -> None:
    try:
        read_formula(text, SHAPES)
    except SympropError as problem:
        assert str(problem).count("\n") <= 2
    else:
        ast.parse(text.strip(" \t\r\n"), mode="eval")


@given(st.text(max_size=40))
def test_any_text_at_all_is_read_or_refused(text: str) -> None:
    for read in (lambda text: read_formula(text, SHAPES), names_in, read_calls):
        try:
            read(text)
        except SympropError as problem:
            assert str(problem).count("\n") <= 2


def test_a_chain_of_calls() -> None:
    calls = read_calls("Input(4) >> Dense(n, bias=False) >> MSE()")
    assert calls == [Call("Input", (4,), {}), Call("Dense", (Name("n"),), {"bias": False}), Call("MSE", (), {})]
    assert calls[1].column == 12


def test_arguments_have_the_types_that_they_would_have_in_python() -> None:
    (call,) = read_calls("A(-3, 2.5, 'text', True, None, (1, n), 2*3, 2**4, 4.5 - 2)")
    assert isinstance(call, Call)
    nn = sympy.Symbol("n", integer=True, positive=True)
    assert call.positional == (-3, 2.5, "text", True, None, (1, nn), 6, 16, 2.5)
    assert [type(value) for value in call.positional[:5]] == [int, float, str, bool, type(None)]


def test_sizes_in_arithmetic_are_expressions() -> None:
    assert read_calls("A(p=((1, 0), 2, ((3,),)))")[0].keywords == {"p": ((1, 0), 2, ((3,),))}
    (call,) = read_calls("A(2*n + 1, k=n/2)")
    assert isinstance(call, Call)
    nn = sympy.Symbol("n", integer=True, positive=True)
    assert call.positional == (2 * nn + 1,) and call.keywords == {"k": nn / 2}


def test_blocks_sums_brackets_comments_and_lines() -> None:
    text = """
    # a network
    (Input(4)
        >> Residual(Dense(4) >> Tanh())  # a block
        >> (Dense(2) >> Tanh())
        >> Loss() + L2(0.1)
    )
    """
    calls = read_calls(text)
    assert [call.name for call in calls[:-1] if isinstance(call, Call)] == ["Input", "Residual", "Dense", "Tanh"]
    assert isinstance(calls[1], Call) and calls[1].positional == ([Call("Dense", (4,), {}), Call("Tanh", (), {})],)
    assert calls[-1] == CallSum((Call("Loss", (), {}), Call("L2", (0.1,), {})))


CALLS_REFUSED = {
    "": (SpecError, "empty network"),
    "A": (SpecError, "needs brackets"),
    "A() B()": (SpecError, "expected '>>'"),
    "A()()": (SpecError, "expected '>>'"),
    "A() >>": (SpecError, "expected a layer"),
    ">> A()": (SpecError, "expected a layer"),
    "3 >> A()": (SpecError, "expected a layer"),
    "A() >>\nB()": (SpecError, "the line ends here"),
    "A(1,,2)": (SpecError, "expected an argument"),
    "A(,)": (SpecError, "expected an argument"),
    "A(b=1, 2)": (SpecError, "stands before"),
    "A(b=1, b=2)": (SpecError, "given twice"),
    "A(None=1)": (SpecError, "here"),
    "A(n.x)": (SpecError, "'.' is not part"),
    "A(x[0])": (SpecError, "is not part"),
    "A(__import__('os').system('id'))": (SpecError, "'.' is not part"),
    "A(**k)": (SpecError, "cannot be read"),
    "A(*k)": (SpecError, "cannot be read"),
    "A('a' * 9)": (SpecError, "expected a number"),
    "A(True + 1)": (SpecError, "expected a number"),
    "A(lambda)": (SpecError, "cannot be read"),
    "A(__x)": (SpecError, "cannot be a name"),
    "A(n ** n)": (SpecError, "an exponent is an integer"),
    "A(9**9**9)": (SpecError, "an exponent is an integer"),
    "A((9**999)**999)": (LimitError, "bits"),
    "A(1.5**1000 * 1e300)": (SpecError, "not a finite number"),
    "A(1/0)": (SpecError, "division by zero"),
    "A(2 @ 3)": (SpecError, "'@' is not part"),
    "A(4 >> 2)": (SpecError, "arithmetic of sizes is"),
    "A(" + "9" * 20 + "e300)": (SpecError, "not a finite number"),
    "A(7**1000 * 7**1000)": (LimitError, "bits"),
    "(A() B())": (SpecError, "expected ')'"),
    "A(B() C())": (SpecError, "expected ',' or ')'"),
    "A(f'x')": (SpecError, "an argument is"),
    "A(b'x')": (SpecError, "an argument is"),
    "A('a\\n')": (SpecError, "cannot stand"),
    "A('''x''' 'y)": (SpecError, "never closed"),
    "lambda()": (SpecError, "expected a layer"),
    "A() + (B() >> C())": (SpecError, "'+' stands between two calls"),
    "A(" * 60 + ")" * 60: (LimitError, "nest deeper than 50"),
    " >> ".join(["A()"] * 10_001): (LimitError, "10,000"),
    "A(" + "-" * 100 + "1)": (LimitError, "signs in a row"),
    "A(1" + "+1" * 2000 + ")": (LimitError, "too"),
    "A(" + "9" * 60 + ")": (LimitError, "60 characters"),
    "A(" * 10**6: (LimitError, "1,000,000"),
    "\N{CYRILLIC CAPITAL LETTER A}()": (SpecError, "U+0410"),
}


@pytest.mark.parametrize("text", CALLS_REFUSED, ids=lambda text: ascii(text)[:30])
def test_what_is_no_network_text_is_refused_in_words_and_at_once(text: str) -> None:
    error, words = CALLS_REFUSED[text]
    with at_once(), pytest.raises(error) as caught:
        read_calls(text)
    assert words in str(caught.value) and str(caught.value).count("\n") <= 2


def test_a_chain_of_ten_thousand_is_read_without_recursion() -> None:
    assert len(read_calls(" >> ".join(["A(1)"] * 10_000))) == 10_000
    (block,) = read_calls("R(" + " >> ".join(["A(1)"] * 9_999) + ")")
    assert isinstance(block, Call) and len(block.positional[0]) == 9_999


CALL_SYMBOLS = st.sampled_from(
    [
        "A",
        "B(",
        "(",
        ")",
        " >> ",
        "+",
        ",",
        "n",
        "3",
        "k=",
        "2.5",
        "'t'",
        "None",
        "-",
        "*",
        "**",
        "\n",
        "# c\n",
        "lambda",
        "True",
    ]
)


@given(st.lists(CALL_SYMBOLS, max_size=15).map("".join))
def test_python_accepts_what_the_network_reader_accepts(text: str) -> None:
    try:
        read_calls(text)
    except SympropError as problem:
        assert str(problem).count("\n") <= 2
    else:
        body = "\n".join(line for line in text.split("\n") if line.split("#")[0].strip())  # blank lines, comments
        ast.parse(body.strip(), mode="eval")

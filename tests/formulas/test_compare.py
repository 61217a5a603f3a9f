"""`compare`: equal formulas are never called different, different ones never equal, and the reason is the right one."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import sympy
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from symprop.algebra import nodes as n
from symprop.algebra.declarations import DECLARED, declared
from symprop.algebra.formula import Formula, formula
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node
from symprop.algebra.trees import replace, variables
from symprop.calculus.tidy import tidy
from symprop.errors import FormulaError, LimitError, ShapeError
from symprop.formulas.compare.cases import Case, agree
from symprop.formulas.compare.compare import compare
from symprop.formulas.compare.comparison import Comparison
from symprop.formulas.compare.facts import WORDS
from symprop.formulas.compare.sides import Sides
from symprop.formulas.compare.sizes import size_choices
from symprop.verify.evaluate import precise_value
from symprop.verify.values import HOLDS, Draw, satisfies, values_for
from tests.needed import needed_of
from tests.random_formulas import formulas

FORM, SUMS, RANDOM = "identical after simplification", "equal as sums of products", "no difference found"
REGRESSION = "X: m n, w: n, y: m, alpha:"
SQUARE = "A: n n, B: n n, x: n"

EQUAL = [
    ("X.T @ (X @ w - y)", "(X @ w - y) @ X", REGRESSION, FORM),
    ("exp(x) / sum(exp(x))", "softmax(x)", SQUARE, SUMS),
    ("log(1 + exp(x))", "softplus(x)", SQUARE, SUMS),
    ("sum((X @ w - y)**2)", "(X @ w - y) @ (X @ w - y)", REGRESSION, SUMS),
    ("X.T @ (X @ w - y)", "sum(X * (X @ w - y)[:, None], axis=0)", REGRESSION, SUMS),
    ("2 * X.T @ (X @ w - y) + 2 * alpha * w", "2 * (X.T @ X @ w - y @ X + alpha * w)", REGRESSION, SUMS),
    ("tanh(x)", "2 * sigmoid(2 * x) - 1", SQUARE, SUMS),
    ("E[i]", "one_hot(i, k) @ E", "E: k d, i: m index k", SUMS),
    ("sin(x)**2 + cos(x)**2", "ones(n)", SQUARE, SUMS),
    ("log(a * b)", "log(a) + log(b)", "a:, b:", SUMS),
    ("maximum(x, 0)", "relu(x)", SQUARE, SUMS),
    ("arctan(x) + arctan(1 / x)", "pi / 2 * ones(n)", "x: n positive", RANDOM),
    ("inv(A @ B)", "inv(B) @ inv(A)", SQUARE, FORM),
    ("det(A @ B)", "det(A) * det(B)", SQUARE, FORM),
    ("matrix_power(A, 3)", "A @ A @ A", SQUARE, FORM),
    ("norm(x)**2", "x @ x", SQUARE, SUMS),
    ("logdet(A)", "log(abs(det(A)))", SQUARE, SUMS),
    ("-X.T @ (y * sigmoid(-y * (X @ w)))", "X.T @ (sigmoid(X @ w) - (y + 1) / 2)", "X: m n, w: n, y: m signs", SUMS),
]


@pytest.mark.parametrize(("first", "second", "declarations", "kind"), EQUAL)
def test_equal_formulas_are_equal_by_the_strongest_proof(first: str, second: str, declarations: str, kind: str) -> None:
    found = compare(first, second, needed_of(declarations, first, second))
    assert found.kind == kind
    assert found.equal is (None if kind == RANDOM else True)
    assert found.message.startswith("equal") is bool(found)
    assert found.counterexample is None
    assert compare(second, first, needed_of(declarations, first, second)).equal is found.equal


DIFFERENT = [
    ("X @ A", "(X @ A).T", "X: m n, A: n k", "transposed", "the second is the transpose of the first"),
    ("2 * X.T @ (X @ w)", "X.T @ (X @ w)", REGRESSION, "constant factor", "the first is 2 times the second"),
    ("X.T @ (X @ w) / m", "X.T @ (X @ w)", REGRESSION, "constant factor", "the first is 1/m times the second"),
    ("X.T @ (X @ w) / m", "3 * X.T @ (X @ w) / n", REGRESSION, "constant factor", "the first is n/(3*m) times"),
    ("x / sqrt(n)", "x / n", SQUARE, "constant factor", "the first is sqrt(n) times the second"),
    ("x", "x / pi", SQUARE, "constant factor", "3.14159265"),
    ("mean((x - mean(x))**2)", "sum((x - mean(x))**2) / (n - 1)", SQUARE, "constant factor", "(n - 1)/n times"),
    ("-sum(x * x)", "sum(x * x)", SQUARE, "sign", "minus the second"),
    ("sum(X, axis=0)", "X", REGRESSION, "missing sum", "the first is the sum of the second over axis 0"),
    ("X", "mean(X, axis=1)", REGRESSION, "missing mean", "the second is the mean of the first over axis 1"),
    ("X * w", "X @ w", REGRESSION, "missing sum", "the second is the sum of the first over axis 1"),
    ("A * x", "trace(A * x)", SQUARE, "missing sum", "the trace of"),
    ("x", "x[:, None]", SQUARE, "shape", "the same elements under other shapes"),
    ("x + ones((n, n))", "x + 1", SQUARE, "broadcast", "the first is the second repeated"),
    ("X.T @ y + alpha * w", "X.T @ y", REGRESSION, "missing term", "the second lacks the term 'alpha * w'"),
    ("X.T @ y", "X.T @ y + alpha * w", REGRESSION, "missing term", "the first lacks the term 'alpha * w'"),
    ("A @ (x + w) + w", "A @ x + w", SQUARE + ", w: n", "missing term", "the second lacks the term 'A @ w'"),
    ("x @ x + alpha", "0 * alpha", SQUARE + ", alpha:", "missing term", "the second lacks the terms"),
    ("x + 1", "x + 2", SQUARE, "missing term", "the first is the second minus 1"),
    ("outer(x, x - x)", "outer(x, x * (x[0] != 9) - x)", SQUARE, "missing term", "the first lacks the terms"),
    ("X.T @ y + alpha * w", "X.T @ y - alpha * w", REGRESSION, "sign of a term", "'alpha * w' in the first"),
    ("X.T @ y + 2 * alpha * w", "X.T @ y + alpha * w", REGRESSION, "factor of a term", "have to be 'alpha * w'"),
    ("A @ x", "A.T @ x", SQUARE, "one factor", "second has the factor 'A.T' where the first has 'A', its transpose"),
    ("A @ B", "B @ A", SQUARE, "one part", "'A @ B' in place of 'B @ A'"),
    ("A * B", "A @ B", SQUARE, "one part", "'A * B' in place of 'A @ B'"),
    ("A @ B @ B.T @ x", "A @ B.T @ B @ x", SQUARE, "several factors", "first has 'B @ B.T', in another order"),
    ("A @ B @ x", "A @ x", SQUARE, "one factor", "the second lacks the factor 'B'"),
    ("tanh(A @ x)", "tanh(A @ (2 * x))", SQUARE, "one factor", "the first lacks the factor '2'"),
    ("softmax(A, axis=0)", "softmax(A, axis=1)", SQUARE, "one part", "'softmax(A, axis=0)'"),
    (
        "A - mean(A, axis=0)",
        "A - mean(A, axis=1)",
        SQUARE,
        "one part",
        "has 'sum(A, axis=1)' where the first has 'sum(A, axis=0)'",
    ),
    ("kron(A, B)", "kron(B, A)", SQUARE, "one part", "'kron(A, B)' in place of"),
    ("x[0]", "x[1]", SQUARE, "one part", "the second has 'x[1:2]' where the first has 'x[:1]'"),
    ("tanh(x / sqrt(n))", "tanh(x / n)", SQUARE, "one factor", "where the first has '1/sqrt(n)'"),
    ("inv(A).T @ x", "inv(A) @ x", SQUARE, "one part", "they are equal if A is symmetric"),
    ("det(2 * A)", "2 * det(A)", SQUARE, "equal for special sizes", "they are equal if n = 1"),
    ("A @ A.T", "eye(n)", SQUARE, "equal where a fact holds", "they are equal if A is orthogonal"),
    ("sum(X, axis=1)", "ones(m)", REGRESSION, "equal where a fact holds", "the rows of X sum to 1"),
    ("eye(n)", "ones((n, n))", SQUARE, "missing term", "the first is the diagonal of the second"),
    ("where(x > 0, 1, 0)", "where(x >= 0, 1, 0)", SQUARE, "one part", "has 'x >= 0' where the first has 'x > 0'"),
    ("x", "x + relu(x[0] - 10)", SQUARE, "missing term", "the first lacks the term 'relu(x[0] - 10)'"),
    ("x", "x * (x[0] != 1)", SQUARE, "one factor", "the first lacks the factor 'x[0] != 1'"),
    ("relu(x)", "softplus(1000 * x) / 1000", SQUARE, "different", "they differ by up to"),
    ("A @ x + B @ x", "A @ x + A.T @ x", SQUARE, "one factor", "the factor 'A.T' where the first has 'B'"),
    (
        "diag(x) - outer(x, x)",
        "diag(x - x * x)",
        SQUARE,
        "missing term",
        "the diagonal of the first, without the other",
    ),
    ("tanh(x)", "sin(x * x) + 3", SQUARE, "different", "they differ by up to"),
    ("where(x > 1000, x, 0)", "zeros(n)", SQUARE, "missing term", "where(x > 1000, x, 0)"),
    ("log(-x * x - 1)", "x", SQUARE, "nowhere defined", "the first has no finite real value"),
]


@pytest.mark.parametrize(("first", "second", "declarations", "kind", "words"), DIFFERENT)
def test_different_formulas_differ_for_the_right_reason(
    first: str, second: str, declarations: str, kind: str, words: str
) -> None:
    found = compare(first, second, needed_of(declarations, first, second))
    assert not found
    assert found.kind == kind
    assert words in found.message
    assert not compare(second, first, needed_of(declarations, first, second))
    assert len(found.message.splitlines()) <= 3
    if found.counterexample is not None:
        assert found.counterexample.first != found.counterexample.second


def test_a_fact_that_makes_them_equal_is_said_beside_the_slip() -> None:
    found = compare("A @ x", "A.T @ x", "A: n n, x: n")
    assert "they are equal if A is symmetric" in found.message


def test_the_counterexample_is_small_and_true() -> None:
    found = compare("sum(x)", "sum(x) / n", x="n").counterexample
    assert found is not None
    assert str(found) == "at n = 2, x = [1, 0]: 1 against 1/2"
    x = formula("sum(x)", x="2").node
    assert precise_value(x, {"x": [1, 0]}).item() == 1


def test_a_counterexample_satisfies_the_facts() -> None:
    found = compare("S @ x", "2 * S @ x + x", "S: n n positive-definite, x: n").counterexample
    assert found is not None
    matrix = sympy.Matrix([[sympy.Rational(entry) for entry in row] for row in found.values["S"]])
    assert matrix == matrix.T and matrix.is_positive_definite


@pytest.mark.parametrize(
    ("first", "second", "declarations", "used"),
    [
        ("A @ x", "A.T @ x", "A: n n symmetric, x: n positive", ("A is symmetric",)),
        ("sum(y)", "1", "y: k one-hot", ("y is one-hot",)),
        ("Q @ Q.T", "eye(n)", "Q: n n orthogonal", ("Q is orthogonal",)),
        ("sqrt(x * x)", "x", "x: n positive", ("x is positive",)),
        ("sqrt(x * x)", "abs(x)", "x: n positive", ()),
    ],
)
def test_the_facts_that_equality_needs_are_named(
    first: str, second: str, declarations: str, used: tuple[str, ...]
) -> None:
    found = compare(first, second, needed_of(declarations, first, second))
    assert found
    assert found.used == used
    assert all(words in found.message for words in used)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("x * (1 + 1e-60)", "x"),  # 50 digits do not see it
        ("x + 1e-130", "x"),  # 120 digits do not see it
        ("x * 1e-200", "2 * x * 1e-200"),
        ("where(x > 77, x, 0)", "0 * x"),
    ],
)
def test_a_tiny_or_distant_difference_is_one(first: str, second: str) -> None:
    assert not compare(first, second, x="n")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("(x + 1e40) - 1e40", "x"),  # 40 digits are lost to rounding
        ("(x + 1e100) - 1e100", "x"),
        ("exp(20 * x) * exp(-20 * x)", "ones(n)"),
        ("sigmoid(100 * x) - 1", "-sigmoid(-100 * x)"),  # 1 - 1e-5000 where x is large
        ("(exp(x) - exp(-x)) / (exp(x) + exp(-x))", "tanh(x)"),
    ],
)
def test_rounding_is_no_difference(first: str, second: str) -> None:
    assert compare(first, second, x="n")


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("log(a * b)", "log(a) + log(b)", "the second has no value at some points where the other has one"),
        ("X.T @ inv(X @ X.T)", "inv(X.T @ X) @ X.T", "has no value for"),  # equal where X is square
    ],
)
def test_where_only_one_has_a_value_is_said(first: str, second: str, words: str) -> None:
    found = compare(first, second, needed_of("a:, b:, X: m n", first, second))
    assert found.equal is not False
    assert words in found.message


def test_the_inverse_of_what_is_singular_is_no_value() -> None:
    """Rounding gives the inverse of a singular matrix some value: it is not one that formulas are compared by."""
    found = compare("inv(outer(x, x)) @ y", "x", x="n", y="n")
    assert not found
    assert "they are equal" not in found.message


def test_what_no_sixteen_digits_hold_is_no_point_and_no_hang() -> None:
    found = compare("exp(exp(exp(exp(x))))", "exp(exp(exp(exp(x)))) + 1", x="")
    assert not found


WOODBURY = "inv(A) - inv(A) @ B @ inv(inv(C) + D @ inv(A) @ B) @ D @ inv(A)"
SINES = " + ".join(f"sin({number} * x)" for number in range(1, 80))


@pytest.mark.parametrize(
    ("first", "second", "declarations", "kind"),
    [
        ("inv(A + B @ C @ D)", WOODBURY, "A: n n, B: n k, C: k k, D: k n", "equal as products of matrices"),
        ("matrix_power(A, 50)", "matrix_power(A, 25) @ matrix_power(A, 25)", SQUARE, ""),
        ("kron(kron(A, A), A)", "kron(kron(A, A), A.T)", SQUARE, "one part"),
        (SINES, SINES + " + x", SQUARE, "missing term"),
    ],
)
def test_what_would_be_long_written_out_takes_another_way(
    first: str, second: str, declarations: str, kind: str
) -> None:
    assert compare(first, second, needed_of(declarations, first, second)).kind.startswith(kind)


def test_a_part_that_is_too_large_is_a_limit() -> None:
    with pytest.raises(LimitError, match="a part of the formulas has 1,000,000 elements"):
        compare("sum(outer(x, x))", "sum(x)**2", x="1000")


def test_formulas_that_are_read_already_and_texts_mix() -> None:
    f = formula("x @ A @ x", "A: n n symmetric, x: n")
    found = compare(f, "x @ (A.T @ x)")
    assert found
    assert found.first is f
    assert not compare(f, "2 * s * x @ A @ x", s="")


def test_a_comparison_shows_itself() -> None:
    found = compare("A @ x", "x", A="n n", x="n")
    assert found.latex() == r"A x \ne x"
    assert compare("x", "x + 0", x="n").latex() == "x = x + 0"
    assert found._repr_html_().startswith("<pre>not equal")
    assert str(found) == found.message
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.equal = True  # type: ignore[misc]


def test_what_declarations_do_not_name_is_inferred() -> None:
    """Of two texts some names may be declared; the others take the shapes that fit, and facts are kept."""
    found = compare("r = X @ w - y; X.T @ r + lam * w", "X.T @ X @ w - X.T @ y + w * lam", "X: rows features")
    assert found.equal and {each.name: each.shape for each in found.first.variables}["w"] == found.first.node.shape
    assert [str(size) for size in found.first.node.shape] == ["features"]
    assert compare("A @ x", "A.T @ x", "A: n n symmetric").equal
    assert compare("A @ x", "A.T @ x", "A: n n").equal is False


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((formula("x", x="n"), "y"), FormulaError, "'y' has no shape"),
        (("x", "x", "x: n, x: m"), FormulaError, "declared twice"),
        ((formula("x", x="n"), formula("x", x="m")), FormulaError, "declared in two ways"),
        ((formula("x", x="n"), "x", "x: n symmetric"), ShapeError, "cannot be symmetric"),
        (("x @ A", "x", "x: n, A: m n"), ShapeError, "do not fit"),
        (("X", "X", "X: 1000 1000"), LimitError, "sizes with names"),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments: tuple[object, ...], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        compare(*arguments)  # type: ignore[arg-type]
    assert len(str(caught.value).splitlines()) <= 3


# ---------------------------------------------------------------- values that the facts allow


@pytest.mark.parametrize(
    "what",
    [
        *("n n symmetric", "n n positive-definite", "n n positive-semidefinite", "n n orthogonal", "n positive"),
        *("n nonnegative", "m n between-0-and-1", "m signs", "k sums-to-1", "m k rows-sum-to-1", "m k one-hot"),
        *("m k columns-sum-to-1", "m index k", "m k rows-sum-to-1 positive", "n n symmetric positive"),
        *("n n symmetric rows-sum-to-1", "n n orthogonal symmetric", "n n orthogonal positive-definite", "nonnegative"),
        *("n n orthogonal nonnegative", "n n positive-definite positive", "k sums-to-1 between-0-and-1", ""),
    ],
)
@pytest.mark.parametrize("how", [Draw(), Draw(1, 1), Draw(40, 101), Draw(positive=True)])
def test_values_satisfy_every_fact(what: str, how: Draw) -> None:
    variable = declared("A", what)
    for sizes in size_choices((variable,), (variable,)):
        values = values_for((variable,), sizes, np.random.default_rng(3), how)
        assert values is not None
        assert values["A"].shape == tuple(int(size.subs(sizes)) for size in variable.shape)
        assert satisfies(values["A"], variable, sizes)


def test_facts_that_contradict_each_other_have_no_values() -> None:
    assert values_for((declared("A", "2 one-hot signs"),), {}, np.random.default_rng(0), Draw()) is None


def test_a_value_that_breaks_a_fact_is_seen() -> None:
    bad = np.array([[sympy.Integer(1), sympy.Integer(2)], [sympy.Integer(-3), sympy.Integer(5)]], dtype=object)
    for word in WORDS:
        if DECLARED[word].fits((2, 2)):
            assert not satisfies(bad, declared("A", f"2 2 {word}"), {}), word
    assert not satisfies(np.array([0, 2]), declared("i", "2 index 2"), {})


def test_every_declared_fact_has_a_meaning_and_every_guess_is_one() -> None:
    kinds = {fact.kind for word in DECLARED.values() for shape in ((2, 2), (2,)) for fact in word.facts(shape)}
    assert kinds | {"index"} == set(HOLDS)
    assert set(WORDS) < set(DECLARED)


# ---------------------------------------------------------------- random formulas

SETTINGS = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def whole(node: Node) -> Formula:
    return Formula(node.text(), node, variables(node))


def compared(first: Node, second: Node) -> Comparison:
    return compare(whole(first), whole(second))


@SETTINGS
@given(node=formulas((2, 3), 3))
def test_a_formula_equals_its_tidy_form(node: Node) -> None:
    assume(variables(node))
    assert compared(node, tidy(node))


@settings(SETTINGS, max_examples=10)
@given(node=formulas((2,), 3), pick=st.integers(0, 99))
def test_a_formula_differs_from_one_with_a_part_changed(node: Node, pick: int) -> None:
    assume(variables(node))
    part = variables(node)[pick % len(variables(node))]
    other = replace(node, {part: n.Add(part, n.Scalar(sympy.Rational(1, 7)))})
    among = list(Sides(whole(node), whole(other), variables(node), [{}]).cases())
    assume(among)
    truly = any(not np.allclose(*(_float(case, each) for each in (node, other)), rtol=1e-9) for case in among)
    assume(truly)
    assert not compared(node, other)


def _float(case: Case, node: Node) -> np.ndarray:
    value = case.rough(node)
    assert value is not None
    return value


def test_agreement_is_undecided_where_a_value_lacks() -> None:
    x = declared("x", "")
    log = FUNCTIONS["log"](x)
    case = Case({}, {"x": np.asarray(sympy.Integer(-1), dtype=object)})
    assert agree(case, log, x) is None

"""Questions of matrix calculus: the answers read as a person would write them, and are the derivatives."""

from __future__ import annotations

import functools

import pytest

import symprop
from symprop.calculus.tidy import tidy
from symprop.errors import FormulaError, SympropError
from symprop.formulas import questions
from symprop.formulas.checks.checks import check_result
from symprop.formulas.result import joined
from tests.needed import needed
from tests.question_cases import ALL, BEYOND_SYMPY, MATRIXCALCULUS


@functools.cache
def asked(number: int) -> questions.Result:
    """Ask the question of a case, once for all that is asked of its answer."""
    kind, source, declarations, names, _ = ALL[number]
    return getattr(questions, kind)(symprop.formula(source, **needed(declarations, source)), *names)


NAMES = [f"{kind} {source} by {','.join(names)}" for kind, source, _, names, _ in ALL]


@pytest.mark.parametrize("number", range(len(ALL)), ids=NAMES)
def test_an_answer_reads_as_a_person_would_write_it(number: int) -> None:
    assert asked(number).node.text() == ALL[number][-1]


CERTIFIED = len(MATRIXCALCULUS) + len(BEYOND_SYMPY)
"""So many cases, the first, stand on the page of the Cookbook: `tests/test_cookbook.py` has their certificates."""


@pytest.mark.parametrize("number", range(CERTIFIED, len(ALL)), ids=NAMES[CERTIFIED:])
def test_an_answer_is_the_derivative_and_each_step_an_identity(number: int) -> None:
    certificate = check_result(asked(number))
    assert certificate.ok, certificate.table()


@pytest.mark.parametrize("number", range(len(ALL)), ids=NAMES)
def test_an_answer_reads_back_to_the_same_formula(number: int) -> None:
    result = asked(number)
    given = {each.name: each for each in result.variables}
    read = symprop.algebra.formula.formula_of(result.node.text(), tuple(given.values()))
    assert tidy(read.node) == tidy(result.node)


def test_the_shapes_of_answers_are_those_of_the_conventions() -> None:
    f = symprop.formula("tanh(A @ X)", A="m n", X="n k")
    x = f.variables[1]
    assert questions.jacobian(f, "X").node.shape == joined(f.shape, x.shape)
    assert questions.vjp(f, "X").node.shape == x.shape
    assert questions.jvp(f, "X").node.shape == f.shape
    scalar = symprop.formula("sum(X * X)", X="n k")
    assert questions.gradient(scalar, "X").node.shape == scalar.variables[0].shape
    assert questions.jacobian(scalar, "X").node.shape == scalar.variables[0].shape


def test_the_facts_of_a_variable_are_no_facts_of_its_derivative() -> None:
    """The sum of probabilities is 1, and yet its derivative by one of them is not 0."""
    f = symprop.formula("sum(p)", p="k sums-to-1")
    assert questions.gradient(f, "p").node.text() == "ones((k,))"
    curved = symprop.formula("sum(p)**2 / 2", p="k sums-to-1")
    assert questions.gradient(curved, "p").node.text() == "ones((k,))"
    assert questions.hessian(curved, "p").node.text() == "ones((k, k))"
    quartic = symprop.formula("trace(Q.T @ Q @ Q.T @ Q) / 4", Q="n n orthogonal")
    assert questions.gradient(quartic, "Q").node.text() == "Q"
    assert check_result(questions.hvp(quartic, "Q", "D")).ok


def test_the_ledger_says_which_fact_removed_what() -> None:
    f = symprop.formula("-sum(y * log(softmax(z)))", y="k sums-to-1", z="k")
    assert questions.hessian(f, "z").ledger == ("used: y sums to 1, so y drops out of the Hessian",)
    assert questions.gradient(f, "z").ledger == ("used: y sums to 1",)
    rows = symprop.formula("-sum(Y * log_softmax(X @ W)) / m", X="m n", W="n k", Y="m k rows-sum-to-1")
    assert questions.gradient(rows, "W").ledger == ("used: each row of Y sums to 1",)
    without = symprop.formula("-sum(y * log(softmax(z)))", y="k", z="k")
    assert questions.gradient(without, "z").ledger == ()


@pytest.mark.parametrize(
    ("kind", "source", "declarations", "names", "words"),
    [
        ("gradient", "A @ x", {"A": "m n", "x": "n"}, ("x",), r"shape \(m,\)\nallowed: jacobian"),
        ("hessian", "A @ x", {"A": "m n", "x": "n"}, ("x",), "a Hessian is of a scalar"),
        ("hvp", "A @ x", {"A": "m n", "x": "n"}, ("x",), "allowed: jvp"),
        ("gradient", "sum(x)", {"x": "n"}, ("z",), "no variable 'z'"),
        ("gradient", "sum(E[i])", {"E": "k n", "i": "m index k"}, ("i",), "holds ids"),
        ("vjp", "A @ x", {"A": "m n", "x": "n"}, ("x", "A"), "is a variable of the formula"),
        ("jvp", "A @ x", {"A": "m n", "x": "n"}, ("x", "x"), "is a variable of the formula"),
    ],
)
def test_questions_that_have_no_answer(
    kind: str, source: str, declarations: dict[str, str], names: tuple[str, ...], words: str
) -> None:
    f = symprop.formula(source, **declarations)
    with pytest.raises(FormulaError, match=words) as caught:
        getattr(questions, kind)(f, *names)
    assert isinstance(caught.value, SympropError)
    assert len(str(caught.value).splitlines()) <= 3


def test_a_matrix_may_be_a_product_of_an_array_of_three_axes_and_a_vector() -> None:
    f = symprop.formula("logdet(P @ w) + sum(inv(P @ w))", P="m m n", w="n")
    assert symprop.gradient(f, "w").check().ok

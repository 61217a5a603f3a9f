"""Answers with series: no index stands outside of its series, and what is printed has its value in plain NumPy.

The oracle is what was typed, run by Python and NumPy themselves: complex steps, and for second derivatives of
polynomials exact fractions.
"""

from __future__ import annotations

import ast
import inspect
import re
import unicodedata
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy

import symprop
from symprop.algebra import nodes as n
from symprop.algebra import variable
from symprop.algebra.equations import Step
from symprop.algebra.formula import formula
from symprop.algebra.trees import loose, replace
from symprop.calculus.tidy import tidy
from symprop.formulas.naming import with_names
from symprop.formulas.questions import gradient
from symprop.formulas.result import Result
from tests.needed import needed

Array = Any
SHAPES = {"X": "n n", "A": "n n", "w": "n", "s": "", "i": "", "j": "n"}
SIZE = 2


def commutation(rows: int, columns: int) -> Array:
    return np.eye(rows * columns)[np.arange(rows * columns).reshape(rows, columns).T.ravel()]


NUMPY: dict[str, Any] = {
    **{
        name: getattr(np, name) for name in ("sum", "trace", "outer", "tanh", "eye", "ones", "zeros", "reshape", "kron")
    },
    **{"matrix_power": np.linalg.matrix_power, "inv": np.linalg.inv, "range": range, "commutation": commutation},
}


def plain(text: str, arrays: dict[str, Array], **sizes: int) -> Array:
    """What Python and NumPy make of a text; this text is made here or printed by the program."""
    return eval(compile(text, "text", "eval"), {"__builtins__": {}, **NUMPY, "n": SIZE, **arrays, **sizes})


def point(seed: int = 0) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    shapes = {name: (SIZE,) * len(shape.split()) for name, shape in SHAPES.items()}
    return {name: np.asarray(random.uniform(0.4, 1.2, shape)) for name, shape in shapes.items()}


def complex_step(text: str, by: str, arrays: dict[str, Array], **sizes: int) -> Array:
    found = np.zeros(arrays[by].shape)
    for place in np.ndindex(found.shape):
        moved = arrays[by].astype(complex)
        moved[place] += 1e-100j
        found[place] = plain(text, {**arrays, by: moved}, **sizes).imag / 1e-100
    return found


def called(answer: symprop.Answer, arrays: dict[str, Array], k: int = 0) -> Array:
    """What the generated module computes; it takes the sizes that its arrays do not tell."""
    taken = inspect.signature(answer.function).parameters
    given = {name: each for name, each in arrays.items() if name in taken}
    return answer(**given, **({"k": k} if "k" in taken else {}))


def close(found: Array, true: Array) -> None:
    """Each side sums some hundred products of up to a dozen factors in float64: 1e-11 of the largest is ample."""
    found = np.asarray(found)
    assert found.shape == true.shape
    np.testing.assert_allclose(found, true, rtol=0, atol=1e-11 * max(1.0, float(np.abs(true).max(initial=0.0))))


# ---------------------------------------------------------------- what is bound


def unbound_names(text: str) -> set[str]:
    """The names that a text reads outside of the comprehensions that bind them, by Python's own syntax tree."""

    def free(tree: ast.AST, bound: frozenset[str]) -> Iterator[str]:
        if isinstance(tree, ast.ListComp):
            (turn,) = tree.generators
            assert isinstance(turn.target, ast.Name)
            yield from free(turn.iter, bound)
            yield from free(tree.elt, bound | {turn.target.id})
        elif isinstance(tree, ast.Name):
            yield from {tree.id} - bound
        else:
            for part in ast.iter_child_nodes(tree):
                yield from free(part, bound)

    return set(free(ast.parse(text, mode="eval"), frozenset()))


def index_letters(pretty: str) -> tuple[set[str], set[str]]:
    """The letters that stand raised or lowered in a formula, and those of them that a sum sign binds."""

    def small(text: str) -> set[str]:
        letters = (unicodedata.normalize("NFKC", sign) for sign in text if unicodedata.category(sign) == "Lm")
        return {letter for letter in letters if letter.islower()}

    bound = "".join(one + other for one, other in re.findall(r"Σ\[(\w+)=|Σ(\w+)", pretty))
    return small(pretty), {each for each in unicodedata.normalize("NFKC", bound) if each.islower()}


def nothing_is_unbound(answer: Any, *sizes: str) -> None:
    known = {*NUMPY, *SHAPES, *sizes, "n"}
    assert unbound_names(answer.text()) <= known
    used, bound = index_letters(answer.pretty())
    assert used <= bound | {*sizes, "n"}
    latex = answer.latex()
    raised = {name for part in re.findall(r"\^\{([^{}]*)\}", latex) for name in re.findall(r"(?<![\\a-z])[a-z]", part)}
    assert raised <= {*re.findall(r"\\sum_\{(\w)=1\}", latex), *sizes, "n"}
    for equation in answer.named():
        assert not loose(equation.expression, answer.node, *(each.target for each in answer.named()))


# ---------------------------------------------------------------- random series


def random_series(random: np.random.Generator) -> str:
    """Return a random scalar formula with one series or two, maybe one inside the other."""

    def pick(*texts: str) -> str:
        return str(random.choice(texts))

    def matrix(t: str, low: int, high: int, inner: bool) -> str:
        base = pick("X", "A @ X", "(s * X)", "(X + A)", "(sum(w) + X)", "X.T")
        power = pick(t, f"{t} + 1", f"{high} - {t}", f"2*{t}", f"{t} - {low}", f"-{t}" if low else t)
        found = f"matrix_power({base}, {power})"
        if inner and low:
            r = pick(*sorted({"r", "l", "u"} - {t}))
            first = int(random.integers(0, 2))
            term = pick(f"matrix_power(X, {r}) * {t}", f"matrix_power(X, {r}) @ {found}", f"{r} * A + X")
            found = f"sum([{term} for {r} in range({first}, {t} + 1)], axis=0)"
        return pick(found, f"{found} @ A", f"A @ {found}", f"{t} * {found}", f"s**{t} * {found}", f"{found} + {t} * X")

    def series() -> str:
        t, low = pick("t", "l", "r", "q"), int(random.integers(0, 2))
        high = low + int(random.integers(1, 4))
        whole = matrix(t, low, high, bool(random.integers(0, 2)))
        scalar = pick(f"sum({whole})", f"trace(({whole}) @ A)", f"w @ ({whole}) @ j", f"sum(tanh({whole}))", f"s**{t}")
        together = f"sum([{whole} for {t} in range({low}, {high})], axis=0)"
        return pick(
            f"sum([{scalar} for {t} in range({low}, {high})])",
            f"trace(A @ {together})",
            f"w @ ({together}) @ w",
            f"i * sum(tanh({together}))",
        )

    first = series()
    return pick(first, first, f"({first}) * ({series()})", f"({first}) + i * ({series()})", f"({first})**2")


@pytest.mark.parametrize("seed", range(24))
def test_random_series(seed: int) -> None:
    """Text, code and index of the gradients of random formulas; series in series, names that a variable has too."""
    random = np.random.default_rng(seed)
    for _ in range(3):
        text = random_series(random)
        whole = formula(text, **needed(SHAPES, text))
        arrays = point(seed)
        for each in whole.node.free_symbols & set(whole.variables):
            answer = symprop.gradient(text, each.name, **needed(SHAPES, text))
            nothing_is_unbound(answer)
            true = complex_step(text, each.name, arrays)
            close(plain(answer.text(), arrays), true)
            close(called(answer, arrays), true)


@pytest.mark.parametrize("seed", range(5))
def test_random_series_are_certified(seed: int) -> None:
    text = random_series(np.random.default_rng((seed, 1)))
    name = next(each for each in ("X", "s") if re.search(rf"\b{each}\b", text))
    certificate = symprop.gradient(text, name, **needed(SHAPES, text)).check()
    assert certificate.ok and certificate.stable, str(certificate)


# ---------------------------------------------------------------- series that may be empty


EMPTY = {
    "sum(sum([matrix_power(X, t) for t in range(k)], axis=0))": "X",
    "sum(sum([matrix_power(X, t) for t in range(0, 2)], axis=0))": "X",
    "w @ matrix_power(X, k - 1) @ j": "X",
    "sum(tanh(sum([matrix_power(X, t) for t in range(k)], axis=0)))": "X",
    "sum([t * s**t for t in range(k)])": "s",
    "sum([s**(t*(t - 1)) for t in range(3)])": "s",
    "w @ sum([matrix_power(X, t) @ A @ matrix_power(X, t) for t in range(k)], axis=0) @ j": "X",
    "w @ sum([matrix_power(X, 3 - t) for t in range(4)], axis=0) @ j": "X",
    "w @ sum([matrix_power(X, t - 4) for t in range(4)], axis=0) @ j": "X",
    "w @ sum([matrix_power(X, -t) for t in range(k)], axis=0) @ j": "X",
}


@pytest.mark.parametrize("text", EMPTY)
def test_what_is_printed_has_a_value_where_a_series_is_empty(text: str) -> None:
    answer = symprop.gradient(text, EMPTY[text], **needed(SHAPES, text))
    nothing_is_unbound(answer, "k")
    for k in (1, 2, 4):
        arrays = point(k)
        true = complex_step(text, EMPTY[text], arrays, k=k)
        close(plain(answer.text(), arrays, k=k), true)
        close(called(answer, arrays, k), true)
    certificate = answer.check()
    assert certificate.ok and certificate.stable, str(certificate)


def fractions(text: str, arrays: dict[str, Array], **sizes: int) -> Fraction:
    """What Python makes of a polynomial in exact fractions; an inverse of two rows is written out."""

    def power(matrix: Array, exponent: int) -> Array:
        if exponent < 0:
            (a, b), (c, d) = matrix
            matrix = np.array([[d, -b], [-c, a]], dtype=object) / (a * d - b * c)
        found = np.array([[Fraction(1), Fraction(0)], [Fraction(0), Fraction(1)]], dtype=object)
        for _ in range(abs(exponent)):
            found = found @ matrix
        return found

    return eval(
        compile(text, "text", "eval"),
        {"__builtins__": {}, "sum": np.sum, "range": range, **arrays, **sizes} | {"matrix_power": power},
    )


def exact_hessian(text: str, by: str, arrays: dict[str, Array], **sizes: int) -> Array:
    """Second differences by 1e-20 in exact fractions: off by the square of that, times fourth derivatives."""
    exact = {name: np.vectorize(Fraction, otypes=[object])(value)[()] for name, value in arrays.items()}
    step, count = Fraction(1, 10**20), arrays[by].size
    places = list(np.ndindex(arrays[by].shape))

    def at(*moves: tuple[int, int]) -> Fraction:
        moved = np.array(exact[by], dtype=object)
        for place, sign in moves:
            moved[places[place]] = moved[places[place]] + sign * step
        return fractions(text, {**exact, by: moved}, **sizes)

    found = np.zeros((count, count))
    for a in range(count):
        for b in range(count):
            total = sum(p * q * at((a, p), (b, q)) for p in (-1, 1) for q in (-1, 1))
            found[a, b] = float(total / (4 * step**2))
    return found


SECOND = (
    "w @ sum([matrix_power(X, t) for t in range(1, 4)], axis=0) @ j",
    "w @ sum([matrix_power(X, t) for t in range(k)], axis=0) @ j",
    "w @ sum([matrix_power(X, t) for t in range(1, k + 1)], axis=0) @ j",
    "w @ matrix_power(X, k) @ j",
    "w @ matrix_power(X, -k) @ j",
    "w @ sum([t * matrix_power(X, -t) for t in range(1, k + 1)], axis=0) @ j",
    "w @ sum([matrix_power(X, 3 - t) for t in range(4)], axis=0) @ j",
    "(w @ sum([matrix_power(X, t) for t in range(1, k + 1)], axis=0) @ j)**2",
)


@pytest.mark.parametrize("text", SECOND)
def test_hessians(text: str) -> None:
    answer = symprop.hessian(text, "X", **needed(SHAPES, text))
    nothing_is_unbound(answer, "k")
    for k in (1, 3):
        arrays = point(k)
        true = exact_hessian(text, "X", arrays, k=k)
        close(plain(answer.text(), arrays, k=k), true)
        close(called(answer, arrays, k), true)


@pytest.mark.parametrize(("ask", "text"), [(symprop.hessian, SECOND[1]), (symprop.hvp, SECOND[4])])
def test_second_derivatives_are_certified(ask: Callable[..., symprop.Answer], text: str) -> None:
    certificate = ask(text, "X", **needed(SHAPES, text)).check()
    assert certificate.ok and certificate.stable, str(certificate)


FORMS = {
    ("sum(sum([matrix_power(X, t) for t in range(0, 2)], axis=0))", "X"): "ones((n, n))",
    ("sum([s**t for t in range(0, 5)])", "s"): "sum([t * s**(t - 1) for t in range(1, 5)])",
    ("sum([t * s**t * w @ w for t in range(1, 9)])", "s"): "sum([t**2 * s**(t - 1) for t in range(1, 9)]) * w @ w",
    ("sum(sum([matrix_power(X, t) for t in range(0, 12)], axis=0))", "X"): (
        "sum([sum([outer(sum(matrix_power(X, l - 1), axis=0), sum(matrix_power(X, t - l), axis=1)) "
        "for l in range(1, t + 1)], axis=0) for t in range(1, 12)], axis=0)"
    ),
}


@pytest.mark.parametrize(("text", "by"), FORMS)
def test_a_range_starts_where_there_is_something_to_add(text: str, by: str) -> None:
    found = symprop.gradient(text, by, **needed(SHAPES, text)).text()
    assert found.replace("i", "l") == FORMS[text, by].replace("i", "l")


def test_the_zeros_that_give_an_empty_sum_its_shape_are_read_back() -> None:
    text = "sum([zeros((n, n))] + [matrix_power(X, t) for t in range(1, k)], axis=0)"
    read = tidy(formula(text, X=SHAPES["X"]).node)
    assert read == tidy(formula("sum([matrix_power(X, t) for t in range(1, k)], axis=0)", X=SHAPES["X"]).node)
    assert read.text() == text


# ---------------------------------------------------------------- binding, and what guards it


t, u = (sympy.Symbol(name, integer=True, positive=True) for name in "tu")
s, x = variable("s"), variable("x", (3,))


def test_a_series_binds_its_index() -> None:
    inner = n.BlockSum(s**t, t, u)
    assert inner.free_symbols == {s, u}
    caught = inner.xreplace({u: t})
    assert caught.count == t and caught.index != t and caught.free_symbols == {s, t}
    assert n.BlockSum(s ** (t * u), t, 3).xreplace({u: t + 1}).free_symbols == {s, t}
    assert inner.xreplace({t: sympy.Integer(2)}) == inner
    assert n.BlockSum(s**t, t, t).xreplace({t: sympy.Integer(4)}).free_symbols == {s}


def test_an_index_stands_for_one_thing() -> None:
    shadowed = tidy(n.BlockSum(n.Multiply(s**t, n.BlockSum(x**t, t, 3)), t, 4))
    indices = [part.index for part in sympy.preorder_traversal(shadowed) if isinstance(part, n.BlockSum)]
    assert len(indices) == len({*indices})


MISTAKES: dict[str, Callable[[], Any]] = {
    "step": lambda: Step("a rule", n.BlockSum(x * s**t, t, 3), x * s**t),
    "answer": lambda: Result("gradient", formula("sum(x)", x="3"), (x,), None, x * s**t),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_leaves_its_series_raises(mistake: str) -> None:
    with pytest.raises(LookupError, match="outside of its series"):
        MISTAKES[mistake]()


def test_a_tidy_row_that_frees_an_index_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symprop.calculus.tidy.tidy_series", lambda node, tidy: n.Multiply(n.Scalar(3), *node.operands))
    with pytest.raises(LookupError, match="outside of its series"):
        tidy(n.BlockSum(x * s**u, u, 3))


def test_a_rule_that_frees_an_index_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "symprop.calculus.rewriting._term_by_term", lambda g, series, by: n.Pullback(g, *series.operands, by)
    )
    with pytest.raises(LookupError, match="outside of its series"):
        gradient(formula("sum([sum(tanh(t * x)) for t in range(1, 4)])", x="3"), "x")


def test_a_term_has_no_name_outside_of_its_series() -> None:
    term = n.Multiply(x * s**t, n.Power(x * s**t + 1, 2))
    for equation in with_names(n.BlockSum(n.Multiply(term, n.Power(term + 2, 3)), t, 3), ["x", "s"])[0]:
        assert not loose(equation.expression, s, x)


def test_what_comes_into_a_series_may_read_its_index() -> None:
    put_in = replace(n.BlockSum(s * t, t, 3), {s: s**t})
    assert put_in == n.BlockSum(s**t * t, t, 3)


def test_an_exponent_reads_as_it_is_written_by_hand() -> None:
    answer = symprop.gradient("sum(sum([matrix_power(A, 2 * t) for t in range(1, k)], axis=0))", "A", A="n n")
    assert answer.pretty() == "Σ[t=1…k − 1] Σ[i=1…2 t] (Aⁱ⁻¹)ᵀ 𝟏 (A²ᵗ⁻ⁱ 𝟏)ᵀ"
    assert r"\sum_{i=1}^{2 t}" in answer.latex() and "A^{2 t - i}" in answer.latex()

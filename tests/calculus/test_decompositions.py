"""Pseudoinverses, functions of matrices, Cholesky factors, eigenvalues and singular values.

They have no formula for an element that SymPy could differentiate. The oracles are NumPy and SciPy for values, and
central differences in 120 digits for derivatives: algorithms of LAPACK are not analytic, so there is no complex step
through them; that of the certificate goes through `verify/evaluate_decompositions.py`, which is compared here.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.linalg
import scipy.special

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import variables
from symprop.calculus.pullbacks import PULLBACK
from symprop.calculus.pushforwards import PUSHFORWARD
from symprop.errors import SpecError, SympropError
from symprop.verify import noise
from symprop.verify.evaluate import Evaluator, complex_value, precise_value, stacked, unstacked
from tests.needed import needed
from tests.samples import SAMPLES

NODES = [node for kind, nodes in SAMPLES.items() if issubclass(kind, n.Decomposition) for node in nodes]


def drawn(*nodes: Node, seed: str = "") -> dict[str, Any]:
    """Random values for the variables of formulas, between -1 and 1."""
    random = np.random.default_rng(zlib.crc32(f"{nodes!r} {seed}".encode()))
    leaves = {leaf.name: leaf for node in nodes for leaf in variables(node)}
    return {name: random.uniform(-1, 1, [int(size) for size in leaf.shape]) for name, leaf in leaves.items()}


def rounding(node: Node, values: dict[str, Any]) -> np.ndarray:
    """How far rounding in float64 moves the value of a node: twice, as both sides of a comparison are off."""
    return 2 * noise.of_run(lambda kept: unstacked(Evaluator(kept, stacked(values, kept))(node)).real)


def assert_near(found: Any, true: Any, node: Node, values: dict[str, Any]) -> None:
    off = np.abs(np.asarray(found) - np.asarray(true, dtype=float))
    assert np.all(off <= rounding(node, values) + 1e-15), (node, off)


OF_LIBRARIES: dict[str, Callable[..., Any]] = {
    "pinv(A)": lambda A, **_: np.linalg.pinv(A),
    "pinv(outer(x, x))": lambda x, **_: np.linalg.pinv(np.outer(x, x)),
    "expm(C)": lambda C, **_: scipy.linalg.expm(C),
    "logm(S)": lambda S, **_: scipy.linalg.logm(S),
    "sqrtm(S + C / 9)": lambda S, C, **_: scipy.linalg.sqrtm(S + C / 9),
    "expm_frechet(C, S, compute_expm=False)": lambda C, S, **_: scipy.linalg.expm_frechet(C, S, compute_expm=False),
    "expm(block([[C, S], [zeros((3, 3)), C]]))[:3, 3:]": lambda C, S, **_: scipy.linalg.expm_frechet(C, S)[1],
    "solve_sylvester(S, S, C)": lambda S, C, **_: scipy.linalg.solve_sylvester(S, S, C),
    "cholesky(S)": lambda S, **_: np.linalg.cholesky(S),
    "eigvalsh(S)": lambda S, **_: np.linalg.eigvalsh(S),
    "eigh(S)[0]": lambda S, **_: np.linalg.eigh(S)[0],
    "abs(eigh(S)[1])": lambda S, **_: np.abs(np.linalg.eigh(S)[1]),  # the sign of a vector is free
    "svdvals(A)": lambda A, **_: np.linalg.svd(A, compute_uv=False),
    "svd(A, compute_uv=False)": lambda A, **_: np.linalg.svd(A, compute_uv=False),
    "abs(svd(A, full_matrices=False)[0])": lambda A, **_: np.abs(np.linalg.svd(A, full_matrices=False)[0]),
    "abs(svd(A, full_matrices=False)[2])": lambda A, **_: np.abs(np.linalg.svd(A, full_matrices=False)[2]),
    "norm(A, 2)": lambda A, **_: np.linalg.norm(A, 2),
    "norm(A, -2)": lambda A, **_: np.linalg.norm(A, -2),
    "norm(A, 'nuc')": lambda A, **_: np.linalg.norm(A, "nuc"),
    "norm(A, 2, keepdims=True)": lambda A, **_: np.linalg.norm(A, 2, keepdims=True),
    "gammaln(C)": lambda C, **_: scipy.special.gammaln(C),
    "digamma(9 * C)": lambda C, **_: scipy.special.digamma(9 * C),
    "polygamma(3, exp(C))": lambda C, **_: scipy.special.polygamma(3, np.exp(C)),
    "tril(A, -1) + triu(A, 1)": lambda A, **_: np.tril(A, -1) + np.triu(A, 1),
}
DECLARED = {"A": "3 2", "C": "3 3", "S": "3 3 positive-definite", "x": "3"}


@pytest.mark.parametrize("text", OF_LIBRARIES)
def test_values_are_those_of_numpy_and_scipy(text: str) -> None:
    random = np.random.default_rng(7)
    root = random.standard_normal((3, 3))
    values = {"A": random.standard_normal((3, 2)), "C": random.standard_normal((3, 3)), "S": root @ root.T + np.eye(3)}
    values["x"] = random.standard_normal(3)
    f = symprop.formula(text, **needed(DECLARED, text))
    true = OF_LIBRARIES[text](**values)
    assert_near(complex_value(f.node, values), true, f.node, values)
    assert_near(precise_value(f.node, values).astype(float), true, f.node, values)
    assert_near(
        symprop.jvp(f"s * ({text})", "s", "u", s="", **{v.name: v_text(v) for v in f.variables})(
            u=1.0, s=1.0, **{v.name: values[v.name] for v in f.variables}
        ),
        true,
        f.node,
        values,
    )  # through the generated source
    again = symprop.formula(f.text(), **{v.name: v_text(v) for v in f.variables})
    assert again.text() == f.text()


def v_text(v: Variable) -> str:
    return DECLARED[v.name]


def opened(node: Node, position: int) -> tuple[Node, Variable]:
    place = Variable("place", (), node.operands[position].shape)
    operands = list(node.operands)
    operands[position] = place
    return node.with_operands(operands), place


@pytest.mark.parametrize("node", NODES, ids=[f"{type(each).__name__}-{k}" for k, each in enumerate(NODES)])
def test_pullback_and_pushforward(node: Node) -> None:
    """Both rows for each operand against central differences in 120 digits, with random cotangents and tangents."""
    base = drawn(node)
    for position, operand in enumerate(node.operands):
        if type(operand) is n.Identity:
            continue
        open_node, place = opened(node, position)
        g, u = Variable("g", (), node.shape), Variable("u", (), place.shape)
        values = {**base, **drawn(g, u), "place": precise_value(operand, base)}
        for row, derivative in (
            (PULLBACK(open_node, position, g), n.Pullback(g, open_node, place)),
            (PUSHFORWARD(open_node, position, u), n.Pushforward(open_node, place, u)),
        ):
            found, true = precise_value(row, values), precise_value(derivative, values)
            if isinstance(node, n.PseudoInverse) and isinstance(operand, n.Outer):
                continue  # off the matrices of rank one there is no derivative
            with mpmath.workdps(60):
                worst = max(abs(a - b) for a, b in zip(found.ravel(), true.ravel(), strict=True))
            assert found.shape == true.shape == tuple(map(int, derivative.shape))
            assert worst < mpmath.mpf("1e-50"), (node, position, worst)


@pytest.mark.parametrize("node", NODES, ids=[f"{type(each).__name__}-{k}" for k, each in enumerate(NODES)])
def test_both_arithmetics_agree(node: Node) -> None:
    values = drawn(node)
    assert_near(complex_value(node, values), precise_value(node, values), node, values)


ANSWERS = [
    ("trace(expm(A))", "A: n n", "A", "expm(A)ᵀ"),
    ("y @ expm(A) @ x", "A: n n, x: n, y: n", "A", "Lₑₓₚₘ(Aᵀ, y xᵀ)"),
    ("trace(expm(A) @ B)", "A: n n, B: n n", "A", "Lₑₓₚₘ(Aᵀ, Bᵀ)"),
    ("logdet(expm(A))", "A: n n", "A", "I"),
    ("trace(expm(A) @ expm(-A / 2) @ B @ expm(B) @ expm(-B))", "A: n n, B: n n", "B", "expm(½ A)ᵀ"),
    ("trace(logm(A))", "A: n n", "A", "A⁻ᵀ"),
    ("trace(sqrtm(A))", "A: n n", "A", "½ sqrtm(A)⁻ᵀ"),
    ("trace(sqrtm(A) @ sqrtm(A) @ B)", "A: n n, B: n n", "A", "Bᵀ"),
    ("y @ sqrtm(A) @ x", "A: n n, x: n, y: n", "A", "sylvester(sqrtm(A)ᵀ, sqrtm(A)ᵀ, y xᵀ)"),
    ("norm(A, 2)", "A: m n", "A", "u₁(A) v₁(A)ᵀ"),
    ("norm(A @ X, 2)", "A: m n, X: n k", "X", "Aᵀ u₁(A X) v₁(A X)ᵀ"),
    ("norm(A, -2)", "A: m n", "A", "uₘᵢₙ(A) vₘᵢₙ(A)ᵀ"),
    ("norm(A, 'nuc')", "A: m n", "A", "U(A) V(A)ᵀ"),
    ("max(svdvals(A))", "A: m n", "A", "u₁(A) v₁(A)ᵀ"),
    ("sum(svdvals(A))", "A: m n", "A", "U(A) V(A)ᵀ"),
    ("g @ eigvalsh(A)", "A: n n symmetric, g: n", "A", "Q(A) diag(g) Q(A)ᵀ"),
    ("eigvalsh(A)[0]", "A: n n symmetric", "A", "q₁(A) q₁(A)ᵀ"),
    ("max(eigvalsh(A))", "A: n n symmetric", "A", "qₘₐₓ(A) qₘₐₓ(A)ᵀ"),
    ("sum(eigvalsh(A))", "A: n n symmetric", "A", "I"),
    ("logdet(cholesky(K))", "K: n n positive-definite", "K", "½ K⁻¹"),
    ("2 * sum(log(diag(cholesky(K))))", "K: n n positive-definite", "K", "K⁻¹"),
    ("norm(solve(cholesky(K), y))**2", "K: n n positive-definite, y: n", "K", "−K⁻¹ y (K⁻¹ y)ᵀ"),
    ("trace(cholesky(K) @ cholesky(K).T @ B)", "K: n n positive-definite, B: n n symmetric", "K", "B"),
    ("trace(pinv(A) @ B)", "A: m n, B: m n", "A", "(A⁺ (A⁺)ᵀ Bᵀ (I − A A⁺) + (I − A⁺ A) Bᵀ (A⁺)ᵀ A⁺ − A⁺ B A⁺)ᵀ"),
    ("norm(y - A @ pinv(A) @ y)**2", "A: m n, y: m", "A", "−2 (y − A A⁺ y) (A⁺ y)ᵀ"),  # variable projection
    ("logdet(kron(A, B))", "A: n n, B: m m", "A", "m A⁻ᵀ"),
    ("logdet(A @ B)", "A: n n, B: n n", "A", "A⁻ᵀ"),
    ("logdet(diag(x))", "x: n positive", "x", "1 ⊘ x"),
    ("gammaln(sum(a)) - sum(gammaln(a))", "a: n positive", "a", "ψ(𝟏ᵀ a) 𝟏 − ψ(a)"),
    ("sum(digamma(a)) + sum(polygamma(1, a))", "a: n", "a", "ψ⁽¹⁾(a) + ψ⁽²⁾(a)"),
    ("sum(tril(A) * B)", "A: m n, B: m n", "A", "tril(B)"),
]


@pytest.mark.parametrize(("text", "where", "by", "written"), ANSWERS, ids=[each[0] for each in ANSWERS])
def test_a_gradient_is_what_a_person_writes_and_certified(text: str, where: str, by: str, written: str) -> None:
    answer = symprop.gradient(symprop.formula(text, where), by)
    assert answer.pretty() == written
    certificate = answer.check()
    assert certificate.ok and certificate.stable, certificate.table()


@pytest.mark.parametrize(
    ("ask", "text", "where", "by"),
    [
        (symprop.jacobian, "expm(A) @ x", "A: 2 2, x: 2", "A"),
        (symprop.jacobian, "sqrtm(A)", "A: n n positive-definite", "A"),
        (symprop.jacobian, "pinv(A)", "A: m n", "A"),
        (symprop.jacobian, "cholesky(K)", "K: n n positive-definite", "K"),
        (symprop.jacobian, "eigvalsh(S)", "S: n n symmetric", "S"),
        (symprop.hessian, "trace(expm(A))", "A: 2 2", "A"),
        (symprop.hessian, "y @ expm(t*A) @ y", "A: n n, y: n, t:", "t"),
        (symprop.hessian, "max(eigvalsh(S))", "S: 2 2 symmetric", "S"),
        (symprop.hessian, "sum(log(diag(cholesky(K))))", "K: n n positive-definite", "K"),
    ],
)
def test_jacobians_and_hessians_are_certified(ask: Callable[..., Any], text: str, where: str, by: str) -> None:
    certificate = ask(symprop.formula(text, where), by).check()
    assert certificate.ok and certificate.stable, certificate.table()


def test_a_matrix_without_a_real_root_has_none_and_imaginary_parts_of_rounding_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = symprop.jacobian("sqrtm(A)", "A", A="n n")
    assert np.isnan(root(A=np.diag([-4.0, 9.0]))).all()
    A = np.array([[2.0, -1.0], [0.5, 3.0]])
    expected, original = root(A=A), scipy.linalg.sqrtm
    monkeypatch.setattr(scipy.linalg, "sqrtm", lambda M: original(M) * (1 + 1e-16j))
    assert np.array_equal(root(A=A), expected)


def test_source_says_what_it_needs_scipy_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = symprop.gradient("sum(lgamma(a)) + y @ expm(A) @ y", "A", A="n n", a="k", y="n")
    assert "import scipy.linalg  # for expm_frechet, which NumPy does not have" in answer.numpy()
    plain = symprop.gradient("trace(expm(A) @ A) + sum(a)", "a", A="n n", a="k").numpy()
    assert "scipy" not in plain
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(SpecError, match="needs SciPy: import scipy"):
        answer(A=np.eye(2), a=[1.0], y=[1.0, 2.0])


@pytest.mark.parametrize(
    ("text", "declared", "said"),
    [
        ("cholesky(A)", {"A": "n n"}, 'A="n n positive-definite"'),
        ("eigvalsh(A @ B)", {"A": "n n symmetric", "B": "n n symmetric"}, "eigvalsh takes a symmetric matrix"),
        ("expm(x)", {"x": "n"}, "expm takes a matrix"),
        ("expm(A)", {"A": "m n"}, "expm takes a square matrix"),
        ("eigh(A)", {"A": "n n symmetric"}, "eigh(A)[1]"),
        ("svd(A)", {"A": "m n"}, "svdvals(A)"),
        ("polygamma(x, x)", {"x": "n"}, "the order of polygamma is a whole number"),
        ("expm_frechet(A, A)", {"A": "n n"}, "compute_expm=False"),
    ],
)
def test_what_is_refused_says_what_to_write(text: str, declared: dict[str, str], said: str) -> None:
    with pytest.raises(SympropError) as refused:
        symprop.formula(text, **declared)
    assert said in str(refused.value)

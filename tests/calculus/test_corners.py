"""Corners of the rules: forms that random formulas and the cookbook do not meet, each where a rule ends or declines.

A row is a question whose answer is compared with the complex step (second derivatives with 50 digits), read back from
its text and run as code; none of these knows the rules.
"""

from __future__ import annotations

import numpy as np
import pytest

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation
from symprop.algebra.formula import formula
from symprop.algebra.names import variable
from symprop.calculus.jacobians import by_paths, chained
from symprop.calculus.rules import Context
from symprop.formulas import questions
from symprop.verify.evaluate import complex_value
from tests.needed import needed_of
from tests.random_losses import Tally, wrong_in

WHERE = (
    "A: n n, B: n n, D: n n positive-definite, x: n, y: n, w: n, X: m n, Y: m n, P: m n positive, "
    "T: k m n, v: m, u: k, z: 6*n, s:, i: index n, ids: k index n, rows: m index n, grid: k l index n"
)
CORNERS = {
    "functions of matrices": """
        gradient A  log(det(expm(A)))
        gradient A  det(sqrtm(A))
        gradient A  logdet(sqrtm(A)) + logdet(expm(A))
        gradient A  sum(sqrtm(A) @ sqrtm(A)) + sum(expm(A) @ expm(B))
        gradient A  sum(matrix_power(expm(A), 3)) + sum(matrix_power(sqrtm(A), 4))
        jacobian s  expm(s * A + s * s * A) @ x
        jacobian s  (sqrtm(D + (s + s * s * s) * eye(n)) + expm(A + s * eye(n))) @ x
        gradient A  sum(matrix_power(A, 2) @ matrix_power(A, -3)) + trace(matrix_power(matrix_power(A, 2), -3))
        jacobian v  pinv(X) @ X @ pinv(X) @ v
    """,
    "spectra and factors": """
        gradient A  max(svdvals(A)) + sum(svdvals(A))
        gradient A  sum(max(svdvals(A), keepdims=True) * x) + sum(sum(svdvals(A), keepdims=True) * x)
        gradient D  sum(max(eigvalsh(D), keepdims=True) * x)
        gradient y  sum((inv(cholesky(D)) @ A @ y)**2)
        gradient B  trace(inv(cholesky(D).T) @ inv(cholesky(D)) @ B)
    """,
    "Kronecker products and diagonals": """
        gradient A  det(kron(A, B)) + logdet(kron(A, B))
        gradient A  sum(kron(kron(A, eye(2)), eye(3)) @ z) + sum(kron(eye(2), kron(eye(3), A)) @ z)
        gradient A  sum(kron(A, kron(eye(3), eye(4))))
        gradient x  sum(tril(diag(x)) @ y) + sum(diag(x) * diag(y))
        gradient A  sum(sum(A * eye(n), axis=0, keepdims=True) * B) + sum(sum(A * eye(n), axis=1) * x)
        jacobian x  diagonal(diag(x) @ A)
    """,
    "products over more axes": """
        jacobian x  T @ x @ v
        jacobian v  v @ T @ x
        gradient v  sum((v @ T) @ x) + sum((v @ T)**2)
        gradient T  sum((v @ T)**2)
        jacobian X  sum(A @ X.T, axis=1)
        jacobian T  sum(T, axis=1)
        gradient A  sum(sum(w[:, None, None] * A[None, :, :] * x, axis=2)**2)
        gradient X  sum(sum(X[:, :, None] * w, axis=2) * Y) + sum(sum((X[:, None, :] - X[None, :, :])**2, axis=2)**2)
    """,
    "elements by their places": """
        jacobian x  x[i] * y
        jacobian x  concatenate((0 * x, y))
        jacobian X  X.T[grid]
        hessian x  sum(x[ids]**3)
        hessian x  sum(x[grid]**3)
        gradient x  log(softmax(x)[i])
        gradient x  sum((X * x)[:, i])
        gradient u  sum(zeros(n)[ids] * u + u)
        gradient P  log(sum(one_hot(i, n) * softmax(P, axis=1), axis=0)[i])
        gradient w  sum(log(sum(one_hot(rows, n) * softmax(w), axis=1)))
        gradient P  sum(log(sum(one_hot(rows, n) * P, axis=1))) + sum(log(sum(P * P, axis=1)))
    """,
    "choices": """
        gradient x  sum((x > y) * (y < x) * x + (x > y) * (x < y) * x)
        gradient y  sum(sign(x)**2 * (abs(x) > -1) * y)
        gradient x  sum(relu(minimum(x, maximum(y, 3))))
        gradient P  sum(abs(P) * relu(P))
    """,
    "exponentials and large powers": """
        gradient x  sum(log(exp(x) + exp(y) + exp(x * y)))
        gradient y  sum(log(s * s + exp(y)))
        gradient s  (s + 1) * (s * s + 2) * (s**3 + 5) * (exp(s) + 1) * (sin(s) + 2) * (s + 7)
        gradient v  sum(logsumexp(X + v[:, None], axis=1)**2) + sum(logsumexp(X + v[:, None], axis=0))
        gradient w  sum(logsumexp(X + w, axis=1)) + sum(logsumexp(X + w, axis=0)**2)
        gradient x  sum(1 / (exp(x) + exp(y)))
        gradient x  sum(sqrt(1 + 1 / x**2)) + sum(sqrt(1 + (x + y)**2)) + sum(log(1 + 10**40 * x**2))
    """,
}


@pytest.mark.parametrize("told", CORNERS)
def test_a_corner_is_derived_as_the_complex_step_finds(told: str) -> None:
    for row in CORNERS[told].strip().splitlines():
        question, by, text = row.split(maxsplit=2)
        tally, f = Tally(), formula(text, needed_of(WHERE, text))
        found = getattr(questions, question)(f, by)
        assert list(wrong_in(found, tally, seed=0)) == [], row
        assert not tally.without_point, row


@pytest.mark.parametrize("of", "yz")
def test_a_jacobian_leads_through_a_number_that_every_way_passes(of: str) -> None:
    x, w, y, z = (variable(name, (size,)) for name, size in (("x", 3), ("w", 2), ("y", 2), ("z", 2)))
    s = variable("s", ())
    equations = [Equation(s, n.Sum(x * x)), Equation(y, s * w), Equation(z, y * y)]
    draw = np.random.default_rng(3)
    at = {"x": draw.normal(size=3), "w": draw.normal(size=2)}

    def numbers(x: np.ndarray) -> dict[str, np.ndarray]:
        scaled = (x @ x) * at["w"]
        return {"s": x @ x, "y": scaled, "z": scaled * scaled}

    true = np.stack([numbers(at["x"] + 1e-30j * step)[of].imag / 1e-30 for step in np.eye(3)], axis=1)
    given = at | numbers(at["x"])
    for derive in (chained, by_paths):
        node = derive(equations, {"y": y, "z": z}[of], x, Context())
        assert np.allclose(complex_value(node, given).real, true, rtol=1e-12)

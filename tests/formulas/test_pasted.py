"""Gradients of formulas in NumPy as it is pasted: what a person would write, and certified."""

from __future__ import annotations

import symprop

SHAPES = {
    "x": "n",
    "w": "n",
    "A": "n n",
    "D": "n n",
    "X": "m n",
    "B": "m n",
    "z": "k",
    "y": "index k",
    "i": "m index n",
}
ANSWERS: dict[tuple[str, str], str] = {
    ("np.einsum('i,ij,j->', x, A, w)", "A"): "outer(x, w)",
    ("np.einsum('ij,ij->i', X, B).sum()", "X"): "B",
    ("X.sum(axis=0).dot(w)", "X"): "outer(ones((m,)), w)",
    ("x.dot(A).dot(x)", "x"): "(A + A.T) @ x",
    ("X.var()", "X"): "2 * (X - sum(X) / (m*n)) / (m*n)",
    ("x.std()", "x"): "(x - sum(x) / n) / (n * sqrt(sum((x - sum(x) / n)**2) / n))",
    ("np.sum(np.tril(A) * D)", "A"): "tril(D)",
    ("np.trace(np.triu(A))", "A"): "eye(n)",
    ("w @ np.cumsum(x)", "x"): "triu(ones((n, n))) @ w",
    ("w @ x[::-1]", "x"): "flip(w)",
    ("scipy.special.logsumexp(z) - z[y]", "z"): "softmax(z) - one_hot(y, k)",
    ("-np.mean(log_softmax(X)[np.arange(len(i)), i])", "X"): "(softmax(X, axis=1) - one_hot(i, n)) / m",
    ("vec(X) @ vec(B) / X.shape[0]", "X"): "B / m",
}


def test_a_matrix_of_a_bilinear_map_is_one_product() -> None:
    shapes = {"x": "m", "T": "k m n", "y": "n"}
    for by, written in (("x", "T @ y"), ("y", "x @ T")):
        answer = symprop.jacobian("np.einsum('i,kij,j->k', x, T, y)", by, **shapes)
        assert answer.text() == written and answer.check().ok


def test_answers_to_pasted_formulas_are_certified_and_readable() -> None:
    for (text, by), written in ANSWERS.items():
        names = symprop.algebra.reader.names_in(text)
        answer = symprop.gradient(text, by, **{name: SHAPES[name] for name in names})
        assert answer.text() == written, text
        certificate = answer.check()
        assert certificate.ok and certificate.stable, text

"""Identities of textbooks with inverses and determinants: one is proved for every size, what only looks alike is not.

What is proved of formulas with a seeded slip is looked at in 120 digits, by code that knows no word.
"""

from __future__ import annotations

from symprop.algebra.declarations import read_declarations
from symprop.algebra.formula import Formula, formula_of
from symprop.formulas.compare.cases import agree
from symprop.formulas.compare.edits import edits
from symprop.formulas.compare.inverses.proof import same_words
from symprop.formulas.compare.sides import Sides
from symprop.formulas.compare.sizes import size_choices

WHERE = (
    "A: n n, B: n n, D: n n, S: n n symmetric, F: n n bits, U: n k, V: k n, C: k k, H: m n, K: n m, R: m m, X: m n, "
    "P: n n, u: n, v: n, x: n, y: m, l:, s:"
)
GAIN, RIDGE = "P @ H.T @ inv(H @ P @ H.T + R)", "inv(X.T @ X + l * eye(n))"

SAME = [
    *[("inv(A + U @ C @ V)", "inv(A) - inv(A) @ U @ inv(inv(C) + V @ inv(A) @ U) @ V @ inv(A)")],
    *[("inv(A - U @ V)", "inv(A) + inv(A) @ U @ inv(eye(k) - V @ inv(A) @ U) @ V @ inv(A)")],
    *[("inv(eye(n) + U @ V)", "eye(n) - U @ inv(eye(k) + V @ U) @ V")],
    *[("inv(A + outer(u, v))", "inv(A) - outer(inv(A) @ u, v @ inv(A)) / (1 + v @ inv(A) @ u)")],
    *[("inv(A + outer(u, v)) @ u", "inv(A) @ u / (1 + v @ inv(A) @ u)")],
    *[("x @ inv(A + outer(u, v)) @ x", "x @ inv(A) @ x - (x @ inv(A) @ u) * (v @ inv(A) @ x) / (1 + v @ inv(A) @ u)")],
    *[("inv(eye(m) + H @ K) @ H", "H @ inv(eye(n) + K @ H)"), (f"{RIDGE} @ X.T", "X.T @ inv(X @ X.T + l * eye(m))")],
    *[(RIDGE, "(eye(n) - X.T @ inv(X @ X.T + l * eye(m)) @ X) / l"), (f"{RIDGE} @ X.T @ X", f"eye(n) - l * {RIDGE}")],
    *[(f"P - {GAIN} @ H @ P", "inv(inv(P) + H.T @ inv(R) @ H)"), (f"{RIDGE}.T", RIDGE)],
    *[(GAIN, "inv(inv(P) + H.T @ inv(R) @ H) @ H.T @ inv(R)"), ("inv(eye(n) + A)", "eye(n) - inv(eye(n) + A) @ A")],
    *[("inv(eye(n) + A) @ A", "A @ inv(eye(n) + A)"), ("inv(A + B)", "inv(A) @ inv(eye(n) + B @ inv(A))")],
    *[
        ("inv(A + B)", "inv(A) - inv(A) @ inv(inv(A) + inv(B)) @ inv(A)"),
        ("inv(inv(A) + inv(B))", "A @ inv(A + B) @ B"),
    ],
    *[("A @ inv(A + B) @ B", "B @ inv(A + B) @ A"), ("A - A @ inv(A + B) @ A", "B - B @ inv(A + B) @ B")],
    *[("inv(A) + inv(B)", "inv(A) @ (A + B) @ inv(B)"), ("inv(A) - inv(B)", "inv(A) @ (B - A) @ inv(B)")],
    *[("inv(A @ B @ D)", "inv(D) @ inv(B) @ inv(A)"), ("inv(s * A)", "inv(A) / s"), ("inv(inv(A))", "A")],
    *[
        ("inv(A @ D @ inv(A))", "A @ inv(D) @ inv(A)"),
        ("(eye(n) - A) @ inv(eye(n) + A)", "2 * inv(eye(n) + A) - eye(n)"),
    ],
    *[("X @ inv(X.T @ X) @ X.T @ X", "X"), ("matrix_power(X @ inv(X.T @ X) @ X.T, 2)", "X @ inv(X.T @ X) @ X.T")],
    *[("inv(inv(A) + inv(B)) @ (inv(A) @ u + inv(B) @ v)", "B @ inv(A + B) @ u + A @ inv(A + B) @ v")],
    *[("x @ S @ x - 2 * u @ x", "(x - inv(S) @ u) @ S @ (x - inv(S) @ u) - u @ inv(S) @ u")],
    *[("trace(inv(A) @ B @ A)", "trace(B)"), ("trace(inv(A + B) @ (A + B))", "n"), ("inv(S).T", "inv(S)")],
    *[("det(eye(m) + H @ K)", "det(eye(n) + K @ H)"), ("logdet(eye(m) + X @ X.T)", "logdet(eye(n) + X.T @ X)")],
    *[("det(A + outer(u, v))", "det(A) * (1 + v @ inv(A) @ u)"), ("det(eye(n) - outer(u, v))", "1 - u @ v")],
    *[("det(A + U @ V)", "det(A) * det(eye(k) + V @ inv(A) @ U)"), ("det(A @ B)", "det(B) * det(A)")],
    *[("det(A + U @ C @ V)", "det(A) * det(C) * det(inv(C) + V @ inv(A) @ U)"), ("det(2 * A)", "2**n * det(A)")],
    *[("det(inv(A) @ B @ A)", "det(B)"), ("det(inv(A).T)", "1 / det(A)"), ("det(matrix_power(A, 3))", "det(A)**3")],
    *[
        ("logdet(A @ B)", "logdet(A) + logdet(B)"),
        ("logdet(A @ A.T)", "2 * logdet(A)"),
        ("det(A - B)", "det(A.T - B.T)"),
    ],
]

DIFFERENT = [
    *[("inv(A + B)", "inv(A) + inv(B)"), ("inv(eye(m) + H @ K) @ H", "H @ inv(eye(n) + H.T @ K.T)")],
    *[
        ("inv(A + U @ C @ V)", "inv(A) - inv(A) @ U @ inv(C + V @ inv(A) @ U) @ V @ inv(A)"),
        ("det(A + B)", "det(A) + det(B)"),
    ],
    *[("det(A + outer(u, v))", "det(A) * (1 + u @ inv(A) @ v)"), ("det(eye(m) + H @ K)", "det(eye(m) - H @ K)")],
    *[("det(2 * A)", "2 * det(A)"), ("trace(inv(A) @ B)", "trace(B @ A)"), (RIDGE, "inv(X.T @ X) + l * eye(n)")],
    *[
        ("A @ inv(A + B) @ B", "A @ inv(A - B) @ B"),
        ("inv((n - 1) * A) * (n - 1)", "A"),
        ("inv(A @ B)", "inv(A) @ inv(B)"),
    ],
]


def read(text: str) -> Formula:
    return formula_of(text, read_declarations(WHERE))


def test_identities_are_proved_for_every_size() -> None:
    assert not [pair for pair in SAME if not same_words(*(read(text).node for text in pair))]


def test_what_looks_alike_is_not_proved() -> None:
    assert not [pair for pair in DIFFERENT if same_words(*(read(text).node for text in pair))]


def test_what_is_proved_of_slips_is_so_in_numbers() -> None:
    """A slip may keep the value, as the transpose of a matrix under a determinant; then numbers agree."""
    count = 0
    for first, second in SAME[::4]:
        one, other = map(read, (first, second))
        for slip in list(edits(other.node, other.node.shape))[::3]:
            if same_words(one.node, slip.node):
                both = (one.node, slip.node)
                case = next(iter(Sides(one, other, one.variables, size_choices(both, one.variables)).cases_of(both, 1)))
                assert agree(case, *both), (first, slip.node.text())
                count += 1
    assert count > 2

"""The formulas of *The Matrix Cookbook*, sections 2.1 to 2.8, as data: each a question, and the book's closed form.

Petersen and Pedersen, *The Matrix Cookbook*, version of November 15, 2012. A row has the equation's number, what is
asked of which function with respect to which variable, the arrays with the facts that the book assumes, and the book's
answer, all in NumPy notation. `docs/make_cookbook.py` asks symprop (and SymPy) and writes `docs/cookbook.md`;
`tests/test_cookbook.py` asks again and compares.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One formula: `along` is the direction of a product with the Jacobian, `note` what a reader must know of the row.

    `book_is_wrong` marks a closed form that is misprinted in the book: then numbers must tell it from the right one.
    """

    number: str
    question: str
    formula: str
    declarations: str
    by: str
    book: str
    along: str = ""
    note: str = ""
    book_is_wrong: bool = False


SQUARE = "X: n n"
THREE = "X: n n, A: n n, B: n n"
TALL = "X: m n, A: m m"
FORMS = "X: m n, B: m m"

DETERMINANTS = (
    Row("46", "gradient", "det(A + x * B)", "x:, A: n n, B: n n", "x",
        "det(A + x * B) * trace(inv(A + x * B) @ B)", note="Y(x) = A + x B"),
    Row("48", "hessian", "det(A + x * B + x**2 * C)", "x:, A: n n, B: n n, C: n n", "x",
        "det(A + x * B + x**2 * C) * (trace(inv(A + x * B + x**2 * C) @ (2 * C))"
        " + trace(inv(A + x * B + x**2 * C) @ (B + 2 * x * C))**2"
        " - trace(inv(A + x * B + x**2 * C) @ (B + 2 * x * C) @ inv(A + x * B + x**2 * C) @ (B + 2 * x * C)))",
        note="Y(x) = A + x B + x² C"),
    Row("49", "gradient", "det(X)", SQUARE, "X", "det(X) * inv(X).T"),
    Row("51", "gradient", "det(A @ X @ B)", THREE, "X", "det(A @ X @ B) * inv(X).T"),
    Row("52", "gradient", "det(X.T @ A @ X)", "X: n n, A: n n", "X", "2 * det(X.T @ A @ X) * inv(X).T"),
    Row("53", "gradient", "det(X.T @ A @ X)", "X: m n, A: m m symmetric", "X",
        "2 * det(X.T @ A @ X) * A @ X @ inv(X.T @ A @ X)"),
    Row("54", "gradient", "det(X.T @ A @ X)", TALL, "X",
        "det(X.T @ A @ X) * (A @ X @ inv(X.T @ A @ X) + A.T @ X @ inv(X.T @ A.T @ X))"),
    Row("55", "gradient", "log(det(X.T @ X))", "X: m n", "X", "2 * X @ inv(X.T @ X)",
        note="X⁺ = (X'X)⁻¹ X', for independent columns"),
    Row("56", "gradient", "log(det(inv(P @ P.T)))", "P: n m", "P", "-2 * inv(P @ P.T) @ P",
        note="P = X⁺, so that X'X = (P P')⁻¹ and X' = (P P')⁻¹ P"),
    Row("57", "gradient", "log(abs(det(X)))", SQUARE, "X", "inv(X).T"),
    Row("58", "gradient", "det(matrix_power(X, k))", "X: n n, z: k", "X", "k * det(matrix_power(X, k)) * inv(X).T",
        note="any k: z only names it"),
)  # fmt: skip

INVERSES = (
    Row("59", "jacobian", "inv(A + x * B)", "x:, A: n n, B: n n", "x", "-inv(A + x * B) @ B @ inv(A + x * B)",
        note="Y(x) = A + x B; the Jacobian with respect to a scalar"),
    Row("60", "jacobian", "inv(X)", SQUARE, "X", "-kron(inv(X), inv(X).T)", note="row (k, l), column (i, j)"),
    Row("61", "gradient", "a @ inv(X) @ b", "X: n n, a: n, b: n", "X", "-inv(X).T @ outer(a, b) @ inv(X).T"),
    Row("62", "gradient", "det(inv(X))", SQUARE, "X", "-det(inv(X)) * inv(X).T"),
    Row("63", "gradient", "trace(A @ inv(X) @ B)", "X: n n, A: m n, B: n m", "X", "-(inv(X) @ B @ A @ inv(X)).T"),
    Row("64", "gradient", "trace(inv(X + A))", "X: n n, A: n n", "X", "-(inv(X + A) @ inv(X + A)).T"),
    Row("64 ff.", "gradient", "sum(exp(inv(A)))", "A: n n", "A", "-inv(A).T @ exp(inv(A)) @ inv(A).T",
        note="unnumbered: J(W) with W = A⁻¹, here the sum of exp(W)"),
)  # fmt: skip

EIGENVALUES = (
    Row("65", "gradient", "trace(X)", SQUARE, "X", "eye(n)", note="the sum of the eigenvalues"),
    Row("66", "gradient", "det(X)", SQUARE, "X", "det(X) * inv(X).T", note="the product of the eigenvalues"),
)  # fmt: skip

VECTORS = "X: n n, a: n, b: n"
RESIDUAL = "x: m, s: n, A: m n, W: m m symmetric"
CENTRED = "x: n, s: n, W: n n symmetric"
ELEMENT = "J is any matrix; the book's is the matrix with a single 1"

FORMS_OF_ONE = (
    Row("69", "gradient", "x @ a", "x: n, a: n", "x", "a"),
    Row("70", "gradient", "a @ X @ b", "X: m n, a: m, b: n", "X", "outer(a, b)"),
    Row("71", "gradient", "a @ X.T @ b", "X: m n, a: n, b: m", "X", "outer(b, a)"),
    Row("72", "gradient", "a @ X @ a", "X: n n, a: n", "X", "outer(a, a)"),
    Row("72", "gradient", "a @ X.T @ a", "X: n n, a: n", "X", "outer(a, a)"),
    Row("73", "jvp", "X", "X: m n", "X", "J", along="J", note=ELEMENT),
    Row("74", "jvp", "X @ A", "X: m n, A: n p", "X", "J @ A", along="J", note=ELEMENT),
    Row("75", "jvp", "X.T @ A", "X: m n, A: m p", "X", "J.T @ A", along="J", note=ELEMENT),
    Row("76", "gradient", "sum(X) * sum(X)", "X: m n", "X", "2 * sum(X) * ones((m, n))"),
    Row("76", "gradient", "sum(kron(X, X))", "X: m n", "X", "2 * sum(X) * ones((m, n))",
        note="the same sum over k, l, m and n as one array"),
    Row("77", "gradient", "b @ X.T @ X @ c", "X: m n, b: n, c: n", "X", "X @ (outer(b, c) + outer(c, b))"),
    Row("78", "gradient", "(B @ x + b) @ C @ (D @ x + d)", "x: n, B: m n, b: m, C: m p, D: p n, d: p", "x",
        "B.T @ C @ (D @ x + d) + D.T @ C.T @ (B @ x + b)"),
    Row("79", "jacobian", "X.T @ B @ X", FORMS, "X",
        "kron(X.T @ B, eye(n)) + kron(eye(n), (B @ X).T) @ commutation(m, n)",
        note="row (k, l), column (i, j)"),
    Row("80", "jvp", "X.T @ B @ X", FORMS, "X", "X.T @ B @ J + J.T @ B @ X", along="J", note=ELEMENT),
    Row("81", "gradient", "x @ B @ x", "x: n, B: n n", "x", "(B + B.T) @ x"),
    Row("82", "gradient", "b @ X.T @ D @ X @ c", "X: m n, b: n, c: n, D: m m", "X",
        "D.T @ X @ outer(b, c) + D @ X @ outer(c, b)"),
    Row("83", "gradient", "(X @ b + c) @ D @ (X @ b + c)", "X: m n, b: n, c: m, D: m m", "X",
        "outer((D + D.T) @ (X @ b + c), b)"),
    Row("84", "gradient", "(x - A @ s) @ W @ (x - A @ s)", RESIDUAL, "s", "-2 * A.T @ W @ (x - A @ s)"),
    Row("85", "gradient", "(x - s) @ W @ (x - s)", CENTRED, "x", "2 * W @ (x - s)"),
    Row("86", "gradient", "(x - s) @ W @ (x - s)", CENTRED, "s", "-2 * W @ (x - s)"),
    Row("87", "gradient", "(x - A @ s) @ W @ (x - A @ s)", RESIDUAL, "x", "2 * W @ (x - A @ s)"),
    Row("88", "gradient", "(x - A @ s) @ W @ (x - A @ s)", RESIDUAL, "A", "-2 * outer(W @ (x - A @ s), s)"),
    Row("90", "jvp", "matrix_power(X, 3)", SQUARE, "X", "J @ X @ X + X @ J @ X + X @ X @ J", along="J",
        note=f"n = 3; {ELEMENT}"),
    Row("91", "gradient", "a @ matrix_power(X, 3) @ b", VECTORS, "X",
        "outer(a, b) @ (X @ X).T + X.T @ outer(a, b) @ X.T + (X @ X).T @ outer(a, b)", note="n = 3"),
    Row("92", "gradient", "a @ matrix_power(X, 2).T @ matrix_power(X, 2) @ b", VECTORS, "X",
        "X @ outer(a, b) @ (X @ X).T + outer(a, b) @ (X @ X).T @ X"
        " + X @ X @ outer(a, b) @ X.T + X.T @ X @ X @ outer(a, b)",
        note="n = 2; the first term of the book's sum must be transposed", book_is_wrong=True),
    Row("93", "gradient", "tanh(B @ x) @ A @ exp(C @ x)", "x: n, A: m p, B: m n, C: p n", "x",
        "(diag(1 - tanh(B @ x)**2) @ B).T @ A @ exp(C @ x) + (diag(exp(C @ x)) @ C).T @ A.T @ tanh(B @ x)",
        note="s(x) = tanh(B x), r(x) = exp(C x)"),
    Row("94-95", "gradient", "((A @ x) @ (A @ x)) / ((B @ x) @ (B @ x))", "x: n, A: m n, B: p n", "x",
        "2 * A.T @ A @ x / (x @ B.T @ B @ x) - 2 * (x @ A.T @ A @ x) * B.T @ B @ x / (x @ B.T @ B @ x)**2"),
    Row("96-97", "gradient", "x @ A @ x + b @ x", "x: n, A: n n, b: n", "x", "(A + A.T) @ x + b"),
    Row("98", "hessian", "x @ A @ x + b @ x", "x: n, A: n n, b: n", "x", "A + A.T"),
)  # fmt: skip

SANDWICH = "X: m n, A: p m, B: n p"
INVERTED = "X: m n, B: m m symmetric, C: m m symmetric"
BCB = "B.T @ X.T @ C @ X @ X.T @ C @ X @ B"

TRACES = (
    Row("99", "gradient", "trace(X)", SQUARE, "X", "eye(n)"),
    Row("100", "gradient", "trace(X @ A)", "X: m n, A: n m", "X", "A.T"),
    Row("101", "gradient", "trace(A @ X @ B)", SANDWICH, "X", "A.T @ B.T"),
    Row("102", "gradient", "trace(A @ X.T @ B)", "X: m n, A: p n, B: m p", "X", "B @ A"),
    Row("103", "gradient", "trace(X.T @ A)", "X: m n, A: m n", "X", "A"),
    Row("104", "gradient", "trace(A @ X.T)", "X: m n, A: m n", "X", "A"),
    Row("105", "gradient", "trace(kron(A, X))", "X: n n, A: m m", "X", "trace(A) * eye(n)"),
    Row("106", "gradient", "trace(X @ X)", SQUARE, "X", "2 * X.T"),
    Row("107", "gradient", "trace(matrix_power(X, 2) @ B)", "X: n n, B: n n", "X", "(X @ B + B @ X).T"),
    Row("108", "gradient", "trace(X.T @ B @ X)", FORMS, "X", "B @ X + B.T @ X"),
    Row("109", "gradient", "trace(B @ X @ X.T)", FORMS, "X", "B @ X + B.T @ X"),
    Row("110", "gradient", "trace(X @ X.T @ B)", FORMS, "X", "B @ X + B.T @ X"),
    Row("111", "gradient", "trace(X @ B @ X.T)", "X: m n, B: n n", "X", "X @ B.T + X @ B"),
    Row("112", "gradient", "trace(B @ X.T @ X)", "X: m n, B: n n", "X", "X @ B.T + X @ B"),
    Row("113", "gradient", "trace(X.T @ X @ B)", "X: m n, B: n n", "X", "X @ B.T + X @ B"),
    Row("114", "gradient", "trace(A @ X @ B @ X)", "X: m n, A: n m, B: n m", "X",
        "A.T @ X.T @ B.T + B.T @ X.T @ A.T"),
    Row("115", "gradient", "trace(X.T @ X)", "X: m n", "X", "2 * X"),
    Row("115", "gradient", "trace(X @ X.T)", "X: m n", "X", "2 * X"),
    Row("116", "gradient", "trace(B.T @ X.T @ C @ X @ B)", "X: m n, B: n p, C: m m", "X",
        "C.T @ X @ B @ B.T + C @ X @ B @ B.T"),
    Row("117", "gradient", "trace(X.T @ B @ X @ C)", "X: m n, B: m m, C: n n", "X",
        "B @ X @ C + B.T @ X @ C.T"),
    Row("118", "gradient", "trace(A @ X @ B @ X.T @ C)", "X: m n, A: p m, B: n n, C: m p", "X",
        "A.T @ C.T @ X @ B.T + C @ A @ X @ B"),
    Row("119", "gradient", "trace((A @ X @ B + C) @ (A @ X @ B + C).T)", "X: m n, A: p m, B: n q, C: p q", "X",
        "2 * A.T @ (A @ X @ B + C) @ B.T"),
    Row("120", "gradient", "trace(kron(X, X))", SQUARE, "X", "2 * trace(X) * eye(n)"),
    Row("121", "gradient", "trace(matrix_power(X, k))", "X: n n, z: k", "X", "k * matrix_power(X, k - 1).T",
        note="any k: z only names it"),
    Row("122", "gradient", "trace(A @ matrix_power(X, 3))", "X: n n, A: n n", "X",
        "(A @ X @ X + X @ A @ X + X @ X @ A).T", note="k = 3"),
    Row("123", "gradient", f"trace({BCB})", "X: m n, B: n p, C: m m", "X",
        "C @ X @ X.T @ C @ X @ B @ B.T + C.T @ X @ B @ B.T @ X.T @ C.T @ X"
        " + C @ X @ B @ B.T @ X.T @ C @ X + C.T @ X @ X.T @ C.T @ X @ B @ B.T"),
    Row("124", "gradient", "trace(A @ inv(X) @ B)", "X: n n, A: p n, B: n p", "X",
        "-inv(X).T @ A.T @ B.T @ inv(X).T"),
    Row("125", "gradient", "trace(inv(X.T @ C @ X) @ A)", "X: m n, A: n n, C: m m symmetric", "X",
        "-(C @ X @ inv(X.T @ C @ X)) @ (A + A.T) @ inv(X.T @ C @ X)"),
    Row("126", "gradient", "trace(inv(X.T @ C @ X) @ (X.T @ B @ X))", INVERTED, "X",
        "-2 * C @ X @ inv(X.T @ C @ X) @ X.T @ B @ X @ inv(X.T @ C @ X) + 2 * B @ X @ inv(X.T @ C @ X)"),
    Row("127", "gradient", "trace(inv(A + X.T @ C @ X) @ (X.T @ B @ X))",
        "X: m n, A: n n symmetric, B: m m symmetric, C: m m symmetric", "X",
        "-2 * C @ X @ inv(A + X.T @ C @ X) @ X.T @ B @ X @ inv(A + X.T @ C @ X)"
        " + 2 * B @ X @ inv(A + X.T @ C @ X)",
        note="the book's form needs a symmetric A as well, and does not say so"),
)  # fmt: skip

NORMS = (
    Row("129", "gradient", "norm(x - a)", "x: n, a: n", "x", "(x - a) / norm(x - a)"),
    Row("130", "jacobian", "(x - a) / norm(x - a)", "x: n, a: n", "x",
        "eye(n) / norm(x - a) - outer(x - a, x - a) / norm(x - a)**3"),
    Row("131", "gradient", "norm(x)**2", "x: n", "x", "2 * x"),
    Row("131", "gradient", "x @ x", "x: n", "x", "2 * x"),
)  # fmt: skip

FROBENIUS = (
    Row("132", "gradient", "norm(X)**2", "X: m n", "X", "2 * X"),
    Row("132", "gradient", "trace(X @ X.T)", "X: m n", "X", "2 * X"),
)  # fmt: skip

SYMMETRIC = "X: n n, A: n n"
STRUCTURE = "T + T.T - T * eye(n)"
DIAGONAL = "X ∘ I for a diagonal X: only its diagonal enters"
ENTERS = "X = T + T' - T ∘ I is symmetric: T_ij enters X_ij and X_ji, and the diagonal once"

STRUCTURED = (
    Row("137", "gradient", "logdet(A + X.T @ X)", "X: m n, A: n n symmetric", "X", "2 * X @ inv(A + X.T @ X)",
        note="the chain rule, for g = log |det U| and U = A + X'X"),
    Row("138", "gradient", f"sum(exp({STRUCTURE}))", "T: n n", "T",
        f"exp({STRUCTURE}) + exp({STRUCTURE}).T - exp({STRUCTURE}) * eye(n)", note=f"f(X) = sum of exp(X); {ENTERS}"),
    Row("139", "gradient", f"trace(A @ ({STRUCTURE}))", "T: n n, A: n n", "T", "A + A.T - A * eye(n)", note=ENTERS),
    Row("140", "gradient", f"det({STRUCTURE})", "T: n n", "T",
        f"det({STRUCTURE}) * (2 * inv({STRUCTURE}) - inv({STRUCTURE}) * eye(n))", note=ENTERS),
    Row("141", "gradient", f"log(det({STRUCTURE}))", "T: n n", "T",
        f"2 * inv({STRUCTURE}) - inv({STRUCTURE}) * eye(n)", note=ENTERS),
    Row("142", "gradient", "trace(A @ (X * eye(n)))", SYMMETRIC, "X", "A * eye(n)", note=DIAGONAL),
    Row("142", "gradient", "trace(A @ diag(d))", "d: n, A: n n", "d", "diag(A)", note="the same, of the diagonal d"),
)  # fmt: skip

SECTIONS: tuple[tuple[str, tuple[Row, ...]], ...] = (
    ("2.1 Derivatives of a determinant", DETERMINANTS),
    ("2.2 Derivatives of an inverse", INVERSES),
    ("2.3 Derivatives of eigenvalues", EIGENVALUES),
    ("2.4 Derivatives of matrices, vectors and scalar forms", FORMS_OF_ONE),
    ("2.5 Derivatives of traces", TRACES),
    ("2.6 Derivatives of vector norms", NORMS),
    ("2.7 Derivatives of matrix norms", FROBENIUS),
    ("2.8 Derivatives of structured matrices", STRUCTURED),
)

EXAMPLES = (
    Row("", "gradient", "a**b", "a: positive, b:", "a", "b * a**(b - 1)"),
    Row("", "gradient", "a**b", "a: positive, b:", "b", "a**b * log(a)"),
    Row("", "gradient", "sum(log(exp(-y * (X @ w)) + ones((m,))))", "X: m n, w: n, y: m", "w",
        "-X.T @ (y * sigmoid(-y * (X @ w)))"),
)  # fmt: skip
"""Examples of matrixcalculus.org that are not among the cases of the tests."""

OUTSIDE: tuple[tuple[str, str], ...] = (
    ("47, 50", "these follow from (49) times X': the sum over k is a product of the answer with X', no derivative"),
    ("67, 68", "eigenvalues and eigenvectors are no functions of the language"),
    ("89", "complex derivatives: every array is real"),
    ("99 ff., 128", "functions of a matrix by power series, such as the sine of a matrix: `sin(X)` is elementwise, "
     "as in NumPy; powers and the inverse are there"),
    ("133-136", "definitions, not formulas; (137) is asked for an example"),
    ("143, 144", "Toeplitz matrices: their answer sums along diagonals, which has no matrix form in the language"),
)  # fmt: skip
"""What of sections 2.1 to 2.8 is not asked, and why."""

ROWS: tuple[Row, ...] = tuple(row for _, rows in SECTIONS for row in rows)
"""Every formula, in the order of the book."""

"""Questions with the answers that a person would write; the tests also compare each with an independent derivative."""

from __future__ import annotations

Case = tuple[str, str, dict[str, str], tuple[str, ...], str]
"""Question, formula, declarations, by what (and along what), the answer in NumPy notation."""

LEAST = {"X": "m n", "w": "n", "y": "m"}
REGRESSION = {"X": "m n", "W": "n k", "Y": "m k rows-sum-to-1"}
FACTORS = {"T": "m n", "U": "m r", "V": "n r"}
LAYER = {"A": "n n", "x": "n", "p": "n"}

MATRIXCALCULUS: tuple[Case, ...] = (
    ("gradient", "0.5 * x @ A @ x", {"A": "n n", "x": "n"}, ("x",), "(A + A.T) @ x / 2"),
    ("gradient", "0.5 * x @ A @ x", {"A": "n n symmetric", "x": "n"}, ("x",), "A @ x"),
    ("jacobian", "A @ exp(x)", {"A": "m n", "x": "n"}, ("x",), "A @ diag(exp(x))"),
    ("gradient", "(y * v) @ x", {"y": "n", "v": "n", "x": "n"}, ("y",), "x * v"),
    ("gradient", "(y * v) @ x", {"y": "n", "v": "n", "x": "n"}, ("x",), "y * v"),
    ("gradient", "norm(A @ x - y, 1)", {"A": "m n", "x": "n", "y": "m"}, ("x",), "A.T @ sign(A @ x - y)"),
    ("gradient", "norm(A @ x - y)**2", {"A": "m n", "x": "n", "y": "m"}, ("x",), "2 * A.T @ (A @ x - y)"),
    ("gradient", "trace(A @ X.T @ B @ X @ C)", {"A": "k n", "X": "m n", "B": "m m", "C": "n k"}, ("X",),
     "B @ X @ C @ A + B.T @ X @ A.T @ C.T"),
    ("gradient", "log(det(inv(X)))", {"X": "n n"}, ("X",), "-inv(X).T"),
)  # fmt: skip
"""The documented examples of matrixcalculus.org."""

BEYOND_SYMPY: tuple[Case, ...] = (
    ("jacobian", "x + tanh(A @ x)", LAYER, ("x",), "eye(n) + diag(1 - tanh(A @ x)**2) @ A"),
    ("gradient", "p @ (x + tanh(A @ x))", LAYER, ("x",), "p + A.T @ (p * (1 - tanh(A @ x)**2))"),
    ("gradient", "p @ (x + tanh(A @ x))", LAYER, ("A",), "outer(p * (1 - tanh(A @ x)**2), x)"),
    ("gradient", "logsumexp(x)", {"x": "n"}, ("x",), "softmax(x)"),
    ("gradient", "log(sum(exp(A @ x + b)))", {"A": "m n", "x": "n", "b": "m"}, ("x",), "A.T @ softmax(A @ x + b)"),
    ("gradient", "-sum(y * log(softmax(z)))", {"y": "k sums-to-1", "z": "k"}, ("z",), "softmax(z) - y"),
    ("gradient", "logsumexp(z) - y @ z", {"y": "k", "z": "k"}, ("z",), "softmax(z) - y"),
    ("gradient", "-sum(y * log(exp(z) / sum(exp(z))))", {"y": "k one-hot", "z": "k"}, ("z",), "softmax(z) - y"),
    ("gradient", "sum(p * x * x)", {"p": "n", "x": "n"}, ("x",), "2 * p * x"),
    ("gradient", "sum((X @ w - y)**2) / (2 * m) + lam * sum(w * w)", {**LEAST, "lam": ""}, ("w",),
     "X.T @ (X @ w - y) / m + 2 * lam * w"),
    ("gradient", "trace(A * X)", {"A": "n n", "X": "n n"}, ("X",), "A * eye(n)"),
    ("gradient", "y @ (W @ x + b)", {"W": "m n", "x": "n", "b": "m", "y": "m"}, ("W",), "outer(y, x)"),
    ("gradient", "sum(log(1 + exp(-y * (X @ w))))", LEAST, ("w",), "-X.T @ (y * sigmoid(-y * (X @ w)))"),
    ("gradient", "sum((X @ W - Y)**2)", {"X": "m n", "W": "n k", "Y": "m k"}, ("W",), "2 * X.T @ (X @ W - Y)"),
)  # fmt: skip
"""What SymPy's own matrix derivatives get wrong or refuse."""

SECOND_ORDER: tuple[Case, ...] = (
    ("hessian", "x @ A @ x", {"A": "n n", "x": "n"}, ("x",), "A + A.T"),
    ("hessian", "x @ A @ x", {"A": "n n symmetric", "x": "n"}, ("x",), "2 * A"),
    ("hessian", "sum((X @ w - y)**2)", LEAST, ("w",), "2 * X.T @ X"),
    ("hessian", "sum(log(1 + exp(X @ w)) - y * (X @ w))", LEAST, ("w",),
     "X.T @ diag(sigmoid(X @ w) * (1 - sigmoid(X @ w))) @ X"),
    ("hessian", "logsumexp(x)", {"x": "n"}, ("x",), "diag(softmax(x)) - outer(softmax(x), softmax(x))"),
    ("hessian", "-sum(y * log(softmax(z)))", {"y": "k sums-to-1", "z": "k"}, ("z",),
     "diag(softmax(z)) - outer(softmax(z), softmax(z))"),
    ("hessian", "sum((T - U @ V.T)**2)", FACTORS, ("U",), "kron(eye(m), 2 * V.T @ V)"),
    ("hessian", "sum((T - U @ V.T)**2)", FACTORS, ("V",), "kron(eye(n), 2 * U.T @ U)"),
    ("hessian", "sum(exp(x * W))", {"x": "", "W": "m n"}, ("x", "W"), "exp(x * W) * (x * W + 1)"),
    ("hessian", "sum(exp(x * W))", {"x": "", "W": "m n"}, ("W", "x"), "exp(x * W) * (x * W + 1)"),
    ("hvp", "x @ A @ x", {"A": "n n", "x": "n"}, ("x", "v"), "(A + A.T) @ v"),
    ("hvp", "sum((X @ w - y)**2)", LEAST, ("w", "v"), "2 * X.T @ (X @ v)"),
    ("hvp", "sum(log(1 + exp(X @ w)) - y * (X @ w))", LEAST, ("w", "v"),
     "X.T @ (sigmoid(X @ w) * (1 - sigmoid(X @ w)) * (X @ v))"),
    ("hvp", "sum((T - U @ V.T)**2)", FACTORS, ("U", "D"), "2 * D @ V.T @ V"),
)  # fmt: skip

ATTENTION = "sum(softmax(Q @ (K + b).T / sqrt(d), axis=1) @ V * G)"
HEADS = {"Q": "t d", "K": "s d", "V": "s e", "G": "t e", "b": "d"}
NORMED = {"x": "n", "g": "n"}

FROM_PRIMITIVES: tuple[Case, ...] = (
    ("jacobian", "exp(x) / sum(exp(x))", {"x": "n"}, ("x",), "diag(softmax(x)) - outer(softmax(x), softmax(x))"),
    ("jacobian", "exp(x - max(x)) / sum(exp(x - max(x)))", {"x": "n"}, ("x",),
     "diag(softmax(x)) - outer(softmax(x), softmax(x))"),
    ("jacobian", "log(exp(x) / sum(exp(x)))", {"x": "n"}, ("x",), "eye(n) - outer(ones((n,)), softmax(x))"),
    ("gradient", ATTENTION, HEADS, ("b",), "zeros((d,))"),
    ("gradient", ATTENTION, HEADS, ("V",), "softmax(Q @ (K + b).T / sqrt(d), axis=1).T @ G"),
)  # fmt: skip
"""Written from primitives, not with a ready node."""

ALL = (*MATRIXCALCULUS, *BEYOND_SYMPY, *SECOND_ORDER, *FROM_PRIMITIVES)

"""What is said where a name is called that is no function: the right word by meaning, then by letters."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from typing import NoReturn

from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.hints import for_name
from symprop.algebra.operators import OPERATORS
from symprop.algebra.reading.spelling import ALIASES, SIGNS, WRITTEN
from symprop.algebra.reading.state import Reading, instead_of, plain_name
from symprop.algebra.tokens import Scan, refuse
from symprop.errors import shown
from symprop.hints import closest

MEANINGS: dict[str, str] = {
    **{"argmax": "first_max(x), 1 at the largest element", "argmin": "first_min(x), 1 at the smallest element"},
    **{"heaviside": "1 * (x > 0)", "step": "1 * (x > 0)", "indicator": "1 * (x > 0)", "iverson": "1 * (x > 0)"},
    **{"slogdet": "logdet(A)", "determinant": "det(A)", "inverse": "inv(A)", "transp": "A.T", "adjoint": "A.T"},
    **{"conj": "x alone, since all numbers are real", "conjugate": "x alone, since all numbers are real", "t": "A.T"},
    **{"variance": "var(x)", "stdev": "std(x)", "stddev": "std(x)", "sd": "std(x)", "average": "mean(x)"},
    **{"avg": "mean(x)", "sgn": "sign(x)", "sigm": "sigmoid(x)", "hypot": "sqrt(x**2 + y**2)", "cbrt": "x**(1/3)"},
    **{"reciprocal": "1 / x", "cot": "1 / tan(x)", "sec": "1 / cos(x)", "csc": "1 / sin(x)", "sech": "1 / cosh(x)"},
    **{"coth": "1 / tanh(x)", "logit": "log(x / (1 - x))", "logsigmoid": "-softplus(-x)", "exp10": "10**x"},
    **{
        "log_sigmoid": "-softplus(-x)",
        "xlogy": "x * log(y)",
        "entr": "-x * log(x)",
        "kl_div": "x * log(x / y) - x + y",
    },
    **{"rel_entr": "x * log(x / y)", "entropy": "-sum(p * log(p))", "cross_entropy": "-sum(y * log(p))"},
    **{
        "mse": "mean((x - y)**2)",
        "mae": "mean(abs(x - y))",
        "hinge": "maximum(0, 1 - x)",
        "huber": "where(abs(r) <= d, r**2 / 2, d * (abs(r) - d / 2))",
        "pos": "maximum(x, 0)",
    },
    **{"hardtanh": "clip(x, -1, 1)", "relu6": "clip(x, 0, 6)", "mish": "x * tanh(softplus(x))", "l1": "norm(x, 1)"},
    **{"norm1": "norm(x, 1)", "norm2": "norm(x)", "normf": "norm(A)", "frobenius": "norm(A)", "fro": "norm(A)"},
    **{"l2": "norm(x)", "length": "norm(x), or len(x) for how many", "dist": "norm(x - y)", "ssq": "sum(x**2)"},
    **{"sumsq": "sum(x**2)", "sum_squares": "sum(x**2)", "quad_form": "x @ A @ x", "scalar_product": "x @ y"},
    **{"inner_product": "x @ y", "cosine_similarity": "x @ y / (norm(x) * norm(y))", "times": "x * y", "mul": "x * y"},
    **{"mm": "A @ B", "bmm": "A @ B", "mv": "A @ x", "select": "where(condition, x, y)"},
    **{
        "if": "where(condition, x, y)",
        "diagflat": "diag(v)",
        "tile": "x[:, None] * ones(n)",
        "repeat": "x[:, None] * ones(n)",
    },
    **{"broadcast_to": "x * ones((m, n))", "roll": "concatenate((x[1:], x[:1]))", "unsqueeze": "x[:, None]"},
    **{"array": "a name with a shape, such as x: 3", "linspace": "a name with a shape, such as x: 3"},
    **{
        "lstsq": "solve(A.T @ A, A.T @ b)",
        "random": "a name with a shape, such as x: 3",
        "arange": "P[arange(m), y] in brackets alone",
    },
    **{"grad": "the formula alone; gradient(formula, name) differentiates it", "ptp": "max(x) - min(x)"},
    **{"nuclear_norm": "norm(A, 'nuc')", "spectral_norm": "norm(A, 2)", "singular_values": "svdvals(A)"},
    **{"eigvals": "eigvalsh(A), of a symmetric matrix", "eig": "eigh(A)[0] and eigh(A)[1], of a symmetric matrix"},
    **{"torch.max": "amax(x, dim=0) for the values alone", "torch.min": "amin(x, dim=0) for the values alone"},
    **{
        "torch.norm": "norm(x, 1) of a vector, or torch.linalg.norm",
        "torch.svd": "torch.linalg.svd(A), with V transposed",
    },
    **{"append": "concatenate((x, y))", "cat": "concatenate((x, y))", "nansum": "sum(x)"},
}
"""What to type for a name of which the language has the meaning under another one, in small letters."""
PATTERNS: tuple[tuple[str, str], ...] = (
    (r"sum_\w+", "sum(x)"),
    (r"prod_\w+", "prod(x)"),
    (r"log_?[0-9]+", "log(x) / log(2)"),
)
"""The same for names of a form."""
FOREIGN = frozenset({"torch", "tf", "tensorflow", "keras", "sympy", "cupy"})
"""Libraries whose functions are no functions of the language, though some have their names."""
WITHOUT = frozenset(
    {"eig", "eigvals", "qr"}
    | {"lu", "lu_factor", "null_space", "matrix_rank", "cond", "sort", "argsort", "median", "quantile"}
    | {"percentile", "round", "floor", "ceil", "rint", "mod", "fmod", "gamma"}
    | {"beta", "cross", "convolve", "correlate", "fft", "ifft", "interp", "cumprod", "unique"}
    | {"torch.fold", "torch.pad", "torch.scatter_add"}
    | {"argwhere", "nonzero", "any", "all", "isnan", "real", "imag", "angle", "vech"}
)
"""Functions that are known and not part of the language: a name that looks like one of these means another thing."""


def refuse_function(reader: Reading, name: str, tree: ast.expr) -> NoReturn:
    """Refuse a name that is called and is no function, with what to type instead."""
    if name in reader.arrays or name in reader.numbers:
        reader.refuse(f"{shown(name)} is no function; '*' or '@' is missing before the bracket", tree)
    word = name.lower()
    told = MEANINGS.get(word) or next((text for pattern, text in PATTERNS if re.fullmatch(pattern, word)), "")
    if told:
        reader.refuse(f"unknown function {shown(name)}; type {told}", tree)
    if word in WITHOUT:
        reader.refuse(f"{shown(name)} is not part of the language of formulas", tree)
    known = (*reader.functions, *OPERATORS, *ALIASES, *SIGNS, *WRITTEN)
    reader.refuse(f"unknown function {shown(name)}{closest(name, known)}", tree)


def undeclared(name: str, known: Iterable[str]) -> str:
    """Return what is said behind a name that has no shape: that it is a function, or what is meant."""
    if name in FUNCTIONS or name in OPERATORS:
        return f"; the function needs its argument in brackets: {name}(x)"
    return for_name(name) or closest(name, known)


def two_arrays(name: str) -> str:
    """Return why `max(0, x)` is refused: the second argument is an axis in NumPy."""
    return f"{name} takes one array and an axis; {name}imum(a, b) takes two arrays"


def check_syntax(tree: ast.expr, scanned: Scan) -> None:
    """Refuse what is no formula whatever its names are, before anybody asks what they are.

    Raises:
        FormulaError: another library's function, two arrays in `max`, a series without its brackets.
    """
    first = [each.args[0] for each in ast.walk(tree) if isinstance(each, ast.Call) and each.args]
    series = {id(each.right if isinstance(each, ast.BinOp) else each) for each in first}  # with what it begins with
    for part in ast.walk(tree):
        told = ""
        match part:
            case ast.Name(name) if name in FOREIGN:
                told = f"{shown(name)} is not part of the language of formulas; type np.sum(x) or sum(x)"
            case ast.Call(ast.Name("max" | "min" as name), [_, second], []) if not is_axis(second):
                told = two_arrays(name)
            case ast.GeneratorExp() | ast.BoolOp() | ast.IfExp():
                told = f"{plain_name(part)} is not part of a formula{instead_of(part)}"
            case ast.ListComp() if id(part) not in series:
                told = f"{plain_name(part)} is not part of a formula{instead_of(part)}"
        if told and isinstance(part, ast.expr):
            refuse(told, scanned.typed, part.col_offset - 1, (part.end_col_offset or 0) - part.col_offset)


def is_axis(tree: ast.expr) -> bool:
    """Whether an argument may be meant as an axis: a number, None or a tuple."""
    inner = tree.operand if isinstance(tree, ast.UnaryOp) else tree
    return isinstance(inner, (ast.Constant, ast.Tuple, ast.List))

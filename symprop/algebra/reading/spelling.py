"""What people paste, in the language's own names: `np.sum(X)`, `X.sum()` and `tr(A)` become `sum(X)` and `trace(A)`.

Module prefixes, methods, attributes and other names for a function are one thing each here, on the syntax tree, with
places kept, before anything looks at what a call means. The rest of the language knows functions by one name alone.

    >>> print(ast.unparse(spelled(ast.parse("np.linalg.norm(X.dot(w)) / X.shape[0]", mode="eval").body)))
    norm(dot(X, w)) / size(X, 0)
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection
from typing import Any, cast

from symprop.algebra.reading import pytorch

_NUMPY = ("np", "numpy", "jnp", "jax.numpy", "scipy", "sp", "jax.scipy", "math")
MODULES = frozenset(
    {*_NUMPY, *(f"{module}.linalg" for module in _NUMPY), *(f"{module}.special" for module in _NUMPY)}
    | {"linalg", "special", "jax.nn", "np.lib.stride_tricks", "numpy.lib.stride_tricks", *pytorch.MODULES}
)
"""Where functions are found, as people write it before their names."""
ROOTS = frozenset({"np", "numpy", "jnp", "jax", "scipy", "math", "torch"})
"""Names that are modules and never arrays."""
_ARRAYS_TOO = frozenset({"linalg", "special", "sp"})
"""Modules whose name an array may have too: `sp.T` and `special.sum()` are of that array."""

ALIASES: dict[str, str] = {
    **{"tr": "trace", "ln": "log", "absolute": "abs", "fabs": "abs", "amax": "max", "amin": "min"},
    **{"asin": "arcsin", "acos": "arccos", "atan": "arctan", "expit": "sigmoid", "logistic": "sigmoid"},
    **{"identity": "eye", "pow": "power", "concat": "concatenate", "permute_dims": "transpose"},
    **{"flatten": "ravel", "matrix_transpose": "mT", "swish": "silu", "log_sum_exp": "logsumexp"},
    **{"matrix_exp": "expm", "chol": "cholesky", "pseudoinverse": "pinv"},
    **{"lgamma": "gammaln", "loggamma": "gammaln", "psi": "digamma"},
    **{"logabsdet": "logdet", "log_det": "logdet", "ddot": "dot", "hadamard": "multiply"},
}
"""Other names of functions."""
SIGNS: dict[str, ast.operator] = {
    **{"matmul": ast.MatMult(), "multiply": ast.Mult(), "add": ast.Add(), "subtract": ast.Sub()},
    **{"divide": ast.Div(), "true_divide": ast.Div()},
}
"""Functions of two arrays that are signs."""
RELATIONS: dict[str, ast.cmpop] = {
    **{"greater": ast.Gt(), "greater_equal": ast.GtE(), "less": ast.Lt(), "less_equal": ast.LtE()},
    **{"equal": ast.Eq(), "not_equal": ast.NotEq()},
}
"""Functions of two arrays that are comparisons."""
WRITTEN: dict[str, str] = {
    **{"negative": "-x", "exp2": "2**x", "log2": "log(x) / log(2)", "log10": "log(x) / log(10)"},
    **{"trigamma": "polygamma(1, x)", "factorial": "exp(gammaln(x + 1))"},
    **{"len": "size(x, 0)", "copy": "+x", "asarray": "+x", "float": "1*x", "float64": "1*x"},
    **{"mT": "swapaxes(x, -1, -2)"},
}
"""Functions of `x` that are written out."""
ATTRIBUTES: dict[str, str] = {"I": "inv(x)", "mT": "swapaxes(x, -1, -2)", "size": "size(x)"}
"""Attributes of an array `x` besides `T` and `shape`, written out."""
KEYWORDS: dict[str, dict[str, str]] = {"einsum": {"optimize": ""}, "clip": {"min": "a_min", "max": "a_max"}}
"""Other names of keywords of functions; those that change no value are left out."""
CONSTANTS: dict[str, str] = {"pi": "pi", "inf": "inf", "newaxis": "None", "e": "exp(1)"}
"""Constants of modules."""
SPREAD = frozenset({"reshape", "transpose", "squeeze"})
"""Methods that take a tuple or its entries: `X.reshape(2, 3)`."""


def spelled(tree: ast.expr, own: Collection[str] = ()) -> ast.expr:
    """Return a syntax tree in the language's own names, places kept; `own` are functions that keep their names.

    >>> for text in ("X.sum(axis=0).T", "np.matmul(A, x)", "(x > 0).astype(float)", "X[:, np.newaxis] * np.pi"):
    ...     print(ast.unparse(spelled(ast.parse(text, mode="eval").body)))
    sum(X, axis=0).T
    A @ x
    1 * (x > 0)
    X[:, None] * pi
    """
    order: list[ast.AST] = []
    stack: list[ast.AST] = [tree]
    while stack:  # a loop, since sums may have many terms
        order.append(stack.pop())
        stack.extend(ast.iter_child_nodes(order[-1]))
    new: dict[ast.AST, ast.AST] = {}
    for part in reversed(order):  # what a part consists of comes before it
        fields = {field: _changed(value, new) for field, value in ast.iter_fields(part)}
        made = ast.copy_location(type(part)(**fields), part)
        new[part] = _CASES[type(made)](made, own) if type(made) in _CASES else made
    return cast(ast.expr, new[tree])


def _changed(value: Any, new: dict[ast.AST, ast.AST]) -> Any:
    if isinstance(value, list):
        return [new.get(each, each) for each in value]
    return new.get(value, value) if isinstance(value, ast.AST) else value


def module_of(tree: ast.expr, attribute: str = "") -> str:
    """Return the module that a dotted name is, `np.linalg`; empty where it is none, or an array of that name.

    >>> module_of(ast.parse("np.linalg", mode="eval").body), module_of(ast.parse("X", mode="eval").body)
    ('np.linalg', '')
    """
    names: list[str] = []
    while isinstance(tree, ast.Attribute):
        names.append(tree.attr)
        tree = tree.value
    if not isinstance(tree, ast.Name):
        return ""
    path = ".".join((tree.id, *reversed(names)))
    array = path in _ARRAYS_TOO and attribute in (*_OF_ARRAYS, "T", "shape", *ATTRIBUTES)
    array = array or (path == "F" and attribute not in pytorch.FUNCTIONAL)
    return path if path in MODULES and not array else ""


def _call(tree: ast.Call, own: Collection[str]) -> ast.expr:
    func, module = tree.func, ""
    if isinstance(func, ast.Attribute):
        module = module_of(func.value, func.attr)
        if module == "F" and all(isinstance(each, ast.Constant) for each in tree.args):
            module = ""  # of an array F: `F.softmax(1)`
        if not module:
            tree = _method(tree, func)
        is_own = func.attr in own and not module
        name = func.attr if is_own else pytorch.in_numpys_words(tree, func.attr, module)
        tree.func = ast.copy_location(ast.Name(name, ast.Load()), func)
        tree.func.col_offset = (func.end_col_offset or 0) - len(func.attr)
    if not isinstance(tree.func, ast.Name) or (tree.func.id in own and not module):
        return tree
    name = tree.func.id = ALIASES.get(tree.func.id, tree.func.id)
    if name in {"softmax", "log_softmax"} and "special" in module and len(tree.args) == 1 and not tree.keywords:
        tree.keywords.append(ast.keyword("axis", _at(ast.Constant(None), tree)))  # of all elements in SciPy
    if name in {"max", "min"} and not module and not tree.keywords and _is_of_two(tree.args):
        name = tree.func.id = f"{name}imum"
    if name == "gelu" and module == "jax.nn":
        tree.func.id = "gelu_tanh"
    return _written(tree, name, tree.args) if not tree.keywords else _with_keywords(tree, name)


def _is_of_two(arguments: list[ast.expr]) -> bool:
    """Whether `max` is Python's, of two numbers: `max(0, 1 - y*t)`, where the second is no axis."""
    return len(arguments) == 2 and isinstance(arguments[1], (ast.BinOp, ast.Call, ast.Subscript))


def _method(tree: ast.Call, func: ast.Attribute) -> ast.Call:
    """Return `f(x, ...)` for `x.f(...)`."""
    arguments = tree.args
    spread = len(arguments) > 1 or (arguments and func.attr != "transpose" and not isinstance(arguments[0], ast.Tuple))
    if func.attr in SPREAD and spread:
        arguments = [_at(ast.Tuple(arguments, ast.Load()), arguments[0])]
    return ast.copy_location(ast.Call(func, [func.value, *arguments], tree.keywords), tree)


def _with_keywords(tree: ast.Call, name: str) -> ast.expr:
    """Return a call with keywords, those by the names that the language knows."""
    others = KEYWORDS.get(name, {})
    kept = [each for each in tree.keywords if others.get(each.arg or "") != ""]
    renamed = [ast.copy_location(ast.keyword(others.get(each.arg or "", each.arg), each.value), each) for each in kept]
    tree.keywords = renamed
    return tree


def _written(tree: ast.Call, name: str, arguments: list[ast.expr]) -> ast.expr:
    """Return a call without keywords as a sign, a comparison or another formula where it is one."""
    match arguments:
        case [left, right] if name in SIGNS:
            return ast.copy_location(ast.BinOp(left, SIGNS[name], right), tree)
        case [left, right] if name in RELATIONS:
            return ast.copy_location(ast.Compare(left, [RELATIONS[name]], [right]), tree)
        case [array, ast.Name(kind) | ast.Attribute(_, kind)] if name == "astype" and kind.startswith("float"):
            return _formula("1*x", tree, {"x": array})
        case [ast.List(listed) | ast.Tuple(listed)] if name == "multi_dot" and len(listed) > 1:
            product = listed[0]
            for factor in listed[1:]:
                product = ast.copy_location(ast.BinOp(product, ast.MatMult(), factor), tree)
            return product
        case [array] if name in WRITTEN:
            return _formula(WRITTEN[name], tree, {"x": array})
    return tree


def _attribute(tree: ast.Attribute, own: Collection[str]) -> ast.expr:
    if module_of(tree.value, tree.attr):
        return _formula(CONSTANTS[tree.attr], tree, {}) if tree.attr in CONSTANTS else tree
    return _formula(ATTRIBUTES[tree.attr], tree, {"x": tree.value}) if tree.attr in ATTRIBUTES else tree


def _subscript(tree: ast.Subscript, own: Collection[str]) -> ast.expr:
    """Return `size(X, 0)` for `X.shape[0]`, and `logdet(A)` for `slogdet(A)[1]`."""
    match tree.value, tree.slice:
        case ast.Attribute(array, "shape"), axis:
            return _formula("size(x, y)", tree, {"x": array, "y": axis})
        case ast.Call(ast.Name("slogdet"), [array], []), ast.Constant(1):
            return _formula("logdet(x)", tree, {"x": array})
    return tree


def _formula(text: str, at: ast.expr, arrays: dict[str, ast.expr]) -> ast.expr:
    """Return the tree of a formula over `arrays`, all of it at the place of `at`."""

    class Filled(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return arrays.get(node.id, node)

    tree = ast.parse(text, mode="eval").body
    for part in ast.walk(tree):
        if isinstance(part, ast.expr):
            ast.copy_location(part, at)
    filled: ast.expr = Filled().visit(tree)
    return filled


def _at(new: ast.expr, old: ast.expr) -> ast.expr:
    return ast.copy_location(new, old)


_OF_ARRAYS = ("sum", "mean", "max", "min", "prod", "std", "var", "dot", "trace", "diagonal", "reshape", "transpose")
_CASES: dict[type, Callable[..., ast.expr]] = {ast.Call: _call, ast.Attribute: _attribute, ast.Subscript: _subscript}

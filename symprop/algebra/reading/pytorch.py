"""What people paste from PyTorch, in NumPy's words: `torch.mm(A, B)`, `F.softmax(x, dim=-1)`, `x.sum(dim=1)`.

Where PyTorch means something else by a word of NumPy's, it is said as NumPy would (`torch.var(x)` divides by n - 1), or
it is refused, as `torch.max(x, dim=1)`, which is a pair.
"""

from __future__ import annotations

import ast

MODULES = frozenset({"torch", "torch.linalg", "torch.special", "torch.nn.functional", "nn.functional", "F"})
"""Where PyTorch's functions are found, as people write it before their names."""
FUNCTIONAL = frozenset(
    {"relu", "softmax", "log_softmax", "gelu", "silu", "elu", "leaky_relu", "softplus", "sigmoid", "tanh"}
)
"""Functions for which `F` is PyTorch's module; of any other name `F` is an array."""
NAMES: dict[str, str] = {
    **{"mm": "matmul", "bmm": "matmul", "mv": "matmul", "cat": "concatenate", "clamp": "clip", "inverse": "inv"},
}
"""PyTorch's names for functions and methods of NumPy's."""
UNLIKE = frozenset({"fold", "pad", "scatter_add"})
"""Functions that mean another thing than the language's of that name."""
AXES: dict[str, str] = {"dim": "axis", "keepdim": "keepdims"}
"""PyTorch's names for keywords."""
_CORRECTION = "correction"


def in_numpys_words(call: ast.Call, name: str, module: str) -> str:
    """Return the name of a function or method as NumPy has it, its arguments changed likewise.

    What NumPy has no word for gets a name that nothing has, `torch.max`. `module` is where it is found, empty for a
    method, whose array stands first among the arguments.

    >>> call = ast.parse("torch.var(x, dim=0)", mode="eval").body
    >>> in_numpys_words(call, "var", "torch"), [each.arg for each in call.keywords]
    ('var', ['axis', 'ddof'])
    """
    keywords = {each.arg or "" for each in call.keywords}
    of_torch = module in MODULES or bool(keywords & {*AXES, _CORRECTION})
    if not of_torch:
        return NAMES.get(name, name)
    along = bool(keywords & {*AXES}) or any(map(_is_whole, call.args[1:2]))
    is_norm = name == "norm" and ("p" in keywords or len(call.args) > 1)  # of all elements, also of a matrix
    if name in UNLIKE or (name in ("max", "min") and along) or (module == "torch" and (is_norm or name == "svd")):
        return f"torch.{name}"
    if name in ("max", "min") and len(call.args) == 2:
        return f"{name}imum"
    if name in ("var", "std"):
        _with_correction(call)
    if name in ("ones", "zeros") and len(call.args) > 1:
        call.args = [ast.copy_location(ast.Tuple(call.args, ast.Load()), call.args[0])]
    for each in call.keywords:
        each.arg = AXES.get(each.arg or "", each.arg)
    if name == "transpose" and module:
        return "swapaxes"
    return NAMES.get(name, name)


def _is_whole(tree: ast.expr) -> bool:
    """Whether an argument is an integer as it is typed, `1` or `-1`."""
    inside = tree.operand if isinstance(tree, ast.UnaryOp) else tree
    return isinstance(inside, ast.Constant) and type(inside.value) is int


def _with_correction(call: ast.Call) -> None:
    """Say by how much less than the number of elements a variance divides: 1, where nothing else is said."""
    given = next((each for each in call.keywords if each.arg == _CORRECTION), None)
    if given is not None:
        given.arg = "ddof"
    elif not any(each.arg in ("unbiased", "ddof") for each in call.keywords):
        call.keywords.append(ast.keyword("ddof", ast.copy_location(ast.Constant(1), call)))

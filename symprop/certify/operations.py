"""What functions and methods of arrays are called in the language of formulas, as PyTorch and NumPy name them.

A row takes the operands as they were given (names of parts and plain numbers) and gives the text of a formula. Options
are PyTorch's or NumPy's: `dim` and `keepdim` are `axis` and `keepdims`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Row = Callable[..., str]


class Refused(Exception):
    """An operation, or an option of one, that the language of formulas lacks; the text says which."""


def _function(name: str) -> Row:
    return lambda x: f"{name}({x})"


def _sign(sign: str) -> Row:
    return lambda a, b: f"({a}) {sign} ({b})"


def _reduction(name: str) -> Row:
    def row(x: Any, dim: Any = None, keepdim: bool = False, axis: Any = None, keepdims: bool | None = None) -> str:
        along = axis if dim is None else dim
        along = tuple(along) if isinstance(along, list) else along
        axes = "" if along is None else f", axis={along}"
        return f"{name}({x}{axes}{', keepdims=True' if keepdim or keepdims else ''})"

    return row


def _spread(name: str) -> Row:
    """Return the row of a statistic with a divisor: PyTorch's own default is n - 1, NumPy's is n."""

    def row(
        x: Any,
        dim: Any = None,
        unbiased: bool = True,
        keepdim: bool = False,
        *,
        correction: int | None = None,
        axis: Any = None,
        ddof: int = 0,
        keepdims: bool = False,
    ) -> str:
        if isinstance(dim, bool):  # var(x, False)
            dim, unbiased = None, dim
        apart = int(unbiased) if correction is None else correction
        apart = ddof if axis is not None or keepdims else apart
        return _reduction(name)(x, dim, keepdim, axis, keepdims).removesuffix(")") + f", ddof={apart})"

    return row


def _along(name: str) -> Row:
    def row(x: Any, dim: int | None = None, axis: int | None = None, dtype: Any = None) -> str:
        along = axis if dim is None else dim
        if along is None:
            raise Refused(f"{name} without its dim")
        return f"{name}({x}, axis={along})"

    return row


def _axes(*given: Any) -> tuple[int, ...]:
    """Return axes or sizes that were given one by one or as a tuple."""
    return tuple(given[0]) if len(given) == 1 and isinstance(given[0], (tuple, list)) else given


def _transposed(x: Any, *axes: int, dim0: int | None = None, dim1: int | None = None) -> str:
    first, second = axes if len(axes) == 2 else (dim0, dim1)
    return f"swapaxes({x}, {first}, {second})"


def _permuted(x: Any, *axes: Any, **named: Any) -> str:
    """Two axes as PyTorch swaps them; a tuple of axes, or none, as NumPy permutes them."""
    if len(axes) == 2 or named:
        return _transposed(x, *axes, **named)
    return f"transpose({x}, {_axes(*axes)})" if axes else f"({x}).T"


def _listed(name: str) -> Row:
    def row(arrays: Any, dim: int = 0, axis: int | None = None) -> str:
        return f"{name}([{', '.join(map(str, arrays))}], axis={dim if axis is None else axis})"

    return row


def _clamped(x: Any, min: Any = None, max: Any = None) -> str:
    if min is not None:
        x = f"maximum({x}, {min})"
    return f"minimum({x}, {max})" if max is not None else str(x)


def _linear(x: Any, weight: Any, bias: Any = None) -> str:
    return f"({x}) @ ({weight}).T" + (f" + {bias}" if bias is not None else "")


def _gelu(x: Any, approximate: str = "none") -> str:
    return f"{'gelu_tanh' if approximate == 'tanh' else 'gelu'}({x})"


def _layer_norm(x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> str:
    axes = tuple(range(-len(_axes(normalized_shape)), 0))
    mean, spread = (f"{name}({x}, axis={axes}, keepdims=True)" for name in ("mean", "var"))
    normal = f"({x} - {mean}) / sqrt({spread} + {eps})"
    scaled = normal if weight is None else f"{normal} * {weight}"
    return scaled if bias is None else f"{scaled} + {bias}"


def _dropped(x: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> str:
    if training and p:
        raise Refused("dropout that is drawn anew")
    return str(x)


SAME = ("contiguous", "clone", "detach", "float", "double", "to", "type_as", "requires_grad_", "copy", "astype")
"""What changes no value."""
UNARY = (
    *("exp", "log", "log1p", "expm1", "abs", "sign", "sin", "cos", "tan", "sinh", "cosh", "tanh", "sigmoid", "relu"),
    *("sqrt", "square", "erf", "softplus", "silu", "trace", "det", "logdet", "inv", "diag", "diagonal", "arctan"),
)
OPERATIONS: dict[str, Row] = {
    **{name: _function(name) for name in UNARY},
    **{name: lambda x, *_, **__: f"({x})" for name in SAME},
    **{name: _sign("@") for name in ("matmul", "mm", "mv", "bmm")},
    **{name: _sign("+") for name in ("add",)},
    **{name: _sign("-") for name in ("sub", "subtract")},
    **{name: _sign("*") for name in ("mul", "multiply")},
    **{name: _sign("/") for name in ("div", "divide", "true_divide")},
    **{name: _sign("**") for name in ("pow", "power", "float_power")},
    **{name: _sign(">") for name in ("gt", "greater")},
    **{name: _sign("<") for name in ("lt", "less")},
    **{name: _sign(">=") for name in ("ge", "greater_equal")},
    **{name: _sign("<=") for name in ("le", "less_equal")},
    **{name: lambda x: f"-({x})" for name in ("neg", "negative")},
    "rsqrt": lambda x: f"1 / sqrt({x})",
    "reciprocal": lambda x: f"1 / ({x})",
    "absolute": _function("abs"),
    **{name: lambda a, b, name=name: f"{name}({a}, {b})" for name in ("maximum", "minimum", "dot", "outer", "inner")},
    "where": lambda condition, a, b: f"where({condition}, {a}, {b})",
    **{name: _reduction(name) for name in ("sum", "mean", "prod", "logsumexp", "max", "min")},
    **{"amax": _reduction("max"), "amin": _reduction("min")},
    **{"var": _spread("var"), "std": _spread("std")},
    **{"softmax": _along("softmax"), "log_softmax": _along("log_softmax")},
    **{"swapaxes": _transposed, "swapdims": _transposed},
    "transpose": _permuted,
    "t": lambda x: f"({x}).T",
    "permute": lambda x, *axes: f"transpose({x}, {_axes(*axes)})",
    "unsqueeze": lambda x, dim: f"expand_dims({x}, {dim})",
    "expand_as": lambda x, other: f"({x}) * ones_like({other})",
    "expand_dims": lambda x, axis: f"expand_dims({x}, {axis})",
    "squeeze": lambda x, dim=None: f"squeeze({x})" if dim is None else f"squeeze({x}, {dim})",
    **{name: lambda x, *shape: f"reshape({x}, {_axes(*shape)})" for name in ("reshape", "view")},
    **{name: lambda x: f"ravel({x})" for name in ("flatten", "ravel")},
    **{name: _listed("concatenate") for name in ("cat", "concat", "concatenate")},
    "stack": _listed("stack"),
    **{"clamp": _clamped, "clip": _clamped},
    **{"linear": _linear, "layer_norm": _layer_norm, "gelu": _gelu, "dropout": _dropped},
}
"""By the last name of a function or a method."""

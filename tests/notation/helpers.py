"""Random formulas, the functions that NumPy notation takes for granted, and a value of nodes without their text."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st

from symprop.algebra import nodes as n
from symprop.algebra import variable
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node

_erf = np.vectorize(math.erf, otypes=[float])


def softmax(z: Any, axis: int = -1) -> Any:
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def logsumexp(z: Any, axis: int = -1, keepdims: bool = False) -> Any:
    return np.log(np.sum(np.exp(z), axis=axis, keepdims=keepdims))


def first_max(x: Any, axis: Any = None) -> Any:
    """1 at the first of the largest elements along axes, found one after the other."""
    x = np.asarray(x, float)
    axes = range(x.ndim) if axis is None else [place % x.ndim for place in np.atleast_1d(np.asarray(axis, int))]
    if any(place not in range(-x.ndim, x.ndim) for place in axes) or len(set(axes)) < len(axes):
        raise np.exceptions.AxisError("no such axes")
    found = np.zeros(x.shape)
    for index in np.ndindex(*(1 if place in axes else size for place, size in enumerate(x.shape))):
        part = (*(slice(None) if place in axes else index[place] for place in range(x.ndim)), ...)
        best: Any = None
        for inside in np.ndindex(*x[part].shape):
            best = inside if best is None or x[part][inside] > x[part][best] else best
        found[part][best] = 1
    return found


def one_hot(ids: Any, size: int) -> Any:
    return np.eye(size)[ids]


def fold(windows: Any, sizes: Any, axis: Any, length: Any, stride: Any = 1, dilation: Any = 1) -> Any:
    """Add up windows by what a view of windows reads: the places of an array of places."""
    axes, sizes, length = (each if isinstance(each, tuple) else (each,) for each in (axis, sizes, length))
    strides, dilations = (each if isinstance(each, tuple) else (each,) * len(axes) for each in (stride, dilation))
    shape = list(windows.shape[: windows.ndim - len(axes)])
    for place, size in zip(axes, length, strict=True):
        shape[place] = size
    places = np.arange(np.prod(shape)).reshape(shape)
    spans = tuple(d * (k - 1) + 1 for k, d in zip(sizes, dilations, strict=True))
    view = np.lib.stride_tricks.sliding_window_view(places, spans, axis=axes)
    for at, (place, s, d) in enumerate(zip(axes, strides, dilations, strict=True)):
        view = view.take(np.arange(0, view.shape[place], s), axis=place)
        view = view.take(np.arange(0, view.shape[len(shape) + at], d), axis=len(shape) + at)
    return np.bincount(view.ravel(), windows.ravel(), places.size).reshape(shape)


def scatter_add(values: Any, ids: Any, size: int) -> Any:
    out = np.zeros((size, *values.shape[np.ndim(ids) :]))
    np.add.at(out, ids, values)
    return out


NAMESPACE: dict[str, Any] = {
    name: getattr(np, name)
    for name in (
        "sum", "outer", "where", "eye", "ones", "zeros", "full", "diag", "diagonal", "sqrt", "reshape", "transpose",
        "exp", "log", "log1p", "expm1", "abs", "sign", "sin", "cos", "tan", "arcsin", "arccos", "arctan",
        "sinh", "cosh", "tanh", "maximum", "minimum", "pi", "power", "prod", "max", "min",
        "trace", "kron", "concatenate", "pad", "flip", "inf",
    )
}  # fmt: skip
NAMESPACE |= {
    "inv": np.linalg.inv,
    "det": np.linalg.det,
    "norm": np.linalg.norm,
    "matrix_power": np.linalg.matrix_power,
    "logdet": lambda a: np.linalg.slogdet(a)[1],
    "duplication": lambda n: np.eye(n * (n + 1) // 2)[
        [max(i, j) + min(i, j) * (2 * n - min(i, j) - 1) // 2 for i in range(n) for j in range(n)]
    ],
    "commutation": lambda m, n: np.eye(m * n)[np.arange(m * n).reshape(m, n).T.ravel()],
    "range": range,
    "softmax": softmax,
    "logsumexp": logsumexp,
    "one_hot": one_hot,
    "first_max": first_max,
    "first_min": lambda x, axis=None: first_max(np.negative(np.asarray(x, float)), axis),
    "scatter_add": scatter_add,
    "sliding_window_view": np.lib.stride_tricks.sliding_window_view,
    "fold": fold,
    "erf": _erf,
    "sigmoid": lambda t: 1 / (1 + np.exp(-t)),
    "softplus": lambda t: np.log1p(np.exp(t)),
    "relu": lambda t: np.where(t > 0, t, 0.0),
    "silu": lambda t: t / (1 + np.exp(-t)),
}

SIZES = {"n": 3, "m": 2}
ARRAYS: dict[tuple[int, ...], tuple[str, ...]] = {
    (): ("s", "t"),
    (3,): ("u", "v1"),
    (2, 3): ("A", "X2"),
    (3, 3): ("W1", "B"),
}


def environment(seed: int = 0) -> dict[str, Any]:
    """Values for the leaves: positive, so that powers and logarithms exist."""
    random = np.random.default_rng(seed)
    values: dict[str, Any] = {
        name: random.uniform(0.5, 1.5, shape) for shape, names in ARRAYS.items() for name in names
    }
    return values | {"ids": np.array([2, 0])}


IDS = variable("ids", (2,))


def value(node: Node, given: dict[str, Any]) -> Any:
    """Evaluate a node from its meaning, without its text."""
    parts = [value(operand, given) for operand in node.operands]
    match node:
        case n.Variable():
            return given[node.name]
        case n.Scalar() | n.Fill():
            return np.full([int(size) for size in node.shape], float(node.value))
        case n.Identity():
            return np.eye(int(node.shape[0]))
        case n.Add():
            return sum(parts[1:], parts[0])
        case n.Multiply():
            return math.prod(parts[1:], start=parts[0])
        case n.Power():
            return parts[0] ** float(node.exponent)
        case n.MatMul():
            return np.matmul(*parts)
        case n.Outer():
            return parts[0][:, None] * parts[1][None, :]
        case n.Transpose():
            return np.transpose(parts[0], node.axes)
        case n.Sum():
            return np.sum(parts[0], axis=node.axes, keepdims=node.keepdims)
        case n.Expand():
            return np.expand_dims(parts[0], node.axis)
        case n.Reshape():
            return np.reshape(parts[0], [int(size) for size in node.shape])
        case n.Diag():
            return np.diag(parts[0])
        case n.Diagonal():
            return np.diagonal(parts[0])
        case n.Take():
            return parts[0][parts[1]]
        case n.ScatterAdd():
            return scatter_add(parts[0], parts[1], int(node.size))
        case n.OneHot():
            return one_hot(parts[0], int(node.size))
        case n.Map():
            return NAMESPACE[node.function.name](*parts)
        case n.Compare():
            compare = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal, "==": np.equal}
            return (compare | {"!=": np.not_equal})[node.relation](*parts).astype(float)
        case n.Where():
            return np.where(parts[0] != 0, parts[1], parts[2])
        case n.Softmax():
            return softmax(parts[0], node.axis)
        case n.LogSumExp():
            return logsumexp(parts[0], node.axis, node.keepdims)
    raise TypeError(type(node).__name__)


_NUMBERS = st.sampled_from([-3, -1, 2, sympy.Rational(1, 3), sympy.Rational(-5, 4), sympy.sqrt(2)])
_ELEMENTWISE = st.sampled_from(["tanh", "sigmoid", "relu", "exp", "abs", "erf", "silu"])


_KINDS: dict[tuple[int, ...], list[str]] = {
    (): ["sum", "dot"],
    (3,): ["matvec", "axis", "diagonal", "keep"],
    (2, 3): ["matmul", "softmax", "expand", "take"],
    (3, 3): ["transpose", "outer", "diag", "gram", "scatter", "one"],
}


@st.composite
def trees(draw: Any, shape: tuple[int, ...], depth: int = 4) -> Node:
    """Draw a formula of a shape."""
    leaves = ["leaf", "leaf", "number" if shape == () else "fill"]
    kinds = ["add", "add", "multiply", "multiply", "quotient", "power", "map", "where", "minus", "scaled"]
    kinds += {
        (): ["sum", "dot"],
        (3,): ["matvec", "axis", "diagonal", "keep"],
        (2, 3): ["matmul", "softmax", "expand", "take"],
    }.get(shape, ["transpose", "outer", "diag", "gram", "scatter", "one"])
    kind = draw(st.sampled_from(leaves if depth == 0 else kinds + leaves[:1]))

    def of(other: tuple[int, ...] = shape) -> Node:
        return draw(trees(other, depth - 1))

    positive = {"quotient", "power"}
    base = n.Add(n.Scalar(2), n.Power(of(), 2)) if kind in positive else None
    match kind:
        case "leaf":
            return variable(draw(st.sampled_from(ARRAYS[shape])), shape)
        case "number":
            return n.Scalar(draw(_NUMBERS))
        case "fill":
            return n.Fill(draw(_NUMBERS), shape)
        case "add":
            return n.Add(*(of() for _ in range(draw(st.integers(2, 3)))))
        case "minus":
            return of() - of()
        case "multiply":
            return n.Multiply(*(of() for _ in range(draw(st.integers(2, 3)))))
        case "scaled":
            return n.Scalar(draw(_NUMBERS)) * of()
        case "quotient":
            return of() / base
        case "power":
            return n.Power(base, draw(st.sampled_from([-2, -1, 2, 3, sympy.Rational(1, 2), sympy.Rational(-1, 2)])))
        case "map":
            return FUNCTIONS[draw(_ELEMENTWISE)](n.Map(FUNCTIONS["tanh"], of()))
        case "where":
            return n.Where(
                n.Compare(draw(st.sampled_from([">", "<="])), of(), of()), of(), n.Compare("<", of(), of()) + of()
            )
        case "sum":
            return n.Sum(of((3,)))
        case "dot":
            return of((3,)) @ of((3,))
        case "matvec":
            return of((3, 3)) @ of((3,))
        case "axis":
            return n.Sum(of((2, 3)), 0)
        case "keep":
            return of() - n.Sum(of(), 0, True)
        case "diagonal":
            return n.Diagonal(of((3, 3)))
        case "matmul":
            return of((2, 3)) @ of((3, 3))
        case "softmax":
            return n.Softmax(n.Map(FUNCTIONS["tanh"], of()), draw(st.sampled_from([0, 1])))
        case "expand":
            return of() * n.Expand(n.Sum(of(), 1), 1)
        case "take":
            return n.Take(of((3, 3)), IDS)
        case "transpose":
            return of().T
        case "outer":
            return n.Outer(of((3,)), of((3,)))
        case "diag":
            return n.Diag(of((3,)))
        case "gram":
            return of((2, 3)).T @ of((2, 3))
        case "scatter":
            return n.ScatterAdd(of((2, 3)), IDS, 3)
    return n.Identity(3)

r"""Functions in LaTeX: their arguments as the text language has them, and the shape that its reader makes of these."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import sympy
from sympy import Expr

from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.inference import fits
from symprop.algebra.inference.unknown_sizes import Misfit
from symprop.algebra.latex.elaboration import Elaboration, case
from symprop.algebra.latex.powers import raised
from symprop.algebra.latex.products import met
from symprop.algebra.latex.tokens import Token
from symprop.algebra.latex.trees import LOOSE, Tex, plain
from symprop.algebra.latex.values import Value, called, constant, located, tupled
from symprop.algebra.latex.words import function_named
from symprop.algebra.lifting import lift
from symprop.algebra.nodes import Node
from symprop.errors import LimitError, ReadingError, ShapeError, shown

PRIME = "zz_prime_"
"""Before the name of a function whose derivative is called."""
MOST_PRIMES = 3
"""The highest derivative of a function that is read."""
_REDUCE = frozenset({"sum", "mean", "max", "min", "prod", "first_max", "first_min"})
Special = Callable[[Elaboration, Tex, list[Tex]], Value]
SPECIAL: dict[str, Special] = {}
"""Functions whose arguments LaTeX has otherwise; `special_functions.py` and `windows.py` enter them."""
ALONG_THE_LAST = frozenset({"softmax", "log_softmax", "logsumexp"})
"""Functions along the last axis, which may have indices before it."""


@case("apply")
def _(e: Elaboration, tree: Tex) -> Value:
    return applied(e, tree, tree.text, list(tree.parts))


def applied(e: Elaboration, tree: Tex, name: str, arguments: list[Tex]) -> Value:
    """Return a function of its arguments, with the scripts that stand behind its name."""
    name = own_function(e, tree) or name
    if not (name in e.names.functions or name in SPECIAL or function_named(name)):
        e.refuse(f"{shown(name)} is no function of the language of formulas", tree.start, tree.end)
    primes = primes_of(tree)
    above = [group for group in tree.above if not _is_prime(group)]
    for part in arguments:
        if part.kind == "run" and part.text == LOOSE and e.names.find(part.parts[0]) is not None:
            inside = e.latex[part.start : part.end]
            e.refuse(
                f"two readings: {name}({inside}), or {name} of the letter times what is behind it; write brackets",
                tree.start,
                tree.end,
                ReadingError,
            )
    along = plain(tree.below)
    if name in ALONG_THE_LAST and along in e.labels and len(arguments) == 1:
        value = _along(e, tree, name, e.value(arguments[0]), along)
    elif name in SPECIAL:
        value = SPECIAL[name](e, tree, arguments)
    else:
        name, options = _with_subscript(e, tree, name)
        values = [e.value(part) for part in arguments]
        value = elementwise_or_whole(e, tree, name, values, options, primes)
    return raised(e, value.at(tree.start, tree.end), above)


_WRITTEN = re.compile(r"\\(?:operatorname|mathrm|text)\*?\s*\{((?:\w|\\_)+)\}")


def own_function(e: Elaboration, tree: Tex) -> str:
    r"""Return the name of a function of the user's, `\operatorname{swish}`; empty where a call is written otherwise."""
    written = _WRITTEN.match(e.latex, tree.start)
    name = written[1].replace("\\_", "_") if written else ""
    return name if name in e.names.functions else ""


def primes_of(tree: Tex) -> int:
    """How many primes stand behind the name of a function."""
    return sum(len(group) for group in tree.above if _is_prime(group))


def _is_prime(group: Sequence[Token]) -> bool:
    return bool(group) and all(token.text in ("'", "prime") for token in group)


def _along(e: Elaboration, tree: Tex, name: str, value: Value, index: str) -> Value:
    r"""Return `\operatorname{softmax}_j(e_{ij})`, along an index."""
    if index not in value.labels or value.rank:
        e.refuse(f"{name} along {index} is of elements that have the index {index}", tree.start, tree.end)
    made = called(name, value.tree, axis=constant(value.labels.index(index)))
    labels = tuple(label for label in value.labels if label != index or name != "logsumexp")
    return value.made(located(made, tree.start, tree.end), (), labels=labels)


def _with_subscript(e: Elaboration, tree: Tex, name: str) -> tuple[str, list[ast.expr]]:
    r"""Return the function that a subscript makes of another, and its number: `\operatorname{LeakyReLU}_{0.2}`."""
    below = plain(tree.below)
    if not below:
        return name, []
    if name == "gelu" and below == "tanh":
        return "gelu_tanh", []
    if name in ("leaky_relu", "elu"):
        return name, [e.of_tokens(tree.below).tree]
    return e.refuse(f"{name} has no subscript", tree.below[0].start, tree.below[-1].end)


def elementwise_or_whole(
    e: Elaboration, tree: Tex, name: str, values: list[Value], numbers: list[ast.expr], primes: int
) -> Value:
    """Return a function of each element, or of whole arrays."""
    at = tree.start, tree.end
    if primes:
        return _derivative(e, tree, name, values, primes)
    if name in ("max", "min") and len(values) > 1:
        name = f"{name}imum"
        result = values[0]
        for value in values[1:]:
            result = met(e, [result, value], lambda trees: called(name, *trees), f"{name[:3]}(...)")
        return result
    if name == "clip" and len(values) == 3:
        least = elementwise_or_whole(e, tree, "maximum", values[:2], [], 0)
        return elementwise_or_whole(e, tree, "minimum", [least, values[2]], [], 0)
    if name in e.names.functions or name in FUNCTIONS or name in ("sqrt", "square", "leaky_relu", "elu"):
        if axes_of(tree):
            e.refuse(f"{name} of each element takes no axis", *at)
        return met(e, values, lambda trees: called(name, *trees, *numbers), f"{name}(...)").at(*at)
    if any(value.labels for value in values):
        if name not in ALONG_THE_LAST or len(values) != 1 or values[0].rank == 0:
            return _each(e, tree, name, values)
        value = values[0]
        own = int(next((word for word in tree.words if word.isdigit()), value.rank - 1))
        shape = tuple(size for place, size in enumerate(value.shape) if name != "logsumexp" or place != own)
        axis = constant(len(value.labels) + own)
        return value.made(located(called(name, value.tree, axis=axis), *at), shape, row=value.row and bool(shape))
    return _of_arrays(e, tree, name, values)


def _of_arrays(e: Elaboration, tree: Tex, name: str, values: list[Value]) -> Value:
    """Return a function of whole arrays, whose shape the reader of texts knows."""
    options = _axes(tree)
    if name == "logsumexp" and not options:
        options["axis"] = constant(-1)  # along rows, as softmax
    places = [f"{fits.OPERAND}{place}" for place in range(len(values))]
    written = [*places, *(f"{key}={ast.unparse(value)}" for key, value in options.items())]
    made = called(name, *(value.tree for value in values), **options)
    result = by_trial(e, f"{name}({', '.join(written)})", values, made, tree)
    keeps = len(values) == 1 and result.rank == 1 and values[0].row
    return replace(result, row=keeps)


def _each(e: Elaboration, tree: Tex, name: str, values: list[Value]) -> Value:
    """Refuse a function of matrices of what has indices."""
    if name in _REDUCE and len(values) == 1 and values[0].rank:
        value = values[0]
        own = _axes(tree).get("axis")
        chosen = [each.value for each in ast.walk(own) if isinstance(each, ast.Constant)] if own else None
        places = [place for place in range(value.rank) if chosen is None or place in chosen]
        axes = [constant(len(value.labels) + place) for place in places]
        made = called(name, value.tree, axis=axes[0] if len(axes) == 1 else tupled(axes))
        shape = tuple(size for place, size in enumerate(value.shape) if place not in places)
        return value.made(located(made, tree.start, tree.end), value.shape if name.startswith("first") else shape)
    told = f"{name} of what has an index is not read: {e.shapes(values)}"
    return e.refuse(told, tree.start, tree.end)


def axes_of(tree: Tex) -> list[int]:
    """Return the axes that a function is told, `\\text{axis }1`."""
    return [int(word) for word in tree.words if word.isdigit()]


def _axes(tree: Tex) -> dict[str, ast.expr]:
    axes = [constant(axis) for axis in axes_of(tree)]
    return {"axis": axes[0] if len(axes) == 1 else tupled(axes)} if axes else {}


def between_squares(e: Elaboration, values: Sequence[Value]) -> None:
    """Check that a matrix, the last, has as many rows as the first square matrix and as many columns as the second."""
    left, right, middle = values
    sizes = ((*left.shape, left), (*right.shape, right), (middle.shape[0], left.shape[0], middle))
    for one, other, value in (*sizes, (middle.shape[1], right.shape[0], middle)):
        e.same(one, other, value, "a matrix between two that are square")


def by_trial(e: Elaboration, text: str, values: Sequence[Value], made: ast.expr, tree: Tex) -> Value:
    """Return what the reader of texts makes of arrays of these ranks, with the shape that it says."""
    found = fits.read_by_trial(text, len(values))
    try:
        shape = found.rule(e.sizes, *(value.shape for value in values))
    except Misfit:
        what = text.partition("(")[0]
        e.refuse(
            f"shapes do not fit in {what if '[' not in what else 'brackets'}: {e.shapes(values)}",
            tree.start,
            tree.end,
            ShapeError,
        )
    return Value(located(made, tree.start, tree.end), shape, tree.start, tree.end)


def _derivative(e: Elaboration, tree: Tex, name: str, values: list[Value], primes: int) -> Value:
    r"""Return `\sigma'(z)`: the derivative of a function by its argument, at each element."""
    known = {**FUNCTIONS, **e.names.functions}
    if name not in known or len(known[name].parameters) != 1 or len(values) != 1:
        e.refuse(f"{name} is no function of one number, as \\tanh'(z) is, and has no prime", tree.start, tree.end)
    if primes > MOST_PRIMES:
        e.refuse(f"{primes} primes; at most {MOST_PRIMES} are read", tree.start, tree.end, LimitError)
    written = f"{PRIME * primes}{name}"
    e.functions[written] = derivative_of(known[name], primes)
    value = values[0]
    return value.made(located(called(written, value.tree), tree.start, tree.end), value.shape)


def derivative_of(function: Any, times: int) -> Callable[[Node], Node]:
    """Return what makes a derivative of an elementwise function at an array.

    >>> from symprop.algebra import variable
    >>> derivative_of(FUNCTIONS["tanh"], 1)(variable("z", (3,))).text()
    '1 - tanh(z)**2'
    """
    parameter = function.parameters[0]
    slope = _without_minus(sympy.diff(function.body, parameter, times))
    return lambda node: lift(slope, {parameter: node})


def _without_minus(slope: Expr) -> Expr:
    """Return `u (1 - u)` for `-u (u - 1)`."""
    sign, factors = slope.as_coeff_mul()
    found = next((factor for factor in factors if factor.is_Add), None)
    if sign != -1 or found is None:
        return slope
    return sympy.Mul(*(sympy.Mul(-1, factor) if factor is found else factor for factor in factors))

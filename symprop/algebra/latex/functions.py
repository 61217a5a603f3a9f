r"""Functions in LaTeX: their arguments as the text language has them, and the shape that its reader makes of these."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import replace

import sympy
from sympy import Expr, Integer

from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.inference import fits
from symprop.algebra.inference.unknown_sizes import Misfit
from symprop.algebra.latex.elaboration import Elaboration, case
from symprop.algebra.latex.powers import raised, transposed
from symprop.algebra.latex.products import met
from symprop.algebra.latex.tokens import Token
from symprop.algebra.latex.trees import Tex, plain
from symprop.algebra.latex.values import SizeOf, Value, called, constant, joined, located, shape_of, tupled
from symprop.algebra.lifting import lift
from symprop.algebra.nodes import Node
from symprop.errors import ShapeError, shown

PRIME = "zz_prime_"
"""Before the name of a function whose derivative is called."""
_REDUCE = frozenset({"sum", "mean", "max", "min", "prod", "first_max", "first_min"})
ALONG_THE_LAST = frozenset({"softmax", "log_softmax", "logsumexp"})
"""Functions along the last axis, which may have indices before it."""


@case("apply")
def _(e: Elaboration, tree: Tex) -> Value:
    return applied(e, tree, tree.text, list(tree.parts))


def applied(e: Elaboration, tree: Tex, name: str, arguments: list[Tex]) -> Value:
    """Return a function of its arguments, with the scripts that stand behind its name."""
    primes = sum(len(group) for group in tree.above if _is_prime(group))
    above = [group for group in tree.above if not _is_prime(group)]
    if name in SPECIAL:
        value = SPECIAL[name](e, tree, arguments)
    else:
        name, options = _with_subscript(e, tree, name)
        values = [e.value(part) for part in arguments]
        value = _called(e, tree, name, values, options, primes)
    return raised(e, value.at(tree.start, tree.end), above)


def _is_prime(group: Sequence[Token]) -> bool:
    return bool(group) and all(token.text in ("'", "prime") for token in group)


def _with_subscript(e: Elaboration, tree: Tex, name: str) -> tuple[str, list[ast.expr]]:
    r"""Return the function that a subscript makes of another, and its number: `\operatorname{LeakyReLU}_{0.2}`."""
    below = plain(tree.below)
    if not below:
        return name, []
    if name == "gelu" and below == "tanh":
        return "gelu_tanh", []
    if name in ("leaky_relu", "elu"):
        return name, [e.of_tokens(tree.below).tree]
    if name == "log":
        return "log", []
    return e.refuse(f"{name} has no subscript", tree.below[0].start, tree.below[-1].end)


def _called(e: Elaboration, tree: Tex, name: str, values: list[Value], numbers: list[ast.expr], primes: int) -> Value:
    at = tree.start, tree.end
    if primes:
        return _derivative(e, tree, name, values, primes)
    if name in ("max", "min") and len(values) > 1:
        name = f"{name}imum"
        result = values[0]
        for value in values[1:]:
            result = met(e, [result, value], lambda trees: called(name, *trees), f"{name[:3]}(...)")
        return result
    if name in FUNCTIONS or name in ("sqrt", "square", "leaky_relu", "elu"):
        made = met(e, values, lambda trees: called(name, *trees, *numbers), f"{name}(...)").at(*at)
        below = plain(tree.below) if name == "log" else ""
        if below:
            base = e.of_tokens(tree.below)
            quotient = joined(made.tree, ast.Div, called("log", base.tree))
            made = replace(made, tree=located(quotient, *at))
        return made
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
    return e.refuse(f"{name} of what has an index is not read", tree.start, tree.end)


def _axes(tree: Tex) -> dict[str, ast.expr]:
    axes = [constant(int(word)) for word in tree.words if word.isdigit()]
    return {"axis": axes[0] if len(axes) == 1 else tupled(axes)} if axes else {}


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
    if name not in FUNCTIONS or len(FUNCTIONS[name].parameters) != 1 or len(values) != 1 or primes > 3:
        e.refuse(f"{name} is no function of one number that has a derivative here", tree.start, tree.end)
    written = f"{PRIME * primes}{name}"
    e.functions[written] = derivative_of(name, primes)
    value = values[0]
    return value.made(located(called(written, value.tree), tree.start, tree.end), value.shape)


def derivative_of(name: str, times: int) -> Callable[[Node], Node]:
    """Return what makes a derivative of a function of the language at an array.

    >>> from symprop.algebra import variable
    >>> derivative_of("tanh", 1)(variable("z", (3,))).text()
    '1 - tanh(z)**2'
    """
    function = FUNCTIONS[name]
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


# ---------------------------------------------------------------- functions with arguments of their own


def _vec(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Value:
    """The columns below each other; the rows one behind the other on the page of a network, which says so."""
    value = e.value(_only(e, tree, arguments))
    count = sympy.Mul(*map(e.sizes.value, value.shape))
    by_columns = value.rank == 2 and not e.names.of_network
    match value.tree:
        case ast.Attribute(inner, "T") if by_columns:  # the columns of A' are the rows of A
            made = called("ravel", inner)
        case whole:
            made = called("vec" if by_columns else "ravel", whole)
    if value.labels:
        whole_shape = (*(e.labels[label] for label in value.labels), count)
        made = called("reshape", transposed(e, value).tree if by_columns else value.tree, shape_of(whole_shape))
    return value.made(located(made, tree.start, tree.end), (count,), row=False)


def _mat(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Value:
    value = e.value(_only(e, tree, arguments))
    parts: list[list[Token]] = [[]]
    for token in tree.below:
        if token.text in ("times", ","):
            parts.append([])
        else:
            parts[-1].append(token)
    sizes = tuple(e.size(part) for part in parts)
    made = called("reshape", value.tree, shape_of((*(e.labels[label] for label in value.labels), *sizes)))
    return value.made(located(made, tree.start, tree.end), sizes, row=False)


def _one_hot(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Value:
    ids, size = e.value(_only(e, tree, arguments)), e.fresh()
    made = located(called("one_hot", ids.tree, SizeOf(size)), tree.start, tree.end)
    return ids.made(made, (*ids.shape, size), row=False)


def _transpose(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Value:
    value = e.value(arguments[0])
    if len(arguments) == 1:
        return transposed(e, value)
    axes = [int(part.text) for part in arguments[1].parts if part.text.isdigit()]
    if sorted(axes) != list(range(value.rank)):
        e.refuse("axes in another order are numbers, each once", tree.start, tree.end)
    made = called("transpose", value.tree, tupled([constant(axis) for axis in axes]))
    return Value(located(made, tree.start, tree.end), tuple(value.shape[axis] for axis in axes), tree.start, tree.end)


def _expand(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Value:
    value = e.value(_only(e, tree, arguments))
    axis = int(next((word for word in tree.words if word.isdigit()), "0"))
    made = called("expand_dims", value.tree, constant(axis))
    shape = (*value.shape[:axis], Integer(1), *value.shape[axis:])
    return Value(located(made, tree.start, tree.end), shape, tree.start, tree.end)


def _with_diagonal(name: str) -> Callable[[Elaboration, Tex, list[Tex]], Value]:
    def made(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Value:
        value = e.value(arguments[0])
        rest = [e.value(part).tree for part in arguments[1:2]]
        return value.made(located(called(name, value.tree, *rest), tree.start, tree.end), value.shape)

    return made


def _log(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Value:
    r"""The logarithm; `\log |A|` and `\log \det A` of a matrix are `logdet(A)`, and `\log(\det A)` is as it stands."""
    if len(arguments) == 1 and "(" not in e.latex[tree.start : arguments[0].start]:
        inside = arguments[0]
        bars = inside.kind == "group" and inside.text == "|" and inside.bare
        if bars and inside.parts[0].kind == "apply" and inside.parts[0].text == "det" and inside.parts[0].bare:
            inside = inside.parts[0]
        if (
            inside.kind == "apply"
            and inside.text == "det"
            and inside.bare
            and not tree.below
            and len(inside.parts) == 1
        ):
            return _determinant(e, tree, e.value(inside.parts[0]))
        if bars and not tree.below:
            value = e.value(inside.parts[0])
            if value.kind == "m":
                return _determinant(e, tree, value)
    values = [e.value(part) for part in arguments]
    primes = sum(len(group) for group in tree.above if _is_prime(group))
    return _called(e, tree, "log", values, [], primes)


def _determinant(e: Elaboration, tree: Tex, value: Value) -> Value:
    made = called("logdet", value.tree)
    return by_trial(e, f"logdet({fits.OPERAND}0)", [value], made, tree)


def _only(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Tex:
    if len(arguments) != 1:
        e.refuse(f"{shown(tree.text)} takes one array", tree.start, tree.end)
    return arguments[0]


def _norm(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Value:
    inside = _only(e, tree, arguments)
    return e.value(Tex("group", tree.start, tree.end, (inside,), "‖", below=tree.below))


def _mean(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Value:
    r"""The mean of all elements, along axes, or over the batch, `\operatorname{mean}_{m}`, the axis of its size."""
    value = e.value(_only(e, tree, arguments))
    if not tree.below:
        return _called(e, tree, "mean", [value], [], 0)
    size = e.size(tree.below)
    axis = next((axis for axis, each in enumerate(value.shape) if e.sizes.value(each) == size), None)
    if axis is None or value.labels:
        e.refuse(f"no axis has the size {plain(tree.below)}", tree.start, tree.end)
    options = {"axis": constant(axis), **({"keepdims": constant(True)} if axis else {})}
    kept = (sympy.Integer(1),) if axis else ()
    shape = (*value.shape[:axis], *kept, *value.shape[axis + 1 :])
    made = called("mean", value.tree, **options)
    return value.made(located(made, tree.start, tree.end), shape, row=False)


def _pad(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Value:
    r"""`\operatorname{pad}(A, (0, 1), (2, 0), 3)`: what stands before and behind along each axis, and its value."""
    array, widths = e.value(arguments[0]), [part for part in arguments[1:] if len(part.parts) == 2]
    pairs = [tupled([e.value(end).tree for end in part.parts]) for part in widths if part.kind == "group"]
    rest = [e.value(part).tree for part in arguments[1 + len(pairs) :]]
    if array.labels or len(pairs) != array.rank or len(rest) > 1:
        e.refuse("pad takes an array, a pair for each of its axes, and a value", tree.start, tree.end)
    options = {"constant_values": rest[0]} if rest else {}
    given = pairs[0] if len(pairs) == 1 else tupled(pairs)
    text = "".join(f", {key}={ast.unparse(value)}" for key, value in options.items())
    made = called("pad", array.tree, given, **options)
    return by_trial(e, f"pad({fits.OPERAND}0, {ast.unparse(given)}{text})", [array], made, tree)


SPECIAL: dict[str, Callable[[Elaboration, Tex, list[Tex]], Value]] = {
    **{"vec": _vec, "mat": _mat, "one_hot": _one_hot, "transpose": _transpose, "expand": _expand, "log": _log},
    **{"tril": _with_diagonal("tril"), "triu": _with_diagonal("triu"), "norm": _norm, "mean": _mean, "pad": _pad},
}
"""Functions whose arguments LaTeX has otherwise."""

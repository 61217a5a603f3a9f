"""What may become of a line of Python: a product loses a factor, a transpose goes, a sum runs over another axis.

Nothing here knows the diagnosis, its table or a node: what is changed is the source that a reader sees, by rows of a
table of its own. Each says by which kinds a person would call the mistake.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

Values = Mapping[str, Any]
Changed = Iterator[tuple[ast.expr, str, str]]
Row = Callable[[Any, Values], Changed]

ROWS: list[tuple[type[ast.expr], Row]] = []
"""For a kind of expression: what may stand in its place, how that is called, and the kinds of mistake that it is."""

ADJOINTS = "the adjoints that are known"
"""Under this name the values say which of them are adjoints; no variable is called so."""


def row(kind: type[ast.expr]) -> Callable[[Row], Row]:
    """Enter what may become of a kind of expression."""

    def enter(changed: Row) -> Row:
        ROWS.append((kind, changed))
        return changed

    return enter


def call(name: str, *arguments: Any) -> ast.expr:
    """Return a call of a function of NumPy."""
    given = [each if isinstance(each, ast.expr) else ast.Constant(each) for each in arguments]
    return ast.Call(ast.Attribute(ast.Name("np", ast.Load()), name, ast.Load()), given, [])


def value_of(node: ast.expr, values: Values) -> Any:
    """Return the value of an expression where it stands, None where it has none."""
    try:
        with np.errstate(all="ignore"):
            return eval(ast.unparse(node), dict(values))
    except (TypeError, ValueError, NameError, SyntaxError, IndexError, AttributeError):
        return None


def shape_of(node: ast.expr, values: Values) -> tuple[int, ...] | None:
    """Return the shape of an expression that is a number or an array, None of another."""
    made = value_of(node, values)
    return np.shape(made) if isinstance(made, (np.ndarray, float, int, np.generic)) else None


@row(ast.BinOp)
def of_terms(node: ast.BinOp, values: Values) -> Changed:
    if isinstance(node.op, (ast.Add, ast.Sub)):
        kinds = "term mask" + " function factor" * any(isinstance(e, ast.Constant) for e in (node.left, node.right))
        yield node.left, "a term dropped", kinds
        yield (
            (ast.UnaryOp(ast.USub(), node.right) if isinstance(node.op, ast.Sub) else node.right),
            "a term dropped",
            kinds,
        )
        other = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        yield ast.BinOp(node.left, other, node.right), "another sign", "sign"


@row(ast.BinOp)
def of_factors(node: ast.BinOp, values: Values) -> Changed:
    if isinstance(node.op, ast.Mult):
        for left in (node.left, node.right):  # what is left may no longer be spread over places
            spread = " place" * (shape_of(left, values) != shape_of(node, values))
            yield left, "a factor dropped", f"factor mask function{spread}"
    elif isinstance(node.op, ast.Div):
        yield node.left, "a divisor dropped", "factor"
        yield ast.BinOp(node.left, ast.Mult(), node.right), "multiplied, not divided", "factor power"
    elif isinstance(node.op, ast.Pow):
        yield node.left, "a power dropped", "power factor"
    elif isinstance(node.op, ast.MatMult):
        yield ast.BinOp(node.right, ast.MatMult(), node.left), "factors of a product swapped", "order transposed"
        for left, right in ((turned(node.left), node.right), (node.left, turned(node.right))):
            yield ast.BinOp(left, ast.MatMult(), right), "an operand transposed", "transposed"


def turned(node: ast.expr) -> ast.expr:
    """Return an expression with its last two axes swapped."""
    return call("swapaxes", node, -1, -2)


@row(ast.UnaryOp)
def of_signs(node: ast.UnaryOp, values: Values) -> Changed:
    if isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        yield node.operand, "another sign", "sign"


@row(ast.Attribute)
def of_transposes(node: ast.Attribute, values: Values) -> Changed:
    if node.attr == "T":
        yield node.value, "a transpose dropped", "transposed"


@row(ast.Call)
def of_sums(node: ast.Call, values: Values) -> Changed:
    match node.func:
        case ast.Attribute(value=ast.Name(id="np"), attr="sum" | "mean" as name):
            inner = node.args[0]
        case ast.Attribute(value=inner, attr="sum" | "mean" as name):
            pass
        case _:
            return
    shape = shape_of(inner, values)
    options = {each.arg: ast.literal_eval(each.value) for each in node.keywords}
    if not shape:
        return
    rank, kept = len(shape), options.get("keepdims", False)
    axes = options.get("axis", tuple(range(rank)))
    axes = (axes,) if isinstance(axes, int) else axes

    def taken(what: str, over: tuple[int, ...]) -> ast.expr:
        made = call(what, inner)
        made.keywords = [ast.keyword("axis", ast.Constant(over)), ast.keyword("keepdims", ast.Constant(kept))]
        return made

    yield taken("mean" if name == "sum" else "sum", axes), "a mean for a sum, or the other way", "factor sum"
    yield inner, "a sum dropped", "sum term"
    for axis in axes:
        others = tuple(each for each in axes if each != axis)
        if others:
            yield taken(name, others), "a sum over fewer axes", "sum"
        for instead in range(rank):
            if instead not in axes:
                yield taken(name, tuple(sorted((*others, instead)))), "a sum over another axis", "sum"
    chosen = ast.Tuple([ast.Slice(None, ast.Constant(1)) if axis in axes else ast.Slice() for axis in range(rank)])
    first = ast.Subscript(inner, chosen, ast.Load())
    inner = first
    yield taken("sum", axes), "the first alone for a sum", "sum"


@row(ast.Call)
def of_moves(node: ast.Call, values: Values) -> Changed:
    """A permutation dropped, a stride of 1, a window reversed, padding at another end."""
    match node.func:
        case ast.Attribute(value=inner, attr="transpose"):
            yield inner, "a permutation dropped", "transposed place order"
        case ast.Name(id="fold" | "windows"):
            for number, option in enumerate(node.keywords):
                if option.arg in ("strides", "dilations"):
                    new = copy.deepcopy(node)
                    new.keywords[number].value = ast.Constant(1)
                    yield new, f"{option.arg} of 1", "place"
            yield ast.Subscript(node, _reversed(), ast.Load()), "windows reversed", "place"
        case ast.Attribute(value=ast.Name(id="np"), attr="pad"):
            pairs = ast.literal_eval(ast.unparse(node.args[1]))
            for number, (before, after) in enumerate(pairs):
                for move in (-1, 1):
                    if min(before + move, after - move) >= 0:
                        new = copy.deepcopy(node)
                        moved = [*pairs[:number], (before + move, after - move), *pairs[number + 1 :]]
                        new.args[1] = ast.Constant(tuple(moved))
                        yield new, "padding off by one", "place"


def _reversed() -> ast.expr:
    return ast.Tuple([ast.Constant(...), ast.Slice(None, None, ast.Constant(-1))])


@row(ast.Call)
def of_choices(node: ast.Call, values: Values) -> Changed:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr="where"), args=[condition, yes, no]):
            yield call("where", condition, no, yes), "a choice the wrong way round", "mask"
            shape = shape_of(node, values)
            for part in (yes, no):
                same = shape_of(part, values) == shape
                yield part if same else call("broadcast_to", part, shape), "a choice not made", "mask factor function"


@row(ast.Call)
def of_functions(node: ast.Call, values: Values) -> Changed:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    known = ("exp", "tanh", "sigmoid", "sign", "log", "abs", "sqrt", "erf", "sin", "cos", "softplus", "silu", "softmax")
    if name in known and len(node.args) == 1 and not _is_number(node):
        yield node.args[0], "a function dropped", "function power"


def _is_number(node: ast.expr) -> bool:
    return not any(isinstance(each, ast.Name) and each.id not in ("math", "np") for each in ast.walk(node))


OPPOSITE = {ast.Gt: ast.Lt, ast.Lt: ast.Gt, ast.GtE: ast.LtE, ast.LtE: ast.GtE, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
TIED = {ast.Gt: ast.GtE, ast.Lt: ast.LtE, ast.GtE: ast.Gt, ast.LtE: ast.Lt}


@row(ast.Compare)
def of_masks(node: ast.Compare, values: Values) -> Changed:
    kind = type(node.ops[0])
    for name, table in (("a mask the wrong way round", OPPOSITE), ("a mask that takes ties", TIED)):
        if kind in table:
            yield ast.Compare(node.left, [table[kind]()], node.comparators), name, "mask"


@row(ast.Subscript)
def of_places(node: ast.Subscript, values: Values) -> Changed:
    """One place further, in a slice or an index."""
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    for number, part in enumerate(parts):
        match part:
            case ast.Slice(lower=ast.Constant(value=int(low)), upper=None, step=None):
                new: ast.expr = ast.Slice(ast.Constant(low - 1), ast.Constant(-1))
            case ast.Slice(lower=ast.Constant(value=int(low)), upper=ast.Constant(value=int(high)), step=None):
                new = ast.Slice(ast.Constant(low - 1), ast.Constant(high - 1))
            case ast.Slice(lower=None, upper=ast.Constant(value=int(high)), step=None):
                new = ast.Slice(ast.Constant(1), ast.Constant(high + 1) if high != -1 else None)
            case ast.Constant(value=int(index)) if not isinstance(index, bool):
                new = ast.Constant(index + 1 if index >= 0 else index - 1)
            case _:
                continue
        elements = [*parts[:number], new, *parts[number + 1 :]]
        chosen = ast.Tuple(elements) if isinstance(node.slice, ast.Tuple) else new
        yield ast.Subscript(node.value, chosen, ast.Load()), "off by one place", "place sum variable"


@row(ast.Name)
def of_names(node: ast.Name, values: Values) -> Changed:
    """Another variable of the same shape: a value of the forward pass for another, an adjoint for another."""
    if not isinstance(values.get(node.id), np.ndarray) or not values[node.id].ndim:
        return
    mine = values[node.id]
    for other, value in values.items():
        alike = isinstance(value, np.ndarray) and value.shape == mine.shape and other != node.id
        if alike and (other in values[ADJOINTS]) == (node.id in values[ADJOINTS]) and not np.array_equal(value, mine):
            yield ast.Name(other, ast.Load()), "another variable", "variable factor function"


def whole(node: ast.expr, values: Values) -> Changed:
    """Yield what a whole gradient can be."""
    yield ast.UnaryOp(ast.USub(), node), "another sign", "sign"
    shape = shape_of(node, values) or ()
    if len(shape) == 2:
        yield ast.Attribute(node, "T", ast.Load()), "a whole transposed", "transposed"
    if shape and "m" in values:
        yield ast.BinOp(node, ast.Div(), ast.Name("m", ast.Load())), "divided by m again", "factor"
        yield ast.BinOp(node, ast.Mult(), ast.Constant(2)), "twice", "factor"


def mutated(node: ast.expr, values: Values) -> Changed:
    """Yield an expression with one part changed; where nothing is left of it, that is a term lost."""
    for kind, changed in ROWS:
        if isinstance(node, kind):
            yield from changed(node, values)
    for field, inside in ast.iter_fields(node):
        parts = inside if isinstance(inside, list) else [inside]
        for number, part in enumerate(parts):
            if not isinstance(part, ast.expr) or (field in ("func", "slice") and not isinstance(part, ast.Attribute)):
                continue
            for new, what, kinds in mutated(part, values):
                made = copy.copy(node)
                setattr(made, field, [*parts[:number], new, *parts[number + 1 :]] if parts is inside else new)
                value = value_of(made, values)
                gone = isinstance(value, np.ndarray) and not np.any(value)
                yield made, what, f"{kinds} term" if gone and "term" not in kinds else kinds

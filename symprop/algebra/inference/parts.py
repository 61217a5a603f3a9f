"""The parts of a formula as inference sees them: names, numbers, and operations with the fit of their operands.

The syntax tree is walked by a loop, because a sum may have a thousand terms. What stands where only a number can, an
axis or a size, is no part: its names are sizes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.inference.fits import (
    CHOICE,
    FUNCTIONS_THAT_FIT,
    OPERAND,
    OPERATORS_THAT_FIT,
    TAKEN,
    TRANSPOSED,
    Fit,
    constant_shape,
    contraction,
    joined,
    read_by_trial,
    reshaped,
    scattered,
)
from symprop.algebra.inference.selections import by_rows
from symprop.algebra.inference.unknown_sizes import Shape
from symprop.algebra.operators import OPERATORS
from symprop.algebra.reading.mentions import CONSTANTS

MOST_TRIED = 2
"""How many arrays a function may have that has no row in `FUNCTIONS_THAT_FIT`."""


@dataclass(eq=False)
class Part:
    """A name (`name`), a number (neither a name nor a fit) or an operation of a formula."""

    tree: ast.expr
    name: str = ""
    fit: Fit | None = None
    operands: tuple[int, ...] = ()


@dataclass(eq=False)
class Parts:
    """All parts of some statements, operands before what reads them; `results` are those of the statements.

    `arrays` are the names that are to be declared, `sizes` those that stand for sizes, `ids` the arrays that select,
    each with the part whose first axis, or the text of the size that, says how many entries there are. `symmetric` are
    those that only a function of symmetric matrices reads.
    """

    parts: list[Part] = field(default_factory=list)
    arrays: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, None] = field(default_factory=dict)
    ids: dict[str, int | str] = field(default_factory=dict)
    results: dict[str, int] = field(default_factory=dict)
    symmetric: dict[str, None] = field(default_factory=dict)
    indices: frozenset[str] = frozenset()

    @property
    def multiplied(self) -> set[int]:
        """The parts that are operands of matrix products, themselves or transposed."""
        found = [each for part in self.parts if part.fit is OPERATORS_THAT_FIT[ast.MatMult] for each in part.operands]
        turned = (self.parts[each] for each in found if isinstance(self.parts[each].tree, ast.Attribute))
        return {*found, *(each for part in turned for each in part.operands)}

    def enter(self, tree: ast.expr, name: str = "", fit: Fit | None = None, operands: tuple[int, ...] = ()) -> int:
        self.parts.append(Part(tree, name, fit, operands))
        return len(self.parts) - 1


def parts_of(statements: Sequence[tuple[str, ast.expr]]) -> Parts:
    """Return the parts of named statements and of the formula, which stands last.

    >>> found = parts_of([("", ast.parse("x @ A @ x", mode="eval").body)])
    >>> list(found.arrays), len(found.parts)
    (['x', 'A'], 4)
    """
    parts = Parts(indices=frozenset(_indices(tree for _, tree in statements)))
    for name, tree in statements:
        parts.results[name] = _entered(parts, tree)
    return parts


def _indices(trees: Iterable[ast.expr]) -> Iterator[str]:
    for tree in trees:
        for part in ast.walk(tree):
            if isinstance(part, ast.comprehension) and isinstance(part.target, ast.Name):
                yield part.target.id


def _entered(parts: Parts, whole: ast.expr) -> int:
    """Enter an expression, its operands first."""
    made: dict[int, int] = {}
    waiting: list[tuple[ast.expr, _Plan | None]] = [(whole, None)]
    while waiting:
        tree, plan = waiting.pop()
        if plan is None:
            plan = _planned(parts, tree)
            waiting.append((tree, plan))
            waiting.extend((each, None) for each in reversed(plan.operands))
        else:
            made[id(tree)] = plan.enter([made[id(each)] for each in plan.operands])
    return made[id(whole)]


@dataclass(frozen=True)
class _Plan:
    """What has to be entered before a tree, and how it is then entered itself."""

    operands: list[ast.expr]
    enter: Callable[[list[int]], int]


def _planned(parts: Parts, tree: ast.expr) -> _Plan:
    match tree:
        case ast.Name():
            return _Plan([], lambda _: _named(parts, tree))
        case ast.UnaryOp():
            return _Plan([tree.operand], lambda made: made[0])
        case ast.BinOp() if type(tree.op) in OPERATORS_THAT_FIT:
            return _chain(parts, tree, OPERATORS_THAT_FIT[type(tree.op)], [tree.left, tree.right])
        case ast.Compare():
            return _chain(parts, tree, CHOICE, [tree.left, *tree.comparators])
        case ast.Attribute() if tree.attr == "T":
            return _Plan([tree.value], lambda made: parts.enter(tree, fit=TRANSPOSED, operands=tuple(made)))
        case ast.Subscript() if (rows := by_rows(tree)) is not tree:
            return _Plan([rows], lambda made: made[0])
        case ast.Subscript():
            return _subscript(parts, tree)
        case ast.Call():
            return _call(parts, tree)
        case ast.ListComp():
            return _Plan([tree.elt], lambda made: _summed(parts, tree, made[0]))
    below = [each for each in ast.iter_child_nodes(tree) if isinstance(each, ast.expr)]
    return _Plan(below, lambda _: parts.enter(tree))  # a number, or what the reader refuses


def _named(parts: Parts, tree: ast.Name) -> int:
    name = tree.id
    if name in parts.results:
        return parts.results[name]
    if name in parts.arrays:
        return parts.arrays[name]
    known = name in parts.indices or name in CONSTANTS or name in FUNCTIONS or name in OPERATORS
    place = parts.enter(tree, "" if known else name)
    if parts.parts[place].name:
        parts.arrays[name] = place
    return place


def _chain(parts: Parts, tree: ast.expr, fit: Fit, operands: list[ast.expr]) -> _Plan:
    """The first two operands, then their result and the third, and so on."""

    def enter(made: list[int]) -> int:
        result = made[0]
        for other in made[1:]:
            result = parts.enter(tree, fit=fit, operands=(result, other))
        return result

    return _Plan(operands, enter)


def _trial(parts: Parts, tree: ast.expr, operands: list[ast.expr], text: str) -> _Plan:
    """What the reader makes of arrays in their places; where it refuses all, nothing is known."""
    fit = read_by_trial(text, len(operands)) if len(operands) <= MOST_TRIED else None

    def enter(made: list[int]) -> int:
        if fit is not None and fit.symmetric:
            parts.symmetric.update({parts.parts[each].name: None for each in made if parts.parts[each].name})
        return parts.enter(tree, fit=fit if fit and fit.ranks else None, operands=tuple(made))

    return _Plan(operands, enter)


def _summed(parts: Parts, tree: ast.ListComp, term: int) -> int:
    for turn in tree.generators:
        _sizes(parts, turn.iter)
    return term


def _sizes(parts: Parts, *trees: ast.expr) -> None:
    """The names in these are sizes."""
    called = {id(each.func) for tree in trees for each in ast.walk(tree) if isinstance(each, ast.Call)}
    for tree in trees:
        for each in ast.walk(tree):
            known = isinstance(each, ast.Name) and (
                each.id in CONSTANTS or each.id in parts.indices or each.id == "inf"
            )
            if isinstance(each, ast.Name) and not known and id(each) not in called:
                parts.sizes[each.id] = None


# ---------------------------------------------------------------- brackets and calls


def _subscript(parts: Parts, tree: ast.Subscript) -> _Plan:
    entries = tree.slice.elts if isinstance(tree.slice, ast.Tuple) else [tree.slice]
    named = any(isinstance(each, ast.Name) for each in ast.walk(entries[0])) if len(entries) == 1 else False
    if named and not isinstance(entries[0], ast.Slice):
        return _Plan([tree.value, entries[0]], lambda made: _taken(parts, tree, made))
    _sizes(parts, *entries)
    sliced, plain = (
        read_by_trial(ast.unparse(ast.Subscript(ast.Name(f"{OPERAND}0"), ast.Tuple(each))), 1)
        for each in (entries, list(map(_plain, entries)))
    )
    fit = Fit(sliced.rule, 1, like=plain) if plain.ranks else None
    return _Plan([tree.value], lambda made: parts.enter(tree, fit=fit, operands=tuple(made)))


def _plain(entry: ast.expr) -> ast.expr:
    """Return an index of the same kind that any array has: which ranks fit does not depend on the place."""
    if isinstance(entry, ast.Slice):
        return ast.Slice()
    return entry if isinstance(entry, ast.Constant) and not isinstance(entry.value, int) else ast.Constant(0)


def _taken(parts: Parts, tree: ast.Subscript, made: list[int]) -> int:
    if parts.parts[made[1]].name:
        parts.ids.setdefault(parts.parts[made[1]].name, made[0])
    return parts.enter(tree, fit=TAKEN, operands=tuple(made))


def _call(parts: Parts, tree: ast.Call) -> _Plan:
    name, arrays, options = called(tree)
    if name == "einsum" and tree.args:
        fit = contraction(_text(tree.args[0]), len(tree.args) - 1)
        return _Plan(tree.args[1:], lambda made: parts.enter(tree, fit=fit, operands=tuple(made) if fit else ()))
    listed = name in OPERATORS and OPERATORS[name].lists
    if listed and arrays and isinstance(arrays[0], (ast.Tuple, ast.List)):
        return _list(parts, tree, name, arrays[0].elts, options)
    _sizes(parts, *options.values())
    if name in FUNCTIONS_THAT_FIT and len(arrays) > 1:
        return _chain(parts, tree, FUNCTIONS_THAT_FIT[name], arrays)
    if name == "reshape" and arrays and "shape" in options:
        shape = constant_shape(f"ones({ast.unparse(options['shape'])})")
        fit = Fit(reshaped(shape), 1) if shape is not None else None
        return _Plan(arrays[:1], lambda made: parts.enter(tree, fit=fit, operands=tuple(made) if fit else ()))
    if name in {"one_hot", "scatter_add"} and "size" in options:
        return _scattered(parts, tree, name, arrays, ast.unparse(options["size"]))
    terms = _series(arrays) if name == "sum" else None
    if terms is not None:
        return _Plan([terms], lambda made: made[0])
    places = [f"{OPERAND}{place}" for place in range(len(arrays))]
    written = [*places, *(f"{key}={ast.unparse(value)}" for key, value in options.items())]
    return _trial(parts, tree, arrays, f"{name}({', '.join(written)})")


def called(tree: ast.Call) -> tuple[str, list[ast.expr], dict[str, ast.expr]]:
    """Return the name of the function that a call names, its arrays, and its options by name.

    >>> call = ast.parse("sum(X, axis=0)", mode="eval").body
    >>> name, arrays, options = called(call)
    >>> name, len(arrays), list(options)
    ('sum', 1, ['axis'])
    """
    arguments, name = list(tree.args), tree.func.id if isinstance(tree.func, ast.Name) else ""
    keywords = {each.arg: each.value for each in tree.keywords if each.arg is not None}
    if name not in OPERATORS:
        return name, [*arguments, *keywords.values()], {}
    row = OPERATORS[name]
    parameters = ["arrays", *row.options] if row.lists else [*row.arrays, *row.options]
    given = {**dict(zip(parameters, arguments, strict=False)), **keywords}
    wanted = parameters[: len(parameters) - len(row.options)]
    return name, [given.pop(each) for each in wanted if each in given], given


def _list(parts: Parts, tree: ast.Call, name: str, listed: list[ast.expr], options: dict[str, ast.expr]) -> _Plan:
    """Arrays one after the other, two at a time: a stack is a concatenation of arrays with a new axis each."""
    _sizes(parts, *options.values())
    axis = _integer(options.get("axis"))
    if name not in {"stack", "concatenate"}:
        return _chain(parts, tree, read_by_trial(f"{name}(({OPERAND}0, {OPERAND}1))", 2), listed)
    if axis is None:
        return _Plan(listed, lambda _: parts.enter(tree))

    def enter(made: list[int]) -> int:
        if name == "stack":
            new_axis = read_by_trial(f"stack(({OPERAND}0,), axis={axis})", 1)
            made = [parts.enter(tree, fit=new_axis, operands=(each,)) for each in made]
        return _chain(parts, tree, Fit(joined(axis)), []).enter(made)

    return _Plan(listed, enter)


def _scattered(parts: Parts, tree: ast.Call, name: str, arrays: list[ast.expr], size: str) -> _Plan:
    if isinstance(arrays[-1], ast.Name):
        parts.ids.setdefault(arrays[-1].id, size)
    if name == "one_hot":
        return _trial(parts, tree, arrays, f"one_hot({OPERAND}0, {size})")
    shape = constant_shape(f"ones(({size},))")
    fit = Fit(lambda sizes, values, ids: scattered(sizes, values, ids, shape[0])) if shape else None
    return _Plan(arrays, lambda made: parts.enter(tree, fit=fit, operands=tuple(made) if fit else ()))


def _series(arrays: list[ast.expr]) -> ast.expr | None:
    """The terms of `sum([... for i in range(...)])`, where it is one, with what they begin with."""
    first = arrays[0] if arrays else None
    if isinstance(first, ast.ListComp):
        return first
    if isinstance(first, ast.BinOp) and isinstance(first.right, ast.ListComp):
        return first.right
    return None


def _text(tree: ast.expr) -> str:
    """What is written in quotes."""
    return tree.value if isinstance(tree, ast.Constant) and isinstance(tree.value, str) else "?"


def _integer(tree: ast.expr | None) -> int | None:
    """A written integer; 0 where there is none, None where it is something else."""
    match tree:
        case None:
            return 0
        case ast.Constant(value=int() as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as value)):
            return -value
    return None


__all__ = ["Part", "Parts", "Shape", "called", "parts_of"]

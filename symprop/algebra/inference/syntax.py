"""The syntax tree of a formula as parts: a case for each kind of syntax, with the fit of its operands.

It is walked by a loop, because a sum may have a thousand terms.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.hints import IDENTITY, NAMES
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
from symprop.algebra.inference.parts import SQUARE, Parts, Plan, chain, name_sizes, trial
from symprop.algebra.inference.selections import by_rows
from symprop.algebra.inference.sums import sum_that_fits
from symprop.algebra.operators import OPERATORS
from symprop.algebra.reading.mentions import CONSTANTS

NO_ARRAYS = frozenset({*CONSTANTS, *FUNCTIONS, *OPERATORS, *NAMES}) - {"e", IDENTITY}
"""Names that are never arrays: functions, and what stands for something in mathematics, such as the identity."""


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
            match part:
                case ast.comprehension(target=ast.Name(name)):
                    yield name
                case ast.BinOp(ast.Name("e"), ast.Pow()):  # Euler's number; the reader says what to type
                    yield "e"


def _entered(parts: Parts, whole: ast.expr) -> int:
    """Enter an expression, its operands first."""
    made: dict[int, int] = {}
    waiting: list[tuple[ast.expr, Plan | None]] = [(whole, None)]
    while waiting:
        tree, plan = waiting.pop()
        if plan is None:
            plan = _planned(parts, tree)
            waiting.append((tree, plan))
            waiting.extend((each, None) for each in reversed(plan.operands))
        else:
            made[id(tree)] = plan.enter([made[id(each)] for each in plan.operands])
    return made[id(whole)]


def _planned(parts: Parts, tree: ast.expr) -> Plan:
    match tree:
        case ast.Name():
            return Plan([], lambda _: _named(parts, tree))
        case ast.UnaryOp():
            return Plan([tree.operand], lambda made: made[0])
        case ast.BinOp() if type(tree.op) in (ast.Add, ast.Sub, *OPERATORS_THAT_FIT):
            return chain(parts, tree, _fit_of(parts, tree), [tree.left, tree.right])
        case ast.Compare():
            return chain(parts, tree, CHOICE, [tree.left, *tree.comparators])
        case ast.Attribute() if tree.attr == "T":
            _fitted(parts, tree.value)
            return Plan([tree.value], lambda made: parts.enter(tree, fit=TRANSPOSED, operands=tuple(made)))
        case ast.Subscript() if (rows := by_rows(tree)) is not tree:
            return Plan([rows], lambda made: made[0])
        case ast.Subscript():
            return _subscript(parts, tree)
        case ast.Call():
            return _call(parts, tree)
        case ast.ListComp():
            return Plan([tree.elt], lambda made: _summed(parts, tree, made[0]))
    below = [each for each in ast.iter_child_nodes(tree) if isinstance(each, ast.expr)]
    return Plan(below, lambda _: parts.enter(tree))  # a number, or what the reader refuses


def _fit_of(parts: Parts, tree: ast.BinOp) -> Fit:
    """How the operands of an operator fit: those of a sum by where it stands and by what is added."""
    if isinstance(tree.op, ast.MatMult):
        _fitted(parts, tree.left, tree.right)
    if not isinstance(tree.op, (ast.Add, ast.Sub)):
        return OPERATORS_THAT_FIT[type(tree.op)]
    on_paper = id(tree) in parts.fitted
    if on_paper:
        _fitted(parts, tree.left, tree.right)
    return sum_that_fits(tree, on_paper)


def _fitted(parts: Parts, *operands: ast.expr) -> None:
    """Note that every shape fits in sums among these."""
    parts.fitted.update(id(each) for each in operands)


def _named(parts: Parts, tree: ast.Name) -> int:
    name = tree.id
    if name in parts.results:
        return parts.results[name]
    if name in parts.arrays:
        return parts.arrays[name]
    known = name in parts.indices or name in NO_ARRAYS
    place = parts.enter(tree, "" if known else name)
    if parts.parts[place].name:
        parts.arrays[name] = place
    return parts.enter(tree, fit=SQUARE, operands=(place,)) if name == IDENTITY else place


def _summed(parts: Parts, tree: ast.ListComp, term: int) -> int:
    for turn in tree.generators:
        name_sizes(parts, turn.iter)
    return term


# ---------------------------------------------------------------- brackets and calls


def _subscript(parts: Parts, tree: ast.Subscript) -> Plan:
    entries = tree.slice.elts if isinstance(tree.slice, ast.Tuple) else [tree.slice]
    if len(entries) == 1 and not isinstance(entries[0], ast.Slice) and _ids_in(parts, ast.walk(entries[0])):
        return Plan([tree.value, entries[0]], lambda made: _taken(parts, tree, made, TAKEN))
    ids = _ids_in(parts, entries)
    name_sizes(parts, *(entry for entry in entries if entry not in ids))
    if ids:
        names = iter(range(1, len(ids) + 1))
        entries = [ast.Name(f"{OPERAND}{next(names)}") if entry in ids else entry for entry in entries]
    sliced, plain = (_read(each, 1 + len(ids)) for each in (entries, list(map(_plain, entries))))
    fit = Fit(sliced.rule, 1, like=plain) if plain.ranks else None
    return Plan([tree.value, *ids], lambda made: _taken(parts, tree, made, sliced if ids else fit))


def _ids_in(parts: Parts, entries: Iterable[ast.AST]) -> list[ast.expr]:
    """Return the names of arrays among entries; the index of a series is a number."""
    return [each for each in entries if isinstance(each, ast.Name) and each.id not in {*parts.indices, *CONSTANTS}]


def _read(entries: list[ast.expr], operands: int) -> Fit:
    return read_by_trial(ast.unparse(ast.Subscript(ast.Name(f"{OPERAND}0"), ast.Tuple(entries))), operands)


def _plain(entry: ast.expr) -> ast.expr:
    """Return an index of the same kind that any array has: which ranks fit does not depend on the place."""
    if isinstance(entry, ast.Slice):
        return ast.Slice()
    return entry if isinstance(entry, ast.Constant) and not isinstance(entry.value, int) else ast.Constant(0)


def _taken(parts: Parts, tree: ast.Subscript, made: list[int], fit: Fit | None) -> int:
    """Enter what ids select, `E[i]`, `A[:, j]`, `P[i, j]`, and say along which axes."""
    entries = tree.slice.elts if isinstance(tree.slice, ast.Tuple) else [tree.slice]
    axes = [entry for entry in entries if not (isinstance(entry, ast.Constant) and entry.value is None)]
    for axis, entry in enumerate(axes):
        if isinstance(entry, ast.Name) and entry.id in parts.arrays:
            parts.ids.setdefault(entry.id, []).append((made[0], axis))
    return parts.enter(tree, fit=fit, operands=tuple(made))


def _call(parts: Parts, tree: ast.Call) -> Plan:
    name, arrays, options = called(tree)
    if name in ("norm", "solve"):
        _fitted(parts, *arrays)
    if name == "einsum" and tree.args:
        fit = contraction(_text(tree.args[0]), len(tree.args) - 1)
        return Plan(tree.args[1:], lambda made: parts.enter(tree, fit=fit, operands=tuple(made) if fit else ()))
    listed = name in OPERATORS and OPERATORS[name].lists
    if listed and arrays and isinstance(arrays[0], (ast.Tuple, ast.List)):
        return _list(parts, tree, name, arrays[0].elts, options)
    name_sizes(parts, *options.values())
    if name in FUNCTIONS_THAT_FIT and len(arrays) > 1:
        return chain(parts, tree, FUNCTIONS_THAT_FIT[name], arrays)
    if name == "reshape" and arrays and "shape" in options:
        shape = constant_shape(f"ones({ast.unparse(options['shape'])})")
        fit = Fit(reshaped(shape), 1) if shape is not None else None
        return Plan(arrays[:1], lambda made: parts.enter(tree, fit=fit, operands=tuple(made) if fit else ()))
    if name in {"one_hot", "scatter_add"} and "size" in options:
        return _scattered(parts, tree, name, arrays, ast.unparse(options["size"]))
    if name == "sum" and arrays and isinstance(arrays[0], ast.ListComp):
        return Plan(arrays[:1], lambda made: made[0])
    if name == "sum" and arrays and isinstance(arrays[0], ast.BinOp) and isinstance(arrays[0].right, ast.ListComp):
        return _series(parts, arrays[0])
    places = [f"{OPERAND}{place}" for place in range(len(arrays))]
    written = [*places, *(f"{key}={ast.unparse(value)}" for key, value in options.items())]
    return trial(parts, tree, arrays, f"{name}({', '.join(written)})")


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


def _list(parts: Parts, tree: ast.Call, name: str, listed: list[ast.expr], options: dict[str, ast.expr]) -> Plan:
    """Arrays one after the other, two at a time: a stack is a concatenation of arrays with a new axis each."""
    name_sizes(parts, *options.values())
    axis = _integer(options.get("axis"))
    if name not in {"stack", "concatenate"}:
        return chain(parts, tree, read_by_trial(f"{name}(({OPERAND}0, {OPERAND}1))", 2), listed)
    if axis is None:
        return Plan(listed, lambda _: parts.enter(tree))

    def enter(made: list[int]) -> int:
        if name == "stack":
            new_axis = read_by_trial(f"stack(({OPERAND}0,), axis={axis})", 1)
            made = [parts.enter(tree, fit=new_axis, operands=(each,)) for each in made]
        return chain(parts, tree, Fit(joined(axis)), []).enter(made)

    return Plan(listed, enter)


def _scattered(parts: Parts, tree: ast.Call, name: str, arrays: list[ast.expr], size: str) -> Plan:
    if isinstance(arrays[-1], ast.Name):
        parts.ids.setdefault(arrays[-1].id, []).append(size)
    if name == "one_hot":
        return trial(parts, tree, arrays, f"one_hot({OPERAND}0, {size})")
    shape = constant_shape(f"ones(({size},))")
    fit = Fit(lambda sizes, values, ids: scattered(sizes, values, ids, shape[0])) if shape else None
    return Plan(arrays, lambda made: parts.enter(tree, fit=fit, operands=tuple(made) if fit else ()))


def _series(parts: Parts, tree: ast.BinOp) -> Plan:
    """What `[A] + [... for i in range(...)]` has in all, which fits as in a sum of these."""
    first = tree.left.elts if isinstance(tree.left, ast.List) else [tree.left]
    return chain(parts, tree, sum_that_fits(tree, False), [*first, tree.right])


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

r"""Indices in LaTeX: elements `x_i` under a sum sign, what is summed, the arrays that have a formula at each place."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence

import sympy
from sympy import Expr

from symprop.algebra.latex.elaboration import Elaboration, case
from symprop.algebra.latex.names import INDEX, subscripts
from symprop.algebra.latex.parser import exponent
from symprop.algebra.latex.products import as_matrix, reduced, summed, times
from symprop.algebra.latex.tokens import Token
from symprop.algebra.latex.trees import Tex, plain, walk
from symprop.algebra.latex.values import SizeOf, Value, called, constant, located, shape_of, subscripted, tupled

BLOCK = re.compile(r"\([a-z](?:_?\d+)?\)")
"""An index of blocks of an axis."""
_FUNCTIONS = {"sum": "sum", "prod": "prod", "max": "max", "min": "min"}


def element(e: Elaboration, array: Value, indices: tuple[str, ...], named: Mapping[int, str] | None = None) -> Value:
    """Return what stands at some indices of an array: `A_{ij}`, a row `A_i`, a column `A_{:,j}`.

    `named` are the letters of axes that have their own, as heads have; with a space behind it a letter is of blocks.
    """
    places = _by_letter(_places(e, array, indices), named or {}, array.rank)
    array, places = _in_blocks(e, array, places)
    if len(places) > array.rank:
        e.refuse(f"{len(places)} indices of an array of {array.rank} axes", array.start, array.end)
    some = any(place in e.labels for place in places)
    rest = array.shape[len(places) :]
    places += ["1" if some and e.sizes.value(size) == 1 else ":" for size in rest]  # that of a statistic
    labels, kept, brackets = [], [], []
    for axis, (place, size) in enumerate(zip(places, array.shape, strict=True)):
        brackets.append(ast.Slice() if place in e.labels or place == ":" else _number(e, array, place, size))
        if place in e.labels:
            e.same(e.labels[place], size, array, f"the index {place} has another size here")
            labels.append((place, axis))
        elif place == ":":
            kept.append(axis)
    tree = array.tree
    if any(not isinstance(each, ast.Slice) for each in brackets):
        tree = subscripted(tree, brackets)
        left = sorted([*kept, *(axis for _, axis in labels)])
        kept, labels = [left.index(axis) for axis in kept], [(label, left.index(axis)) for label, axis in labels]
        shape = tuple(array.shape[axis] for axis in left)
    else:
        shape = tuple(array.shape)
    names = [label for label, _ in labels]
    if len(set(names)) < len(names):
        if len(names) != 2 or kept:
            e.refuse("an index stands twice at an array that is no matrix", array.start, array.end)
        e.same(shape[0], shape[1], array, "a diagonal is of a square matrix")
        tree, labels = called("diagonal", tree), labels[:1]
    elif [axis for _, axis in labels] + kept != sorted([axis for _, axis in labels] + kept):
        tree = called("transpose", tree, tupled([constant(axis) for axis in [*(axis for _, axis in labels), *kept]]))
    core = tuple(shape[axis] for axis in kept)
    own = tuple(label for label, _ in labels)
    return Value(located(tree, array.start, array.end), core, array.start, array.end, labels=own)


def _places(e: Elaboration, array: Value, indices: tuple[str, ...]) -> list[str]:
    """Return what stands for each axis; letters side by side are an index each."""
    found: list[str] = []
    for part in indices:
        if part in e.labels or part == ":" or part.isdigit() or (BLOCK.fullmatch(part) and part[1:-1] in e.labels):
            found.append(part)
            continue
        letters = INDEX.findall(part)
        if "".join(letters) != part or not all(each in e.labels or each.isdigit() for each in letters):
            wrong = next((each for each in letters if each not in e.labels), part)
            told = f"the index {wrong} stands under no sum" if wrong.isalnum() else f"the index {part} is not read"
            e.refuse(told, array.start, array.end)
        found += letters
    return found


def _by_letter(places: list[str], named: Mapping[int, str], rank: int) -> list[str]:
    """Return places with those at the axes that their letters are of, the others in their order."""
    axes = {place: axis for place in places for axis, letters in named.items() if place in letters.strip()}
    if not axes or len({*axes.values()}) < len(axes):
        return places
    rest = iter([place for place in places if place not in axes])
    letters = {axis: f"({place})" if named[axis].endswith(" ") else place for place, axis in axes.items()}
    return [letters[axis] if axis in letters else next(rest, ":") for axis in range(rank)]


def _in_blocks(e: Elaboration, array: Value, places: list[str]) -> tuple[Value, list[str]]:
    """Return an array with the axes of blocks, `W_{(i)}`, as two axes: which block, and where in it."""
    if not any(BLOCK.fullmatch(place) for place in places):
        return array, places
    shape, found = [], []
    for place, size in zip([*places, *[":"] * array.rank][: array.rank], array.shape, strict=True):
        if BLOCK.fullmatch(place):
            inside = e.fresh()
            e.same(e.labels[place[1:-1]] * inside, size, array, "blocks do not fit")
            shape += [e.labels[place[1:-1]], inside]
            found += [place[1:-1], ":"]
        else:
            shape.append(size)
            found.append(place)
    tree = called("reshape", array.tree, shape_of(tuple(shape)))
    return array.made(located(tree, array.start, array.end), tuple(shape)), found


def _number(e: Elaboration, array: Value, place: str, size: Expr) -> ast.expr:
    """Return the place of an element that a number names, which is counted from 1."""
    number = int(place)
    if number < 1 or (size.is_Integer and number > size):
        e.refuse(f"elements are counted from 1 to {e.sizes.value(size)}", array.start, array.end)
    return constant(number - 1)


# ---------------------------------------------------------------- sums


@case("over")
def _(e: Elaboration, tree: Tex) -> Value:
    below, first = _apart(tree.below)
    if tree.text.startswith("arg"):
        e.refuse(
            "the place of the largest is no number; \\mathbf{1}[i = \\operatorname{argmax}_j x_j] is one",
            tree.start,
            tree.end,
        )
    if not below and tree.text == "sum":
        inside = e.value(tree.parts[0])
        return Value(located(called("sum", inside.tree), tree.start, tree.end), (), tree.start, tree.end)
    names = _letters(e, below, tree)
    if tree.text in ("max", "min") and any(e.names.find(Tex("name", 0, 1, text=name)) for name in names):
        told = f"\\{tree.text} over an array is no formula; leave it away: what stands behind it is one"
        e.refuse(told, tree.start, tree.end)
    last = tuple(token for group in tree.above for token in group)
    if len(names) == 1 and (_is_number(tree.parts[0], names[0], e.latex) or not _starts_at_one(first)):
        return _series(e, tree, names[0], first, last)
    hidden = {name: e.labels[name] for name in names if name in e.labels}
    for name in names:
        e.labels[name] = e.size(last) if last else e.fresh()
    inside = e.value(tree.parts[0])
    for name in names:
        if name not in inside.labels:
            if tree.text != "sum":
                e.refuse(f"nothing has the index {name}", tree.start, tree.end)
            count = Value(located(SizeOf(e.labels[name]), tree.start, tree.start + 1), (), tree.start, tree.start + 1)
            inside = times(e, count, inside)
    present = [name for name in names if name in inside.labels]
    if tree.text == "sum":
        result = summed(e, inside, present) if present else inside
    else:
        result = reduced(inside, present, _FUNCTIONS[tree.text])
    for name in names:
        del e.labels[name]
    e.labels.update(hidden)
    return result.at(tree.start, tree.end)


def _apart(below: tuple[Token, ...]) -> tuple[tuple[Token, ...], tuple[Token, ...]]:
    """Return the indices, and what the first of them begins with."""
    place = next((place for place, token in enumerate(below) if token.text in ("=", "in")), len(below))
    return below[:place], below[place + 1 :]


def _letters(e: Elaboration, below: tuple[Token, ...], tree: Tex) -> list[str]:
    found: list[str] = []
    for part in subscripts(below):
        letters = INDEX.findall(part)
        if "".join(letters) != part or any(each.isdigit() for each in letters):
            e.refuse(f"a sum is over indices, \\sum_i or \\sum_{{i=1}}^n, not over {part}", tree.start, tree.end)
        found += letters
    if not found or len(set(found)) < len(found):
        e.refuse("a sum has indices below its sign, each once", tree.start, tree.end)
    return found


def _starts_at_one(first: tuple[Token, ...]) -> bool:
    return not first or plain(first) == "1"


def _is_number(body: Tex, name: str, latex: str) -> bool:
    """Whether an index stands for a number, as in `i A` and `A^i`, and not at an element."""
    waiting = [body]
    while waiting:
        for part in walk(waiting.pop()):
            if part.kind == "name" and part.text == name and not part.below:
                return True
            waiting.extend(each for group in part.above if (each := exponent(group, latex)) is not None)
    return False


def _series(e: Elaboration, tree: Tex, name: str, first: tuple[Token, ...], last: tuple[Token, ...]) -> Value:
    """Return a sum whose terms have their number in them, `\\sum_{i=1}^{k} i A^i`."""
    if tree.text != "sum" or not first or not last:
        e.refuse("a series is a sum from a number to a number, \\sum_{i=0}^{k}", tree.start, tree.end)
    start, stop = e.size(first), e.size(last) + 1
    used = {*e.arrays, *e.numbers, *map(str, e.indices.values()), *(str(s) for s in (start + stop).free_symbols)}
    written = next(each for each in (name, f"{name}_", f"{name}__") if each not in used)
    before = dict(e.indices)
    e.indices[name] = written
    inside = e.value(tree.parts[0])
    e.indices = before
    ends = [SizeOf(start), SizeOf(stop)] if start != 0 else [SizeOf(stop)]
    turn = ast.comprehension(ast.Name(written, ast.Store()), called("range", *ends), [], 0)
    made = called("sum", ast.ListComp(inside.tree, [turn]), axis=constant(0))
    return inside.made(_all_located(made, tree), inside.shape, row=inside.row)


def _all_located(made: ast.expr, tree: Tex) -> ast.expr:
    for part in ast.walk(made):
        if isinstance(part, ast.expr):
            located(part, tree.start, tree.end)
    return made


# ---------------------------------------------------------------- arrays by their elements


def stacked(e: Elaboration, body: Tex, places: Sequence[str]) -> Value:
    """Return the array that has a formula at each place of its first axes: `{Q_i K_i^T}_i`."""
    letters = [place.strip("()") for place in places if place != ":"]
    if body is e.whole and e.target is not None and e.target.named:
        places = _by_letter([*places], e.target.named, e.target.rank)
    for name in letters:
        if name in e.labels:
            e.refuse(f"the index {name} has a meaning already", body.start, body.end)
        e.labels[name] = e.fresh()
    inside = e.value(body)
    result = arranged(e, inside, letters) if list(places) == letters else _laid(e, inside, places)
    for name in letters:
        del e.labels[name]
    return result


def _laid(e: Elaboration, inside: Value, places: Sequence[str]) -> Value:
    """Return a value with its axes at these places: an index, `:` for one of its own, `(i)` for blocks of one."""
    if inside.rank == 1 and sum(place == ":" or place.startswith("(") for place in places) == 2:
        inside = as_matrix(inside)
    own, core = inside.labels, iter(range(len(inside.labels), len(inside.labels) + inside.rank))
    sizes = [*(e.labels[label] for label in own), *inside.shape]
    groups: list[list[int]] = []
    for place in places:
        letter = place.strip("()")
        if letter != ":" and letter not in own:
            e.refuse(f"nothing has the index {letter}", inside.start, inside.end)
        groups.append([own.index(letter)] if letter != ":" else [])
        if place == ":" or place != letter:
            groups[-1].append(next(core, -1))
    groups += [[axis] for axis in core]
    order = [axis for group in groups for axis in group]
    if -1 in order or sorted(order) != list(range(len(sizes))):
        e.refuse("the places do not fit the axes", inside.start, inside.end)
    tree = inside.tree
    if order != sorted(order):
        tree = called("transpose", tree, tupled([constant(axis) for axis in order]))
    shape = tuple(sympy.Mul(*(e.sizes.value(sizes[axis]) for axis in group)) for group in groups)
    if any(len(group) > 1 for group in groups):
        tree = called("reshape", tree, shape_of(shape))
    return inside.made(located(tree, inside.start, inside.end), shape, labels=(), row=False)


def arranged(e: Elaboration, inside: Value, letters: Sequence[str]) -> Value:
    """Return a value whose indices are its first axes, in the order of `letters`."""
    own = inside.labels
    missing = [name for name in letters if name not in own]
    if len(missing) == 1 and e.names.of_network:  # there is one head
        e.same(e.labels[missing[0]], sympy.Integer(1), inside, "an index that nothing has")
        tree = located(called("expand_dims", inside.tree, constant(len(own))), inside.start, inside.end)
        inside = inside.made(tree, inside.shape, labels=(*own, missing[0]))
        return arranged(e, inside, letters)
    if missing:
        e.refuse(f"nothing has the index {missing[0]}", inside.start, inside.end)
    tree = inside.tree
    order = [own.index(name) for name in letters]
    others = [place for place in range(len(own)) if own[place] not in letters]
    whole = [*others, *order, *range(len(own), len(own) + inside.rank)]
    if whole != sorted(whole):
        tree = called("transpose", tree, tupled([constant(axis) for axis in whole]))
    sizes = tuple(e.labels[name] for name in letters)
    left = tuple(own[place] for place in others)
    return inside.made(located(tree, inside.start, inside.end), (*sizes, *inside.shape), labels=left, row=False)

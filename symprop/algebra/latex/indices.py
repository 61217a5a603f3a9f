r"""Indices in LaTeX: elements `x_i` under a sum sign, what is summed, the arrays that have a formula at each place."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence

import sympy
from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.latex.conditions import conditions_below, holds
from symprop.algebra.latex.elaboration import Elaboration, case
from symprop.algebra.latex.names import INDEX, subscripts
from symprop.algebra.latex.parser import exponent
from symprop.algebra.latex.products import reduced, summed, times
from symprop.algebra.latex.selections import folded
from symprop.algebra.latex.tokens import Token
from symprop.algebra.latex.trees import Tex, plain, walk
from symprop.algebra.latex.values import SizeOf, Value, called, constant, joined, located, shape_of, subscripted, tupled
from symprop.errors import ReadingError

BLOCK = re.compile(r"(?:\([a-z](?:_?\d+)?\))+")
"""An index of blocks of an axis."""
_FUNCTIONS = {"sum": "sum", "prod": "prod", "max": "max", "min": "min"}


def element(e: Elaboration, array: Value, indices: tuple[str, ...], named: Mapping[int, str] | None = None) -> Value:
    """Return what stands at some indices of an array: `A_{ij}`, a row `A_i`, a column `A_{:,j}`.

    `named` are the letters of axes that have their own, as heads have; with a space behind it a letter is of blocks.
    """
    places = by_letter(_places(e, array, indices), named or {}, array.shape)
    array, places = _in_blocks(e, array, places)
    if len(places) > array.rank:
        at = array.start, array.end
        e.refuse(f"{len(places)} indices of an array of {array.rank} axes; {e.shapes((array,))}", *at)
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
            told = "an index stands twice at an array that is no matrix; A_{ii} is the diagonal of a matrix"
            e.refuse(told, array.start, array.end)
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
        blocks = BLOCK.fullmatch(part) and set(INDEX.findall(part)) <= set(e.labels)
        if part in e.labels or part == ":" or part.isdigit() or blocks:
            found.append(part)
            continue
        letters = INDEX.findall(part)
        if "".join(letters) != part or not all(each in e.labels or each.isdigit() for each in letters):
            wrong = next((each for each in letters if each not in e.labels), part)
            told = f"the index {wrong} stands under no sum"
            if not part.isalnum():
                told = f"the index {part} is not read; allowed: letters that are summed over, and numbers"
            e.refuse(told, array.start, array.end)
        found += letters
    return found


def by_letter(places: list[str], named: Mapping[int, str], shape: Sequence[Expr]) -> list[str]:
    """Return places with those at the axes that their letters are of, the others in their order.

    Axes of length 1 are passed over where there are fewer places than axes.
    """
    told = {place: axis for place in places for axis, letters in named.items() if place in letters.strip()}
    own = {axis: [place for place in places if told.get(place) == axis] for axis in told.values()}
    if not own or any(len(found) != len(named[axis].strip()) for axis, found in own.items()):
        return places
    rest = [place for place in places if place not in told]
    left = [axis for axis in range(len(shape)) if axis not in own]
    single = [axis for axis in left if shape[axis] == 1] if len(rest) < len(left) and len(shape) > 2 else []
    following, found = iter(rest), []
    for axis in range(len(shape)):
        if axis in own:
            blocks = named[axis].endswith(" ")
            found.append("".join(f"({place})" for place in own[axis]) if blocks else own[axis][0])
        else:
            found.append("1" if axis in single else next(following, ":"))
    return found


def _in_blocks(e: Elaboration, array: Value, places: list[str]) -> tuple[Value, list[str]]:
    """Return an array with the axes of blocks, `W_{(i)}`, as two axes: which block, and where in it."""
    if not any(BLOCK.fullmatch(place) for place in places):
        return array, places
    shape, found = [], []
    for place, size in zip([*places, *[":"] * array.rank][: array.rank], array.shape, strict=True):
        if BLOCK.fullmatch(place):
            inside, letters = e.fresh(), INDEX.findall(place)
            counts = [e.labels[letter] for letter in letters]
            e.same(sympy.Mul(*counts, inside), size, array, "blocks do not fit")
            shape += [*counts, inside]
            found += [*letters, ":"]
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
    bounds, conditions = conditions_below(e, tree)
    below, first = _apart(bounds)
    if tree.text.startswith("arg"):
        e.refuse(
            "the place of the largest is no number; \\mathbf{1}[i = \\operatorname{argmax}_j x_j] is one",
            tree.start,
            tree.end,
        )
    if not tree.below and tree.text == "sum":
        inside = e.value(tree.parts[0])
        return Value(located(called("sum", inside.tree), tree.start, tree.end), (), tree.start, tree.end)
    names = _letters(e, below, tree) if below else []
    letters = dict.fromkeys(letter for _, *pair in conditions for letter in pair)
    names += (others := [each for each in letters if each not in names and each not in e.labels])
    if tree.text in ("max", "min") and any(e.names.find(Tex("name", 0, 1, text=name)) for name in names):
        told = f"\\{tree.text} over an array is no formula; leave it away: what stands behind it is one"
        e.refuse(told, tree.start, tree.end)
    last = tuple(token for group in tree.above for token in group)
    if len(names) == 1 and names[0] in e.names.counters and plain(first) == "1" and last and tree.text == "sum":
        return _over_blocks(e, tree, e.names.counters[names[0]], last)
    if len(names) == 1 and (_is_number(tree.parts[0], names[0], e.latex) or not _starts_at_one(first)):
        return _series(e, tree, names[0], first, last)
    hidden = {name: e.labels[name] for name in names if name in e.labels}
    for name in names:
        e.labels[name] = e.size(last) if last else e.fresh()
    inside = e.value(tree.parts[0])
    for sign, one, other in conditions:
        alone = [name for name in (one, other) if name in others and name not in inside.labels]
        if len(alone) == 1:
            told = f"two readings: {alone[0]} is summed over too, or stands for one place; nothing here has this index"
            e.refuse(told, tree.start, tree.end, ReadingError)
        inside = times(e, holds(e, sign, one, other, tree), inside)
    for name in names:
        if name not in inside.labels:
            if tree.text != "sum":
                e.refuse(f"nothing has the index {name}", tree.start, tree.end)
            count = Value(located(SizeOf(e.labels[name]), tree.start, tree.start + 1), (), tree.start, tree.start + 1)
            inside = times(e, count, inside)
    present = [name for name in names if name in inside.labels]
    if inside.pending is not None and tree.text == "sum":
        result = folded(e, inside, present)
    elif tree.text == "sum":
        result = summed(e, inside, present) if present else inside
    else:
        result = reduced(inside, present, _FUNCTIONS[tree.text])
    for name in names:
        del e.labels[name]
    e.labels.update(hidden)
    return result.at(tree.start, tree.end)


def _over_blocks(e: Elaboration, tree: Tex, index: sympy.Symbol, last: tuple[Token, ...]) -> Value:
    r"""Return a sum over the blocks of a network, `\sum_{l=1}^{N} \|W^{(l)}\|_F^2`, each with its arrays."""
    inside, count = e.value(tree.parts[0]), e.size(last)
    if inside.labels:
        told = r"a sum over blocks stands outside of those over indices: \sum_{l=1}^{N} \sum_{ij}"
        e.refuse(told, tree.start, tree.end)
    name = f"zz_blocks{len(e.functions)}"
    e.functions[name] = lambda node: n.BlockSum(node, index, count)
    return inside.made(located(called(name, inside.tree), tree.start, tree.end), inside.shape)


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
        whole = list(walk(waiting.pop()))
        places = [part.parts[0] for part in whole if is_place_of_largest(part)]
        for part in whole:
            if part in places:
                continue
            if part.kind == "name" and part.text == name and not part.below:
                return True
            waiting.extend(each for group in part.above if (each := exponent(group, latex)) is not None)
    return False


def is_place_of_largest(tree: Tex) -> bool:
    r"""Whether a comparison says where the largest stands, `k = \operatorname{argmax}_r a_r`."""
    if tree.kind != "relation" or tree.text != "==":
        return False
    place, over = tree.parts
    return place.kind == "name" and over.kind == "over" and over.text.startswith("arg")


def _series(e: Elaboration, tree: Tex, name: str, first: tuple[Token, ...], last: tuple[Token, ...]) -> Value:
    """Return a sum whose terms have their number in them, `\\sum_{i=1}^{k} i A^i`."""
    if tree.text != "sum" or not first or not last:
        e.refuse("a series is a sum from a number to a number, \\sum_{i=0}^{k}", tree.start, tree.end)
    start, stop = _bound(e, first, 0), _bound(e, last, 1)
    named = {part.id for end in (start, stop) for part in ast.walk(end) if isinstance(part, ast.Name)}
    sizes = {str(s) for end in (start, stop) if isinstance(end, SizeOf) for s in end.size.free_symbols}
    used = {*e.arrays, *e.numbers, *map(str, e.indices.values()), *named, *sizes}
    written = next(each for each in (name, f"{name}_", f"{name}__") if each not in used)
    before = dict(e.indices)
    e.indices[name] = written
    inside = e.value(tree.parts[0])
    e.indices = before
    ends = [stop] if isinstance(start, SizeOf) and start.size == 0 else [start, stop]
    turn = ast.comprehension(ast.Name(written, ast.Store()), called("range", *ends), [], 0)
    made = called("sum", ast.ListComp(inside.tree, [turn]), axis=constant(0))
    return inside.made(_all_located(made, tree), inside.shape, row=inside.row)


def _bound(e: Elaboration, found: tuple[Token, ...], more: int) -> ast.expr:
    """Return an end of a series and how many `more`: a size, or what has the number of a series around it."""
    if any(token.text in e.indices for token in found):
        end = e.of_tokens(found)
        return joined(end.tree, ast.Add, constant(more)) if more else end.tree
    return SizeOf(e.size(found) + more)


def _all_located(made: ast.expr, tree: Tex) -> ast.expr:
    for part in ast.walk(made):
        if isinstance(part, ast.expr):
            located(part, tree.start, tree.end)
    return made

r"""Brackets in LaTeX: groups, norms, absolute values, inner products, choices, blocks, places of an array."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

from symprop.algebra.inference import fits
from symprop.algebra.inference.unknown_sizes import Misfit, Unknown
from symprop.algebra.latex import special_functions as special_functions  # enters its functions
from symprop.algebra.latex import windows as windows  # likewise
from symprop.algebra.latex.elaboration import Elaboration, case
from symprop.algebra.latex.functions import by_trial
from symprop.algebra.latex.indices import is_place_of_largest
from symprop.algebra.latex.names import subscripts
from symprop.algebra.latex.parser import Parser
from symprop.algebra.latex.pixels import split
from symprop.algebra.latex.powers import half, raised, scripts
from symprop.algebra.latex.products import as_matrix, met, times
from symprop.algebra.latex.stacks import stacked
from symprop.algebra.latex.trees import Tex, plain
from symprop.algebra.latex.values import SizeOf, Value, called, constant, located, subscripted, tupled
from symprop.algebra.latex.words import TRANSPOSED
from symprop.errors import ReadingError, ShapeError

_SIGNS: dict[str, type[ast.cmpop]] = {
    **{"<": ast.Lt, ">": ast.Gt, "<=": ast.LtE, ">=": ast.GtE, "==": ast.Eq, "!=": ast.NotEq},
}


@case("group")
def _(e: Elaboration, tree: Tex) -> Value:
    if len(tree.parts) != 1:
        e.refuse("several formulas in brackets are arguments of a function", tree.start, tree.end)
    inside = tree.parts[0]
    if tree.text == "|" and inside.kind == "group" and inside.text == "|" and inside.bare:  # two bars are a norm's
        tree = replace(tree, text="‖", parts=inside.parts)
    if tree.text in ("‖", "|"):
        return _norm(e, tree) if tree.text == "‖" else _bars(e, tree)
    if plain(tree.below) == "+":  # the positive part
        value = e.value(inside)
        made = located(called("maximum", value.tree, constant(0)), tree.start, tree.end)
        return raised(e, value.made(made, value.shape), tree.above)
    if tree.text == "{" and tree.below:
        return raised(e, _stack(e, tree, inside), tree.above)
    if any(plain(group) in TRANSPOSED for group in tree.above):
        e.on_paper = inside
    return scripts(e, e.value(inside).at(tree.start, tree.end), tree)


def _stack(e: Elaboration, tree: Tex, inside: Tex) -> Value:
    letters = split(subscripts(tree.below))
    if any(not re.fullmatch(r":|\(?[a-z](?:_?\d+)?\)?", letter) for letter in letters):
        e.refuse("an array by its elements has indices below its braces", tree.start, tree.end)
    return stacked(e, inside, letters).at(tree.start, tree.end)


@case("relation")
def _(e: Elaboration, tree: Tex) -> Value:
    if is_place_of_largest(tree):
        return _first(e, tree)
    sign = _SIGNS[tree.text]
    left, right = map(e.value, tree.parts)
    return met(e, [left, right], lambda trees: ast.Compare(trees[0], [sign()], [trees[1]]), "a comparison")


def _first(e: Elaboration, tree: Tex) -> Value:
    r"""Return `k = \operatorname{argmax}_r a_r`: 1 where an index is the first at which the largest stands, else 0."""
    place, over = tree.parts
    letters, names = split((place.text,)), split(subscripts(over.below))
    if len(letters) != 1 or len(names) != 1 or letters[0] not in e.labels or over.above:
        e.refuse("the place of the largest is one index: k = \\operatorname{argmax}_r a_r", tree.start, tree.end)
    hidden = e.labels.get(names[0])
    e.labels[names[0]] = e.labels[letters[0]]
    value = e.value(over.parts[0])
    if names[0] not in value.labels or (letters[0] in value.labels and names != letters):
        e.refuse(f"nothing has the index {names[0]} alone", over.start, over.end)
    if hidden is None:
        del e.labels[names[0]]
    else:
        e.labels[names[0]] = hidden
    made = called(f"first_{over.text[3:]}", value.tree, axis=constant(value.labels.index(names[0])))
    labels = tuple(letters[0] if label == names[0] else label for label in value.labels)
    return value.made(located(made, tree.start, tree.end), value.shape, labels=labels)


# ---------------------------------------------------------------- norms


def _norm(e: Elaboration, tree: Tex) -> Value:
    r"""Return `\|x\|`, and its square as one: the sum of squares."""
    e.on_paper = tree.parts[0]
    inside = e.value(tree.parts[0])
    which = plain(tree.below)
    if inside.kind == "m" and which not in ("F", "2", "*", "1", "\\infty", "infty", "mathrmF", "max", "∗"):
        told = r"two readings: \|A\|_F, the root of the sum of squares, and \|A\|_2, the largest singular value"
        e.refuse(told, tree.start, tree.end, ReadingError)
    if inside.rank > 2 and which not in ("", "F"):
        e.refuse(f"a norm is of a vector or a matrix; {e.shapes((inside,))}", tree.start, tree.end, ShapeError)
    plainly = which in ("", "F", "2") and (inside.kind != "m" or which == "F")
    first, *rest = tree.above or ((),)
    if plainly and plain(first) == "2":
        squares = ast.BinOp(inside.tree, ast.Pow(), constant(2))
        made = inside.made(located(_over_own(e, inside, "sum", squares), tree.start, tree.end), (), row=False)
        return raised(e, made.at(tree.start, tree.end), rest)
    options: dict[str, ast.expr] = {}
    if not plainly:
        options["ord"] = _order(e, tree, which)
    length = _over_own(e, inside, "norm", inside.tree, **options) if inside.rank else called("abs", inside.tree)
    value = inside.made(located(length, tree.start, tree.end), (), row=False)
    return raised(e, value.at(tree.start, tree.end), tree.above)


def _order(e: Elaboration, tree: Tex, which: str) -> ast.expr:
    if which in ("infty", "\\infty"):
        return ast.Name("inf", ast.Load())
    if which in ("*", "∗"):
        return constant("nuc")
    if which.isdigit():
        return constant(int(which))
    size = e.size_of(Parser(tree.below, e.latex).whole())
    told = f"no norm with {which}; sizes, whole numbers such as 3, F, 1, 2, * and \\infty are read"
    return SizeOf(size) if size is not None else e.refuse(told, tree.start, tree.end)


def _over_own(e: Elaboration, value: Value, function: str, tree: ast.expr, **options: ast.expr) -> ast.expr:
    """Return a function of the axes of a value that are no indices."""
    if value.labels and value.rank:
        places = [constant(place) for place in range(len(value.labels), len(value.labels) + value.rank)]
        options["axis"] = places[0] if len(places) == 1 else tupled(places)
    if not value.rank:
        return tree
    return called(function, tree, **options)


def _bars(e: Elaboration, tree: Tex) -> Value:
    inside = e.value(tree.parts[0])
    sizes = [e.sizes.value(size) for size in inside.shape]
    by_elements = bool(tree.above) and tree.above[0][:1] and tree.above[0][0].text in ("odot", "circ")
    if (
        inside.kind == "m" and tree.above and not by_elements and half(e.of_tokens(tree.above[0]).tree)
    ):  # no root of a matrix of magnitudes
        determinant = Tex("apply", tree.start, tree.end, tree.parts, "det", above=tree.above)
        return e.value(determinant)
    if inside.kind == "m" and (sizes[0] == sizes[-1] or any(size.has(Unknown) for size in sizes)):
        told = r"two readings: \det(A), and \operatorname{abs}(A) for each element"
        e.refuse(told, tree.start, tree.end, ReadingError)
    value = inside.made(located(called("abs", inside.tree), tree.start, tree.end), inside.shape)
    return scripts(e, value.at(tree.start, tree.end), tree)


@case("inner")
def _(e: Elaboration, tree: Tex) -> Value:
    left, right = map(e.value, tree.parts)
    if left.rank == 2 and right.rank == 2:
        product = met(e, [left, right], lambda trees: ast.BinOp(trees[0], ast.Mult(), trees[1]), "an inner product")
        value = product.made(_over_own(e, product, "sum", product.tree), ())
    else:
        value = times(e, replace(left, row=left.rank == 1), replace(right, row=False))
    named = plain(tree.below) != "F"  # \\langle A, B \\rangle_F
    return scripts(
        e, replace(value, tree=located(value.tree, tree.start, tree.end)).at(tree.start, tree.end), tree, named
    )


# ---------------------------------------------------------------- choices, blocks, places


@case("cases")
def _(e: Elaboration, tree: Tex) -> Value:
    values = [e.value(part) for part in tree.parts]
    result = values[-1]
    for yes, condition in zip(values[-3::-2], values[-2::-2], strict=True):
        result = met(e, [condition, yes, result], lambda trees: called("where", *trees), "a choice")
    return scripts(e, result.at(tree.start, tree.end), tree)


@case("words")
def _(e: Elaboration, tree: Tex) -> Value:
    return e.refuse("words are no part of a formula", tree.start, tree.end)


@case("range")
def _(e: Elaboration, tree: Tex) -> Value:
    return e.refuse("a range stands in brackets behind an array, A[1:3]", tree.start, tree.end)


@case("matrix")
def _(e: Elaboration, tree: Tex) -> Value:
    rows = [[e.value(cell) for cell in row.parts] for row in tree.parts]
    if len(rows) > 1 and all(len(row) == 1 for row in rows):
        return scripts(e, _below(e, [row[0] for row in rows], tree), tree)
    joined = [_beside(e, row, tree) if len(row) > 1 else row[0] for row in rows]
    return scripts(e, joined[0] if len(joined) == 1 else _below(e, joined, tree), tree)


def _below(e: Elaboration, parts: list[Value], tree: Tex) -> Value:
    """Blocks below each other: numbers and columns make a column, rows and matrices a matrix."""
    kinds = {part.kind for part in parts}
    if kinds <= {"s", "c"}:
        parts = [_spread(part, 1) for part in parts]
        return _concatenated(e, parts, 0, tree)
    if kinds == {"r"} and not any(part.labels for part in parts):
        stacked_rows = called("stack", tupled([part.tree for part in parts]))
        shape = parts[0].shape
        for part in parts:
            e.same(shape[0], part.shape[0], part, "rows below each other are of one length")
        size = fits.constant_shape(f"ones(({len(parts)},))") or ()
        return Value(located(stacked_rows, tree.start, tree.end), (*size, *shape), tree.start, tree.end)
    if kinds <= {"r", "m"}:
        return _concatenated(e, [as_matrix(part) for part in parts], 0, tree)
    return e.refuse(f"blocks do not fit below each other: {e.shapes(parts)}", tree.start, tree.end, ShapeError)


def _beside(e: Elaboration, parts: list[Value], tree: Tex) -> Value:
    kinds = {part.kind for part in parts}
    if kinds <= {"s", "r"}:
        return replace(_concatenated(e, [_spread(part, 1) for part in parts], 0, tree), row=True)
    if kinds <= {"c", "m"}:
        return _concatenated(e, [as_matrix(part) for part in parts], 1, tree)
    return e.refuse(f"blocks do not fit beside each other: {e.shapes(parts)}", tree.start, tree.end, ShapeError)


def _spread(part: Value, rank: int) -> Value:
    """A number as a vector of one element."""
    if part.rank:
        return part
    one = fits.constant_shape("ones((1,))") or ()
    tree = called("full", tupled([constant(1)]), part.tree) if part.number else called("stack", tupled([part.tree]))
    return part.made(located(tree, part.start, part.end), one)


def _concatenated(e: Elaboration, parts: list[Value], axis: int, tree: Tex) -> Value:
    shape = parts[0].shape
    for part in parts[1:]:
        try:
            shape = fits.joined(axis)(e.sizes, shape, part.shape)
        except Misfit:
            e.refuse(f"blocks do not fit: {e.shapes(parts)}", tree.start, tree.end, ShapeError)
    labels = parts[0].labels
    if any(part.labels != labels for part in parts):
        e.refuse(f"all blocks have the same indices, or none: {e.shapes(parts)}", tree.start, tree.end, ShapeError)
    made = called("concatenate", tupled([part.tree for part in parts]), axis=constant(axis + len(labels)))
    return Value(located(made, tree.start, tree.end), shape, tree.start, tree.end, labels=labels)


@case("take")
def _(e: Elaboration, tree: Tex) -> Value:
    """What brackets take from an array, as NumPy does: places from 0, ranges, ids."""
    array = e.value(tree.parts[0])
    ids: list[Value] = []
    if len(tree.parts) == 2 and tree.parts[1].kind == "name":  # rows of a table by ids, which may have an index
        chosen = e.value(tree.parts[1])
        if chosen.labels:
            made = subscripted(array.tree, [chosen.tree])
            value = chosen.made(made, (*chosen.shape, *array.shape[1:]), row=False)
            return scripts(e, replace(value, tree=located(made, tree.start, tree.end)), tree)
    entries, trial = [], []
    for place in tree.parts[1:]:
        made, text = _entry(e, place, ids)
        entries.append(made)
        trial.append(text)
    if array.labels and ids:
        e.refuse("ids are of a whole table, E[t], and this one has an index already", tree.start, tree.end)
    made = subscripted(array.tree, [*(ast.Slice() for _ in array.labels), *entries])
    value = by_trial(e, f"{fits.OPERAND}0[{', '.join(trial)}]", [array, *ids], made, tree)
    return scripts(e, replace(value, labels=array.labels), tree)


def _entry(e: Elaboration, place: Tex, ids: list[Value]) -> tuple[ast.expr, str]:
    if place.kind == "range":
        ends, texts = [], []
        for end in place.parts:
            value = None if end.kind == "nothing" else e.value(end)
            ends.append(None if value is None else value.tree)
            texts.append("" if value is None else f"({ast.unparse(value.tree)})")
        return ast.Slice(*ends), ":".join(texts)
    value = e.value(place)
    if value.rank or not (value.number or isinstance(value.tree, ast.UnaryOp)):
        ids.append(value)
        return value.tree, f"{fits.OPERAND}{len(ids)}"
    return value.tree, ast.unparse(value.tree)

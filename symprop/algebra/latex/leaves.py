r"""Numbers and names in LaTeX, and what stands for something everywhere: `I`, `\mathbf{1}`, `e`, `\pi`."""

from __future__ import annotations

import ast
import re
from typing import NoReturn

from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.inference import fits
from symprop.algebra.latex.elaboration import Elaboration, case, name_of
from symprop.algebra.latex.indices import element
from symprop.algebra.latex.names import Found, UndeclaredError, subscripts
from symprop.algebra.latex.parser import Parser
from symprop.algebra.latex.pixels import by_rows, split, without_single
from symprop.algebra.latex.powers import raised, scripts
from symprop.algebra.latex.products import as_number
from symprop.algebra.latex.selections import selection
from symprop.algebra.latex.tokens import Token
from symprop.algebra.latex.trees import GRADIENT_OF, Tex
from symprop.algebra.latex.values import SizeOf, Value, called, constant, located, shape_of
from symprop.algebra.latex.words import HINTS, RELATIONS
from symprop.algebra.names import size_symbol
from symprop.algebra.nodes import Node
from symprop.algebra.roles import STATISTIC
from symprop.errors import ReadingError, listed, shown

CONSTANTS = {"pi": "pi", "infty": "inf"}
"""Letters that are numbers where nothing has their name."""


@case("number")
def _(e: Elaboration, tree: Tex) -> Value:
    if tree.words and tree.text in ("1", "0") and tree.words[0] not in ("mathrm", "text"):
        return scripts(e, special(e, tree), tree, below=False)
    number = float(tree.text) if "." in tree.text else int(tree.text)
    end = tree.start + len(tree.text)
    value = Value(located(constant(number), tree.start, end), (), tree.start, tree.end, number=True)
    return scripts(e, value, tree)


def special(e: Elaboration, tree: Tex) -> Value:
    r"""Return the vector of ones or zeros, `\mathbf{1}_n`, a matrix of them, `\mathbf{0}_{m \times n}`."""
    if tree.text == "1" and any(token.text in RELATIONS for token in tree.below):
        return _indicator(e, tree)
    sizes = _sizes_below(e, tree) or ((e.fresh(),) if tree.text == "1" else ())
    at = tree.start, tree.end
    if not sizes:
        return Value(located(constant(0), *at), (), *at, zero=True)
    name = "ones" if tree.text == "1" else "zeros"
    is_ones = tree.text == "1" and len(sizes) == 1
    return Value(located(called(name, shape_of(sizes)), *at), sizes, *at, ones=is_ones)


def _indicator(e: Elaboration, tree: Tex) -> Value:
    r"""Return `\mathbb{1}_{x > 0}`: 1 where what stands below holds, else 0."""
    inside = Parser(tree.below, e.latex).whole()
    inside = inside.parts[0] if inside.kind == "group" and inside.text == "{" and len(inside.parts) == 1 else inside
    return as_number(e.value(inside)).at(tree.start, tree.end)


def _sizes_below(e: Elaboration, tree: Tex) -> tuple[Expr, ...]:
    parts: list[list[Token]] = [[]]
    for token in tree.below:
        if token.text in ("times", ","):
            parts.append([])
        else:
            parts[-1].append(token)
    return tuple(e.size(part) for part in parts if part)


@case("name")
def _(e: Elaboration, tree: Tex) -> Value:
    found = e.names.find(tree)
    if found is not None:
        _check_loss(e, tree)
        return of_name(e, tree, found)
    bare = Tex("name", tree.start, tree.end, text=tree.text)
    if tree.text in e.indices and not tree.below:
        return scripts(e, number_named(e.indices[tree.text], tree), tree)
    if tree.text == "delta" and len(letters := split(subscripts(tree.below))) == 2 and set(letters) <= set(e.labels):
        return scripts(e, _same_place(e, tree, letters), tree, below=False)
    if tree.text == "e" and tree.words and tree.below:
        return _unit(e, tree)
    if tree.text == "e" and tree.above:
        return _exponential(e, tree)
    if tree.text in ("I", "Id") or (tree.text == "E" and tree.words in (("mathbf",), ("boldsymbol",), ("bm",))):
        sizes = _sizes_below(e, tree) or (e.fresh(),)
        size = sizes[0]
        value = Value(located(called("eye", SizeOf(size)), tree.start, tree.end), (size, size), tree.start, tree.end)
        return scripts(e, value, tree, below=False)
    if tree.text in ("K", "D") and tree.below and not tree.words:
        return _known_matrix(e, tree)
    if tree.text in CONSTANTS and not tree.below:
        return scripts(e, number_named(CONSTANTS[tree.text], tree), tree)
    rows = e.names.rows(tree)
    return unknown(e, bare) if rows is None else of_name(e, tree, rows)


def _check_loss(e: Elaboration, tree: Tex) -> None:
    r"""Refuse `\nabla_x x^\top A x`: what stands behind is an array of the formula, and no loss."""
    if tree.words[:1] != (GRADIENT_OF,):
        return
    loss = e.names.find(Tex("name", tree.start, tree.end, text=tree.words[1]))
    if loss is not None and isinstance(loss.what, n.Variable) and loss.what.rank:
        e.refuse(HINTS["nabla"], tree.start, tree.end)


def number_named(name: str, tree: Tex) -> Value:
    return Value(located(ast.Name(name, ast.Load()), tree.start, tree.end), (), tree.start, tree.end)


def unknown(e: Elaboration, tree: Tex) -> NoReturn:
    if tree.text in HINTS:
        e.refuse(HINTS[tree.text], tree.start, tree.end)
    text = re.split(r"\^|'", e.latex[tree.start : tree.end])[0]
    known = listed(dict.fromkeys(map(name_of, e.names.known.values())), 80)
    told = f"{shown(text)} is not among the names that are declared: {known}"
    e.refuse(told, tree.start, tree.end, UndeclaredError)


def of_name(e: Elaboration, tree: Tex, found: Found) -> Value:
    """Return an array by its name, or what stands at its indices."""
    what = found.what
    if isinstance(what, n.Windowed):
        return selection(e, tree, found)
    shape = what.shape if isinstance(what, Node) else ()
    bare = Tex("name", tree.start, tree.end, text=tree.text)
    value = Value(e.named(what, bare), tuple(shape), tree.start, tree.end)
    indices = found.indices
    if isinstance(what, n.Variable) and what.role == STATISTIC and indices and 1 in shape:
        value = without_single(value, indices)
    elif isinstance(what, n.Variable) and e.names.of_network:
        value, indices = by_rows(e, value, what, indices)
    if indices:
        named = what.named if isinstance(what, n.Variable) and value.rank == what.rank else {}
        value = element(e, value, indices, named)
    return raised(e, value, found.above)


def _exponential(e: Elaboration, tree: Tex) -> Value:
    r"""Return `e^x`: of a matrix the matrix exponential, else that of each element."""
    inside = e.of_tokens(tree.above[0])
    function = "expm" if inside.kind == "m" else "exp"
    value = inside.made(located(called(function, inside.tree), tree.start, tree.end), inside.shape)
    return raised(e, value.at(tree.start, tree.end), tree.above[1:])


def _known_matrix(e: Elaboration, tree: Tex) -> Value:
    r"""Return `K_{m,n}`, which turns `vec(A)` into `vec(A^\top)`, or `D_{n}`, which spreads half a symmetric matrix."""
    bare = Tex("name", tree.start, tree.end, text=tree.text)
    if len(subscripts(tree.below)) != (2 if tree.text == "K" else 1):
        unknown(e, bare)
    sizes = _sizes_below(e, tree)
    name = "commutation" if tree.text == "K" else "duplication"
    written = f"{name}({', '.join(f'zz_{place}' for place in range(len(sizes)))})"
    shape = fits.constant_shape(written) or ()
    told = {size_symbol(f"zz_{place}"): size for place, size in enumerate(sizes)}
    shape = tuple(size.xreplace(told) for size in shape)
    made = located(called(name, *map(SizeOf, sizes)), tree.start, tree.end)
    return raised(e, Value(made, shape, tree.start, tree.end), tree.above)


def _same_place(e: Elaboration, tree: Tex, letters: list[str]) -> Value:
    r"""Return Kronecker's `\delta_{ij}`, 1 where two indices are the same."""
    at = tree.start, tree.end
    size = e.labels[letters[0]]
    e.same(size, e.labels[letters[1]], Value(constant(1), (), *at), "two indices of one range")
    if letters[0] == letters[1]:
        return Value(located(constant(1), *at), (), *at)
    return Value(located(called("eye", SizeOf(size)), *at), (), *at, labels=tuple(letters))


def _unit(e: Elaboration, tree: Tex) -> Value:
    place, size = e.of_tokens(tree.below), e.fresh()
    if e.names.by_people and place.number:
        told = "two readings: places are counted from 1 in mathematics, on pages of symprop from 0; declare e"
        e.refuse(told, tree.start, tree.end, ReadingError)
    made = called("one_hot", place.tree, SizeOf(size))
    value = Value(located(made, tree.start, tree.end), (*place.shape, size), tree.start, tree.end)
    return raised(e, value, tree.above)

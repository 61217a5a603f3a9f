r"""Arrays in LaTeX by their elements: those that have a formula at each place of some axes, `\{Q_i K_i^\top\}_i`."""

from __future__ import annotations

from collections.abc import Sequence

import sympy
from sympy import Expr, Mul

from symprop.algebra import nodes as n
from symprop.algebra.latex.elaboration import Elaboration
from symprop.algebra.latex.indices import by_letter
from symprop.algebra.latex.names import INDEX
from symprop.algebra.latex.pixels import PIXEL, grouped
from symprop.algebra.latex.products import as_matrix, times
from symprop.algebra.latex.trees import Tex
from symprop.algebra.latex.values import Value, called, constant, located, shape_of, tupled
from symprop.algebra.roles import STATISTIC


def stacked(e: Elaboration, body: Tex, places: Sequence[str]) -> Value:
    """Return the array that has a formula at each place of its first axes: `{Q_i K_i^T}_i`."""
    letters = [letter for place in places for letter in INDEX.findall(place)]
    target = e.target if body is e.whole else None
    places, sizes = (list(places), {}) if target is None else _of_target(e, target, places)
    for name in letters:
        if name in e.labels:
            told = "stands twice below the braces" if letters.count(name) > 1 else "has a meaning already"
            e.refuse(f"the index {name} {told}", body.start, body.end)
        e.labels[name] = sizes.get(name) or e.fresh()
    inside = _with_labels(e, e.value(body), letters)
    result = arranged(e, inside, letters) if list(places) == letters else _laid(e, inside, places)
    for name in letters:
        del e.labels[name]
    return result


def _of_target(e: Elaboration, target: n.Variable, places: Sequence[str]) -> tuple[list[str], dict[str, Expr]]:
    """Return the places along the axes of the array that a formula is the value of, and how many there are of some."""
    if target.role == STATISTIC:
        long = [size for size in target.shape if size != 1]
        return list(places), dict(zip(places, [Mul(*long)] if list(places) == [PIXEL] else long, strict=False))
    if target.named:
        found = by_letter([*places], target.named, target.shape)
        return found, dict(zip(found, target.shape, strict=False))
    groups, found = grouped(e, target, [*places])
    if not groups:
        return list(places), dict(zip(places, target.shape, strict=False))
    sizes = (Mul(*(target.shape[axis] for axis in each)) for each in groups)
    return found, dict(zip(found, sizes, strict=False))


def _with_labels(e: Elaboration, inside: Value, letters: Sequence[str]) -> Value:
    """Return a value that has all of some indices: the same at each place where it had not."""
    for letter in letters:
        if letter not in inside.labels and e.names.of_network:
            at = inside.start, inside.end
            ones = Value(located(called("ones", shape_of((e.labels[letter],))), *at), (), *at, labels=(letter,))
            inside = times(e, ones, inside)
    return inside


def _laid(e: Elaboration, inside: Value, places: Sequence[str]) -> Value:
    """Return a value with its axes at these places: an index, `:` for one of its own, `(i)` for blocks of one."""
    if inside.rank == 1 and sum(place == ":" or "(" in place for place in places) == 2 - inside.row:
        inside = as_matrix(inside)
    own, core = inside.labels, iter(range(len(inside.labels), len(inside.labels) + inside.rank))
    sizes = [*(e.labels[label] for label in own), *inside.shape]
    groups: list[list[int]] = []
    for place in places:
        letters = INDEX.findall(place) if place != "1" else []
        _check_has(e, inside, letters)
        groups.append([own.index(letter) for letter in letters])
        if place == ":" or "(" in place:
            groups[-1].append(next(core, -1))
    groups += [[axis] for axis in core]
    order = [axis for group in groups for axis in group]
    if -1 in order or sorted(order) != list(range(len(sizes))):
        told = f"the places {', '.join(places)} below the braces do not fit; {e.shapes((inside,))}"
        e.refuse(told, inside.start, inside.end)
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
    _check_has(e, inside, letters)
    tree = inside.tree
    order = [own.index(name) for name in letters]
    others = [place for place in range(len(own)) if own[place] not in letters]
    whole = [*others, *order, *range(len(own), len(own) + inside.rank)]
    if whole != sorted(whole):
        tree = called("transpose", tree, tupled([constant(axis) for axis in whole]))
    sizes = tuple(e.labels[name] for name in letters)
    left = tuple(own[place] for place in others)
    return inside.made(located(tree, inside.start, inside.end), (*sizes, *inside.shape), labels=left, row=False)


def _check_has(e: Elaboration, inside: Value, letters: Sequence[str]) -> None:
    """Refuse an array at places of which its formula knows nothing."""
    for letter in letters:
        if letter not in inside.labels:
            told = f"what stands at each {letter} has no index {letter}; an array by its elements is {{x_i y}}_i"
            e.refuse(told, inside.start, inside.end)

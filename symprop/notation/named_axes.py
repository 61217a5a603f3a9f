"""Axes that pages tell by a letter of their own, as h those of heads: `qₕ` is a head's matrix, `Wqₕ` its rows of Wq.

An array says which of its axes these are, or of which it has blocks (`Variable.named`). An equation then holds for each
head, its steps too: no formula moves heads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, product

import sympy
from sympy import Basic, Expr

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.trees import variables, walk
from symprop.notation.digits import Digits, Unwritten, common, digits
from symprop.notation.indexed import Element, IndexedSum, indices_beside
from symprop.notation.places import ONLY, Address, Digit, Named, Offset, Part, Stack
from symprop.notation.slicing import Slicer, renamed


def has_letters(node: Node) -> bool:
    """Whether a formula has arrays with axes that are told by a letter."""
    return any(each.named for each in variables(node))


def told(target: n.Variable, sizes: Digits) -> tuple[int, ...]:
    """Return which digits of an array have a letter, counted over all axes.

    >>> from symprop.algebra import variable
    >>> told(variable("q", (2, 3, 4), (n.Fact("place h", 0),)), ((2,), (3,), (4,)))
    (0,)
    """
    found, before = [], 0
    for axis, parts in enumerate(sizes):
        letters = target.named.get(axis, "")
        if len(letters) == len(parts):
            found += [before + place for place, letter in enumerate(letters) if letter != " "]
        before += len(parts)
    return tuple(found)


def with_letters(found: Node, whole: Node, target: n.Variable | None, fixed: Iterable[Basic] = ()) -> Node:
    """Return what was found with the letters of axes as indices, those that are `fixed` as they are."""
    wishes: dict[Basic, str] = {}
    for place, letter in _letters(found, target):
        wishes.setdefault(place, letter)
    names: dict[Basic, Basic] = dict.fromkeys(_of_length_one(found), ONLY)
    further = islice(indices_beside(whole), 1, 20)  # i is left to examples
    free = [Named(str(index), integer=True) for index in further]
    used = {str(index) for index in fixed}
    for place, letter in wishes.items():
        if place in names or place in fixed:
            continue
        wished = Named(letter, integer=True)
        names[place] = wished if letter not in used else next(each for each in free if str(each) not in used)
        used.add(str(names[place]))
    others = [place for place in dict.fromkeys(_places(found)) if place not in names and place not in fixed]
    letters = (index for index in indices_beside(whole) if str(index) not in used)
    names |= dict(zip(sorted(others, key=str), letters, strict=False))
    return _without_only(renamed(found, names))


def _letters(found: Node, target: n.Variable | None) -> Iterator[tuple[Basic, str]]:
    """Yield the indices at axes that have a letter, each with it, those of what an equation says first."""
    if target is not None and isinstance(found, Stack):
        yield from _of(target, found.address)
    for part in walk(found):
        array = part.operands[0] if isinstance(part, (Part, Element)) else None
        if isinstance(array, n.Variable) and isinstance(part, Part):
            yield from _of(array, part.address)
        elif isinstance(array, n.Variable) and isinstance(part, Element):
            yield from _of(array, tuple((Digit(size, at),) for size, at in zip(array.shape, part.indices, strict=True)))


def _of(array: n.Variable, address: Address) -> Iterator[tuple[Basic, str]]:
    for axis, letters in array.named.items():
        if len(address[axis]) == len(letters):
            for digit, letter in zip(address[axis], letters, strict=True):
                if letter != " " and isinstance(digit.place, sympy.Symbol):
                    yield digit.place, letter


def _places(found: Node) -> Iterator[Basic]:
    """Yield the indices of a formula."""
    for part in walk(found):
        if isinstance(part, (Part, Stack)):
            yield from (digit.place for axis in part.address for digit in axis if _is_index(digit.place))
        elif isinstance(part, (Element, IndexedSum)):
            yield from filter(_is_index, part.indices)


def _is_index(place: Basic | None) -> bool:
    return isinstance(place, sympy.Symbol) and not isinstance(place, Offset)


def _of_length_one(found: Node) -> list[Basic]:
    """The indices that have one place alone."""
    sizes: dict[Basic, set[Expr]] = {}
    for part in walk(found):
        for axis in part.address if isinstance(part, (Part, Stack)) else ():
            for digit in axis:
                if digit.place is not None and _is_index(digit.place):
                    sizes.setdefault(digit.place, set()).add(digit.size)
    return [place for place, every in sizes.items() if every == {sympy.Integer(1)}]


def _without_only(node: Node) -> Node:
    """`node` without places of axes of length 1, in front of what stands there, and without sums over them."""
    if not node.operands:
        return node
    inside = [_without_only(operand) for operand in node.operands]
    if isinstance(node, (Part, Stack)):
        return node.func(inside[0], tuple(tuple(map(_written, axis)) for axis in node.address))
    if isinstance(node, IndexedSum):
        indices = [index for index in node.indices if index != ONLY]
        return IndexedSum(inside[0], indices, node.shape) if indices else inside[0]
    return node.with_operands(inside)


def _written(digit: Digit) -> Digit:
    return digit._replace(place=ONLY) if digit.size == digit.place == 1 else digit


def in_sum(terms: Sequence[Node]) -> list[Node]:
    """Return the terms of a sum with the sums over the same indices as one: `Σₕ (Aₕ + Bₕ)`."""
    found: dict[tuple[Basic, ...], list[Node]] = {}
    for place, term in enumerate(terms):
        key = (term.indices, term.shape) if isinstance(term, IndexedSum) else (sympy.Integer(place),)
        found.setdefault(key, []).append(term)
    return [
        same[0] if len(same) == 1 else IndexedSum(n.Add(*(term.operands[0] for term in same)), key[0], same[0].shape)
        for key, same in found.items()
    ]


def pulled_back(node: n.Pullback, address: Address, of: Slicer) -> Node:
    """Return `(∂f/∂x)ᵀ g` at a place of x: that of f at the same place, where it reads nothing else of x, summed over
    the other places of f (the chain rule).

    Raises:
        Unwritten: parts of it are no matrices there.
    """
    cotangent, expression, by = node.operands
    if not isinstance(by, n.Variable):
        raise Unwritten
    sizes = _shared_digits(expression, cotangent)
    places = [(place, digit) for place, digit in enumerate(_flat(address)) if digit.place is not None]
    flat = [size for axis in sizes for size in axis]
    options = [[*(at for at, size in enumerate(flat) if size == digit.size), None] for _, digit in places]
    before = of.used
    for chosen in product(*options):
        if len(set(chosen) - {None}) < sum(at is not None for at in chosen):
            continue
        held = {at: place for at, place in zip(chosen, places, strict=True) if at is not None}
        of.used = before
        try:
            return _summed(node, (sizes, held), of(by, address), of)
        except Unwritten:
            continue
    raise Unwritten


def _shared_digits(one: Node, other: Node) -> Digits:
    return tuple(common(mine, theirs) for mine, theirs in zip(digits(one), digits(other), strict=True))


def _flat(address: Address) -> list[Digit]:
    return [digit for axis in address for digit in axis]


def _summed(node: n.Pullback, where: tuple[Digits, Mapping[int, tuple[int, Digit]]], by: Node, of: Slicer) -> Node:
    """The pullback to what an array has at a place, summed over the digits of what is pulled back that are not `held`
    at one of this place's own, each told with which.

    Raises:
        Unwritten: elsewhere on what is held, something else of the array is read.
    """
    (cotangent, expression, array), (sizes, held) = node.operands, where
    free = [at for at in range(sum(map(len, sizes))) if at not in held]
    own = dict(held.values())

    def at_places(inner: Address) -> Node:
        digit = {at: digit for at, (_, digit) in held.items()} | dict(zip(free, _flat(inner), strict=True))
        count = iter(range(len(digit)))
        whole = tuple(tuple(digit[next(count)] for _ in axis) for axis in sizes)
        inside = of(expression, whole)
        if own and not _reads_only(inside, array, own):
            raise Unwritten
        back = of(cotangent, whole)
        return back if inside == by else n.Pullback(back, inside, by)

    flat = [size for axis in sizes for size in axis]
    return of.summed([(flat[at],) for at in free], at_places)


def _reads_only(node: Node, array: Node, own: Mapping[int, Digit]) -> bool:
    """Whether a formula reads nothing else of an array than what these of its digits, counted over all axes, say."""
    if isinstance(node, (Part, Element)) and node.operands[0] == array:
        places = [digit.place for digit in _flat(node.address)] if isinstance(node, Part) else list(node.indices)
        return all(at < len(places) and places[at] == digit.place for at, digit in own.items())
    return node != array and all(_reads_only(operand, array, own) for operand in node.operands)

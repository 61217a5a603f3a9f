"""What a page of differences says beside its formulas: the layers, the shapes, what stays; chapters of changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Symbol

from symprop.algebra.nodes import Node, Variable
from symprop.algebra.shapes import Shape, shape_text
from symprop.algebra.trees import variables, walk
from symprop.differences.changes import (
    ADDED,
    CHANGED,
    JACOBIANS,
    PARTS,
    REMOVED,
    RENAMED,
    REREAD,
    Change,
    Side,
)
from symprop.differences.compared import Compared
from symprop.differences.marks import Marked
from symprop.differences.ways import ways
from symprop.networks.network import Network
from symprop.notation.selection_notes import other_selections
from symprop.notation.words import MOST_LISTED, Dimensions, Words, enumerated, listed_in_words

MOST_ALIKE, FIRST_ALIKE = 8, 3
"""More changes of one form than the first number are told by the first few."""
LONGEST_NETWORK = 600
DOT = Symbol("·")
"""Any size."""


@dataclass(frozen=True)
class Chapter:
    """A part of the page, what changes in it, and what is said of changes like these that are left out."""

    title: str
    changes: tuple[Change, ...]
    more: tuple[Words, ...] = ()


def chapters(difference: Compared) -> tuple[Chapter, ...]:
    """Return the parts in which something changes."""
    found = []
    for part in PARTS:
        changes = [change for change in difference.changes if change.part == part]
        changes = [change for change in changes if change.kind in (CHANGED, ADDED, REMOVED)]
        if changes:
            title = f"{part}, of one example" if part == JACOBIANS and difference.layout != "example" else part
            found.append(Chapter(title, *_folded(changes)))
    return tuple(found)


def _folded(changes: list[Change]) -> tuple[tuple[Change, ...], tuple[Words, ...]]:
    """Leave out changes that have the form of many before them, and say how many."""
    alike: dict[Any, list[Change]] = {}
    for change in changes:
        alike.setdefault(_form(change), []).append(change)
    left_out = {id(change) for group in alike.values() if len(group) > MOST_ALIKE for change in group[FIRST_ALIKE:]}
    more = tuple(_more(group) for group in alike.values() if len(group) > MOST_ALIKE)
    return tuple(change for change in changes if id(change) not in left_out), more


def _form(change: Change) -> Any:
    """A change without the numbers of its names."""
    parts = ((sign, part) for sign, side in change.signed for node in (side.left, side.marked) for part in walk(node))
    return change.kind, *((sign, type(part), *_said_of(part)) for sign, part in parts)


def _said_of(part: Node) -> tuple[str, ...]:
    if isinstance(part, Variable):
        return part.letter, str(part.role)
    return (part.role,) if isinstance(part, Marked) else ()


def _more(group: list[Change]) -> Words:
    first, last = (side for change in (group[FIRST_ALIKE - 1], group[-1]) for side in [change.after or change.before])
    ends: Words = () if first is None or last is None else (" that of ", first.left, ", up to ", last.left)
    return (f"{len(group) - FIRST_ALIKE:,} more like", *ends)


def network_text(network: Network) -> str:
    """Return a network's text, the middle of a very long one left out."""
    text = network.text
    if len(text) <= LONGEST_NETWORK:
        return text
    layers = text.split(" >> ")
    head = text[: LONGEST_NETWORK // 2].rpartition(" >> ")[0].split(" >> ")
    tail = text[-LONGEST_NETWORK // 3 :].partition(" >> ")[2].split(" >> ")
    return " >> ".join([*head, f"... ({len(layers) - len(head) - len(tail):,} more)", *tail])


def opening(difference: Compared) -> Iterator[Words]:
    """Yield what is said first: what became of the layers, which shapes are others, and whether equations change."""
    yield from difference.happened[:MOST_LISTED]
    if len(difference.happened) > MOST_LISTED:
        yield (f"and {len(difference.happened) - MOST_LISTED:,} more changes of layers",)
    if difference.shapes:
        yield ("shapes change: ", *listed_in_words(_shapes(difference.shapes)))
    yield from ways(difference)
    networks = (("A", difference.before), ("B", difference.after))
    without = [name for name, network in networks if network.system().loss is None]
    if without:
        owner = "neither network has a loss, so that only the forward passes are" if len(without) == 2 else ""
        yield (f"{owner or f'{without[0]} has no loss, so that only its forward pass is'} compared",)
    if not chapters(difference):
        same = "" if difference.happened or difference.shapes else "the networks are the same: "
        yield (f"{same}no equation changes",)


def _shapes(pairs: Iterable[tuple[Variable, Variable]]) -> Iterator[Words]:
    """Say once of all arrays that change alike from which sizes to which; a dot is a size in which they differ."""
    alike: dict[tuple[Any, ...], list[tuple[Variable, Variable]]] = {}
    for old, new in pairs:
        known = len(old.shape) == len(new.shape)
        changes = tuple((a, b) if a != b else () for a, b in zip(old.shape, new.shape, strict=True)) if known else ()
        alike.setdefault(changes or (old.shape, new.shape), []).append((old, new))
    for group in alike.values():
        before, after = (_common([pair[side].shape for pair in group]) for side in (0, 1))
        names = [(old,) if old.name == new.name else (old, " (", new, " in B)") for old, new in group]
        yield (*enumerated(names), " from ", before, " to ", after)


def _common(shapes: Sequence[Shape]) -> Dimensions | str:
    """Return shapes of one rank as one, with a dot for a size in which they differ."""
    shape = tuple(sizes[0] if len(set(sizes)) == 1 else DOT for sizes in zip(*shapes, strict=True))
    return shape_text(shape) if DOT in shape else Dimensions(shape)


def closing(difference: Compared) -> Iterator[Words]:
    """Yield what is said last: how many equations stay, and which have another name or number."""
    count = len(difference.same)
    if not count:
        yield ("No equation stays.",)
        return
    moved = [
        (change.before.left, " → ", change.after.left)
        for change in difference.of_kind(RENAMED)
        if change.before is not None and change.after is not None and change.before.left != change.after.left
        if change.before.left.text() != change.after.left.text()
    ]
    words = f"{count:,} equation{'s stay' if count > 1 else ' stays'} the same"
    yield (
        (words, f", {len(moved):,} of them under another name: ", *listed_in_words(moved), ".")
        if moved
        else (f"{words}.",)
    )
    for old, new, places in difference.rewired:
        verb = " reads " if len(places) == 1 else " read "
        yield ("In B, ", *enumerated([(place,) for place in places]), verb, new, " in the place of ", old, ".")
    told: dict[Words, None] = {}
    for change in difference.same:
        if change.before is not None and change.after is not None:
            told |= dict.fromkeys(other_selections(change.before.right, change.after.right))
    yield from (("In B: ", *sentence) for sentence in told)
    reread: dict[tuple[Variable, ...], list[Words]] = {}
    for change in difference.of_kind(REREAD):
        if change.after is not None:
            reread.setdefault(change.others, []).append((change.after.left,))
    for others, left in reread.items():
        what = " stand for other arrays" if len(others) > 1 else " stands for another array"
        equations, look = ("equations of ", "look") if len(left) > 1 else ("equation of ", "looks")
        names = enumerated([(name,) for name in others])
        yield (f"In B, the {equations}", *enumerated(left), f" {look} as in A, but ", *names, f"{what}.")


def notes(change: Change, side: Side) -> Iterator[Words]:
    """Yield what tells of an equation for which blocks it holds, and which names one of the networks writes out."""
    for loop in side.loops:
        index, count = loop.index, loop.count
        yield (index, " < ", count) if loop is side.unless_last else (index, " = 1, …, ", count)
    if change.places:
        yield (
            f"{'A' if change.kind == ADDED else 'B'} writes it inside ",
            *enumerated([(node,) for node in change.places]),
        )
    kept = set(variables(side.marked))
    for variable in variables(side.right):
        if variable not in kept:
            yield (variable, " written out")

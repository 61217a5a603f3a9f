"""What a page says of images and of the matrices that select their pixels: the geometry of each layer, worked out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import sympy
from sympy import Expr, Symbol, expand, oo

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import walk
from symprop.analysis.derivation import Derivation
from symprop.notation.blocks import Dimensions, Words
from symprop.notation.places import ONLY, Address, Digit, Offset, Part
from symprop.notation.selections import is_identity, is_selection, matrix_of

K = Offset("k", integer=True)


def about_images(derivation: Derivation, written: Iterable[Node]) -> Iterator[Words]:
    """Say what stands for an image, and what each layer with windows selects of it."""
    system = derivation.system
    arrays = [*system.inputs, *(equation.target for equation in system.equations)]
    image = next((each for each in arrays if each.rank > 2 and each.rows >= 0), None)
    if image is not None:
        last = image.rows
        sizes = image.shape[: last + 1]
        rows, features = sympy.Mul(*sizes), sympy.Mul(*image.shape[last + 1 :])
        what = "An image" if system.layout == "example" else "A batch of images" if last > 1 else "A batch of sequences"
        each = "its pixels" if system.layout == "example" else "all their pixels" if last > 1 else "all their positions"
        if system.layout != "columns":
            yield (
                f"{what} is the matrix of {each}, a row of features for each: ",
                image,
                " is of shape ",
                Dimensions((rows, features)),
                ".",
            )
    found: dict[tuple[object, ...], list[Part]] = {}
    for equation in system.equations:
        for node in walk(equation.expression):
            if isinstance(node, n.Windowed) and node.selection is not None and not is_identity(node):
                written_as = matrix_of(node, K)
                named = found.setdefault(_geometry(node), [])
                named += [written_as] * (written_as not in named)
    parts = [part for node in written for part in walk(node) if isinstance(part, Part) and not is_selection(part)]
    weight = next((part for part in parts if _at_offset(part) and not _variable(part).is_gradient), None)
    for number, (geometry, named) in enumerate(found.items()):
        yield _selects(geometry, named, number == 0)
    if weight is not None and found:
        yield (weight, " is ", _at(weight), ".")


def _geometry(node: n.Windowed) -> tuple[object, ...]:
    """What tells the matrices of one layer with windows from those of another: but for their name."""
    operand = node.operands[0]
    below = operand.value == -oo if isinstance(operand, n.Pad) and isinstance(node, n.Window) else False
    counts = tuple((operand if isinstance(node, n.Fold) else node).shape[axis] for axis in node.axes)
    chosen = node.selection
    return (node.steps, counts, chosen and chosen.before, chosen and chosen.lengths, below)


def _selects(geometry: tuple[object, ...], named: list[Part], first: bool) -> Words:
    """The sentence of one geometry, `row (i, j) of Sₖ A is A[2 i + u − 2, 2 j + v − 2]`."""
    steps, counts, before, lengths, below = geometry
    names: list[str | Node] = [part for name in named for part in (", ", name)][1:]
    names[-2:-1] = [" and "] * (len(named) > 1)
    letters = [Symbol(letter, integer=True) for letter in ("ij" if len(counts) == 2 else "ijlpqrs"[: len(counts)])]
    offsets = [K] if len(counts) == 1 else [Symbol(letter, integer=True) for letter in "uvwstxy"[: len(counts)]]
    places = [
        expand(stride * at + dilation * offset - (stride + dilation - 1) - start)
        for (_, _, stride, dilation), at, offset, start in zip(steps, letters, offsets, before, strict=True)
    ]
    ends = [
        (stride * (count - 1) + dilation * (size - 1) - start, length)
        for (_, size, stride, dilation), count, start, length in zip(steps, counts, before, lengths, strict=True)
    ]
    leaves = any(start != 0 for start in before) or any((length - 1 - end).is_negative for end, length in ends)
    image = Variable("A", (), (*lengths, Symbol("n", integer=True, positive=True)))
    pixel = Part(
        image, (*((Digit(size, at),) for size, at in zip(lengths, places, strict=True)), (Digit(image.shape[-1]),))
    )
    single = len(counts) == 1
    what, at = ("position", "i") if single else ("pixel", f"({', '.join(map(str, letters))})")
    k = "k" if single else f"k = ({', '.join(map(str, offsets))})"
    says = f" select{'s' * (len(named) == 1)} a {what} for each window {at}, the one at offset {k}: "
    opening: Words = (*names, says) if first else ()
    outside = "" if not leaves else ", −∞ outside" if below else ", 0 outside"
    return (
        *opening, f"{'row' if first else 'Row'} {at} of ", n.MatMul(named[0], image.change(shape=named[0].shape[1:])),
        *((", and likewise with ", *names[2:], ",") if len(named) > 1 and not first else ()),
        " is ", pixel, f"{outside} (", *_sizes(lengths), " → ", *_sizes(counts), ").",
    )  # fmt: skip


def _sizes(sizes: Iterable[Expr]) -> Words:
    return tuple(part for size in sizes for part in (" × ", size))[1:]


def _variable(part: Part) -> Variable:
    return next(each for each in part.operands if isinstance(each, Variable))


def _at_offset(part: Part) -> bool:
    return any(_is_offset(digit) for axis in part.address for digit in axis)


def _is_offset(digit: Digit) -> bool:
    return isinstance(digit.place, Offset) and digit.place != ONLY


def _at(part: Part) -> Part:
    """What an offset stands for, place by place: `W₁[:, u, v]`."""
    letters = iter("uvwstxy")
    count = sum(_is_offset(axis[0]) for axis in part.address)
    address: Address = tuple(
        (axis[0]._replace(place=Symbol(next(letters) if count > 1 else "k", integer=True)),)
        if _is_offset(axis[0])
        else axis
        for axis in part.address
    )
    return Part(part.operands[0], address)

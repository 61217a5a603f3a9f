"""What a page says of convolutions: the sizes worked out, and three readings of each geometry side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from symprop.algebra.equations import Equation
from symprop.algebra.window_sizes import Arithmetic, WindowSizes
from symprop.analysis.readings import Readings, distinct
from symprop.notation.blocks import Block, Grid, GridRow, Paragraph
from symprop.notation.words import Part, Words

_WINDOWS = Arithmetic("H′ = ⌊(H + 2p − d(K − 1) − 1)/s⌋ + 1")
_REST = Arithmetic("a = (H + 2p − d(K − 1) − 1) mod s")

_ROLES: Words = (
    *("Back to the array, the flipped kernel meets what comes back with ", Arithmetic("s − 1"), " zeros between its "),
    *("elements, ", Arithmetic("a"), " behind, and ", Arithmetic("d(K − 1) − p"), " at each end. Back to the kernel, "),
    *("the array meets what comes back, stride and dilation having changed roles. All is for one example."),
)


@dataclass(frozen=True)
class Listed(Block):
    """Equations that have no number, under a heading; `Equations` once they are set."""

    kind = "listed"
    heading: Words
    equations: tuple[Equation, ...]


def convolutions(found: Sequence[Readings]) -> Iterator[Block]:
    """Yield what is said of the convolutions of a network: how sizes are computed, each geometry, each form once."""
    if found:
        H, p, K, s, d = map(Arithmetic, "HpKsd")
        along: Words = ("Of ", H, " elements, with ", p, " more at each end, windows of ", K, " at stride ", s)
        rule: Words = (" and dilation ", d, " make ", _WINDOWS, "; ", _REST, " elements behind the last are not read ")
        yield Paragraph((*along, *rule, "(Dumoulin and Visin, 2016)."))
        yield Paragraph(_ROLES)
    forms: dict[tuple[object, ...], Readings] = {}
    for first, *others in distinct(found):
        yield from of_geometry(first, others, forms.setdefault(first.form, first))


def of_geometry(reading: Readings, alike: Sequence[Readings], model: Readings) -> Iterator[Block]:
    """Yield the sizes of a convolution worked out, and its readings if it is the `model` of its form.

    `alike` are those of the same geometry.
    """
    names: list[Part] = [part for each in alike for part in (", ", each.layer.target)]
    said: Words = ("; likewise ", *names[1:]) if alike else ()
    what: Words = (reading.layer.target, " is a convolution of ", reading.array, " with ", reading.kernel)
    shared: list[Part] = [part for each in (reading, *alike) for by in each.shared for part in (" and ", by)]
    through: Words = (" What flows to ", *shared[1:], " is here what flows through the convolution alone.")
    reads: Words = (" It reads as ", model.layer.target, " does.")
    yield Paragraph((*what, *said, ".", *(through if shared else ()), *(() if model is reading else reads)))
    rows = (*_forward(reading), *_by_array(reading), *_by_kernel(reading))
    yield Grid((("",), ("windows",), ("sizes",)), rows, ("l", "0.3", "0.5"), small=True)
    for part in reading.readings if model is reading else ():
        yield Listed((f"{part.title}:",), (*part.named, *part.equations))


def _forward(reading: Readings) -> Iterator[GridRow]:
    """Work out how many windows the layer has, and what stands behind the last."""
    for sizes, axes in _alike(reading.sizes):
        yield GridRow(((reading.layer.target, axes), (reading.array, ", ", *_lie(sizes)), (sizes.counted,)))
        if sizes.stride > 1:
            yield GridRow(((), ("behind the last window",), (Arithmetic(f"a = {sizes.left.text}"),)))


def _by_array(reading: Readings) -> Iterator[GridRow]:
    """Work out where zeros stand in what the flipped kernel meets, and how many windows that has."""
    target = reading.readings[-1].equations[0].target
    for (back, sizes), axes in _alike(tuple(zip(reading.sizes_back[0], reading.sizes, strict=True))):
        between: Words = ()
        if sizes.stride > 1:
            zeros = f"{sizes.stride - 1} zero{'s' if sizes.stride > 2 else ''}"
            between = (f" with {zeros} between, {sizes.unread} behind",)
            length = f"{sizes.stride}·({sizes.count} − 1) + 1 + {sizes.unread} = {back.length}"
            yield GridRow(((target, axes), (reading.flow, *between), (Arithmetic(length),)))
        first: Words = () if between else (target, axes)
        yield GridRow((first, (*(("of this",) if between else (reading.flow,)), ", ", *_lie(back)), (back.counted,)))


def _by_kernel(reading: Readings) -> Iterator[GridRow]:
    """Work out how many windows there are where stride and dilation have changed roles, and how many count."""
    target = reading.readings[-1].equations[-1].target
    for (back, sizes), axes in _alike(tuple(zip(reading.sizes_back[1], reading.sizes, strict=True))):
        first = "the first counts" if sizes.kernel == 1 else f"the first {sizes.kernel} count"
        more = "" if back.count == sizes.kernel else f", {first}"
        yield GridRow(((target, axes), (reading.array, ", ", *_lie(back)), (back.counted, more)))


_Found = TypeVar("_Found")


def _alike(each: Sequence[_Found]) -> list[tuple[_Found, str]]:
    """Return what holds of the axes, once for those that are alike, with the words that say of which it holds."""
    words = ("rows", "columns") if len(each) == 2 else tuple(f"axis {axis}" for axis in range(len(each)))
    found: dict[_Found, list[str]] = {}
    for item, word in zip(each, words, strict=True):
        found.setdefault(item, []).append(word)
    return [(item, f", {' and '.join(axes)}" if len(found) > 1 else "") for item, axes in found.items()]


def _lie(sizes: WindowSizes) -> Words:
    """Say how windows lie, in the letters of the formula."""
    ends = f"{sizes.before}" if sizes.before == sizes.after else f"{sizes.before}, {sizes.after}"
    told = (f"K = {sizes.kernel}", f"s = {sizes.stride}", f"d = {sizes.dilation}", f"p = {ends}".replace("-", "−"))
    return tuple(part for each in told for part in (", ", Arithmetic(each)))[1:]

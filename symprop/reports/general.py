"""The recurrence for a general layer, of a network that repeats a block a number of times.

The same network with a name in place of that number is derived once; what it says of a general block is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from symprop.networks.blocks import Repeat, symbolic_repeats, varies
from symprop.networks.layers import Dense
from symprop.networks.network import Network
from symprop.networks.sizes import LOOP_SYMBOLS, NUMBERED
from symprop.notation.blocks import Block, Boxed, Equations, Paragraph
from symprop.notation.content import section_of
from symprop.notation.page_blocks import PageWriter
from symprop.notation.words import Math
from symprop.reports.subject import Subject

FEWEST = 3
"""So many blocks make a recurrence worth telling in general."""
COUNTS = ("N", "K", "M", "B")
"""Names for the number of blocks; the first that the network does not have is taken."""


def with_name(network: Network) -> tuple[Network, str, int] | None:
    """Return the network with a name for the number of blocks of its one long Repeat, that name, and the number.

    >>> from symprop.networks.spec import parse_network
    >>> with_name(parse_network("Input(2) >> Repeat(Dense(2) >> Tanh(), 5) >> MeanSquaredError()"))[0].text
    'Input(2) >> Repeat(Dense(2) >> Tanh(), N) >> MeanSquaredError()'
    """
    found = [layer for layer in network.layers if isinstance(layer, Repeat) and not layer.is_symbolic]
    if len(found) != 1 or found[0].count < FEWEST:
        return None
    repeat, name = found[0], next((name for name in COUNTS if name not in network.sizes), None)
    if name is None or not _are_alike(network, repeat):
        return None
    changed = tuple(replace(layer, count=name) if layer is repeat else layer for layer in network.layers)
    return Network(changed), name, int(repeat.count)


def _are_alike(network: Network, repeat: Repeat) -> bool:
    """Whether the blocks differ in their number alone: they have one, keep the shape, and none is spoken of elsewhere.

    A loop inside a loop numbers its layers in another way than the report, so there is none in them. A size of a loop
    behind is named by an index (`n_l`) that would be another then.
    """
    built = network.built
    place = next(place for place, part in enumerate(built) if part.layer is repeat)
    whole, before = built[place], 1 + max((back for back in range(place) if not built[back].nesting), default=-1)
    known = {own.name for part in built[: place if repeat.tied else before] for own in part.parameters}
    ties = [part.layer.tied for part in built[before:] if isinstance(part.layer, Dense) and part.layer.tied]
    ahead = symbolic_repeats(network.layers[: network.layers.index(repeat)])
    index = LOOP_SYMBOLS[: len(symbolic_repeats(network.layers)) + 1]
    taken = {*NUMBERED, *(each.name for each in index)}
    named = any(size in taken or any(varies(size, each) for each in index[len(ahead) :]) for size in network.sizes)
    alike = whole.is_numbered and whole.value.shape == whole.output.shape and not symbolic_repeats(repeat.inner)
    return alike and not named and all(tie.removesuffix(".T") in known for tie in ties)


def general_recurrence(subject: Subject) -> Iterator[Block]:
    """Show the recurrence of a general block, where the network has a long Repeat."""
    found = with_name(subject.network)
    if found is None:
        return
    network, name, count = found
    derivation = subject.case.of(network).derivation
    writer = PageWriter(derivation, subject.notation, subject.paper)
    backward = section_of(derivation, "Backward pass").lines
    rows = [_without_numbers(writer.equations(block)) for block in backward if block.spans]
    if rows:
        yield Paragraph(("In general, with ", Math(f"{name} = {count}"), " blocks:"))
        yield Boxed(tuple(rows))


def _without_numbers(equations: Equations) -> Equations:
    """The equations of a general layer have no number of their own: they stand for many that have."""
    rows = (replace(row, number=None, label="", name="") for row in equations.rows)
    return replace(equations, rows=tuple(rows))

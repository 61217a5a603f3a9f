"""The recurrence for a general layer, of a network that repeats a block a number of times.

The same network with a name in place of that number is derived once; what it says of a general block is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from symprop.algebra.equations import Loop
from symprop.errors import SympropError
from symprop.networks.blocks import Repeat
from symprop.networks.network import Network
from symprop.notation.blocks import Block, Boxed, Equations, Math, Paragraph
from symprop.notation.content import section_of
from symprop.notation.page_blocks import PageWriter
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
    found = [layer for layer in network.layers if isinstance(layer, Repeat) and isinstance(layer.count, int)]
    if len(found) != 1 or found[0].count < FEWEST:
        return None
    repeat, name = found[0], next((name for name in COUNTS if name not in network.sizes), None)
    if name is None:
        return None
    changed = tuple(replace(layer, count=name) if layer is repeat else layer for layer in network.layers)
    try:
        general = Network(changed)
        loops = general.system().loops
    except SympropError:
        return None  # no Dense in the block
    if any(isinstance(item, Loop) for loop in loops for item in loop.items):
        return None  # a loop inside a loop numbers its layers in another way than the report
    return general, name, int(repeat.count)


def general_recurrence(subject: Subject) -> Iterator[Block]:
    """Show the recurrence of a general block, where the network has a long Repeat."""
    found = with_name(subject.network)
    if found is None:
        return
    network, name, count = found
    derivation = subject.case.of(network).derivation
    writer = PageWriter(derivation, subject.notation)
    backward = section_of(derivation, "Backward pass").lines
    rows = [_without_numbers(writer.equations(block)) for block in backward if block.spans]
    if rows:
        yield Paragraph(("In general, with ", Math(f"{name} = {count}"), " blocks:"))
        yield Boxed(tuple(rows))


def _without_numbers(equations: Equations) -> Equations:
    """The equations of a general layer have no number of their own: they stand for many that have."""
    rows = (replace(row, number=None, label="", name="") for row in equations.rows)
    return replace(equations, rows=tuple(rows))

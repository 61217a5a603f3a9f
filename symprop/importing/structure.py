"""From values to text: a graph in which branches part and meet becomes rows of layers inside one another.

A join is a `Sum`, `Multiply` or `Concatenate` of rows that start where all of its branches were last one: at its
immediate dominator, the last value through which every way to it goes (Lengauer and Tarjan, 1979; a graph that is in
order needs no more than the tree so far).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from sympy import Expr

from symprop.errors import SpecError, shown
from symprop.importing.formulas import layer_of
from symprop.importing.views import Formula, Padded, Value
from symprop.networks.blocks import Chain
from symprop.networks.branches import Residual, Sum
from symprop.networks.layers import Input, Layer

Emitted = tuple[Layer, Value]


class Rows:
    """The rows of a network: `leaves` are the layers that were written, in the order in which a network builds them."""

    def __init__(self, start: Value, values: Sequence[Value]) -> None:
        self.start = start
        self.leaves: list[Emitted] = []
        self.names: dict[Expr, str] = {}
        self.written: Counter[int] = Counter()
        self.order = {id(value): place for place, value in enumerate(values)}
        self.before = _dominators(start, values)

    def row(self, start: Value | None, end: Value) -> list[Layer]:
        """Return the layers from one value to another; from none where a further input starts the row."""
        steps: list[Callable[[], Layer]] = []
        value = end
        while value is not start:
            steps.append(self._step(value))
            self._count(value)
            if not value.sources:
                break
            value = self.before[id(value)] if value.join else value.sources[0]
        return [step() for step in reversed(steps)]

    def _step(self, value: Value) -> Callable[[], Layer]:
        """What writes the layer of a value when its turn comes."""
        return (lambda: self._joined(value)) if value.join else (lambda: self._layer(value))

    def _count(self, value: Value) -> None:
        """Note that a value is written, which twice is another network where it has weights or draws a mask."""
        self.written[id(value)] += 1
        if self.written[id(value)] > 1 and (value.weights or value.join or type(value.layer).__name__ == "Dropout"):
            raise SpecError(
                f"what {value.place} makes is read by branches that do not lie inside one another\n"
                "allowed: branches that part at one value and meet at one, as those of a residual block"
            )

    def _layer(self, value: Value) -> Layer:
        if isinstance(value.of, Formula):
            layer = layer_of(value.of.body, self.names)
        elif isinstance(value.of, Padded):
            raise SpecError(
                f"what {value.place} pads is read by what is no convolution\nallowed: zeros before a Conv1d or a Conv2d"
            )
        elif value.layer is None:
            raise SpecError(
                f"the scores or heads of attention at {value.place} are used without its last linear layer\n"
                "allowed: softmax(q k' / sqrt(d)) v, then a Linear"
            )
        else:
            layer = value.layer
        if not isinstance(layer, Input):
            self.leaves.append((layer, value))
        return layer

    def _joined(self, value: Value) -> Layer:
        """A join of rows, nested joins of one kind written as one."""
        base = self.before[id(value)]
        branches = [tuple(self.row(base, source)) for source in self._sources(value, base)]
        kind: Any = value.join
        empty = [branch for branch in branches if not branch]
        if kind is Sum and len(branches) == 2 and len(empty) == 1:
            (block,) = [branch for branch in branches if branch]
            if not isinstance(block[0], Input):
                return Residual(block[0] if len(block) == 1 else Chain(block))
        made: Layer = kind(*(Chain(branch) if branch else () for branch in branches))
        return made

    def _sources(self, value: Value, base: Value) -> list[Value]:
        """The ends of the branches; a branch that is itself such a join, from the same value on, gives its own."""
        found = []
        for source in value.sources:
            again = source.join is value.join and source is not base and self.before.get(id(source)) is base
            found += self._sources(source, base) if again else [source]
        return found


def _dominators(start: Value, values: Sequence[Value]) -> dict[int, Value]:
    """The immediate dominator of each value, by identity.

    What is joined from a further input is no way from the first: where both meet, the ways of the first count.
    """
    depth: dict[int, int] = {}
    roots: dict[int, Value] = {}
    before: dict[int, Value] = {}
    for value in values:
        if not value.sources:
            depth[id(value)], roots[id(value)] = 0, value
            continue
        ends = [source for source in value.sources if roots[id(source)] is start] or list(value.sources[:1])
        found = ends[0]
        for other in ends[1:]:
            while found is not other:
                if depth[id(found)] < depth[id(other)]:
                    found, other = other, found
                found = before[id(found)]
        before[id(value)], depth[id(value)], roots[id(value)] = found, depth[id(found)] + 1, roots[id(found)]
    return before


def layers_of(start: Value, values: Sequence[Value], end: Value) -> tuple[tuple[Layer, ...], list[Emitted]]:
    """Return the layers from the input to what is returned, and those that were written with their values.

    Raises:
        SpecError: branches that do not lie inside one another, or an output that does not depend on the first input.
    """
    rows = Rows(start, values)
    if id(end) not in rows.before and end is not start:
        raise SpecError(
            f"what the model returns does not depend on its first input, {shown(start.place)}\n"
            "allowed: a model whose first input is the one that its layers read"
        )
    return (*([start.layer] if start.layer else []), *rows.row(start, end)), rows.leaves

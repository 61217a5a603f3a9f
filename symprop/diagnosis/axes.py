"""What the axes of arrays are called in sentences: the batch, the heads of a group, the positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sympy import Expr

from symprop.algebra.nodes import Node
from symprop.algebra.trees import variables
from symprop.networks.network import Network


@dataclass(frozen=True)
class Axes:
    """The size of a batch, None without one, and nouns by the letters that tell places along an axis."""

    batch: Expr | None = None
    nouns: Mapping[str, str] = field(default_factory=dict)

    def over(self, axes: Sequence[int], inner: Node) -> str:
        """Return what a sum of `inner` runs over, in words."""
        known = self._named(inner)
        nouns = {axis: known.get(axis, f"elements of axis {axis}") for axis in axes}
        return " and ".join(
            "the batch" if said == BATCH else f"the {inner.shape[axis]} {said}" for axis, said in nouns.items()
        )

    def _named(self, inner: Node) -> dict[int, str]:
        """Return what is known of axes: of arrays that have an example in each row, the variables tell more."""
        found = {axis: BATCH for axis, size in enumerate(inner.shape) if size == self.batch}
        if 0 not in found:
            return found
        read = [each for each in variables(inner) if each.rank == inner.rank]
        letters = {
            axis: self.nouns[letter]
            for each in read
            for axis, letter in each.named.items()
            if letter in self.nouns and each.shape[: axis + 1] == inner.shape[: axis + 1]
        }
        left = [axis for axis in range(inner.rank) if axis not in (*found, *letters)]
        plain = PLAIN.get(len(left), ()) if any(each.shape == inner.shape for each in read) else ()
        return {**dict(zip(left, plain, strict=False)), **letters, **found}


BATCH = "batch"
PLAIN = {1: ("features",), 2: ("positions",), 3: ("rows of pixels", "pixels of a row")}
"""What so many axes of an example are called that have no letters."""
NAMELESS = Axes()


def axes_of(network: Network, batch: Expr | None) -> Axes:
    """Return the names of the axes of a network's arrays.

    >>> from symprop import parse_network
    >>> axes_of(parse_network("Input(5, 8) >> Attention(4, kv_heads=2) >> MeanSquaredError()"), None).nouns
    {'g': 'groups', 'h': 'heads of a group'}
    """
    nouns, whole = dict[str, str](), ""
    for letter, note in network.notes.items():
        match letter, note:
            case str(), (str(noun), str(more)):
                nouns[letter] = f"{noun}s{whole if more == ' in it' else ''}"
                whole = f" of a {noun}"
    return Axes(batch, nouns)

"""Names for adjoints that are part of another: the rows that a loop leaves, before more flows to their array."""

from __future__ import annotations

from collections.abc import Hashable

from symprop.algebra.equations import System, equations_in
from symprop.algebra.indices import placed
from symprop.algebra.names import adjoint_of
from symprop.algebra.nodes import Variable


class AdjointNames:
    """The names of adjoints that are taken; a row has that of its array, whatever its moment."""

    def __init__(self, taken: set[Hashable]) -> None:
        self.taken = taken

    @classmethod
    def of(cls, system: System) -> AdjointNames:
        """Return those of all that a system reads and makes."""
        made = (equation.target for equation in equations_in(system.items))
        return cls({_key(adjoint_of(each)) for each in (*system.inputs, *system.parameters, *made)})

    def copy(self) -> AdjointNames:
        """Return the same names, for a walk that may be made again."""
        return AdjointNames(set(self.taken))

    def fresh(self, name: Variable) -> Variable:
        """Return a name with the first mark that is free, and take it."""
        while _key(name) in self.taken:
            name = name.change(mark=name.mark + 1)
        self.taken.add(_key(name))
        return name


def _key(name: Variable) -> Hashable:
    return name.letter, placed(name.index)[0], name.mark


__all__ = ["AdjointNames"]

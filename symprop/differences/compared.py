"""What was found when two networks were compared, before it is printed."""

from __future__ import annotations

from dataclasses import dataclass

from symprop.algebra.nodes import Node, Variable
from symprop.algebra.printable import Listed
from symprop.differences.changes import ADDED, CHANGED, JACOBIANS, REMOVED, RENAMED, REREAD, SAME, Change
from symprop.networks.network import Network
from symprop.notation.words import Words


@dataclass(frozen=True, repr=False)
class Compared(Listed):
    """What changes from network A to network B.

    `happened` says in sentences what became of the layers, `shapes` which arrays have other sizes, `rewired` what is
    read by another name in equations that stay; `changes` holds every equation once, in the order of the pages. The
    loss is written with a curl where a size has its letter (`curled`).
    """

    before: Network
    after: Network
    layout: str
    happened: tuple[Words, ...]
    shapes: tuple[tuple[Variable, Variable], ...]
    rewired: tuple[tuple[Variable, Variable, tuple[Node, ...]], ...]
    changes: tuple[Change, ...]
    curled: bool = False

    @property
    def layers(self) -> tuple[str, ...]:
        """What became of the layers, in sentences."""
        texts = [[part.name if isinstance(part, Variable) else str(part) for part in words] for words in self.happened]
        return tuple("".join(parts) for parts in texts)

    def of_kind(self, *kinds: str, jacobians: bool = False) -> tuple[Change, ...]:
        """Return the changes of some kinds, of equations or of Jacobians."""
        return tuple(
            change for change in self.changes if change.kind in kinds and (change.part == JACOBIANS) == jacobians
        )

    @property
    def changed(self) -> tuple[Change, ...]:
        """The equations whose formula is another one."""
        return self.of_kind(CHANGED)

    @property
    def added(self) -> tuple[Change, ...]:
        """The equations that only B has."""
        return self.of_kind(ADDED)

    @property
    def removed(self) -> tuple[Change, ...]:
        """The equations that only A has."""
        return self.of_kind(REMOVED)

    @property
    def same(self) -> tuple[Change, ...]:
        """The equations that stay, also under another name or number."""
        return self.of_kind(SAME, RENAMED, REREAD)

    @property
    def jacobians(self) -> tuple[Change, ...]:
        """The Jacobians of the blocks that change, or that only one network has."""
        return self.of_kind(CHANGED, ADDED, REMOVED, jacobians=True)

    def __bool__(self) -> bool:
        """Whether anything differs: layers, shapes or equations."""
        return bool(
            self.happened or self.shapes or any(change.kind not in (SAME, RENAMED, REREAD) for change in self.changes)
        )

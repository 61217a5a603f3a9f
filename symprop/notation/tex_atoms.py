"""A formula as TeX sees it: a row of atoms, with a space between them by their kinds (*The TeXbook*, chapter 18)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from symprop.notation.tex_signs import BIN, CLOSE, OP, OPEN, ORD, PUNCT, REL, spacing


@dataclass(frozen=True)
class Atom:
    """A part of a formula in its row: its kinds to both sides, its measures, and by how much a script above it moves.

    `place` is where it starts in the text.
    """

    left: str
    right: str
    width: float
    height: float = 0.0
    depth: float = 0.0
    slant: float = 0.0
    place: int = 0
    is_space: bool = False


@dataclass(frozen=True)
class Box:
    """A row of atoms that is set."""

    width: float
    height: float
    depth: float


def ends_of(atoms: Sequence[Atom], is_script: bool = False, quad: float = 10.0) -> Iterator[float]:
    """Yield where each atom of a row ends, with TeX's space between them; signs that join nothing have none."""
    total, before = 0.0, ""
    for place, atom in enumerate(atoms):
        if not atom.is_space:
            left, right = atom.left, atom.right
            if left == BIN:
                following = next((each.left for each in atoms[place + 1 :] if not each.is_space), "")
                if before in ("", OP, BIN, REL, OPEN, PUNCT) or following in ("", REL, CLOSE, PUNCT):
                    left = right = ORD
            total += spacing(before, left, is_script) * quad / 18 if before else 0.0
            before = right
        total += atom.width
        yield total

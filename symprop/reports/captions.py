"""What stands in the boxes of a drawn network, and how wide these must be: captions in one line or two, and shapes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from symprop.algebra.nodes import Node
from symprop.notation.drawing import FONT, seen_width
from symprop.notation.latex_letters import escaped
from symprop.notation.pretty import Unicode, pretty
from symprop.notation.tex_boxes import width as tex_width

PIXELS, CENTIMETRE = 46.0, 28.45
"""Pixels and points for a centimetre."""
PAGE, GAP = 15.95, 0.5
"""Centimetres of a line of A4 paper with the arrows at its ends, and from one box to the next."""
NARROWEST, WIDEST = 1.99, 3.98
"""Centimetres of a line for each box."""
NAMES, SHAPES = 8.0, 11.0
"""Points of the letters of names, and pixels of those of shapes."""
_LONGEST = 12  # letters of one word
_MARGIN = 3.0
_SPACE = re.compile(r"(?<!×) (?!×)")  # not inside of `3 × 3`


@dataclass(frozen=True)
class Room:
    """How many boxes stand in a line, and how wide they are."""

    per_line: int
    limit: int = 0
    """So many stand in a line where that makes lines of about the same length, or 0."""
    line: float = PAGE
    """Centimetres of a line."""

    @property
    def breaks_after(self) -> int:
        """After how many boxes a line ends."""
        return self.limit or self.per_line

    @property
    def wide(self) -> float:
        """The width of a box in centimetres."""
        return int(100 * (self.line / self.per_line - GAP)) / 100

    def holds(self, line: str) -> bool:
        """Whether a line of a name fits."""
        return tex_width(rf"\text{{{escaped(line)}}}") * NAMES / 10 <= self.wide * CENTIMETRE - 1.5

    def lines(self, caption: str) -> tuple[str, ...]:
        """Return a caption in one line, or in two of about the same length.

        >>> Room(6).lines("3 × 3 conv, 16, /2"), Room(6).lines("MeanSquaredError")
        (('3 × 3 conv,', '16, /2'), ('MeanSquared', 'Error'))
        """
        words = _SPACE.split(caption)
        if len(words) > 1:
            if self.holds(caption):
                return (caption,)
            cuts = [(" ".join(words[:place]), " ".join(words[place:])) for place in range(1, len(words))]
            return min(cuts, key=lambda cut: max(map(seen_width, cut)))
        if len(caption) <= _LONGEST:
            return (caption,)
        places = [place for place in range(1, len(caption)) if caption[place].isupper() or caption[place - 1] == "_"]
        cut = min(places, key=lambda place: abs(place - len(caption) / 2), default=len(caption))
        parts = filter(None, (caption[:cut], caption[cut:]))
        return tuple(part if len(part) <= _LONGEST else f"{part[: _LONGEST - 3]}..." for part in parts)

    def takes(self, caption: str, output: Node) -> bool:
        """Whether the caption of a layer, and what it puts out, fit into a box."""
        return all(map(self.holds, self.lines(caption))) and self.has_shape(output)

    def has_shape(self, output: Node) -> bool:
        """Whether there is room for the shape of an output; else the table of layers has it."""
        return seen_width(_whole(output)) * SHAPES / FONT <= self.wide * PIXELS - _MARGIN

    def said(self, output: Node) -> str:
        """Return what a box puts out in Unicode, with its shape where there is room."""
        return _whole(output) if self.has_shape(output) else pretty(output)


def _whole(output: Node) -> str:
    return f"{pretty(output)}: {'×'.join(Unicode().number(size).text for size in output.shape) or '1'}"


def room_for(boxes: Iterable[tuple[str, Node]], line: float = PAGE) -> Room:
    """Return how wide boxes with these captions and outputs are: as many in a line as have room."""
    listed = list(boxes)
    counts = range(int(line / NARROWEST), int(line / WIDEST) - 1, -1)
    *rooms, last = (Room(count, line=line) for count in counts)
    return next((room for room in rooms if all(room.takes(*box) for box in listed)), last)

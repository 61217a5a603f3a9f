"""What an author chooses of a page that is written to a file: its title, what stands under it, paper and notation."""

from __future__ import annotations

from dataclasses import dataclass

from symprop.notation.blocks import NO_BYLINE, Byline
from symprop.notation.choices import Notation
from symprop.notation.paper import Paper


@dataclass(frozen=True)
class Sheet:
    """Choices of a page; None, or no title, is what the page has where nobody chose."""

    title: str = ""
    byline: Byline = NO_BYLINE
    paper: Paper | None = None
    notation: Notation | None = None


PLAIN_SHEET = Sheet()
"""A page where nobody chose."""

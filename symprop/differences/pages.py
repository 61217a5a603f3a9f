"""A difference for the terminal: lines with `-` and `+`, what is new or gone in colour, or with `^` below it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

from symprop.algebra.nodes import Node
from symprop.differences.changes import Side
from symprop.differences.compared import Compared
from symprop.differences.marks import Part, pieces, plain
from symprop.differences.words import Chapter, chapters, closing, network_text, notes, opening
from symprop.notation.breaking import pretty_pieces
from symprop.notation.pretty import pretty
from symprop.notation.terminal import UNICODE, network_lines, wrapped
from symprop.notation.text import text
from symprop.notation.wording import told_apart
from symprop.notation.words import Words, joined
from symprop.terminal import width

if TYPE_CHECKING:
    from rich.text import Text

STYLES = {"-": ("red", "bold red"), "+": ("green", "bold green")}
"""The style of a line that only A or only B has, and of the parts that are marked in it."""

Write = Callable[[Node], str]
WRITERS: dict[str, Write] = {"pretty": pretty, "text": text}


@dataclass(frozen=True)
class Line:
    """A line of the page: a sign (`-`, `+` or a space), what stands before a formula, its parts, what stands behind."""

    sign: str
    head: str
    parts: tuple[Part, ...] = ()
    tail: str = ""


def plain_page(difference: Compared, notation: str) -> str:
    """Return the page as text; `^` stand below what is new or gone in a line."""
    return "\n".join(row for line in _lines(difference, notation) for row in _rows(line))


def coloured_page(difference: Compared, notation: str = "pretty") -> Text:
    """Return the page for a terminal with colours."""
    from rich.text import Text

    page = Text()
    for line in _lines(difference, notation):
        usual, strong = STYLES.get(line.sign, ("", ""))
        page.append(f"{line.sign}{line.head}".rstrip() if not line.parts else f"{line.sign}{line.head}", usual)
        for part in line.parts:
            page.append(part.text, strong if part.is_marked else usual)
        page.append(line.tail, "dim")
        page.append("\n")
    page.right_crop(1)
    return page


def _rows(line: Line) -> Iterator[str]:
    yield f"{line.sign}{line.head}{plain(line.parts)}{line.tail}".rstrip()
    if any(part.is_marked for part in line.parts) and not all(part.is_marked for part in line.parts):
        below = "".join(_carets(part) for part in line.parts)
        yield (" " * (1 + len(line.head)) + below).rstrip()


def _carets(part: Part) -> str:
    """Signs as wide as a part, none below the blanks at its ends."""
    width = len([letter for letter in part.text if not unicodedata.combining(letter)])
    if not part.is_marked:
        return " " * width
    left = len(part.text) - len(part.text.lstrip())
    right = len(part.text) - len(part.text.rstrip())
    return " " * left + "^" * (width - left - right) + " " * right


def _lines(difference: Compared, notation: str) -> Iterator[Line]:
    write = WRITERS[notation]
    if difference.curled and write is pretty:
        write = told_apart(write, "ℒ")
    for sign, network in (("-", difference.before), ("+", difference.after)):
        rows = network_lines(network_text(network), " ", "   ")
        yield from (Line(sign, row) for row in rows)
    yield Line(" ", "")
    for sentence in opening(difference):
        yield from (Line(" ", row) for row in wrapped(f"• {_said(sentence, write)}", " ", "   "))
    for chapter in chapters(difference):
        yield from (Line(" ", ""), Line(" ", f" {chapter.title}"), Line(" ", f" {'─' * len(chapter.title)}"))
        yield from _chapter(chapter, write)
    for sentence in closing(difference):
        yield Line(" ", "")
        yield from (Line(" ", row) for row in wrapped(_said(sentence, write), " ", "   "))


def _said(sentence: Words, write: Write) -> str:
    return replace(UNICODE, formula=write).words(sentence)


def _chapter(chapter: Chapter, write: Write) -> Iterator[Line]:
    numbers = [side.number for change in chapter.changes for _, side in change.signed]
    digits = max((len(str(number)) for number in numbers if number is not None), default=0)
    for change in chapter.changes:
        for sign, side in change.signed:
            note = _said(joined(notes(change, side)), write)
            yield from _equation(sign, side, digits, write, f"   ({note})" if note else "")
    for sentence in chapter.more:
        yield Line(" ", f" … {_said(sentence, write)}")


def _equation(sign: str, side: Side, digits: int, write: Write, tail: str) -> Iterator[Line]:
    number = "" if side.number is None else f"({side.number})"
    left = f" {number:>{digits + 2}}  " if digits else " "
    before, after = (side.left, side.marked) if write is text else side.printed
    left += f"{write(before)} = "
    lines = list(_cut(pieces(write(after)), max(30, width() - 1 - len(left) - len(tail))))
    for position, parts in enumerate(lines):
        end = tail if position == len(lines) - 1 else ""
        yield Line(sign, left if not position else " " * len(left), parts, end)


def _cut(parts: Sequence[Part], room: int) -> Iterator[tuple[Part, ...]]:
    """Cut a formula into lines, each with its own share of the marks."""
    whole = plain(parts)
    ends = list(accumulate(len(part.text) for part in parts))
    start = 0
    for piece in pretty_pieces(whole, room):
        begin = whole.index(piece, start)
        start = begin + len(piece)
        yield tuple(
            replace(part, text=part.text[max(0, begin - end + len(part.text)) : len(part.text) - max(0, end - start)])
            for part, end in zip(parts, ends, strict=True)
            if end > begin and end - len(part.text) < start
        )

"""Long expressions on several lines, broken where `ruff format` breaks them: at the operators that bind least."""

from __future__ import annotations

from collections.abc import Iterator

from symprop.codegen.targets.layout import COLUMNS, INDENT

OPERATORS = (
    (" if ", " else "),
    (" < ", " > ", " <= ", " >= ", " == ", " != "),
    (" | ",),
    (" & ",),
    (" + ", " - "),
    (" * ", " / ", " @ "),
    (" ** ",),
)
"""Operators with two operands, from those that bind least to those that bind most."""


def assigned(name: str, text: str, indent: int = INDENT) -> list[str]:
    """Return the lines of `name = text` for this indent.

    >>> for line in assigned("delta1", "(delta2 @ W2 + " + " + ".join(["value"] * 6) + ") * (1 - a1 * a1)"):
    ...     print(line)
    delta1 = (delta2 @ W2 + value + value + value + value + value + value) * (
        1 - a1 * a1
    )
    """
    return broken(f"{name} = ", text, indent)


def broken(start: str, text: str, indent: int = INDENT) -> list[str]:
    """Return the lines of a statement: `start`, such as `return `, and an expression."""
    if len(start + text) + indent <= COLUMNS:
        return [start + text]
    parts = split(text)
    if len(parts) == 1:
        return bracketed(start, text, indent)
    place = _opened(text) if len(parts) == 2 else None
    if place is not None and indent + len(start + text[: place + 1]) <= COLUMNS:
        return [start + text[: place + 1], *_indented(_inside(text[place + 1 : -1], indent)), text[-1]]
    return [f"{start}(", *_indented(parted(text, indent + INDENT)), ")"]


def parted(text: str, indent: int, start: str = "") -> list[str]:
    """Return the lines of an expression inside brackets, behind `start`, for the indent that it has there."""
    if len(start + text) + indent <= COLUMNS:
        return [start + text]
    parts = split(text)
    if len(parts) == 1:
        return bracketed(start, text, indent)
    lines: list[str] = []
    for operator, part in parts:
        lines.extend(parted(part, indent, f"{operator.strip()} " if operator else start))
    return lines


def bracketed(start: str, text: str, indent: int) -> list[str]:
    """Return the lines of `start text`, broken inside the brackets that end `text`."""
    place = _opened(text)
    if place is None or len(start + text) + indent <= COLUMNS:
        return [start + text]
    return [start + text[: place + 1], *_indented(_inside(text[place + 1 : -1], indent)), text[-1]]


def _inside(text: str, indent: int) -> list[str]:
    """Return the lines of what stands in brackets that are opened at an indent; items have a line each."""
    items = list(_items(text))
    if len(items) == 1 or indent + INDENT + len(text) <= COLUMNS:
        return [text] if len(items) > 1 else parted(text, indent + INDENT)
    return [line for item in items for line in _with_comma(parted(item, indent + INDENT))]


def split(text: str) -> list[tuple[str, str]]:
    """Return the operands of the operators that bind least, each with the operator before it.

    >>> split("a * b + f(c + d) - e")
    [('', 'a * b'), (' + ', 'f(c + d)'), (' - ', 'e')]
    """
    for operators in OPERATORS:
        places = [place for place in _outside(text) if any(text.startswith(each, place) for each in operators)]
        if places:
            found, start, before = [], 0, ""
            for place in places:
                found.append((before, text[start:place]))
                before = next(each for each in operators if text.startswith(each, place))
                start = place + len(before)
            return [*found, (before, text[start:])]
    return [("", text)]


def _outside(text: str) -> Iterator[int]:
    """Yield the places of a text that no brackets hold."""
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0:
            yield place


def _opened(text: str) -> int | None:
    """Return where the brackets open that end a text; None where it ends in none, or they are empty."""
    if text[-1:] not in (")", "]"):
        return None
    depth = 0
    for place in range(len(text) - 1, -1, -1):
        depth += (text[place] in ")]}") - (text[place] in "([{")
        if depth == 0:
            return place if place < len(text) - 2 else None
    return None


def _items(text: str) -> Iterator[str]:
    """Yield what commas part, those inside brackets aside."""
    start = 0
    for place in _outside(text):
        if text.startswith(", ", place):
            yield text[start:place]
            start = place + 2
    yield text[start:]


def _with_comma(lines: list[str]) -> list[str]:
    return [*lines[:-1], f"{lines[-1]},"]


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


__all__ = ["assigned", "broken"]

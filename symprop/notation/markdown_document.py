"""Sections of blocks as Markdown with LaTeX, as GitHub, Jupyter and Pandoc show it: one file, with its pictures."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator

from symprop.notation.blocks import (
    NO_BYLINE,
    Boxed,
    Bullets,
    Byline,
    Chain,
    EquationRow,
    Equations,
    Grid,
    Link,
    Listing,
    Paragraph,
    Picture,
    Section,
    Typed,
)
from symprop.notation.words import Code, Math, Words, Written, written


def markdown_document(sections: Iterable[Section], title: str, byline: Byline = NO_BYLINE) -> str:
    """Return sections as a Markdown file: formulas between dollar signs, equations with numbers, code in fences."""
    under = ", ".join(filter(None, (byline.author, byline.date)))
    parts = [f"# {_escaped(title)}", *([_escaped(under)] if under else [])]
    for section in sections:
        parts.append(f"{_anchor(section.label)}\n\n## {_escaped(section.title)}")
        for block in section.blocks:
            parts += _WRITERS[block.kind](block)
    return "\n\n".join(parts) + "\n"


def _escaped(text: str) -> str:
    r"""Write words in which no sign has a meaning.

    >>> print(_escaped("a*b <c> [d]"))
    a\*b \<c\> \[d\]
    """
    return re.sub(r"([\\`*_<>\[\]|$#])", r"\\\1", text)


def _words(words: Words) -> str:
    return "".join(map(_part, written(words)))


def _part(part: Written) -> str:
    if isinstance(part, str):
        return _escaped(part)
    if isinstance(part, Math):
        return f"${part.latex}$"
    if isinstance(part, Code):
        return f"`{part.text}`"
    return f"[({part.number})](#{part.label})" if part.number else f"[above](#{part.label})"


def _anchor(label: str) -> str:
    return f'<a id="{label}"></a>' if label else ""


def _display(lines: Iterable[str], number: int | None = None) -> str:
    """Write formulas that are aligned, with a number."""
    aligned = " \\\\\n".join(lines)
    tag = f" \\tag{{{number}}}" if number else ""
    return f"$$\n\\begin{{aligned}}\n{aligned}\n\\end{{aligned}}{tag}\n$$"


def _row(row: EquationRow) -> Iterator[str]:
    first, *rest = row.right
    space = rf" \qquad \in {row.space}" if row.space and not rest else ""
    lines = [rf"{row.left} &= {first}{space}", *(rf"&\quad {piece}" for piece in rest)]
    anchor = f"{_anchor(row.label)}\n\n" if row.label and row.is_first else ""
    yield anchor + _display(lines, row.number)


def _equations(block: Equations) -> Iterator[str]:
    if block.heading:
        yield _words(block.heading)
    for row in block.rows:
        yield from _row(row)


def _boxed(block: Boxed) -> Iterator[str]:
    for each in block.blocks:
        yield from (re.sub(r"^", "> ", part, flags=re.MULTILINE) for part in _equations(each))


def _chain(block: Chain) -> Iterator[str]:
    first, *rest = block.start
    lines = [f"{block.left} &= {first}", *(rf"&\quad {piece}" for piece in rest)]
    for link in block.links:
        first, *rest = link.right
        lines += [rf"&= {first}", *(rf"&\quad {piece}" for piece in rest)]
        lines[-1] += rf" && \text{{{_rule(link)}}}"
    if block.like:
        lines[-1] += rf" && \text{{as ({block.like.number})}}"
    anchor = f"{_anchor(block.label)}\n\n" if block.label else ""
    yield anchor + _display(lines, block.number)


def _rule(link: Link) -> str:
    """Write a rule and its reasons inside of a formula."""
    parts: list[str] = [_in_text(link.rule)]
    for reason in link.reasons:
        parts.append("; ")
        parts += (f"${each.latex}$" if isinstance(each, Math) else _in_text(str(each)) for each in reason)
    return "".join(parts)


def _in_text(text: str) -> str:
    return re.sub(r"([#%&_{}$])", r"\\\1", text)


def _grid(block: Grid) -> Iterator[str]:
    def line(cells: Iterable[str]) -> str:
        return f"| {' | '.join(cells)} |"

    def cell(words: Words) -> str:
        return "".join(_part(_no_bars(part)) for part in written(words))

    if block.label:
        yield _anchor(block.label)
    rule = ("--:" if align == "r" else ":--" for align in block.align)
    yield "\n".join((line(map(cell, block.head)), line(rule), *(line(map(cell, row.cells)) for row in block.rows)))
    if block.caption:
        yield f"*{_words(block.caption)}*"


def _no_bars(part: Written) -> Written:
    r"""Write a formula without bars, which end the cells of a table."""
    if isinstance(part, Math):
        return Math(re.sub(r"\|", r"\\vert ", part.latex.replace(r"\|", r"\Vert ")))
    return part


def _picture(block: Picture) -> Iterator[str]:
    data = base64.b64encode(block.svg.encode()).decode()
    yield f"{_anchor(block.label)}\n\n![{_escaped(block.label)}](data:image/svg+xml;base64,{data})"
    if block.caption:
        yield f"*{_words(block.caption)}*"


def _listing(block: Listing) -> Iterator[str]:
    if block.caption:
        yield _words(block.caption)
    code = "\n".join(line.text for line in block.lines).rstrip()
    yield f"```python\n{code}\n```"


_WRITERS: dict[str, Callable[..., Iterable[str]]] = {
    Typed.kind: lambda block: [f"```\n{block.text}\n```"],
    Paragraph.kind: lambda block: [_words(block.words)],
    Bullets.kind: lambda block: ["\n".join(f"- {_words(item)}" for item in (*block.items, *block.signs))],
    Equations.kind: _equations,
    Boxed.kind: _boxed,
    Chain.kind: _chain,
    Grid.kind: _grid,
    Picture.kind: _picture,
    Listing.kind: _listing,
}

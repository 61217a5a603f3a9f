r"""Sections of blocks as LaTeX: a body for `\input`, or a whole document. Each kind of block has its template."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from symprop.notation.blocks import NO_BYLINE, Block, Byline, Chain, Equations, Grid, Link, Picture, Section
from symprop.notation.breaking import latex_pieces
from symprop.notation.drawing import in_line
from symprop.notation.latex_letters import escaped
from symprop.notation.paper import A4, SLIDES, Paper
from symprop.notation.slides import parts
from symprop.notation.words import Code, Math, Words, Written, written
from symprop.templating import environment

_APOSTROPHE = re.compile(r"(?<=[A-Za-z])\\textquotesingle\{\}(?=[a-z])")
"""Inside a word of a sentence; the stroke of f'(0) is none."""


BODY = "body.tex.j2"
EQUALS, INDENT = 12.0, 12.0
"""Points of an equals sign with its spaces, and before a part of a formula that continues."""
ROWS_TOGETHER, MOST_ROWS, SHORT = 6, 40, 12
"""Rows of a table that stay together in a column, on a page, and in any case."""


@dataclass(frozen=True)
class Looks:
    """How the document around the blocks looks: numbered sections, links, their level, a prefix of all labels.

    One that is `dense` has smaller letters and lines closer together, for equations alone. One that `counts` goes on
    with the numbers of equations of a paper around it.
    """

    numbered: bool = False
    level: str = "section"
    prefix: str = ""
    dense: bool = False
    paper: Paper = A4
    counts: bool = False

    @property
    def floats(self) -> bool:
        """Whether a table cannot be broken over pages: in two columns, and on slides."""
        return self.paper.columns == 2 or self.paper == SLIDES

    def tex(self, words: Words) -> str:
        """Write a sentence."""
        return "".join(map(self._part, written(words)))

    def _part(self, part: Written) -> str:
        if isinstance(part, str):
            return _APOSTROPHE.sub("'", escaped(part))
        if isinstance(part, Math):
            return f"${part.latex}$"
        if isinstance(part, Code):
            return rf"\texttt{{{narrow(part.text)}}}"
        return rf"\eqref{{{self.label(part.label)}}}" if part.number else rf"\ref{{{self.label(part.label)}}}"

    def reason_in(self, words: Words) -> str:
        """Write the reason of a step, a formula that is longer than a line in parts that are not."""
        room = (self.paper.line - 2 * self.paper.points) / _SMALL[self.paper.points]
        return self.tex(tuple(part for each in written(words) for part in self._parts(each, room)))

    def _parts(self, part: Written, room: float) -> Iterator[Written]:
        pieces = latex_pieces(part.latex, room, self.paper.points) if isinstance(part, Math) else ()
        if len(pieces) < 2:
            yield part
            return
        for place, piece in enumerate(pieces):
            yield from (" ",) if place else ()
            yield Math(rf"{{}}{piece}" if place else piece)

    def squeezed(self, block: Equations) -> list[list[str]]:
        """Return the right sides of equations, what cannot be cut made as small as the line asks for."""
        left = max((self.paper.width(row.left) for row in block.rows), default=0.0) + EQUALS
        room = self.paper.room - left
        return [
            [
                piece
                if (wide := self.paper.width(piece)) <= room - indent
                else rf"\sympropsqueezed{{{min(room - indent, wide):.0f}pt}}{{{piece}}}"
                for piece, indent in zip(row.right, (0.0, *(INDENT for _ in row.right)), strict=False)
            ]
            for row in block.rows
        ]

    def is_one_line(self, chain: Chain) -> bool:
        """Whether a chain of two equalities fits on one line, with its rule."""
        pieces = [chain.start, *(link.right for link in chain.links)]
        if len(pieces) != 2 or any(len(each) != 1 for each in pieces):
            return False
        whole = " = ".join((chain.left, *(each[0] for each in pieces)))
        return self.paper.width(whole) <= self.paper.room - self.paper.RULE and self.reason_fits(chain.links[0])

    def has_room(self, chain: Chain, formula: str) -> bool:
        """Whether the space of what a chain finds has room beside its last formula and a rule."""
        whole = rf"{formula} \qquad \in {chain.space}"
        return self.paper.has_spaces and self.paper.width(whole) <= self.paper.room - self.paper.RULE

    def reason_fits(self, link: Link) -> bool:
        """Whether the rule of a step and its reasons fit beside its formula; else they stand below it."""
        formulas = [part.latex for reason in link.reasons for part in written(reason) if isinstance(part, Math)]
        return len(link.rule) <= _BESIDE and all(self.paper.width(each) < 0.8 * self.paper.RULE for each in formulas)

    def columns(self, grid: Grid) -> str:
        """Write the columns of a table: words that may take several lines are set ragged.

        Where a table has no room, such a column has its part of the line.
        """
        widths = self._widths(grid) or [rf"{each}\linewidth" for each in grid.align]
        ragged = r">{\raggedright\arraybackslash}p{%s}"
        return "".join(
            one if one in ("l", "r") else ragged % width for one, width in zip(grid.align, widths, strict=True)
        )

    def is_narrow(self, grid: Grid) -> bool:
        """Whether a table has room in one of two columns."""
        return self.paper.columns == 1 or self._widths(grid) is not None

    def _widths(self, grid: Grid) -> list[str] | None:
        """Return how wide the columns of a table are, None where it has no room on a line.

        A column of words has what it takes unbroken, if there is room; those that take more share the rest alike.
        """
        most = [self._whole(grid, place) + 2 for place in range(len(grid.align))]
        broken = [place for place, each in enumerate(grid.align) if each not in ("l", "r")]
        least = {place: self._longest(grid, place) for place in broken}
        room = self.paper.line - _BETWEEN * (len(most) - 1) - 1
        room -= sum(width for place, width in enumerate(most) if place not in least)
        widths = list(most)
        while broken:
            place = min(broken, key=lambda place: min(most[place], least[place]))
            level = room / len(broken)
            place = next((each for each in broken if most[each] <= level or least[each] >= level), place)
            widths[place] = max(least[place], min(most[place], level))
            room -= widths[place]
            broken.remove(place)
        return [rf"{width / self.paper.line:.3f}\linewidth" for width in widths] if room > -0.01 else None

    def _longest(self, grid: Grid, place: int) -> float:
        """Return how wide the longest part of a column is that is not broken."""
        cells = [grid.head[place], *(row.cells[place] for row in grid.rows)]
        return max((width for cell in cells for part in written(cell) for width in self._words(part)), default=0.0) + 2

    def _whole(self, grid: Grid, place: int) -> float:
        """Return how wide a column is that is not broken."""
        cells = [grid.head[place], *(row.cells[place] for row in grid.rows)]
        return max(sum(map(self._unbroken, written(cell))) for cell in cells)

    def _unbroken(self, part: Written) -> float:
        return self._small(part.latex) if isinstance(part, Math) else sum(self._words(part))

    def _words(self, part: Written) -> list[float]:
        """Return how wide the parts of words in a table are between which a line may end."""
        small = self.paper.points - 2
        if isinstance(part, Math):
            return [self._small(each) for each in re.split(" (?=[-+=] )", part.latex)]
        if isinstance(part, Code):
            return [0.54 * small * len(each) for each in re.split(r"(?<=[ (=_])|(?<=[a-z])(?=[A-Z])", part.text)]
        if not isinstance(part, str):
            return [2.0 * small]
        words = re.findall(r"\S+ ?", part)
        return [self._small(rf"\mathrm{{{_measurable(word)}}}") + 0.34 * small * word.endswith(" ") for word in words]

    def _small(self, formula: str) -> float:
        """Return how wide a formula is in the letters of tables."""
        return _SMALL[self.paper.points] * self.paper.width(formula)

    def stands_beside(self, table: Block, picture: Block) -> bool:
        """Whether a picture stands at the right of the table before it, if that is narrow."""
        is_short = isinstance(table, Grid) and bool(table.caption) and len(table.rows) <= SHORT
        return is_short and isinstance(picture, Picture) and not self.floats

    def parted(self, grid: Grid) -> int:
        """Return after how many rows a table may be broken that cannot run over pages."""
        return ROWS_TOGETHER if grid.small and not {"l", "r"}.intersection(grid.align) else MOST_ROWS

    def label(self, name: str) -> str:
        """Write a label with the document's prefix: `eq:delta1`, `eq:mine-delta1`."""
        kind, _, rest = name.partition(":")
        return f"{kind}:{self.prefix}{rest}"


def body(sections: Iterable[Section], looks: Looks = Looks()) -> str:
    r"""Return the sections of a page as LaTeX for `\input`, without macros of our own: for equations and tables."""
    return _render(BODY, sections, looks)


def document(sections: Iterable[Section], title: str, looks: Looks = Looks(), byline: Byline = NO_BYLINE) -> str:
    """Return sections as a complete document, which pdflatex compiles."""
    template = "slides.tex.j2" if looks.paper == SLIDES else "document.tex.j2"
    return _render(template, sections, looks, title=escaped(title), byline=byline)


def fragment(sections: Iterable[Section], looks: Looks) -> str:
    r"""Return sections for `\input` in somebody's paper, with the macros that they use and a list of packages."""
    return _render("fragment.tex.j2", sections, looks)


def _render(template: str, sections: Iterable[Section], looks: Looks, **more: Any) -> str:
    tools: dict[str, Callable[..., Any]] = {
        "tex": looks.tex,
        "reason_in": looks.reason_in,
        "squeezed": looks.squeezed,
        "label": looks.label,
        "escaped": escaped,
        "in_line": in_line,
        "typed": typed,
        "cut": cut,
        "verbatim": verbatim,
        "columns": looks.columns,
        "parted": looks.parted,
        "stands_beside": looks.stands_beside,
        "is_narrow": looks.is_narrow,
        "parts": parts,
        "reason_fits": looks.reason_fits,
        "is_one_line": looks.is_one_line,
        "has_room": looks.has_room,
    }
    found = tuple(filter(lambda section: section.blocks, map(_on_paper, sections)))
    kinds = {block.kind for section in found for block in section.blocks}
    facts = {"sections": found, "looks": looks, "kinds": kinds, "has_macros": template != BODY}
    return str(environment("latex").get_template(template).render(**facts, **tools, **more))


def _on_paper(section: Section) -> Section:
    """Return a section without what a reader of a screen opens."""
    kept = tuple(block for block in section.blocks if not (isinstance(block, Grid) and block.folded))
    return section if len(kept) == len(section.blocks) else replace(section, blocks=kept)


def cut(pieces: Sequence[str], indent: str = r"\quad ") -> str:
    """Return a formula, on several lines where it was cut."""
    if len(pieces) == 1:
        return pieces[0]
    return r"\begin{aligned}[t] & " + rf" \\ & {indent}".join(pieces) + r" \end{aligned}"


def typed(text: str) -> str:
    r"""Return text as it was typed, for letters of one width: lines may end after `>>` and commas.

    >>> print(typed("Input(2) >> Dense(1)"))
    Input(2) >{}> \allowbreak Dense(1)
    """
    layers = escaped(text).replace(r"\textgreater{}\textgreater{} ", r">{}> \allowbreak ")
    return layers.replace(", ", r", \allowbreak ")


def narrow(text: str) -> str:
    r"""Return typed text for a narrow column: lines may end, where need be, after brackets and words too.

    >>> print(narrow("Dense(1, bias=False)"))
    Dense(\penalty300{}1, \allowbreak bias=\penalty300{}False)
    """
    spaced = typed(text).replace(": ", r":\ ")  # not the wide space after the end of a clause
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", r"\\penalty500{}", spaced)
    return re.sub(r"(\((?!\))|=|\\_)", r"\1\\penalty300{}", spaced)


def verbatim(text: str) -> str:
    r"""Return a line of code with its spaces, for letters of one width; where it is long it ends at one of them."""
    code = text.lstrip(" ")
    return "~" * (len(text) - len(code)) + escaped(code).replace("-", "-{}").replace(" ", r"\ ")


_BETWEEN = 6.0
"""Points between columns of a narrow table."""
_SMALL = {10: 0.85, 11: 0.846, 12: 0.834}
"""How wide the letters of tables are, by the letters of the text around them."""
_BESIDE = 45
"""Characters of a rule that stand beside a formula in one line or two."""


def _measurable(word: str) -> str:
    """Return a word with letters as wide as its signs, which have other spaces in formulas."""
    word = re.sub(r"[.,:;'’|]", "i", word.strip())
    return re.sub(r"[^A-Za-z0-9()\[\]]", "n", word.replace("-", "r").replace("×", "w"))

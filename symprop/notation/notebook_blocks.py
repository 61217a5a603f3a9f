"""Blocks as a notebook shows them: HTML with MathML, and LaTeX between dollar signs for an export to a document.

The HTML needs no script, and has no labels, because the same thing may be shown twice in a notebook. The LaTeX keeps to
`aligned` and `array`, which TeX, MathJax and KaTeX read alike: no `\\tag`, no `\\label`, no environment of a document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from symprop.notation.blocks import Block, Bullets, Chain, Equations, Grid, Paragraph, Typed
from symprop.notation.html_document import math, words
from symprop.notation.latex_letters import escaped
from symprop.notation.words import Code, Math, Words, written
from symprop.templating import environment

LINES = 20
"""So many lines stand in one `aligned`, because a page cannot be broken inside of it."""


@dataclass(frozen=True)
class Heading(Block):
    """A heading; in HTML a paragraph, because notebooks list headings, those of outputs too."""

    kind = "heading"
    text: str


@dataclass(frozen=True)
class Verdict(Block):
    """Whether something holds, and a line that says what."""

    kind = "verdict"
    holds: bool
    text: str


@dataclass(frozen=True)
class Folded(Block):
    """Blocks that a click opens."""

    kind = "folded"
    title: str
    blocks: tuple[Block, ...]


def html(blocks: Sequence[Block]) -> str:
    """Return blocks as one `div` of HTML; every text is escaped.

    >>> "<p>a &lt; b</p>" in html([Paragraph(("a < b",))])
    True
    """
    template = environment("html").get_template("notebook.html.j2")
    page = template.render(blocks=blocks, words=words, math=math, mark=mark)
    return re.sub(r"\n\s*\n", "\n", page).strip()  # a blank line would end HTML that stands in Markdown


def mark(holds: bool) -> str:
    """Return a sign that tells a verdict without its colour."""
    return "✓" if holds else "✗"


def latex(blocks: Iterable[Block]) -> str:
    r"""Return blocks as LaTeX, formulas between dollar signs.

    >>> from symprop.notation.blocks import EquationRow
    >>> print(latex([Equations((EquationRow("z_1", ("W_1 x", "+ b_1"), number=1),))]))
    $\displaystyle \begin{aligned}
    z_1 &= W_1 x \\
    &\quad + b_1 \qquad (1)
    \end{aligned}$
    """
    return "\n\n".join(paragraph for block in blocks for paragraph in _WRITERS[block.kind](block))


def displayed(pieces: Sequence[str], left: str = "") -> str:
    r"""Return one formula between dollar signs, on several lines where it comes in several pieces.

    >>> displayed(["a"], "f"), displayed(["a", "+ b"])
    ('$\\displaystyle f = a$', '$\\displaystyle \\begin{aligned} & a \\\\ & \\quad + b \\end{aligned}$')
    """
    if len(pieces) == 1:
        return rf"$\displaystyle {f'{left} = ' if left else ''}{pieces[0]}$"
    head = f"{left} = {{}} & " if left else "& "
    return rf"$\displaystyle \begin{{aligned}} {head}{_BROKEN.join(pieces)} \end{{aligned}}$"


_BROKEN = r" \\ & \quad "
_PIECES = re.compile(r"[_%#&${}\\^~]|[^_%#&${}\\^~]+")
_SIGNS = {
    "_": r"\_", "%": r"\%", "#": r"\#", "&": r"\&", "$": r"\$", "{": r"\{", "}": r"\}",
    "\\": r"\backslash ", "^": r"\wedge ", "~": r"\sim ",
}  # fmt: skip


def worded(text: str) -> str:
    r"""Return text inside a formula; special characters stand between the `\text{...}`, where MathJax reads them too.

    >>> print(worded("leaky_relu at 5%"))
    \text{leaky}\_\text{relu at 5}\%
    """
    safe = "".join(character if character.isprintable() else "?" for character in text)
    return "".join(_SIGNS.get(piece, rf"\text{{{piece}}}") for piece in _PIECES.findall(safe))


def _inline(sentence: Words) -> str:
    """Write words inside a formula."""
    return "".join(part.latex if isinstance(part, Math) else worded(_plain(part)) for part in written(sentence))


def _sentence(sentence: Words) -> str:
    """Write words outside a formula."""
    return "".join(f"${part.latex}$" if isinstance(part, Math) else escaped(_plain(part)) for part in written(sentence))


def _plain(part: object) -> str:
    return part.text if isinstance(part, Code) else str(part)


def _aligned(lines: Sequence[str]) -> Iterator[str]:
    for first in range(0, len(lines), LINES):
        body = " \\\\\n".join(lines[first : first + LINES])
        yield f"$\\displaystyle \\begin{{aligned}}\n{body}\n\\end{{aligned}}$"


def _equations(block: Equations) -> Iterator[str]:
    lines = [f"&{_inline(block.heading)}"] if block.heading else []
    for row in block.rows:
        *front, last = f"{row.left} &= {row.right[0]}", *(rf"&\quad {piece}" for piece in row.right[1:])
        lines += [*front, last + (rf" \qquad ({row.number})" if row.number else "")]
    return _aligned(lines)


def _grid(block: Grid) -> Iterator[str]:
    lines = [" & ".join(map(_inline, block.head)) + r" \\ \hline"]
    lines += [" & ".join(map(_inline, row.cells)) + r" \\" for row in block.rows]
    body = "\n".join(lines)
    yield f"$\\begin{{array}}{{{'l' * len(block.head)}}}\n{body}\n\\end{{array}}$"


def _chain(block: Chain) -> Iterator[str]:
    lines = [f"& {_BROKEN.join(block.start)}"]
    for number, link in enumerate(block.links, start=1):
        reasons = r"\text{, }".join(map(_inline, link.reasons))
        said = worded(f"{number}. {link.rule}") + (rf"\text{{, because }} {reasons}" if reasons else "")
        lines += [rf"&{said}\text{{:}}", f"={{}} & {_BROKEN.join(link.right)}"]
    return _aligned(lines)


_WRITERS: dict[str, Callable[..., Iterator[str]]] = {
    Heading.kind: lambda block: iter([rf"\textbf{{{escaped(block.text)}}}"]),
    Paragraph.kind: lambda block: iter([_sentence(block.words)]),
    Typed.kind: lambda block: iter([rf"\texttt{{{escaped(block.text)}}}"]),
    Verdict.kind: lambda block: iter([escaped(block.text)]),
    Bullets.kind: lambda block: map(_sentence, block.items),
    Equations.kind: _equations,
    Grid.kind: _grid,
    Chain.kind: _chain,
    Folded.kind: lambda block: iter([latex(block.blocks)]),
}

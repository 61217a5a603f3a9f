r"""The tree of a formula in LaTeX, as it is written: factors side by side are a list, shapes are not known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from symprop.algebra.latex.tokens import Token


@dataclass(frozen=True, eq=False)
class Tex:
    r"""A part of a formula: its kind, its place in the LaTeX, its parts, and words such as signs or a name.

    Scripts stand with what has them: `below` are the tokens of its subscript, `above` those of each superscript.

    | kind | parts | text, words |
    |---|---|---|
    | `sum` | terms | the sign of each |
    | `term` | factors between signs such as `\odot` | the signs |
    | `run` | factors side by side | what stands between: nothing, `cdot`, `/` |
    | `number`, `name` | | its digits, its letter with an accent |
    | `group` | what stands between brackets, apart by commas | which bracket |
    | `factorial` | what it is of | |
    | `fraction`, `root` | above and below; what it is of, which root | |
    | `apply` | arguments | a function's name, the axes that it is told |
    | `over` | what is summed | `sum`, `prod`, `max` ..., over an index below |
    | `relation` | both sides | `<`, `=` ... |
    | `cases`, `matrix` | value, condition, value ...; rows | |
    | `take` | an array and places | |
    | `range` | its ends | |
    | `asked` | | |
    """

    kind: str
    start: int
    end: int
    parts: tuple[Tex, ...] = ()
    text: str = ""
    words: tuple[str, ...] = ()
    below: tuple[Token, ...] = ()
    above: tuple[tuple[Token, ...], ...] = ()

    @property
    def bare(self) -> bool:
        """Whether it has no scripts."""
        return not self.below and not self.above


GRADIENT_OF = "gradient of"
r"""The first word of a name such as that of `\nabla_x L`; the second is that of the loss."""
LOOSE = "loose"
"""The text of a run of a letter that may be a function and its brackets, behind a function: `\\log\\sigma(x)`."""


def walk(tree: Tex) -> Iterator[Tex]:
    """Yield every part of a tree, what holds others first."""
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        yield part
        waiting.extend(reversed(part.parts))


def plain(tokens: tuple[Token, ...]) -> str:
    """Return tokens as text, without braces and fonts: `i,j`, `(l)`, `pred`.

    >>> from symprop.algebra.latex.tokens import tokens as cut
    >>> plain(cut(r"\\mathrm{pred}")), plain(cut("(l-1)"))
    ('pred', '(l-1)')
    """
    return "".join(_PAIRS.get((each.kind, each.text), each.text) for each in tokens if each.text not in _LOOKS)


FONTS = frozenset(
    {"mathbf", "boldsymbol", "bm", "mathrm", "mathit", "mathsf", "mathcal", "mathbb", "mathfrak", "mathscr", "vec"}
    | {"pmb", "bf", "mathtt", "mathds", "mathbbm", "underline", "symbf", "symbfit", "boldmath", "textbf", "textit"}
    | {"text", "textrm", "textnormal", "textsf", "operatorname", "mathnormal", "mbox", "ensuremath", "bold"}
)
"""Commands that change how letters look; an arrow or a line says that a letter is a vector."""
_LOOKS = FONTS | {"{", "}"}
_PAIRS = {("close", "("): ")", ("close", "["): "]", ("open", "{"): "{", ("close", "{"): "}"}

"""A place in the tokens of a formula in LaTeX, which are taken from left to right, and the scripts that stand there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NoReturn, Self

from symprop.algebra.latex.tokens import DEEPEST, Token, refuse_at
from symprop.algebra.latex.trees import FONTS, Tex
from symprop.algebra.latex.words import ACCENTS
from symprop.errors import FormulaError, LimitError, SympropError, shown

MOST_LOOKS = 8
CLOSES = {"(": ")", "[": "]", "{": "\\}", "|": "|", "‖": "\\|", "⟨": "\\rangle"}
"""How a bracket is closed."""


class Cursor(ABC):
    """A reader at a place of its tokens; `bars` are the bars that are open."""

    def __init__(self, found: Sequence[Token], latex: str) -> None:
        self.tokens, self.latex, self.place = list(found), latex, 0
        self.bars: list[str] = []
        self.depth = 0

    @property
    def here(self) -> Token | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    @property
    def end(self) -> int:
        """Where the last token that was taken ends."""
        return self.tokens[self.place - 1].end if self.place else 0

    def sees(self, *texts: str, kind: str = "") -> bool:
        here = self.here
        return here is not None and here.text in texts and (not kind or here.kind == kind)

    def sees_kind(self, *kinds: str) -> bool:
        return self.here is not None and self.here.kind in kinds

    def take(self) -> Token:
        if self.here is None:
            self.refuse_end()
        self.place += 1
        return self.tokens[self.place - 1]

    def expect(self, text: str, kind: str = "") -> Token:
        if not self.sees(text, kind=kind):
            self.refuse(f"{CLOSES.get(text, text)} is missing here")
        return self.take()

    def refuse(self, message: str, at: Token | Tex | None = None, error: type[SympropError] = FormulaError) -> NoReturn:
        where = at or self.here
        if where is None:
            refuse_at(message, self.latex, max(0, self.end - 1), self.end, error)
        refuse_at(message, self.latex, where.start, where.end, error)

    def refuse_end(self) -> NoReturn:
        self.refuse("something is missing at the end")

    def over(self, found: Sequence[Token]) -> Self:
        """Return a reader of some tokens of the same LaTeX."""
        inner = type(self)(found, self.latex)
        inner.depth = self.depth
        return inner

    def deeper(self) -> None:
        """Count how deep phrases stand in each other, whatever brackets they have."""
        self.depth += 1
        if self.depth > DEEPEST:
            self.refuse(f"phrases nest deeper than {DEEPEST}", self.tokens[max(0, self.place - 1)], LimitError)

    def script(self) -> tuple[Token, ...]:
        """Take what stands behind `^` or `_`: a group in braces, or one token; of a number its first digit."""
        if self.sees("{", kind="sign"):
            return self.braced()
        here = self.take()
        if here.kind == "number" and len(here.text) > 1:
            rest = Token("number", here.text[1:], here.start + 1, here.end)
            self.place -= 1
            self.tokens[self.place : self.place + 1] = [Token("number", here.text[0], here.start, here.start + 1), rest]
            return (self.take(),)
        if here.kind == "macro" and here.text in FONTS | set(ACCENTS):
            return self.looks(here)
        if here.kind not in ("letter", "number", "macro", "prime") and here.text not in ("*", "+", "-", ":"):
            self.refuse(missing(here), here)
        return (here,)

    def looks(self, first: Token) -> tuple[Token, ...]:
        """Take a letter with the fonts and accents that stand before it."""
        start, here = self.place - 1, first
        while here.kind == "macro" and here.text in FONTS | set(ACCENTS):
            if self.place - start > MOST_LOOKS:
                self.refuse(f"more than {MOST_LOOKS} fonts and accents", first, LimitError)
            if self.sees("{", kind="sign"):
                self.braced()
                break
            here = self.take()
        return tuple(self.tokens[start : self.place])

    def braced(self) -> tuple[Token, ...]:
        """Take a group in braces, and return the tokens in it."""
        self.expect("{", "sign")
        start, depth = self.place, 1
        while depth:
            here = self.take()
            if here.kind == "sign":
                depth += {"{": 1, "}": -1}.get(here.text, 0)
        return tuple(self.tokens[start : self.place - 1])

    def argument_tokens(self, with_braces: bool = False) -> tuple[Token, ...]:
        """Take the argument of a command: a group in braces, or one token."""
        start = self.place
        if self.sees("{", kind="sign"):
            inside = self.braced()
            return tuple(self.tokens[start : self.place]) if with_braces else inside
        return self.script()

    def argument(self) -> Tex:
        start = self.here.start if self.here else self.end
        inside = self.argument_tokens()
        if not inside:
            refuse_at("nothing stands in these braces", self.latex, start, self.end)
        return self.over(inside).whole()

    @abstractmethod
    def whole(self) -> Tex:
        """Read all tokens as one formula."""

    @abstractmethod
    def condition(self) -> Tex:
        """Read a sum, or two with a sign such as `<` between them."""

    @abstractmethod
    def sum(self) -> Tex:
        """Read terms with their signs."""

    @abstractmethod
    def term(self) -> Tex:
        """Read factors between signs such as `\\odot`."""

    @abstractmethod
    def run(self) -> Tex:
        """Read factors side by side."""

    @abstractmethod
    def item(self) -> Tex:
        """Read one factor with its scripts."""

    @abstractmethod
    def starts_item(self) -> bool:
        """Whether a factor begins here."""


def unexpected(token: Token) -> str:
    if token.kind == "close":
        return f"{CLOSES.get(token.text, token.text)} closes no bracket"
    return f"{shown(token.text)} has no meaning here"


def missing(token: Token | None) -> str:
    if token is None:
        return "something is missing at the end"
    return f"something is missing before {CLOSES[token.text] if token.kind == 'close' else shown(token.text)}"

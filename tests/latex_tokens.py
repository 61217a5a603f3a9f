"""The tokens of a formula in LaTeX, by pylatexenc, and a place in them: spaces go, brackets are plain, lines joined."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from pylatexenc.latexwalker import LatexWalker, LatexWalkerEndOfStream


class Unreadable(ValueError):
    """LaTeX outside the subset that is read, or with more than one meaning."""


class Token(NamedTuple):
    """`kind` is the sign itself, or "letter", "digit", "macro", "open", "close", "begin", "end"."""

    kind: str
    text: str


LINES = {"aligned", "split"}
SPACES = {"quad", "qquad", ",", ";", ":", "!", " ", "displaystyle", "enspace"}
SIZES = re.compile(r"[bB]igg?[lr]?")


def tokens(latex: str) -> list[Token]:
    """Return the tokens of a formula: spaces go, sized and stretched brackets become plain ones, lines are joined."""
    walker = LatexWalker(re.sub(r"(\\begin\{aligned\})\[[tbc]\]", r"\1", latex))
    state = walker.make_parsing_state(in_math_mode=True)
    raw: list[tuple[str, str]] = []
    position = 0
    while True:
        try:
            found = walker.get_token(position, parsing_state=state)
        except LatexWalkerEndOfStream:
            break
        position = found.pos + found.len
        raw.append((found.tok, found.arg if isinstance(found.arg, str) else found.arg.specials_chars))
    return list(_plain(raw))


def _plain(raw: Sequence[tuple[str, str]]) -> list[Token]:
    kept: list[Token] = []
    environments: list[str] = []
    side = ""
    for kind, text in raw:
        if kind == "macro" and text in ("left", "right"):
            side = {"left": "open", "right": "close"}[text]
        elif kind == "macro" and SIZES.fullmatch(text):
            side = {"l": "open", "r": "close"}.get(text[-1], "")
        elif side:
            kept.append(Token(side, "‖" if text == "|" and kind == "macro" else text))
            side = ""
        elif kind in ("begin_environment", "end_environment"):
            (environments.append if kind.startswith("b") else lambda _: environments.pop())(text)
            if text not in LINES:
                kept.append(Token(kind.partition("_")[0], text))
        elif text in ("&", "\\"):
            if environments and environments[-1] not in LINES:
                kept.append(Token(text, text))
        elif kind == "macro":
            if text not in SPACES:
                kept.append(Token("macro", text))
        elif kind in ("brace_open", "brace_close"):
            kept.append(Token(text, text))
        elif text in "([" or text in ")]":
            kept.append(Token("open" if text in "([" else "close", text))
        elif text == "'":
            raise Unreadable("an apostrophe")
        else:
            kept.append(Token("letter" if text.isalpha() else "digit" if text.isdigit() else text, text))
    return kept


@dataclass
class Cursor:
    """A place in a formula's tokens, which are taken from left to right."""

    tokens: list[Token]
    names: frozenset[str]
    prime: str
    position: int = 0
    bound: list[str] = field(default_factory=list)  # the indices of the sums around

    @property
    def here(self) -> Token | None:
        return self.tokens[self.position] if self.position < len(self.tokens) else None

    def sees(self, *kinds: str) -> bool:
        here = self.here
        return here is not None and (here.kind in kinds or (here.kind == "macro" and "\\" + here.text in kinds))

    def take(self, kind: str = "", text: str = "") -> Token:
        here = self.here
        if here is None or (kind and here.kind != kind) or (text and here.text != text):
            raise Unreadable(f"{here.text if here else 'the end'} where {text or kind} is due")
        self.position += 1
        return here

    def argument(self) -> Self:
        """Return a reader of what stands behind `^` or `_`, or in braces."""
        inside = self.inside("{", "}") if self.sees("{") else [self.take()]
        return type(self)(inside, self.names, self.prime, bound=self.bound)

    def inside(self, opening: str, closing: str) -> list[Token]:
        """Take a group in braces and return the tokens in it."""
        self.take(opening)
        start, depth = self.position, 1
        while depth:
            kind = self.take().kind
            depth += (kind == opening) - (kind == closing)
        return self.tokens[start : self.position - 1]

    def token_text(self) -> str:
        here = self.take()
        return "\\" + here.text if here.kind == "macro" else here.text

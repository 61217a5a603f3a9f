r"""The tokens of a formula in LaTeX: looks and spaces go, brackets know their side, every token knows its place.

One regular expression cuts the text, in linear time; no macro is expanded. It is our own, and not that of pylatexenc,
because it is smaller than what it would take to turn that library's tokens into these.

    >>> [token.text for token in tokens(r"\left\|A\,x\right\|_2^{2}")]
    ['‖', 'A', 'x', '‖', '_', '2', '^', '{', '2', '}']
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from symprop.algebra.latex.characters import AMBIGUOUS, INSTEAD, is_mathematics, spelled
from symprop.algebra.tokens import refuse
from symprop.errors import FormulaError, LimitError, ReadingError, SympropError, shown

LONGEST = 20_000
"""The most characters of a formula in LaTeX."""
MOST = 5_000
"""The most letters, numbers, commands and signs of one."""
LONGEST_NUMBER = 50
DEEPEST = 50
"""How deep brackets and braces may nest."""
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n~]+|%[^\n]*|\\[,;:!>\ \n]|\$\$?|\\[\[\]()])
    | (?P<environment>\\(?:begin|end)\s*\{\s*[A-Za-z]+\*?\s*\})
    | (?P<macro>\\[A-Za-z]+) | (?P<newline>\\\\(?:\s*\[[^\]\n]*\])?) | (?P<escaped>\\[{}|_%&\#$'])
    | (?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+) | (?P<letter>[A-Za-z])
    | (?P<sign>:=|<=|>=|!=|\|\||[-+*/=<>,;:.!|^_{}()\[\]&'@])""",
    re.VERBOSE,
)
_SKIPPED = frozenset(
    {"displaystyle", "textstyle", "scriptstyle", "limits", "nolimits", "nonumber", "notag", "allowbreak", "thinspace"}
    | {"quad", "qquad", "enspace", "enskip", "hfill", "negthinspace", "medspace", "thickspace", "mathstrut", "strut"}
    | {"middle", "mathopen", "mathclose", "mathbin", "mathrel", "mathord", "mathop", "relax", "noindent", "null"}
    | {"rm", "bf", "it", "cal", "boldmath"}
)
"""Commands that say how a formula looks, and nothing else."""
_WITH_ARGUMENT = frozenset({"label", "tag", "hspace", "vspace", "phantom", "hphantom", "vphantom", "mspace", "color"})
"""The same, with an argument that is left out too."""
_SIZED = re.compile(r"(?:left|right|[bB]igg?[lrm]?)\Z")
_DELIMITERS = {
    **{"(": ("open", "("), ")": ("close", "("), "[": ("open", "["), "]": ("close", "["), "|": ("bar", "|")},
    **{"\\{": ("open", "{"), "\\}": ("close", "{"), "\\lbrace": ("open", "{"), "\\rbrace": ("close", "{")},
    **{"\\|": ("bar", "‖"), "||": ("bar", "||"), "\\Vert": ("bar", "‖"), "\\vert": ("bar", "|"), "<": ("open", "⟨")},
    **{"\\lVert": ("open", "‖"), "\\rVert": ("close", "‖"), "\\lvert": ("open", "|"), "\\rvert": ("close", "|")},
    **{"\\langle": ("open", "⟨"), "\\rangle": ("close", "⟨"), ">": ("close", "⟨"), "\\mid": ("bar", "|")},
    **{"\\lbrack": ("open", "["), "\\rbrack": ("close", "["), "\\parallel": ("bar", "‖"), ".": ("skip", ".")},
}
"""Kind and bracket of a delimiter; of a bracket that closes, the one that it closes."""
_LINES = frozenset({"aligned", "align", "split", "equation", "gather", "gathered", "multline", "eqnarray", "flalign"})
_COUNTED = frozenset({"alignedat", "alignat"})
"""Environments of which only the ends of lines say something; these have a number of columns behind their names."""
_ALIASES = {
    **{"le": "<=", "leq": "<=", "leqslant": "<=", "ge": ">=", "geq": ">=", "geqslant": ">=", "lt": "<", "gt": ">"},
    **{
        "ne": "!=",
        "neq": "!=",
        "leftarrow": "=",
        "gets": "=",
        "coloneqq": "=",
        "triangleq": "=",
        "equiv": "=",
        "doteq": "=",
    },
}


@dataclass(frozen=True)
class Token:
    """A letter, number, command or sign; `kind` tells brackets by their side, the rest by what it is."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def opens(self) -> bool:
        """Whether a bracket, a brace or an environment opens here."""
        return self.kind in ("open", "begin") or (self.kind == "sign" and self.text == "{")

    @property
    def closes(self) -> bool:
        """Whether one closes here."""
        return self.kind in ("close", "end") or (self.kind == "sign" and self.text == "}")


def is_latex(text: object) -> bool:
    r"""Whether a formula is typed in LaTeX: with a backslash or a script in braces, or as mathematics in Unicode.

    >>> is_latex(r"x^\top A x"), is_latex("W_{1} x"), is_latex("xᵀ A x"), is_latex("x @ A @ x")
    (True, True, True, False)
    """
    return isinstance(text, str) and (any(sign in text for sign in ("\\", "^{", "_{")) or is_mathematics(text))


def refuse_at(message: str, latex: str, start: int, end: int, error: type[SympropError] = FormulaError) -> NoReturn:
    """Raise `error` with a caret under a place of the LaTeX that was typed."""
    refuse(message, latex, start, max(1, end - start), error)


def tokens(latex: object) -> tuple[Token, ...]:
    r"""Return the tokens of a formula in LaTeX.

    Raises:
        FormulaError: no text, empty, a character that LaTeX has no use for, or a bracket or brace without its other.
        LimitError: longer than 20,000 characters or 5,000 letters and signs, or nested deeper than 50.
    """
    if not isinstance(latex, str):
        raise FormulaError(f"LaTeX is text, not {type(latex).__name__}")
    if len(latex) > LONGEST:
        raise LimitError(f"LaTeX of {len(latex):,} characters; at most {LONGEST:,} are allowed")
    unclear = None if latex.isascii() or "\\" in latex else AMBIGUOUS.search(latex)
    if unclear is not None:
        told = f"two readings; {INSTEAD[str(unclear.lastgroup)]}"
        refuse_at(told, latex, unclear.start(), max(unclear.end(), unclear.start() + 1), ReadingError)
    found = tuple(_without_looks(list(_cut(latex)), latex))
    if not found:
        raise FormulaError("empty LaTeX\nallowed: a formula, such as \\|A x - b\\|_2^2")
    if len(found) > MOST:
        raise LimitError(f"LaTeX of {len(found):,} letters and signs; at most {MOST:,} are allowed")
    _check_nesting(found, latex)
    return found


def _cut(latex: str) -> Iterator[Token]:
    position = 0
    while position < len(latex):
        sign = None if latex[position : position + 2].isascii() else spelled(latex, position)
        if sign is not None:
            start, position = position, position + sign[1]
            yield from (replace(token, start=start, end=position) for token in _cut(sign[0]))
            continue
        match = _TOKEN.match(latex, position)
        if match is None:
            character = latex[position]
            code = "" if character.isascii() else f" (U+{ord(character):04X})"
            refuse_at(f"{shown(character)}{code} is no part of a formula in LaTeX", latex, position, position + 1)
        kind, text = str(match.lastgroup), match.group()
        start, position = position, match.end()
        if kind == "environment":
            word, name = re.split(r"\s*\{\s*", text.rstrip("} \t\n"))
            kind, text = word[1:], name.rstrip("*")
        if kind == "number" and len(text) > LONGEST_NUMBER:
            told = f"a number of {len(text):,} characters; at most {LONGEST_NUMBER} are allowed"
            refuse_at(told, latex, start, start + 20, LimitError)
        if kind != "space":
            yield Token(kind, text, start, position)


def _without_looks(raw: list[Token], latex: str) -> Iterator[Token]:
    place = 0
    while place < len(raw):
        token = raw[place]
        place += 1
        if token.kind == "macro":
            name = token.text[1:]
            if name in _WITH_ARGUMENT:
                place = _behind_argument(raw, place, latex)
                continue
            if name in _SKIPPED:
                continue
            if _SIZED.match(name):
                if place == len(raw):
                    refuse_at(f"a bracket is missing behind {token.text}", latex, token.start, token.end)
                yield from _sized(name, replace(raw[place], start=token.start))
                place += 1
                continue
            if token.text in _DELIMITERS:
                yield Token(*_DELIMITERS[token.text], token.start, token.end)
            elif name in _ALIASES:
                yield replace(token, kind="sign", text=_ALIASES[name])
            else:
                yield replace(token, text=name)
        elif token.kind in ("begin", "end"):
            if token.text not in _LINES | _COUNTED:
                yield token
            elif token.kind == "begin" and place < len(raw) and raw[place].text == "[":
                place = next((k + 1 for k in range(place, len(raw)) if raw[k].text == "]"), place)
            elif token.text in _COUNTED and token.kind == "begin":
                place = _behind_argument(raw, place, latex)
        elif token.kind == "escaped":
            yield from _escaped(token)
        else:
            yield from _sign(token)


def _sized(name: str, token: Token) -> Iterator[Token]:
    """A bracket behind `\\left` and the like, which say the side of a bar too."""
    kind, text = _DELIMITERS.get(token.text, ("", ""))
    side = {"left": "open", "right": "close"}.get(name) or {"l": "open", "r": "close"}.get(name[-1])
    if kind == "bar" and side:
        kind, text = side, text.replace("||", "‖")
    if kind and kind != "skip":
        yield Token(kind, text, token.start, token.end)
    elif not kind:
        yield from _sign(token) if token.kind == "sign" else iter([replace(token, text=token.text.lstrip("\\"))])


def _escaped(token: Token) -> Iterator[Token]:
    if token.text in _DELIMITERS:
        yield Token(*_DELIMITERS[token.text], token.start, token.end)
    elif token.text == "\\_":
        yield replace(token, kind="letter", text="_")


def _sign(token: Token) -> Iterator[Token]:
    if token.kind == "sign" and token.text in ("(", ")", "[", "]", "|", "||"):
        yield Token(*_DELIMITERS[token.text], token.start, token.end)
    elif token.text == "'":
        yield replace(token, kind="prime")
    elif token.kind == "sign":
        yield replace(token, text="=" if token.text == ":=" else token.text)
    else:
        yield token


def _behind_argument(raw: list[Token], place: int, latex: str) -> int:
    """Return the place behind a group in braces that says nothing."""
    if place >= len(raw) or raw[place].text != "{":
        return place
    depth, start = 0, place
    for place in range(start, len(raw)):
        depth += {"{": 1, "}": -1}.get(raw[place].text, 0)
        if not depth:
            return place + 1
    refuse_at("'{' is never closed", latex, raw[start].start, raw[start].end)


def _check_nesting(found: tuple[Token, ...], latex: str) -> None:
    open_ones: list[Token] = []
    for token in found:
        if token.opens:
            open_ones.append(token)
            if len(open_ones) > DEEPEST:
                refuse_at(f"brackets nest deeper than {DEEPEST}", latex, token.start, token.end, LimitError)
        elif token.closes:
            if not open_ones or not _closes(open_ones[-1], token):
                refuse_at("this closes no bracket", latex, token.start, token.end)
            open_ones.pop()
    if open_ones:
        refuse_at(f"{shown(open_ones[-1].text)} is never closed", latex, open_ones[-1].start, open_ones[-1].end)


def _closes(opening: Token, closing: Token) -> bool:
    if "sign" in (opening.kind, closing.kind) or "begin" in (opening.kind, closing.kind):
        return (opening.kind, closing.kind) in (("sign", "sign"),) or (
            (opening.kind, closing.kind) == ("begin", "end") and opening.text == closing.text
        )
    return True  # brackets of two kinds, `[0, 1)`, are told where they stand


def outside(piece: Sequence[Token]) -> Iterator[tuple[int, Token]]:
    """Yield the tokens that stand in no brackets, with their places."""
    depth = 0
    for place, token in enumerate(piece):
        depth -= token.closes
        if not depth and not token.opens and not token.closes:
            yield place, token
        depth += token.opens

"""The token scan in front of both readers: characters and limits are checked here, before any parser sees the text.

Python's own parser recurses, normalises names (NFKC) and may give up with `MemoryError` on hostile text. So what a
user typed is first cut into tokens by one regular expression, in linear time and without recursion. What comes out
is plain ASCII on one line (comments and line breaks become spaces, so that columns stay), bracketed properly, and
within the limits of its kind.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn

from symprop.algebra import hints
from symprop.errors import FormulaError, LimitError, SympropError, harmless, located, pointed, shown

NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_TOKEN = re.compile(
    rf"""(?P<space>[ \t]+) | (?P<newline>\r\n|\r|\n) | (?P<comment>\#[^\r\n]*)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*) | (?P<number>{NUMBER}) | (?P<string>'[^'"\\\r\n]*'|"[^'"\\\r\n]*")
    | (?P<operator>\*\*|//|>>|<<|<=|>=|==|!=|:=|->|[-+*/@%&|^~<>()\[\]{{}},.:=;!])""",
    re.VERBOSE,
)
_NOT_IN_STRINGS = re.compile(r"""(?<=')[^'\r\n]*?(["\\])|(?<=")[^"\r\n]*?(['\\])""")
_LONGEST_NUMBER = 50
_LARGEST_DECIMAL_EXPONENT = 300
_PREFIXES = 20
_POWERS = 20
_PAIRS = {")": "(", "]": "[", "}": "{"}
_OPERAND_KINDS = frozenset({"name", "number", "string"})


@dataclass(frozen=True)
class Limits:
    """How large a text may be, and which operators it may hold."""

    what: str
    characters: int
    brackets: int
    chain: int
    operators: frozenset[str]
    strings: bool
    mathematics: frozenset[str] = frozenset()
    """Names of functions, where what mathematicians write, `x^2` or `sin x`, is refused by saying what to type."""
    error: type[SympropError] = FormulaError


@dataclass(frozen=True)
class Token:
    """A name, number, string or operator, and where it begins."""

    kind: str
    text: str
    column: int


@dataclass(frozen=True)
class Scan:
    """The typed text, the same text on one line without comments, and its tokens."""

    typed: str
    line: str
    tokens: tuple[Token, ...] = field(repr=False)


def scan(text: object, limits: Limits) -> Scan:
    """Cut `text` into tokens after checking its characters, brackets and limits.

    Raises:
        FormulaError: not text, or a character, operator or bracket that the grammar does not have.
        LimitError: over one of the limits.
    """
    if not isinstance(text, str):
        raise limits.error(f"a {limits.what} is text, not {type(text).__name__}")
    if len(text) > limits.characters:
        raise LimitError(f"{limits.what} of {len(text):,} characters; at most {limits.characters:,} are allowed")
    tokens: list[Token] = []
    line: list[str] = []
    for token in _cut(text, limits):
        blank = token.kind in {"space", "newline", "comment"}
        line.append(" " * len(token.text) if blank else token.text)
        if token.kind != "space" and token.kind != "comment":
            tokens.append(token)
    result = Scan(text, "".join(line), tuple(_checked(tokens, text, limits)))
    if not result.tokens:
        raise limits.error(f"empty {limits.what}")
    return result


LONGEST_LINE = 500
"""Characters of a line of a message, in which what was typed may stand."""


def refuse(message: str, text: str, column: int, width: int = 1, error: type[SympropError] = FormulaError) -> NoReturn:
    """Raise `error` with a caret under `column` of `text`, only the line of the column shown."""
    start = max(text.rfind("\n", 0, column), text.rfind("\r", 0, column)) + 1
    end = next((place for place in range(column, len(text)) if text[place] in "\r\n"), len(text))
    lines = [harmless(line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…") for line in message.split("\n")]
    told = pointed("\n".join(lines), text[start:end], column - start, width)
    raise located(error(told), column, width) from None


def syntax_tree(
    scanned: Scan, error: type[SympropError] = FormulaError, start: int = 0, end: int | None = None
) -> ast.expr:
    """Return Python's syntax tree of (a part of) a scanned text, its columns those of the whole text."""
    piece = scanned.line[start:end]
    try:
        return ast.parse(f"({piece})", mode="eval").body
    except SyntaxError as problem:
        column = min(max(start, start + (problem.offset or 1) - 2), max(0, len(scanned.typed.rstrip()) - 1))
        message = (problem.msg or "invalid syntax").split(". Perhaps")[0]
        if "'='" in message:
            message = "'=' stands behind a name, f = x @ x; sides are compared by =="
        refuse(f"cannot be read: {message}", scanned.typed, column, error=error)
    except (RecursionError, MemoryError, ValueError):
        raise LimitError(f"too deeply nested to be read: {shown(piece)}") from None


def _cut(text: str, limits: Limits) -> Iterator[Token]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            _refuse_character(text, position, limits)
        kind, piece = str(match.lastgroup), match.group()
        if kind == "comment":
            bad = next(
                (place for place, letter in enumerate(piece) if letter != "\t" and not letter.isprintable()), None
            )
            if bad is not None:
                _refuse_character(text, position + bad, limits)
        elif kind == "operator" and piece not in limits.operators:
            inside = _instead(hints.for_operator(text, position), limits)
            told = inside if limits.mathematics else hints.for_layers(piece)
            refuse(f"{piece!r} is not part of a {limits.what}{told}", text, position, len(piece), limits.error)
        elif kind == "string" and limits.mathematics and hints.follows_operand(text, position):
            _refuse_quote(text, position, limits)
        elif kind == "string" and not (limits.strings and piece.isascii() and piece.isprintable()):
            refuse(f"text in quotes is not part of a {limits.what}", text, position, len(piece), limits.error)
        elif kind == "number":
            _check_number(text, match, limits)
        yield Token(kind, piece, position)
        position = match.end()


def _instead(told: str, limits: Limits) -> str:
    """Return what to type instead, behind a refusal."""
    return f"; type {told}" if told and limits.mathematics else ""


def _refuse_quote(text: str, position: int, limits: Limits) -> NoReturn:
    refuse("a quote behind an array is not part of a formula; type x.T for x'", text, position, error=limits.error)


def _refuse_character(text: str, position: int, limits: Limits) -> NoReturn:
    if text[position] in "'\"" and limits.mathematics and hints.follows_operand(text, position):
        _refuse_quote(text, position, limits)
    if text[position] in "'\"" and limits.strings:
        inside = _NOT_IN_STRINGS.match(text, position + 1)
        if inside is None:
            refuse("text in quotes is never closed", text, position, error=limits.error)
        position = inside.end() - 1
        what = "a backslash" if text[position] == "\\" else "a quote of the other kind"
        refuse(f"character {position + 1}: {what} cannot stand in quotes", text, position, error=limits.error)
    character = text[position]
    what = shown(character) if character.isascii() else f"{shown(character)} (U+{ord(character):04X}), not ASCII,"
    told = hints.for_backslash(text, position) if character == "\\" else hints.for_character(character)
    told = _instead(told, limits)
    refuse(
        f"character {position + 1}: {what} cannot stand in a {limits.what}{told}", text, position, error=limits.error
    )


def _check_number(text: str, match: re.Match[str], limits: Limits) -> None:
    piece, end = match.group(), match.end()
    if len(piece) > _LONGEST_NUMBER:
        refuse(
            f"a number of {len(piece):,} characters; at most {_LONGEST_NUMBER} are allowed",
            text,
            match.start(),
            20,
            LimitError,
        )
    exponent = re.split("[eE]", piece)[1:]
    if exponent and abs(int(exponent[0])) > _LARGEST_DECIMAL_EXPONENT:
        refuse(
            f"decimal exponents go to {_LARGEST_DECIMAL_EXPONENT}, {shown(piece)} is beyond",
            text,
            match.start(),
            len(piece),
            LimitError,
        )
    if end < len(text) and (text[end].isalnum() or text[end] == "_"):
        factor = text[end].isalpha() and not (piece == "0" or text[end:].startswith("j"))
        told = _instead(f"{piece}*{text[end]} for {piece}{text[end]}" if factor else "", limits)
        refuse(
            f"numbers are decimal, such as 12, 0.5 or 1e-3, in a {limits.what}{told}",
            text,
            match.start(),
            len(piece),
            limits.error,
        )


@dataclass
class _Level:
    """What is counted between one pair of brackets."""

    bracket: str
    column: int
    operators: int = 0
    powers: int = 0


def _checked(tokens: list[Token], text: str, limits: Limits) -> Iterator[Token]:
    """Check nesting, runs of prefixes and of `**`, and the length of chains; yield all but the line breaks."""
    levels = [_Level("", 0)]
    prefixes, before_operand, broken_at = 0, True, None
    seen, last = False, None
    for token in tokens:
        if token.kind == "newline":
            broken_at = token.column if seen and len(levels) == 1 and broken_at is None else broken_at
            continue
        if broken_at is not None:
            refuse("the line ends here; brackets around the whole let it go on", text, broken_at, error=limits.error)
        seen, level, sign = True, levels[-1], token.text
        if limits.mathematics:
            _check_neighbours(last, token, before_operand, text, limits)
            last = token
        if token.kind in _OPERAND_KINDS:
            prefixes, before_operand = 0, False
        elif sign in _PAIRS.values():
            levels.append(_Level(sign, token.column))
            if len(levels) - 1 > limits.brackets:
                refuse(f"brackets nest deeper than {limits.brackets}", text, token.column, error=LimitError)
            prefixes, before_operand = 0, True
        elif sign in _PAIRS:
            if level.bracket != _PAIRS[sign]:
                refuse(f"{sign!r} closes no bracket", text, token.column, error=limits.error)
            levels.pop()
            prefixes, before_operand = 0, False
        elif before_operand:
            prefixes += 1
            if prefixes > _PREFIXES:
                refuse(f"more than {_PREFIXES} signs in a row", text, token.column, error=LimitError)
        else:
            level.operators = 0 if sign == "," else level.operators + 1
            level.powers = level.powers + 1 if sign == "**" else 0
            if level.powers > _POWERS:
                refuse(f"more than {_POWERS} powers in a row", text, token.column, error=LimitError)
            if level.operators > limits.chain:
                refuse(f"more than {limits.chain:,} operations in a row", text, token.column, error=LimitError)
            before_operand = sign != "."
        yield token
    if len(levels) > 1:
        refuse(f"{levels[-1].bracket!r} is never closed", text, levels[-1].column, error=limits.error)
    if limits.mathematics and last is not None and before_operand and last.text in _BETWEEN:
        refuse(f"something is missing behind {last.text!r}", text, last.column, len(last.text), limits.error)


_BETWEEN = frozenset({"+", "-", "*", "/", "//", "**", "@", "<", ">", "<=", ">=", "==", "!="})
_ONLY_BETWEEN = _BETWEEN - {"+", "-"}


def _check_neighbours(last: Token | None, token: Token, before_operand: bool, text: str, limits: Limits) -> None:
    """Refuse two operands side by side, where an operator is missing, and two operators, where an operand is."""
    word = hints.for_word(token.text) if token.kind == "name" else ""
    if word and token.text not in _WORDS:
        told = _instead(word + (" for the Greek letter" if token.text == "lambda" else ""), limits)
        refuse(f"{token.text} is not part of a {limits.what}{told}", text, token.column, len(token.text), limits.error)
    if last is None and token.text in _ONLY_BETWEEN:
        told = _instead("x @ y for <x, y>" if token.text == "<" else "", limits)
        refuse(f"something is missing before {token.text!r}{told}", text, token.column, error=limits.error)
    if last is not None and last.text == "." and token.text in _BETWEEN:
        refuse(f"no dot before an operator; type {token.text} alone", text, last.column, error=limits.error)
    if last is None or word or last.text == "." or hints.for_word(last.text):
        return
    begins = token.kind in _OPERAND_KINDS or (token.text == "(" and last.kind == "number")
    if begins and not before_operand:
        gap = max(token.column - 1, last.column + len(last.text) - (token.column == last.column + len(last.text)))
        if last.text in limits.mathematics:
            told = f"{last.text} needs its argument in brackets: {last.text}({shown(token.text)[1:-1]})"
            refuse(told, text, last.column, len(last.text), limits.error)
        what = "a comma" if token.kind == "string" else "'*' or '@'"
        refuse(f"{what} is missing here", text, gap, error=limits.error)
    if token.text in _ONLY_BETWEEN and last.text in _BETWEEN:
        refuse(f"something is missing between {last.text!r} and {token.text!r}", text, token.column, error=limits.error)


_WORDS = frozenset({"for", "in", "is", "not", "and", "or", "if", "else"})
"""Words of Python that series have, or that the reader refuses by their meaning."""

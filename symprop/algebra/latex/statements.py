r"""The statements of a text in LaTeX: named equations, the formula, declarations `A \in \mathbb{R}^{m \times n}`.

They stand apart by commas, semicolons and ends of lines; a line that begins with a sign goes on with the one before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from symprop.algebra.latex.asked import Asked, questions
from symprop.algebra.latex.called import Name, arguments, name_of, with_arguments, with_slopes, without_calls
from symprop.algebra.latex.domains import domain, name_declared
from symprop.algebra.latex.names import INDEX, gradient_by, subscripts, text_name
from symprop.algebra.latex.parser import Parser
from symprop.algebra.latex.tokens import Token, outside, refuse_at
from symprop.algebra.latex.trees import Tex, plain, walk
from symprop.errors import FormulaError, LimitError, shown

MOST = 200
_GOES_ON = frozenset({"+", "-", "cdot", "times", "odot", "oslash", "otimes", "circ", "/", "="})
_BETWEEN = frozenset({"where", "with", "and", "for"})
_BEFORE = frozenset({"let", "min", "minimize"})
"""Words that stand between statements, and before one, in `\\text{...}`."""
WORD = ("word",)
"""The words of a name on the left that is spelled by letters side by side, `KL = ...`."""
_PUNCTUATION = frozenset({".", ",", ";"})


@dataclass(frozen=True)
class Statement:
    """An equation or a formula: the tree of its left side, where it has one, and that of its right side."""

    left: Tex | None
    right: Tex
    target: Tex | None = None
    """The name on the left, also that of a derivative by it."""
    asked: tuple[Asked, ...] = ()
    """The derivatives in the right side; each may be an array's name all the same."""
    tokens: Sequence[Token] = ()
    """Those of the right side."""
    arguments: tuple[Tex, ...] = ()
    """What the name on the left is called with, `x` of `f(x)`."""

    @property
    def name(self) -> str:
        """The name that the left side is in the text language; empty where it is no name."""
        return "" if self.left is None or self.left.kind != "name" else text_name(self.left, self.below[0])

    @property
    def below(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What stands below the name on the left, and the indices that its right side has too."""
        if self.left is None or self.left.kind != "name":
            return (), ()
        parts = subscripts(self.left.below)
        letters = [each for part in parts for each in INDEX.findall(part)]
        indices = tuple(each for each in letters if not each.isdigit() and _stands_below(self.right, each))
        own = tuple(part for part in parts if not set(INDEX.findall(part)) & set(indices))
        return own, indices


def _stands_below(tree: Tex, letter: str) -> bool:
    """Whether a letter is an index in a formula, also in exponents: in `e^{z_k}` too."""
    parts = (part for each in walk(tree) for part in (*subscripts(each.below), *_below_in(each.above)))
    return any(letter in INDEX.findall(part) for part in parts)


def _below_in(above: Iterable[Sequence[Token]]) -> Iterator[str]:
    """Yield what stands below the names of superscripts, which are not read yet."""
    for group in above:
        for place, token in enumerate(group):
            if token.text == "_":
                rest = tuple(group[place + 1 :])
                braced = bool(rest) and rest[0].text == "{"
                end = next((k for k, each in enumerate(rest) if each.text == "}"), 1) if braced else 1
                yield from subscripts(rest[:end])


def statements(found: Sequence[Token], latex: str) -> tuple[tuple[Statement, ...], dict[str, str]]:
    """Return the statements of a text, and the declarations in it by name.

    Raises:
        FormulaError: no formula among them, or two signs of equality in one.
        LimitError: more than 200 of them.
    """
    kept: list[Statement] = []
    formulas: list[Sequence[Token]] = []
    declared: dict[str, str] = {}
    parts = list(pieces(found))
    if len(parts) > MOST:
        at = parts[MOST][0]
        refuse_at(f"{len(parts)} statements; at most {MOST} are allowed", latex, at.start, at.end, LimitError)
    names: list[Sequence[Token]] = []
    for place, piece in enumerate(parts):
        inside = next((k for k, token in outside(piece) if token.text == "in" and token.kind == "macro"), None)
        if inside is not None:
            for each in (*names, piece[:inside]):
                name = name_declared(each, latex)
                if name in declared:
                    refuse_at(f"{shown(name)} is declared twice", latex, each[0].start, each[-1].end)
                declared[name] = domain(piece[inside:], latex)
            names = []
        elif _is_name(piece, latex) and _declares(parts[place + 1 :], latex):
            names.append(piece)
        else:
            kept.append(_statement(piece, latex))
            formulas.append(piece)
    if not kept:
        raise FormulaError("LaTeX with declarations and no formula\nallowed: a formula among them")
    if called := calls(kept):
        spelled = (with_slopes(with_arguments(piece, called, latex), called, latex) for piece in formulas)
        kept = [_statement(piece, latex) for piece in spelled]
        kept = [replace(each, right=without_calls(each.right, called, latex)) for each in kept]
    for word in [each.left for each in kept if each.left is not None and each.left.words == WORD]:
        if any(_spells(each.tokens, word.text) for each in kept):
            told = f"{word.text} is a product of letters where it is read; write \\mathrm{{{word.text}}}"
            refuse_at(told, latex, word.start, word.end)
    return tuple(_in_order(kept)), declared


def _spells(found: Sequence[Token], word: str) -> bool:
    """Whether letters side by side spell a word somewhere."""
    return word in "".join(token.text if token.kind == "letter" else " " for token in found)


def calls(found: Iterable[Statement]) -> dict[Name, tuple[Tex, ...]]:
    """Return the names that statements call on their left, with the arguments."""
    return {name_of(each.left): each.arguments for each in found if each.left is not None and each.arguments}


def _in_order(found: Sequence[Statement]) -> list[Statement]:
    """Return statements with what a name stands for before what reads it: `L = f(p), where p = ...`."""
    left, placed = list(found), list[Statement]()
    while left:
        ready = next((each for each in left if not any(_reads(each, other) for other in left)), left[0])
        left.remove(ready)
        placed.append(ready)
    return placed


def _reads(statement: Statement, other: Statement) -> bool:
    """Whether a statement reads the name that another one defines."""
    if other is statement or other.left is None or not other.name:
        return False
    name, own = other.left.text, other.below[0]
    trees = (statement.right, *(each.of for each in statement.asked))
    names = (part for tree in trees for part in walk(tree) if part.kind == "name" and part.text == name)
    return any(subscripts(part.below)[: len(own)] == own for part in names)


def pieces(found: Sequence[Token]) -> Iterator[list[Token]]:
    """Yield what stands between commas, semicolons and the ends of lines that are ends."""
    free = dict(outside(found))
    piece: list[Token] = []
    for place, token in enumerate(found):
        if place in free and piece and _word(found, place)[0] in _BETWEEN:
            yield from [stripped] if (stripped := _stripped(piece)) else []
            piece = [token]
        elif place not in free or not (token.kind == "newline" or token.text in (",", ";", "&")):
            piece.append(token)
        elif token.text == "&" or (token.kind == "newline" and _goes_on(piece, found[place + 1 :])):
            continue
        else:
            yield from [stripped] if (stripped := _stripped(piece)) else []
            piece = []
    yield from [stripped] if (stripped := _stripped(piece)) else []


def _goes_on(piece: Sequence[Token], rest: Sequence[Token]) -> bool:
    following = next((token for token in rest if token.text != "&"), None)
    return bool(piece and piece[-1].text in _GOES_ON) or (following is not None and following.text in _GOES_ON)


def _stripped(piece: list[Token]) -> list[Token]:
    """Return a statement without punctuation at its end and words at its beginning."""
    while piece and piece[-1].text in _PUNCTUATION and piece[-1].kind == "sign":
        piece = piece[:-1]
    while len(piece) > 1 and _word(piece)[0] in _BETWEEN | _BEFORE:
        piece = piece[_word(piece)[1] :]
    return piece


def _word(found: Sequence[Token], place: int = 0) -> tuple[str, int]:
    r"""Return the word at a place, in `\text{...}` or of letters alone, in small ones, and of how many tokens it is."""
    if found[place].kind == "macro" and found[place].text in ("text", "mbox", "textrm"):
        end = next((k for k in range(place, len(found)) if found[k].text == "}"), place)
        return plain(tuple(found[place + 1 : end])).strip(" :,").lower(), end + 1 - place
    if found[place].kind != "letter" or (place and _touch(found, place)):
        return "", 0
    end = next((k for k in range(place + 1, len(found)) if not _touch(found, k)), len(found))
    word = "".join(token.text for token in found[place:end]).lower()
    return (word, end - place) if word != "min" else ("", 0)  # a function


def _touch(found: Sequence[Token], place: int) -> bool:
    """Whether a letter stands right behind another one."""
    before, here = found[place - 1], found[place]
    return before.kind == here.kind == "letter" and before.end == here.start


def _statement(piece: Sequence[Token], latex: str) -> Statement:
    signs = [k for k, token in outside(piece) if token.text == "=" and token.kind == "sign"]
    if not signs:
        return _right_side(piece, latex)
    if len(signs) > 1:
        sign = piece[signs[1]]
        refuse_at("a second '='; an equation has two sides", latex, sign.start, sign.end)
    left, right = piece[: signs[0]], piece[signs[0] + 1 :]
    if not right:
        refuse_at("something is missing behind '='", latex, piece[signs[0]].start, piece[signs[0]].end)
    tree, name = _left_tree(left, latex), left_side(left, latex)
    called = arguments(tree) if tree and name else ()
    return replace(_right_side(right, latex), left=name, target=_target(tree), arguments=called)


def _right_side(found: Sequence[Token], latex: str) -> Statement:
    """Return a statement without a left side; one that is a formula only with answers in it refuses to be one."""
    asked = questions(found, latex)
    try:
        tree = Parser(found, latex).whole()
    except FormulaError:
        if not asked:
            raise
        tree = Tex("asked", asked[0].start, asked[0].end, (with_answers(found, asked, latex),))
    return Statement(None, tree, asked=asked, tokens=found)


def with_answers(found: Sequence[Token], asked: Sequence[Asked], latex: str, first: int = 0) -> Tex:
    """Return the tree of a formula with a name in the place of each derivative: `zz_0`, `zz_1` and so on from `first`.

    Raises:
        FormulaError: it is none.
    """
    kept: list[Token] = []
    place = 0
    for number, each in enumerate(asked, first):
        kept += [*found[place : each.first], Token("letter", f"{ANSWER}{number}", each.start, each.end)]
        place = each.last
    return Parser((*kept, *found[place:]), latex).whole()


ANSWER = "zz_"
"""How the names of answers begin."""


def _left_tree(found: Sequence[Token], latex: str) -> Tex | None:
    try:
        return Parser(found, latex).whole()
    except FormulaError:  # L(x; w), which is no place of an array, and names its value alone
        return None


def _target(tree: Tex | None) -> Tex | None:
    r"""Return the name on the left of an equation, of `\frac{\partial L}{\partial W_k}` that of the derivative."""
    by = gradient_by(tree) if tree and tree.kind == "fraction" else None
    if tree and by:
        return replace(by, text=f"d {by.text}", start=tree.start, end=tree.end)
    return tree if tree and tree.kind == "name" else None


def left_side(found: Sequence[Token], latex: str) -> Tex | None:
    r"""Return the name on the left of an equation: `f` of `f(x)`; None where it is none, as in `\partial L / ...`."""
    tree = _left_tree(found, latex)
    if tree is None:
        return None
    if tree.kind == "run" and len(tree.parts) == 2 and tree.parts[1].kind == "group" and tree.parts[0].kind == "name":
        tree = tree.parts[0]
    if tree.kind == "name" and tree.text not in ("nabla", "partial"):
        return tree
    if all(token.kind == "letter" for token in found) and found[-1].end - found[0].start == len(found):
        return replace(tree, kind="name", parts=(), text="".join(token.text for token in found), words=WORD)
    if not any(token.text in ("nabla", "partial", "d") for token in found):
        told = (
            "the left side of '=' is a name, such as f or f(x), or a derivative; the right side alone is a formula too"
        )
        refuse_at(told, latex, tree.start, tree.end)
    return None


def _is_name(piece: Sequence[Token], latex: str) -> bool:
    if len(piece) > 12 or any(token.text == "=" for token in piece):
        return False
    try:
        return Parser(piece, latex).whole().kind == "name"
    except FormulaError:  # which is said where it is read
        return False


def _declares(later: Sequence[Sequence[Token]], latex: str) -> bool:
    """Whether a name is one of several before a declaration: `x, y \\in \\mathbb{R}^n`."""
    for piece in later:
        if any(token.text == "in" and token.kind == "macro" for token in piece):
            return True
        if not _is_name(piece, latex):
            return False
    return False

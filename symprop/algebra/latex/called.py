r"""Names that statements call: after `f(x) = x^\top A x` what is written `f(x)` is f, no product of f with x.

>>> from symprop.algebra.latex.formulas import formula
>>> formula(latex=r"f(x) = x^\top x, \log f(x) + 1", where="x: n").source
'f = x @ x; log(f) + 1'
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from symprop.algebra.latex.names import subscripts
from symprop.algebra.latex.parser import Parser
from symprop.algebra.latex.tokens import Token, refuse_at, tokens
from symprop.algebra.latex.trees import Tex, plain
from symprop.algebra.latex.words import CALLED
from symprop.errors import FormulaError

Name = tuple[str, tuple[str, ...]]


def arguments(tree: Tex) -> tuple[Tex, ...]:
    """Return the names in the brackets behind a name, as in `f(x)` and `L(W, b)`; none of anything else.

    >>> from symprop.algebra.latex.parser import Parser
    >>> from symprop.algebra.latex.tokens import tokens
    >>> [name.text for name in arguments(Parser(tokens("L(W, b)"), "L(W, b)").whole())]
    ['W', 'b']
    """
    is_pair = tree.kind == "run" and len(tree.parts) == 2 and not tree.words[0]
    return _inside(*tree.parts) if is_pair and tree.parts[1].bare else ()


def without_calls(tree: Tex, known: Mapping[Name, tuple[Tex, ...]], latex: str) -> Tex:
    """Return a tree with names alone where they are called as on the left of a statement, as `known` has it.

    Raises:
        FormulaError: a name is called with something else, or its derivative or inverse is.
    """
    parts = tuple(without_calls(part, known, latex) for part in tree.parts)
    tree = replace(tree, parts=parts) if parts != tree.parts else tree
    if known and (tree.above or tree.below):
        above = tuple(_uncalled(group, known, latex) for group in tree.above)
        tree = replace(tree, above=above, below=_uncalled(tree.below, known, latex))
    if tree.kind != "run":
        return tree
    kept, words, is_joined = [parts[0]], list[str](), False
    for part, word in zip(parts[1:], tree.words, strict=True):
        joined = None if word or is_joined else _joined(kept[-1], part, known, latex)
        is_joined = joined is not None
        if joined is not None:
            kept[-1] = joined
        else:
            kept.append(part)
            words.append(word)
    return replace(tree, parts=tuple(kept), words=tuple(words)) if words else kept[0]


def _joined(before: Tex, part: Tex, known: Mapping[Name, tuple[Tex, ...]], latex: str) -> Tex | None:
    r"""Return a name that is called by the brackets behind it, also at the end of `\log f(x)`; None where none is."""
    if before.kind in ("apply", "run", "root") and before.parts and before.parts[-1].end == before.end:
        *others, last = before.parts
        joined = _joined(last, part, known, latex)
        return joined and replace(before, end=part.end, parts=(*others, joined))
    is_called = before.kind == "name" and part.kind == "group" and part.text == "("
    usual = known.get(name_of(before)) if is_called else None
    if usual is None:
        return None
    name, listed = latex[before.start : before.end], ", ".join(latex[each.start : each.end] for each in usual)
    if any(not plain(group).isdigit() for group in before.above) or "'" in map(plain, part.above):
        refuse_at("a derivative or an inverse of what is called is not read", latex, before.start, part.end)
    if [*map(_written, part.parts)] != [*map(_written, usual)]:
        refuse_at(f"{name} is defined with other arguments: {name}({listed})", latex, before.start, part.end)
    return replace(before, end=part.end, above=(*before.above, *part.above))


def _uncalled(script: tuple[Token, ...], known: Mapping[Name, tuple[Tex, ...]], latex: str) -> tuple[Token, ...]:
    """Return a script, of which no tree is made yet, with names alone where they are called."""
    usual = {name: tokens(_listed(found, latex)) for (name, below), found in known.items() if not below}
    kept: list[Token] = []
    place = 0
    while place < len(script):
        token, inside = script[place], usual.get(script[place].text)
        kept.append(token)
        place += 1
        if inside is not None and place < len(script) and script[place].text == "(":
            end = place + len(inside)
            if [each.text for each in script[place:end]] != [each.text for each in inside]:
                name, (call, *_) = token.text, [found for (stem, _), found in known.items() if stem == token.text]
                told = f"{name} is defined with other arguments: {name}{_listed(call, latex)}"
                refuse_at(told, latex, token.start, script[place].end)
            place = end
    return tuple(kept)


def _listed(usual: Sequence[Tex], latex: str) -> str:
    return f"({latex[usual[0].start : usual[-1].end]})"


def with_arguments(found: Sequence[Token], known: Mapping[Name, tuple[Tex, ...]], latex: str) -> list[Token]:
    r"""Return the tokens of `\nabla f` as those of `\nabla f(x)`, where f is called with an x alone."""
    put: dict[int, Sequence[Token]] = {}
    for place in [k for k, token in enumerate(found) if token.text == "nabla"]:
        for end, argument in _argument(found[place + 1 :], known, latex):
            at = found[place]
            put[place + end] = [replace(each, start=at.end, end=at.end) for each in argument]
    return [each for place, token in enumerate(found) for each in (token, *put.get(place, ()))]


def with_slopes(found: Sequence[Token], known: Mapping[Name, tuple[Tex, ...]], latex: str) -> list[Token]:
    r"""Return the tokens of `f'(x)` and `f''(x)` as those of fractions with `\partial`, where f is called with an x."""
    kept: list[Token] = []
    place = 0
    while place < len(found):
        token = found[place]
        primes = next((k for k in range(2) if not _is_prime(found, place + 1 + k)), 2)
        usual = known.get((token.text, ()), ()) if primes and token.kind in ("letter", "macro") else ()
        inside = tokens(_listed(usual, latex)) if len(usual) == 1 else ()
        end = place + 1 + primes + len(inside)
        if inside and [each.text for each in found[place + 1 + primes : end]] == [each.text for each in inside]:
            name, by = latex[token.start : token.end], latex[usual[0].start : usual[0].end]
            power = f"^{primes}" if primes > 1 else ""
            slope = tokens(rf"\frac{{\partial{power} {name}({by})}}{{\partial {by}{power}}}")
            kept += [replace(each, start=token.start, end=found[end - 1].end) for each in slope]
            place = end
        else:
            kept.append(token)
            place += 1
    return kept


def _is_prime(found: Sequence[Token], place: int) -> bool:
    return place < len(found) and found[place].kind == "prime"


def _argument(
    found: Sequence[Token], known: Mapping[Name, tuple[Tex, ...]], latex: str
) -> Iterator[tuple[int, Sequence[Token]]]:
    r"""Yield where the name behind a `\nabla` ends and what it is called with, in brackets, where it is not called."""
    reader = Parser(found, latex)
    with suppress(FormulaError):
        head = reader.scripted(Tex("name", 0, 0))
        name = reader.base()
        if reader.sees("_", kind="sign"):
            reader.take()
            name = replace(name, below=reader.script())
        usual = known.get(name_of(name), ()) if name.kind == "name" and not head.below else ()
        behind = reader.place
        if len(usual) == 1:
            reader.scripted(name)
            if not reader.sees("(", kind="open"):
                yield behind, tokens(_listed(usual, latex))


def name_of(tree: Tex) -> Name:
    """Return the letter of a name, and what stands below it."""
    return tree.text, subscripts(tree.below)


def _inside(name: Tex, inside: Tex) -> tuple[Tex, ...]:
    """Return the names in brackets behind a name."""
    is_name = name.kind == "name" and name.text not in CALLED and not name.above
    is_group = inside.kind == "group" and inside.text == "(" and not inside.below
    return inside.parts if is_name and is_group and all(each.kind == "name" for each in inside.parts) else ()


def _written(tree: Tex) -> tuple[str, Name, tuple[str, ...]]:
    return tree.kind, name_of(tree), tuple(map(plain, tree.above))

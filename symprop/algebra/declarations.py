"""Declarations of arrays: their sizes and what is known of their values, `X: m n, A: n n symmetric, i: m index k`.

What may be declared stands in one table, `DECLARED`: each word with the facts that it enters and the shapes that may
have it. A scalar has no sizes: `alpha:`.

    >>> [each.name for each in read_declarations("X: m n, A: n n symmetric, alpha:")]
    ['X', 'A', 'alpha']
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Expr

from symprop.algebra.names import validated, variable
from symprop.algebra.nodes import Fact, Variable
from symprop.algebra.roles import GIVEN
from symprop.algebra.shapes import Shape, same, shape_text
from symprop.algebra.size_reader import read_size
from symprop.algebra.sizes import several, size_of, size_text
from symprop.errors import FormulaError, LimitError, ShapeError, SymbolNameError, SympropError, listed, located, shown
from symprop.hints import closest

LONGEST = 20_000
MOST = 200
MOST_AXES = 8


@dataclass(frozen=True)
class Declared:
    """A word that may follow the sizes: the facts that it enters for a shape, and which shapes may have it."""

    facts: Callable[[Shape], tuple[Fact, ...]]
    fits: Callable[[Shape], bool] = lambda shape: True
    shapes: str = "any array"


def _square(shape: Shape) -> bool:
    return len(shape) == 2 and same(*shape)


def _named(*kinds: str) -> Callable[[Shape], tuple[Fact, ...]]:
    return lambda shape: tuple(map(Fact, kinds))


def _one_hot(shape: Shape) -> tuple[Fact, ...]:
    axis = len(shape) - 1
    return (Fact("one-hot", axis), Fact("sums to 1", axis), Fact("nonnegative"))


BITS = ("bits", "between 0 and 1", "nonnegative")
"""What is true of zeros and ones."""

DECLARED: dict[str, Declared] = {
    "symmetric": Declared(_named("symmetric"), _square, "a square matrix"),
    "positive-definite": Declared(_named("symmetric", "positive definite"), _square, "a square matrix"),
    "positive-semidefinite": Declared(_named("symmetric", "positive semidefinite"), _square, "a square matrix"),
    "orthogonal": Declared(_named("orthogonal"), _square, "a square matrix"),
    "positive": Declared(_named("positive", "nonnegative")),
    "nonnegative": Declared(_named("nonnegative")),
    "between-0-and-1": Declared(_named("between 0 and 1", "nonnegative")),
    "signs": Declared(_named("signs")),
    "bits": Declared(_named(*BITS)),
    "sums-to-1": Declared(lambda shape: (Fact("sums to 1", 0),), lambda shape: len(shape) == 1, "a vector"),
    "rows-sum-to-1": Declared(lambda shape: (Fact("sums to 1", 1),), lambda shape: len(shape) == 2, "a matrix"),
    "columns-sum-to-1": Declared(lambda shape: (Fact("sums to 1", 0),), lambda shape: len(shape) == 2, "a matrix"),
    "one-hot": Declared(_one_hot, lambda shape: len(shape) > 0, "a vector or an array of rows"),
}
"""What may be said of an array besides its sizes; `index k` (integers from 0 to k - 1) is read by `declared`."""

_ALLOWED = f"sizes such as 3, n or k+n, then {', '.join((*DECLARED, 'index k'))}"


def declared(name: str, what: Any) -> Variable:
    """Return the variable of one declaration: text ("n n symmetric", "" for a scalar), one size or a tuple of sizes.

    Commas and brackets may stand around sizes; a size is a number, a name, or a sum or product of these.

    >>> declared("A", "n n symmetric").shape, declared("A", "(k + n, 2*n)").shape, declared("A", ("n", 3)).shape
    ((n, n), (k + n, 2*n), (n, 3))
    >>> declared("i", "m index k").facts_by_kind
    {'index': k}

    Raises:
        FormulaError: a word that is no size and no fact, or a fact that does not fit the shape.
        SymbolNameError: a name that cannot stand in code.
        LimitError: more than 8 axes, or a size above 10**9.
    """
    validated(name)
    if not isinstance(what, str):
        return variable(name, _checked(name, tuple(_given(name, each) for each in several(what))))
    words, sizes = _words(name, what), []
    while words and words[0] not in DECLARED and words[0] != "index":
        sizes.append(_size(name, words.pop(0)))
    shape = _checked(name, tuple(sizes))
    facts: dict[Fact, None] = {}
    while words:
        word = words.pop(0)
        if word == "index":
            if not words:
                raise FormulaError(f"{shown(name)}: 'index' needs a number of rows\nallowed: index k")
            facts[Fact("index", _size(name, words.pop(0)))] = None
            continue
        if word not in DECLARED:
            raise FormulaError(f"{shown(name)} cannot be {shown(word)}{closest(word, DECLARED)}\nallowed: {_ALLOWED}")
        row = DECLARED[word]
        if not row.fits(shape):
            raise ShapeError(f"{shown(name)} of shape {shape_text(shape)} cannot be {word}\nallowed: {row.shapes}")
        facts.update(dict.fromkeys(row.facts(shape)))
    return variable(name, shape, tuple(facts))


def _words(name: str, what: str) -> list[str]:
    """Return sizes and facts: no spaces in a size, no brackets around all sizes, and no commas."""
    if len(what) > LONGEST:
        raise LimitError(f"{shown(name)}: {len(what):,} characters; at most {LONGEST:,} are allowed")
    tight = re.sub(r"\s*([-+*])\s*", r"\1", what).strip()
    if tight.startswith("("):
        depth = 0
        for place, character in enumerate(tight):
            depth += {"(": 1, ")": -1}.get(character, 0)
            if not depth:
                if not tight[place + 1 : place + 2].strip(" ,"):  # what goes on is a size, such as (k+n)*2
                    tight = f"{tight[1:place]} {tight[place + 1 :]}"
                break
    return tight.replace(",", " ").split()


def _given(name: str, size: Any) -> Any:
    """Return one size that is no text of several."""
    if isinstance(size, str):
        return _size(name, size.strip())
    if not isinstance(size, (int, Expr)) or isinstance(size, bool):
        raise FormulaError(f"{shown(name)}: {shown(size)} is no size\nallowed: {_ALLOWED}")
    return size


def _size(name: str, word: str) -> Expr:
    hint = closest(word, DECLARED) if len(word) > 4 else ""
    if hint:  # `symetric` is no size
        raise FormulaError(f"{shown(name)}: {shown(word)} is no size{hint}\nallowed: {_ALLOWED}")
    try:
        return size_of(read_size(word), f"a size of {shown(name)}")
    except (SymbolNameError, FormulaError):
        raise FormulaError(f"{shown(name)}: {shown(word)} is no size\nallowed: {_ALLOWED}") from None


def _checked(name: str, sizes: tuple[Any, ...]) -> Shape:
    if len(sizes) > MOST_AXES:
        raise LimitError(f"{shown(name)} has {len(sizes)} axes; at most {MOST_AXES} are allowed")
    return tuple(size_of(size, f"a size of {shown(name)}") for size in sizes)


def read_declarations(text: str) -> tuple[Variable, ...]:
    """Return the variables of `X: m n, w: n, alpha:`.

    Raises:
        FormulaError: outside the grammar, or a name declared twice.
        LimitError: more than 20,000 characters or 200 names.
    """
    if not isinstance(text, str):
        raise FormulaError(f"declarations are text such as 'X: m n, w: n', not {type(text).__name__}")
    if len(text) > LONGEST:
        raise LimitError(f"declarations of {len(text):,} characters; at most {LONGEST:,} are allowed")
    found: dict[str, Variable] = {}
    parts = _apart(text)
    if len(parts) > MOST:
        raise LimitError(f"{len(parts):,} declarations; at most {MOST} are allowed")
    for start, part in parts:
        try:
            name, what = _parted(part)
            if name in found:
                raise FormulaError(f"{shown(name)} is declared twice")
            found[name] = declared(name, what)
        except SympropError as problem:
            raise located(problem, start, len(part)) from None
    return tuple(found.values())


def check_declared(declared: Mapping[str, object], read: Iterable[str], options: Iterable[str] = ()) -> None:
    """Raise where a name is declared that a formula does not read, so that a slip declares nothing without a word.

    An array that alone tells what a size is, which the formula reads, may stand beside it. `options` are keywords that
    may stand beside declarations, one of which may have been meant.

    >>> check_declared({"x": "n", "s": ""}, ["s", "n"])

    Raises:
        FormulaError: the first such name, with those that there are.
    """
    known = tuple(dict.fromkeys(read))
    words = {name: set(re.findall(r"[A-Za-z]\w*", str(what))) for name, what in declared.items()}
    told = set().union(*(words[name] for name in words if name in known))
    for name in words:
        if name not in known and not (words[name] - told).intersection(known):
            hint = closest(name, (*options, *known))
            raise FormulaError(f"the formula has no {shown(name)} to declare{hint}\nallowed: {listed(known) or 'none'}")


def check_keywords(call: str, given: Iterable[str], read: Iterable[str], instead: Mapping[str, str]) -> None:
    """Raise where a keyword is no name of a formula, and what it is meant for is typed in another way.

    `instead` says for each such keyword what to type; one that is nearly such a keyword is it.

    >>> check_keywords("formula", ["x"], ["x", "A"], {"where": 'x="n" for each array'})

    Raises:
        FormulaError: the first such keyword.
    """
    known = {*read}
    for name in given:
        hint = "" if name in known or len(name) < 3 else closest(name, list(instead))
        meant = name if name in instead else hint.partition("'")[2].partition("'")[0]
        if name not in known and meant in instead:
            raise FormulaError(f"{call} takes no {name}={hint if meant != name else ''}\nallowed: {instead[meant]}")


def shapes_of(variables: Iterable[Variable]) -> dict[str, object]:
    """Return shapes by name, as `check_declared` takes them."""
    return {each.name: each.shape for each in variables}


def _apart(text: str) -> list[tuple[int, str]]:
    """Return the declarations in a text, and where each begins: they end at `;` and at commas outside of brackets.

    A size behind a comma belongs to the declaration before, where that has commas only: `A: n,n`; a name does so where
    it stands without a space, or is a size of something else too.
    """
    parts: list[tuple[int, str]] = []
    sizes = {word for _, _, what in (each.partition(":") for each in re.split("[,;]", text)) for word in what.split()}
    for piece in re.finditer(r"(?:\([^()]*(?:\([^()]*\)[^()]*)*\)|[^,;])+", text):
        part, start = piece[0].strip(), piece.start() + len(piece[0]) - len(piece[0].lstrip())
        if not part:
            continue
        first = part.split()[0]
        goes_on = ":" not in part and parts and text[: piece.start()].endswith(",")
        if goes_on and (start == piece.start() or first in sizes or re.fullmatch(r"[0-9(].*|.*[-+*].*", first)):
            before, what = parts[-1][1].partition(":")[0], parts[-1][1].partition(":")[2]
            if "," in what or len(what.split()) == 1:
                parts[-1] = (parts[-1][0], f"{before}:{what},{part}")
                continue
        parts.append((start, part))
    return parts


def declarations_text(variables: Iterable[Variable]) -> str:
    """Return declarations as they are typed.

    >>> declarations_text(read_declarations("A: n n positive-definite, i: m index k, W: (k + n, 2*n), t:"))
    'A: n n positive-definite, i: m index k, W: k+n 2*n, t:'
    """
    return ", ".join(f"{each.name}: {' '.join(_declared_words(each))}".rstrip() for each in variables)


def _declared_words(each: Variable) -> Iterator[str]:
    yield from (size_text(size).replace(" ", "") for size in each.shape)
    rows = [(word, {*row.facts(each.shape)}) for word, row in DECLARED.items() if row.fits(each.shape)]
    held = [(word, facts) for word, facts in rows if facts <= {*each.facts}]
    yield from (word for word, facts in held if not any(facts < others for _, others in held))
    if "index" in each.facts_by_kind:
        yield f"index {size_text(each.facts_by_kind['index']).replace(' ', '')}"


def _parted(part: str) -> tuple[str, str]:
    name, colon, what = part.partition(":")
    if not colon:
        problem = f"{shown(part.strip())} declares nothing"
        raise FormulaError(f"{problem}\nallowed: a name, a colon, its sizes, as in 'X: m n, w: n, alpha:'")
    return name.strip(), what


LENGTHS = "or (m,) lengths"
"""What may be given for a batch of masks beside their numbers, in the words of a docstring."""


def takes_lengths(given: Variable, axis: int = 1) -> bool:
    """Whether lengths of sequences may stand for a batch of masks, a number for each position: 1 below the length.

    Positions lie along `axis`.

    >>> from symprop.algebra.roles import GIVEN
    >>> takes_lengths(declared("mask", "m 5 between-0-and-1").change(role=GIVEN))
    True
    """
    is_mask = given.role == GIVEN and "between 0 and 1" in given.facts_by_kind
    return is_mask and given.rank > axis and all(size == 1 for size in given.shape[axis + 1 :])


TAKEN_FROM_IDS = ("sums to 1", "one-hot", "nonnegative", "between 0 and 1")
"""What is true of one-hot rows."""


def takes_class_ids(target: Variable) -> bool:
    """Whether ids of classes may stand for a target: their one-hot rows have all its facts.

    >>> takes_class_ids(declared("y", "k one-hot")), takes_class_ids(declared("y", "k sums-to-1 positive"))
    (True, False)
    """
    return (
        "sums to 1" in target.facts_by_kind
        and all(fact.kind in TAKEN_FROM_IDS for fact in target.said)
        and all(fact.value == target.rank - 1 for fact in target.said if fact.kind == "sums to 1")
    )

r"""What the arrays of a formula in LaTeX are that nobody declared: the least unusual ranks that fit.

Names have the costs that the text language's inference gives them (`inference/convention.py`); readings are tried in
the order of what they cost, each by the shapes that it makes, and the first that fits is meant.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sympy import Expr

from symprop.algebra.declarations import declarations_text
from symprop.algebra.inference.convention import names_of_sizes, rank_costs
from symprop.algebra.inference.unknown_sizes import Misfit, Unknown
from symprop.algebra.latex.asked import is_differential
from symprop.algebra.latex.calls import UNSAID
from symprop.algebra.latex.elaboration import Elaboration
from symprop.algebra.latex.names import INDEX, Key, Names, subscripts, text_name
from symprop.algebra.latex.parser import exponent
from symprop.algebra.latex.products import SPREAD
from symprop.algebra.latex.reading import names_of
from symprop.algebra.latex.stacks import arranged
from symprop.algebra.latex.statements import Statement
from symprop.algebra.latex.tokens import Token, refuse_at
from symprop.algebra.latex.trees import GRADIENT_OF, Tex, walk
from symprop.algebra.latex.words import CALLED, HINTS
from symprop.algebra.names import size_symbol, variable
from symprop.algebra.nodes import Variable
from symprop.algebra.numbered_sizes import sizes_of
from symprop.errors import FormulaError, LimitError, ReadingError, SympropError, shown
from symprop.hints import declaration

MOST_TRIED = 400
MOST_WORK = 30_000
"""How many readings are tried, and how many phrases in all."""
_SOMETHING = frozenset({"I", "pi", "e", "infty", "partial", "nabla"})
"""Names that stand for something everywhere."""


@dataclass
class Wanted:
    """A name that nobody declared: as it stands in LaTeX, in the text language, and how many indices it has."""

    key: Key
    name: str
    indices: int
    divides: bool = False


def inferred_variables(
    found: Sequence[Statement], latex: str, value: Sequence[float], given: tuple[Variable, ...] = ()
) -> tuple[Variable, ...]:
    """Return variables with the shapes that fit best, after those that are `given`.

    Raises:
        FormulaError, ShapeError: nothing fits; the error is that of the usual reading.
        ReadingError: two readings fit as well.
    """
    wanted, sizes = names_wanted(found, latex, names_of(given))
    if not wanted:
        return given
    phrases = sum(1 for each in found for _ in walk(each.right))
    first: SympropError | None = None
    best: tuple[float, tuple[Variable, ...] | ReadingError] | None = None
    others: list[tuple[Variable, ...]] = []
    unclear, spread = None, False
    for count, (cost, ranks) in enumerate(_by_cost(list(wanted.values()), {each.name: each.rank for each in given})):
        if count >= MOST_TRIED or count * phrases > MOST_WORK or (best is not None and cost > best[0]):
            break
        try:
            unusual, variables = _tried(found, latex, wanted, ranks, sizes, value, given)
        except SympropError as problem:
            first = first or problem
            continue
        unclear = variables if isinstance(variables, ReadingError) else unclear
        if best is None or cost + unusual < best[0]:
            spread = unusual >= SPREAD
            best, others = (cost + unusual, variables), []
        elif cost + unusual == best[0] and variables != best[1] and not isinstance(variables, ReadingError):
            others.append(variables)
    if best is None:
        raise first or FormulaError("nothing to read")
    if isinstance(best[1], ReadingError):
        raise best[1]
    if unclear is not None and spread:  # a number for all elements of a norm is no better than a second meaning
        raise unclear
    if others:
        texts = tuple(map(declarations_text, (best[1], *others)))
        listed = " or ".join(f'"{text}"' for text in texts[1:4])
        raise ReadingError(f'{shown(latex)} has {len(texts)} readings\nallowed: "{texts[0]}"\n      or {listed}', texts)
    return best[1]


def _by_cost(wanted: list[Wanted], declared: dict[str, int]) -> Iterator[tuple[float, dict[Key, int]]]:
    """Yield ranks of all names, those that cost least first."""
    rows = []
    for each in wanted:
        if each.indices > 4:
            raise LimitError(f"{shown(each.name)} has {each.indices} indices; at most 4 are read")
        costs: Sequence[float] = rank_costs(each.name, each.divides, declared)
        if each.indices:  # x_i is a number, or row i of a matrix
            costs = (12, *(8.0 * (rank < each.indices) + 1.0 * (rank > each.indices) for rank in (1, 2)), 14, 18)
        rows.append(sorted((costs[rank], rank) for rank in range(max(3, each.indices + 1)) if rank >= each.indices))
    start = (0,) * len(rows)
    waiting = [(sum(row[0][0] for row in rows), start)]
    seen = {start}
    while waiting:
        cost, chosen = heapq.heappop(waiting)
        yield cost, {each.key: row[k][1] for each, row, k in zip(wanted, rows, chosen, strict=True)}
        for place, row in enumerate(rows):
            k = chosen[place]
            if k + 1 < len(row):
                following = (*chosen[:place], k + 1, *chosen[place + 1 :])
                if following not in seen:
                    seen.add(following)
                    heapq.heappush(waiting, (cost + row[k + 1][0] - row[k][0], following))


def _tried(
    found: Sequence[Statement],
    latex: str,
    wanted: dict[Key, Wanted],
    ranks: dict[Key, int],
    sizes: dict[str, Expr],
    value: Sequence[float],
    given: tuple[Variable, ...],
) -> tuple[float, tuple[Variable, ...] | ReadingError]:
    """Return how unusual a reading is, and its variables with names for their sizes, or that it has two meanings."""
    names = names_of(given)
    e = Elaboration(latex, names)
    for size in sizes.values():
        names.enter(size)
    made: list[Variable] = []
    for key, each in wanted.items():
        made.append(variable(each.name, e.sizes.fresh(ranks[key])))
        names.known[key] = made[-1]
    rank = 0
    for statement in found:
        own, labels = statement.below
        for label in labels:
            e.labels[label] = e.fresh()
        try:
            result = e.value(statement.right)
        except ReadingError as problem:
            return e.unusual, problem
        result = arranged(e, result, labels) if labels else result
        for label in labels:
            del e.labels[label]
        rank = min(result.rank, len(value) - 1)
        if statement.left is not None and statement.name and statement is not found[-1]:
            target = variable(statement.name, tuple(result.shape))
            names.known[Key(statement.left.text, tuple(sorted(own)))] = target
    try:
        e.sizes.settle()
    except Misfit:
        raise FormulaError("sizes do not fit") from None
    shapes = [tuple(map(e.sizes.value, each.shape)) for each in made]
    unknown = [size for shape in shapes for size in shape]
    left = list(
        dict.fromkeys(s for size in unknown for s in sorted(size.free_symbols, key=str) if isinstance(s, Unknown))
    )
    told = {str(symbol) for symbol in sizes_of(given)}
    taken = {each.name for each in (*given, *made)} | {*sizes, *told}
    renamed = dict(zip(left, map(size_symbol, names_of_sizes(len(left), taken)), strict=True))
    variables = tuple(
        variable(each.name, tuple(size.xreplace(renamed) for size in shape))
        for each, shape in zip(made, shapes, strict=True)
    )
    return e.unusual + value[rank], (*given, *variables)


# ---------------------------------------------------------------- which names there are


def names_wanted(found: Sequence[Statement], latex: str, known: Names) -> tuple[dict[Key, Wanted], dict[str, Expr]]:
    """Return the names of arrays that nobody declared, in order, and the sizes that are named."""
    wanted: dict[Key, Wanted] = {}
    sizes: dict[str, Expr] = {}
    defined: set[Key] = set()
    indexed: set[Key] = set()
    for each in found:
        own, labels = each.below
        _collect(each.right, latex, frozenset(labels), wanted, sizes, defined, known)
        if each.left is not None and each.left.kind == "name":
            defined.add(Key(each.left.text, tuple(sorted(own))))
            indexed |= {Key(each.left.text, tuple(sorted(own)))} if labels else set()
    for key in [key for key, each in wanted.items() if each.name in sizes]:
        del wanted[key]
    _refuse_free_indices(wanted, indexed, latex)
    return wanted, sizes


def _refuse_free_indices(wanted: dict[Key, Wanted], indexed: set[Key], latex: str) -> None:
    """Raise where an element of an array has an index under no sum, `z_k` beside a sum of `z_j`: no other number.

    Raises:
        FormulaError: the first of them.
    """
    arrays = indexed | {key for key, each in wanted.items() if each.indices}
    for key, each in wanted.items():
        for part in key.below if not each.indices else ():
            whole = key._replace(below=tuple(below for below in key.below if below != part))
            if whole in arrays and part.isalpha() and len(part) == 1:
                raise FormulaError(
                    f"the index {part} of {each.name} stands under no sum in {shown(latex)}\n"
                    f"allowed: a sum over {part}; {declaration(each.name, '')}, if {each.name} is a number by itself"
                )


def _collect(
    tree: Tex,
    latex: str,
    labels: frozenset[str],
    wanted: dict[Key, Wanted],
    sizes: dict[str, Expr],
    defined: set[Key],
    known: Names,
) -> None:
    waiting = [(tree, labels, False)]
    while waiting:
        part, open_ones, divides = waiting.pop()
        if part.kind == "name":
            _enter(part, open_ones, wanted, defined, known, divides)
        inner = [each for group in part.above if (each := exponent(group, latex)) is not None]
        if part.kind in ("number", "name") and part.below and (part.kind == "number" or part.text == "I"):
            _enter_sizes(part.below, sizes)
        if part.kind == "over":
            _enter_sizes([token for group in part.above for token in group], sizes)
            open_ones |= set(INDEX.findall("".join(token.text for token in _before(part.below))))
        if part.kind == "group" and part.text == "{" and part.below:
            open_ones |= {each for word in subscripts(part.below) for each in INDEX.findall(word)}
        parts = list(part.parts)
        for each in parts[:-1] if part.kind == "run" else ():
            if each.words[:1] == (GRADIENT_OF,) and known.find(each) is None:
                refuse_at(HINTS["nabla"], latex, part.start, part.end)  # \nabla_x a^\top x, where dx is not declared
        below = part.kind == "fraction"
        if below and is_differential(part) and "d" not in known:
            refuse_at(HINTS["partial"], latex, part.start, part.end)
        kept = [
            (
                each,
                open_ones,
                divides
                or (below and place == 1)
                or (part.kind == "run" and place > 0 and part.words[place - 1] == "/"),
            )
            for place, each in enumerate(parts)
            if not (part.kind == "run" and _is_called(parts, place))
        ]
        waiting.extend(reversed([*kept, *((each, open_ones, False) for each in inner)]))


def _is_below(part: Tex, place: int) -> bool:
    return part.kind == "run" and place > 0 and part.words[place - 1] == "/"


def _is_called(parts: list[Tex], place: int) -> bool:
    """Whether a letter is a function before its brackets, or may be one that nobody told."""
    part = parts[place]
    behind = parts[place + 1] if place + 1 < len(parts) else None
    if part.kind != "name" or behind is None or behind.kind != "group" or behind.text != "(":
        return False
    return part.text in CALLED or part.text in UNSAID or (part.text == "lambda" and bool(part.below))


def _before(below: Sequence[Token]) -> Sequence[Token]:
    place = next((place for place, token in enumerate(below) if token.text in ("=", "in")), len(below))
    return below[:place]


def _enter_sizes(found: Sequence[Token], sizes: dict[str, Expr]) -> None:
    for token in found:
        if token.kind == "letter":
            sizes.setdefault(token.text, size_symbol(token.text))


def _enter(
    part: Tex, labels: frozenset[str], wanted: dict[Key, Wanted], defined: set[Key], known: Names, divides: bool
) -> None:
    if (part.text in labels and not part.below) or known.find(part) is not None or known.rows(part) is not None:
        return
    below = subscripts(part.below)
    place = next((k for k, each in enumerate(below) if _is_index(each, labels)), len(below))
    own, indices = below[:place], below[place:]
    name = text_name(part, own)
    key = Key(part.text, tuple(sorted(own)))
    if part.text in _SOMETHING or key in defined or not name.isidentifier():
        return
    count = sum(1 if each == ":" else len(INDEX.findall(each)) for each in indices)
    entered = wanted.setdefault(key, Wanted(key, name, count))
    entered.indices = max(entered.indices, count)
    entered.divides |= divides


def _is_index(part: str, labels: frozenset[str]) -> bool:
    letters = INDEX.findall(part)
    return part == ":" or (bool(letters) and any(each in labels for each in letters))

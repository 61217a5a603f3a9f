"""Two formulas judged: a proof, a counterexample with what differs, or the plain word that neither was found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sympy import Expr

from symprop.algebra.nodes import Node, Variable
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import variables as variables_in
from symprop.calculus.coefficients import same_shape
from symprop.formulas.checks.points import size_symbols
from symprop.formulas.compare.cases import Case, agree
from symprop.formulas.compare.comparison import ELEMENTS, FORM, NOWHERE, SUMS, UNDECIDED, WORDS, Comparison
from symprop.formulas.compare.counterexample import as_counterexample, smallest_counterexample, whole_example
from symprop.formulas.compare.facts import enabling_fact, needed_facts, needed_names, special_sizes
from symprop.formulas.compare.proofs import proof_for_every_size, same_elements
from symprop.formulas.compare.reasons import Pair, Reason, reason
from symprop.formulas.compare.sides import RANDOM, Sides, may_lack_value
from symprop.formulas.compare.sizes import size_choices
from symprop.formulas.compare.special import special_cases
from symprop.formulas.through_names import without_derivatives
from symprop.verify.measure import precise_difference, scientific

MOST_BAD = 6
"""How many cases at which formulas differ are asked for a reason."""
Forms = Callable[[], Iterable[tuple[Node, Node]]]
"""Gives the two formulas in the forms in which a proof is tried, what is the same written in the same names."""


def judged(sides: Sides, forms: Forms | None = None) -> Comparison:
    """Return whether two formulas are equal, and why or how they differ."""
    if not sides.choices:
        return _said(sides, None, NOWHERE, "undecided: no small sizes fit both formulas")
    first, second = sides.nodes
    if not same_shape(first, second):
        return _of_other_shapes(sides, tuple(sides.free.cases()))
    proof = proof_for_every_size([sides.nodes]) if sides.definitions else None
    sides = sides if proof is None else sides.free  # what holds for all values needs no equations
    found = tuple(_until_they_differ(sides) if sides.definitions else sides.cases())
    verdicts = [agree(case, first, second) for case in found]
    if proof is None and False not in verdicts:
        proof = proof_for_every_size(forms() if forms else [sides.nodes])
    rare = False not in verdicts
    if rare and proof is None:
        more = tuple(special_cases(sides))
        found, verdicts = (*found, *more), [*verdicts, *(agree(case, first, second) for case in more)]
    decided = tuple(case for case, verdict in zip(found, verdicts, strict=True) if verdict is not None)
    if not decided:
        return _without_cases(sides)
    if False in verdicts:
        return _different(sides, _those_that_differ_first(found, verdicts), rare)
    return _equal(sides, decided, proof)


def _until_they_differ(sides: Sides) -> Iterator[Case]:
    """Yield cases up to one at which the two differ: a whole network takes long in 120 digits."""
    for case in sides.cases():
        yield case
        if agree(case, *sides.nodes) is False:
            return


def _those_that_differ_first(found: Sequence[Case], verdicts: Sequence[bool | None]) -> tuple[Case, ...]:
    bad = [case for case, verdict in zip(found, verdicts, strict=True) if verdict is False]
    good = [case for case, verdict in zip(found, verdicts, strict=True) if verdict]
    return (*bad[:MOST_BAD], *good[:RANDOM])


def standing(variables: Sequence[Variable], first: Node, second: Node) -> tuple[Variable, ...]:
    """Return the variables that one of two formulas reads, or that fix a size that stands in one as a number."""
    read = {*variables_in(first), *variables_in(second)}
    sizes = size_symbols(variables)
    return tuple(each for each in variables if each in read or _fixes_a_size(each, sizes, first, second, read))


def _fixes_a_size(variable: Variable, sizes: Sequence[Any], first: Node, second: Node, read: set[Variable]) -> bool:
    known = set(size_symbols(tuple(each for each in read)))
    within = (first.free_symbols | second.free_symbols) & set(sizes)
    return any(size in within and size not in known for size in size_symbols((variable,)))


def _said(sides: Sides, equal: bool | None, kind: str, message: str, **more: Any) -> Comparison:
    return Comparison(equal, kind, message, sides.one, sides.other, **more)


# ---------------------------------------------------------------- no difference found


SAID = {
    FORM: f"equal: {FORM}",
    SUMS: f"{SUMS} of elements, for every size",
    WORDS: f"{WORDS} and their inverses, for every size",
}
"""What is said of proofs for every size."""


def _equal(sides: Sides, found: tuple[Case, ...], proof: str | None) -> Comparison:
    facts, names = needed_facts(sides), needed_names(sides)
    used, where = (*facts, *names), f" wherever {' and '.join(names)}" if names else ""
    notes = [f"used: {', '.join(facts)}"] if facts else []
    compared = [sizes for sizes in sides.choices if any(case.sizes == sizes for case in found)]
    only = _only_one_defined(sides, compared) or _defined_at_points(sides, compared)
    if only:
        notes.append(f"{only}; compared where both have a value")
    if proof is not None:
        said = f"equal{where}{',' if where and proof != FORM else ''}{SAID[proof].removeprefix('equal')}"
        return _said(sides, True, proof, "\n".join([said, *notes]), used=used)
    proved = () if sides.definitions else same_elements(*sides.nodes, sides.variables, _small(compared))
    if proved:
        where = " and ".join(f"for {_sizes_text(sizes)}" for sizes in proved if sizes)
        kind, message = ELEMENTS, f"equal by elements: SymPy proves every element{' ' + where if where else ''}"
    else:
        kind, message = UNDECIDED, f"{UNDECIDED} at {len(found)} points{where} in 50 digits; this is no proof"
    return _said(sides, True if proved else None, kind, "\n".join([message, *notes]), used=used)


def _only_one_defined(sides: Sides, compared: Sequence[Mapping[Expr, int]]) -> str:
    """Say which formula has no value for sizes at which the other has one; nothing where both have or both lack one."""
    for sizes in (each for each in sides.choices if each not in compared):
        lacking = replace(sides, choices=[sizes]).lacking()
        if lacking in sides.names:
            return f"{lacking} has no value for {_sizes_text(sizes)}"
    return ""


def _defined_at_points(sides: Sides, compared: Sequence[Mapping[Expr, int]]) -> str:
    """Say which formula lacks a value at some points where the other has one, as `log(x) + log(y)` for `log(x * y)`."""
    for has, lacks, name in ((*sides.nodes, sides.names[1]), (*sides.nodes[::-1], sides.names[0])):
        if not may_lack_value(lacks):
            continue
        for case in replace(sides, choices=compared).cases_of((has,)):
            if case.rough(lacks) is not None and case.value(lacks) is None:
                return f"{name} has no value at some points where the other has one"
    return ""


def _small(choices: Sequence[Mapping[Expr, int]]) -> list[Mapping[Expr, int]]:
    """The two smallest choices of sizes, without sizes of 1, at which much is equal that is not elsewhere."""
    proper = [sizes for sizes in choices if min(sizes.values(), default=2) > 1]
    return sorted(proper or choices, key=lambda sizes: (-min(2, len({*sizes.values()})), sum(sizes.values())))[:2]


def _sizes_text(sizes: Any) -> str:
    return ", ".join(f"{symbol} = {size}" for symbol, size in sizes.items())


# ---------------------------------------------------------------- a difference


def _different(sides: Sides, found: tuple[Case, ...], rare: bool) -> Comparison:
    """Say how two formulas differ by what holds at some cases, those first at which they differ.

    Where they differ at special cases alone (`rare`), no fact of an array is what is missing.
    """
    first, second = sides.nodes
    because = _because(sides, found, rare)
    plain = because is not None and because.kind in ("constant factor", "sign")  # nothing more makes such two equal
    plain = plain or rare or bool(sides.definitions)  # nor does anybody assume more of what a network makes
    fact = None if plain else enabling_fact(sides)
    special = None if because or fact or sides.definitions else special_sizes(sides)
    if because is not None:
        kind, sentences = because.kind, [because.sentence]
    else:
        kind = "equal where a fact holds" if fact else "equal for special sizes" if special else "different"
        sentences = [] if fact or special else [_largest_difference(first, second, found)]
    if fact:
        sentences.append(f"they are equal if {fact}")
    if special:
        sentences.append(f"they are equal if {special}")
    shown_at = smallest_counterexample(sides, found) or as_counterexample(found[0], sides)
    message = f"not equal: {'; '.join(sentences)}\n{shown_at}"
    return _said(sides, False, kind, message, counterexample=shown_at)


def _because(sides: Sides, found: tuple[Case, ...], rare: bool = False) -> Reason | None:
    """Return how two formulas differ; what is so for all values of names need not be looked at in a whole network."""
    definitions = {each.target: each.expression for each in sides.told}
    pair = Pair(*sides.nodes, found, sides.names, definitions, rare)
    if not definitions:
        return reason(pair)
    free = tuple(sides.free.cases())
    among = _those_that_differ_first(free, [agree(case, *sides.nodes) for case in free])
    because = reason(replace(pair, cases=among)) if among and agree(among[0], *sides.nodes) is False else None
    return because or reason(replace(pair, cases=(*found[:1], *sides.cases())))


def _largest_difference(first: Node, second: Node, found: tuple[Case, ...]) -> str:
    pairs = [(case.value(first), case.value(second)) for case in found]
    worst = max(precise_difference(a, b) for a, b in pairs if a is not None and b is not None)
    return f"they differ by up to {scientific(worst)} of the largest element"


def _of_other_shapes(sides: Sides, found: tuple[Case, ...]) -> Comparison:
    first, second = sides.nodes
    because = _because(sides, found) if found else None
    shapes = f"the shapes are {shape_text(first.shape)} and {shape_text(second.shape)}"
    message = f"not equal: {shapes}{'; ' + because.sentence if because else ''}"
    shown_at = whole_example(sides, _small(sides.choices)[0])
    if shown_at is not None:
        message += f"\n{shown_at}"
    return _said(sides, False, because.kind if because else "shape", message, counterexample=shown_at)


def _without_cases(sides: Sides) -> Comparison:
    """Say which of two formulas has no value at any point that the facts allow."""
    if sides.nodes[0] == sides.nodes[1]:
        return _said(sides, True, FORM, SAID[FORM])
    lacking, message = sides.lacking(), "no point was found where both formulas have a value"
    if lacking:
        missing = "each formula" if lacking == "both" else lacking
        message = f"{missing} has no finite real value at any point that was tried"
    return _said(sides, None, NOWHERE, f"undecided: {message}")


def sides_of(one: Any, other: Any, variables: tuple[Variable, ...]) -> Sides:
    """Return two formulas with the sizes at which they are compared.

    Raises:
        LimitError: an array of more than 2,000 elements.
    """
    one, other = (
        each if (node := without_derivatives(each.node)) is each.node else replace(each, node=node)
        for each in (one, other)
    )
    known = standing(variables, one.node, other.node)
    return Sides(one, other, known, size_choices((one.node, other.node), known))

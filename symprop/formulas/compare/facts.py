"""When two formulas that differ are equal after all: if something more were declared, or for special sizes.

And the reverse for two that are equal: which of the declared facts they need.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

from symprop.algebra.declarations import DECLARED
from symprop.algebra.equations import Equation
from symprop.algebra.nodes import Fact, Variable
from symprop.algebra.trees import replace as replaced
from symprop.algebra.trees import variables as variables_in
from symprop.formulas.checks.points import size_symbols
from symprop.formulas.compare.cases import agree, same_everywhere
from symprop.formulas.compare.proofs import proof_for_every_size
from symprop.formulas.compare.sides import Sides
from symprop.formulas.compare.special import special_cases
from symprop.formulas.compare.steps import at_steps

WORDS = (
    *("symmetric", "orthogonal", "nonnegative", "positive"),
    *("sums-to-1", "rows-sum-to-1", "columns-sum-to-1"),
)
"""What people may have meant of an array, what says less before what says more; that it is 0 or 1 is no such thing."""

TOGETHER = ("symmetric", "orthogonal", "nonnegative", "positive")
"""What may be said of several variables at once."""

COUNT = 8
"""Cases for one guess."""


def said(name: str, fact: Fact, rank: int) -> str:
    """Return a fact about a variable as words.

    >>> said("A", Fact("symmetric"), 2), said("P", Fact("sums to 1", 1), 2)
    ('A is symmetric', 'the rows of P sum to 1')
    """
    if fact.kind == "sums to 1":
        return (
            f"{name} sums to 1" if rank == 1 else f"the {'columns' if fact.value == 0 else 'rows'} of {name} sum to 1"
        )
    if fact.kind == "signs":
        return f"the elements of {name} are 1 or -1"
    if fact.kind == "bits":
        return f"the elements of {name} are 0 or 1"
    return f"{name} is {fact.kind}"


def enabling_fact(sides: Sides) -> str | None:
    """Return the fact that is proved to make two formulas equal, as words: of one variable, or of several alike.

    >>> from symprop.algebra.formula import formula
    >>> f, g = formula("A @ x", A="n n", x="n"), formula("A.T @ x", A="n n", x="n")
    >>> (n,) = f.shape
    >>> enabling_fact(Sides(f, g, f.variables, ({n: 2}, {n: 3})))
    'A is symmetric'
    """
    both = {each for node in sides.nodes for each in variables_in(node)}
    read = [each for each in sides.variables if each in both]
    for word in WORDS:
        fitting = [each for each in read if _may_be(each, word)]
        groups = [(each,) for each in fitting] + ([tuple(fitting)] if len(fitting) > 1 and word in TOGETHER else [])
        for group in groups:
            more = {each: each.change(facts=_more(each, word)) for each in group}
            meant = sides.over(tuple(more.get(each, each) for each in sides.variables))
            if not same_everywhere(*sides.nodes, meant.cases(COUNT)):
                continue
            first, second = (replaced(node, more) for node in sides.nodes)
            if proof_for_every_size([(first, second)]) is not None:
                return " and ".join(_said_of(each, word) for each in group)
    return None


def _may_be(variable: Variable, word: str) -> bool:
    known = {fact.kind for fact in variable.facts}
    new = {fact.kind for fact in DECLARED[word].facts(variable.shape)} if DECLARED[word].fits(variable.shape) else set()
    senseless = word in ("signs", "one-hot") and "nonnegative" in known
    return "index" not in known and bool(new - known) and not senseless


def _more(variable: Variable, word: str) -> tuple[Fact, ...]:
    facts = (*variable.facts, *DECLARED[word].facts(variable.shape))
    return tuple({fact.kind: fact for fact in facts}.values())


def _said_of(variable: Variable, word: str) -> str:
    if "sum" in word:
        return said(variable.name, DECLARED[word].facts(variable.shape)[0], variable.rank)
    return said(variable.name, Fact(word if word == "one-hot" else word.replace("-", " ")), variable.rank)


def needed_facts(sides: Sides) -> tuple[str, ...]:
    """Return the declared facts without which two equal formulas differ, as words.

    >>> from symprop.algebra.formula import formula
    >>> f, g = formula("A @ x", "A: n n symmetric, x: n positive"), formula("A.T @ x", "A: n n, x: n")
    >>> (n,) = f.shape
    >>> needed_facts(Sides(f, g, f.variables, ({n: 2}, {n: 3})))
    ('A is symmetric',)
    """
    used: list[str] = []
    for each in sides.variables:
        facts = [fact for fact in each.facts if fact.kind != "index"]
        needed = [fact for fact in facts if _differ_without((fact,), each, sides)]
        if not needed and facts and _differ_without(tuple(facts), each, sides):
            needed = facts[:1]  # each of them would do alone, and the first is what was declared
        used += [said(each.name, fact, each.rank) for fact in needed]
    return tuple(used)


def needed_names(sides: Sides) -> tuple[str, ...]:
    """Return the equations of names without which a line of a derivation differs from what it is equal to.

    A name that is drawn for itself, here the `p` of a line `(p - y) * sum(p)`, is no softmax any more.
    """
    read = set(variables_in(at_steps(sides.nodes[1], sides.steps)))
    told = {at_steps(each.target, sides.steps): each for each in reversed(sides.told)}
    needed = [each for each in sides.definitions if each.target in read and _differ_where_free(each, sides)]
    return tuple(told.get(each.target, each).text() for each in needed)


def _differ_where_free(definition: Equation, sides: Sides) -> bool:
    others = tuple(each for each in sides.definitions if each != definition)
    drawn = replace(sides, variables=(*sides.variables, definition.target), definitions=others)
    return any(agree(case, *sides.nodes) is False for case in drawn.cases(COUNT))


def _differ_without(facts: tuple[Fact, ...], variable: Variable, sides: Sides) -> bool:
    kept = tuple(fact for fact in variable.facts if fact not in facts)
    without = tuple(each.change(facts=kept) if each == variable else each for each in sides.variables)
    return any(agree(case, *sides.nodes) is False for case in replace(sides, variables=without).cases(COUNT))


def special_sizes(sides: Sides) -> str | None:
    """Return sizes for which two formulas that differ are equal (`n = 1`, `m = n`), as words."""
    symbols = size_symbols(sides.variables)
    guesses = [(f"{each} = 1", [{**sizes, each: 1} for sizes in sides.choices]) for each in symbols]
    for left, right in itertools.combinations(symbols, 2):
        guesses.append((f"{left} = {right}", [{**sizes, right: sizes[left]} for sizes in sides.choices]))
    for words, special in guesses:
        meant = replace(sides, choices=special)
        if same_everywhere(*sides.nodes, itertools.chain(meant.cases(COUNT), special_cases(meant))):
            return words
    return None

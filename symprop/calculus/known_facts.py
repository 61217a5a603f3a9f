"""What is known of a node, each with its reason: by a `Fact` declared on a variable, or by what defines a variable."""

from __future__ import annotations

import sympy

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import TARGET
from symprop.calculus.coefficients import coefficient_and_rest, same_shape
from symprop.calculus.context import Context, KnownFact
from symprop.calculus.exponentials import complement


def _kind(node: Node, context: Context) -> str:
    """ "softmax", or the name of the function that defines `node`, or nothing."""
    meaning = context.definition(node)
    return "softmax" if isinstance(meaning, n.Softmax) else "" if meaning is None else meaning.function_name


def _said(node: Node, what: str, kind: str) -> str:
    """Say that a node is `what`, because it is a softmax, an exponential or a sigmoid."""
    article = "an" if kind == "exp" else "a"
    return f"{node.name} {what}, as every {kind}" if isinstance(node, Variable) else f"{article} {kind} {what}"


def positive(node: Node, context: Context) -> KnownFact | None:
    """Return the reason why every element of `node` is above 0, or None."""
    if has_fact(node, "positive"):
        return declared_fact(node, "positive")
    kind = _kind(node, context)
    return _said(node, "is above 0", kind) if kind in ("softmax", "exp", "sigmoid") else None


def has_fact(node: Node, kind: str) -> bool:
    """Whether `node` is a variable that was declared so."""
    return isinstance(node, Variable) and kind in node.facts_by_kind


SENTENCES: dict[str, str] = {
    "symmetric": "{} is symmetric",
    "orthogonal": "{} is orthogonal",
    "positive": "{} is above 0",
    "nonnegative": "{} is not negative",
    "one-hot": "the elements of {} are 0 or 1",
    "bits": "the elements of {} are 0 or 1",
    "signs": "the elements of {} are -1 or 1",
}
"""How a declared fact is said; what sums to 1 is said by its axis."""


def declared_fact(node: Node, kind: str) -> str:
    """Say what a variable was declared to be, in the words that the ledger of an answer looks for.

    >>> from symprop.algebra.declarations import declared
    >>> declared_fact(declared("Y", "m k rows-sum-to-1"), "sums to 1")
    'each row of Y sums to 1'
    """
    name = node.name if isinstance(node, Variable) else ""
    if kind == "sums to 1" and isinstance(node, Variable):
        part = "row" if node.facts_by_kind[kind] == node.rank - 1 else "column"
        return f"{name} sums to 1" if node.rank == 1 else f"each {part} of {name} sums to 1"
    return SENTENCES[kind].format(name)


def below_one(node: Node, context: Context) -> KnownFact | None:
    """Return the reason why every element of `node` is below 1, or None."""
    return _said(node, "is below 1", "sigmoid") if _kind(node, context) == "sigmoid" else None


def nonzero(node: Node, context: Context) -> KnownFact | None:
    """Return the reason why no element of `node` is 0, or None."""
    p = complement(node)
    if p is not None:
        return below_one(p, context)
    if isinstance(node, n.Determinant):
        return "a matrix that has an inverse has no determinant 0"
    return positive(node, context)


def sums_to_one(node: Node, axes: tuple[int, ...], context: Context) -> tuple[int, KnownFact] | None:
    """Return the axis among `axes` along which `node` sums to 1, with the reason, or None."""
    if isinstance(node, Variable):
        for fact in node.facts:
            if fact.kind == "sums to 1" and int(fact.value) in axes:
                return int(fact.value), "the targets sum to 1" if node.role == TARGET else declared_fact(
                    node, fact.kind
                )
    meaning = context.definition(node)
    if isinstance(meaning, n.Softmax) and meaning.axis in axes:
        return meaning.axis, _said(node, "sums to 1", "softmax")
    return _mixed(node, meaning, axes, context) if isinstance(meaning, n.Add) else None


def _mixed(node: Node, meaning: n.Add, axes: tuple[int, ...], context: Context) -> tuple[int, KnownFact] | None:
    """`c * y + d` sums to 1 where `y` does and `c + k * d` is 1, `k` being the number of elements: smoothed targets."""
    constants = [term.constant for term in meaning.operands if term.constant is not None]
    numbers, others = sum(constants), [term for term in meaning.operands if term.constant is None]
    if len(others) != 1:
        return None
    coefficient, y = coefficient_and_rest(others[0])
    found = sums_to_one(y, axes, context) if y is not None and same_shape(y, node) else None
    whole = found is not None and sympy.simplify(coefficient + numbers * node.shape[found[0]]) == 1
    if found is None or not whole or not isinstance(node, Variable):
        return None
    return found[0], f"{node.name} sums to 1, since {found[1]}"

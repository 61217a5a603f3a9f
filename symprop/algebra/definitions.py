"""The names of a formula: which definitions something reads, and what it is with these written out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from symprop.algebra.equations import Equation
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import replace, variables


def needed_for(node: Node, definitions: Sequence[Equation]) -> tuple[Equation, ...]:
    """Return the definitions that `node` reads, itself or by others, in order."""
    read, kept = set(variables(node)), []
    for each in reversed(definitions):
        if each.target in read:
            read.update(variables(each.expression))
            kept.append(each)
    return tuple(reversed(kept))


def reaching(by: Iterable[Variable], definitions: Sequence[Equation]) -> list[Equation]:
    """Return the definitions that read one of these variables, themselves or by others, in order."""
    active, found = set(by), []
    for each in definitions:
        if not active.isdisjoint(variables(each.expression)):
            active.add(each.target)
            found.append(each)
    return found


def written_out(node: Node, definitions: Sequence[Equation]) -> Node:
    """Return `node` with the right sides of `definitions` in place of their names.

    >>> from symprop.algebra.formula import formula
    >>> f = formula("a = x @ x; b = exp(a); a * b", x="n")
    >>> print(written_out(f.node, f.definitions).text())
    (x @ x) * exp(x @ x)
    """
    known: dict[Node, Node] = {}
    for each in needed_for(node, definitions):
        known[each.target] = replace(each.expression, known)
    return replace(node, known)

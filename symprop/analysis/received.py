"""What receives nothing, and what receives a sum: remarks on how derivatives flow through products and softmax.

Both are read off the equations: a softmax is 0 where what it reads is minus infinity, and its derivative is a product
with it; a matrix that stands in products with several others is given back the sum over them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import sympy

from symprop.algebra import nodes as n
from symprop.algebra.alike import asked_once
from symprop.algebra.equations import Equation, Item, System, equations_in
from symprop.algebra.names import adjoint_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import factors_of, terms_of, walk

By = Mapping[Variable, Equation]


def received(system: System, backward: Sequence[Item]) -> Iterator[str]:
    """Say which scores are masked and receive nothing, and whose derivative is a sum over those that share it.

    >>> from symprop import derive
    >>> d = derive("Input(3, 4) >> Attention(2, kv_heads=1, causal=True) >> MeanSquaredError()")
    >>> print(*d.remarks[1:], sep="\\n")
    p1 is 0 where M is minus infinity, and so is ds1: what is masked receives nothing
    2 products read the same matrix of k1, v1: dk1, dv1 are the sums over them
    """
    made = {equation.target: equation for equation in system.equations}
    found = {equation.target: equation for equation in equations_in(backward)}
    hidden: dict[str, list[tuple[Variable, Variable]]] = {}
    shared: dict[str, list[tuple[Variable, Variable]]] = {}
    for equation in made.values():
        for where, gradient in _hidden(equation, made, found):
            hidden.setdefault(where, []).append((equation.target, gradient))
        for count, read in _shared(equation.expression, found):
            shared.setdefault(count, []).append((read, adjoint_of(read)))
    for where, pairs in hidden.items():
        weights, scores = map(_listed, zip(*pairs, strict=True))
        verbs = ("is", "is") if len(pairs) == 1 else ("are", "are")
        yield f"{weights} {verbs[0]} 0 where {where}, and so {verbs[1]} {scores}: what is masked receives nothing"
    for count, pairs in shared.items():
        stacks, sums = map(_listed, zip(*pairs, strict=True))
        said = "is the sum" if len(pairs) == 1 else "are the sums"
        yield f"{count} products read the same matrix of {stacks}: {sums} {said} over them"


def _hidden(equation: Equation, made: By, found: By) -> Iterator[tuple[str, Variable]]:
    """Yield where a softmax is 0, and the adjoint of what it reads, where that is a product with it."""
    if not isinstance(equation.expression, n.Softmax):
        return
    scores = equation.expression.operands[0]
    if not isinstance(scores, Variable) or scores not in made:
        return
    gradient = found.get(adjoint_of(scores))
    if gradient is not None and equation.target in factors_of(gradient.expression):
        places = [place for term in terms_of(made[scores].expression) if (place := _minus_infinity(term))]
        if places:
            yield " or ".join(places), gradient.target


def _minus_infinity(term: Node) -> str:
    """Say where a term of a sum is minus infinity, if it is somewhere: known data, or what a choice has otherwise."""
    for part in walk(term):
        if isinstance(part, n.Known) and part.rule.has(sympy.S.NegativeInfinity):
            return f"{part.name} is minus infinity"
        if isinstance(part, n.Where) and part.operands[2].constant == sympy.S.NegativeInfinity:
            return f"{part.operands[0].text()} does not hold"
    return ""


@asked_once
def _shares(expression: Node) -> bool:
    """Whether in a product of stacks of matrices one has an axis of length 1."""
    products = (part for part in walk(expression) if isinstance(part, n.MatMul))
    return any(1 in operand.shape[:-2] for product in products for operand in product.operands)


def _shared(expression: Node, found: By) -> Iterator[tuple[str, Variable]]:
    """Yield each variable of which one matrix stands in several products, with their number, if it has an adjoint."""
    for product in walk(expression) if _shares(expression) else ():
        for this, other in (product.operands, product.operands[::-1]) if isinstance(product, n.MatMul) else ():
            read = this.untransposed
            pairs = list(zip(this.shape[:-2], other.shape[:-2], strict=True)) if this.rank == other.rank else []
            count = sympy.prod([many for one, many in pairs if one == 1])
            if isinstance(read, Variable) and count != 1 and adjoint_of(read) in found:
                yield str(count), read


def _listed(names: Iterable[Variable]) -> str:
    """Name some variables: all of a few, else the first ones and the last."""
    every = list(dict.fromkeys(each.name for each in names))
    return ", ".join(every if len(every) <= 4 else [*every[:2], "...", every[-1]])


__all__ = ["received"]

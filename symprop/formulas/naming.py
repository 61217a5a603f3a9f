"""Names for the parts that an answer has more than once: `X.T @ diag(s * (1 - s)) @ X` with `s = sigmoid(X @ w)`.

A part is named where that makes the whole shorter to read. The letter says what it is: `p` a softmax, `s` a sigmoid,
`r` a difference, `z` a product of matrices; a number follows where a letter is taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation
from symprop.algebra.names import variable
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import loose, replace, terms_of, variables, walk
from symprop.calculus.coefficients import base_and_exponent

SHORTEST = 4
"""A part of fewer nodes is as short as a name."""

LETTERS: dict[type[Node], str] = {
    n.Softmax: "p",
    n.MatMul: "z",
    n.Inverse: "M",
    n.Power: "c",
    n.Sum: "c",
    n.Add: "r",
    n.Multiply: "q",
}


def with_names(node: Node, taken: Iterable[str]) -> tuple[tuple[Equation, ...], Node]:
    """Return definitions of the parts that stand in `node` more than once, in order, and `node` in their names.

    >>> from symprop.algebra.formula import formula
    >>> f = formula("sigmoid(X @ w) * (1 - sigmoid(X @ w))", X="m n", w="n")
    >>> definitions, body = with_names(f.node, ["X", "w"])
    >>> print(body.text(), "where", definitions[0].text())
    s * (1 - s) where s = sigmoid(X @ w)
    """
    names = {*taken}
    definitions: list[Equation] = []
    while True:
        part = _worth_a_name([*(each.expression for each in definitions), node])
        if part is None:
            break
        target = variable(_letter(part, names), part.shape)
        names.add(target.name)
        definitions = [Equation(each.target, replace(each.expression, {part: target})) for each in definitions]
        node = replace(node, {part: target})
        definitions.append(Equation(target, part))
    return _ordered(definitions), node


def _worth_a_name(formulas: list[Node]) -> Node | None:
    """Return the largest part that stands more than once, where naming it saves more than the definition costs."""
    counts: Counter[Node] = Counter(part for formula in formulas for part in walk(formula))
    best, saved = None, 0
    for part, count in counts.items():
        if count < 2 or part.weight < SHORTEST or not variables(part) or _is_dressing(part):
            continue
        if loose(part, *formulas):
            continue  # a term has no value outside of its series
        gain = (count - 1) * (part.weight - 1) - 2
        if gain > saved or (gain == saved and best is not None and part.weight > best.weight):
            best, saved = part, gain
    return best


def _is_dressing(part: Node) -> bool:
    """Whether the operand rather than the part itself should have the name: a transpose, a reciprocal."""
    below = base_and_exponent(part)[1].could_extract_minus_sign()
    return bool(below) or isinstance(part, (n.Transpose, n.Expand))


def _letter(part: Node, taken: set[str]) -> str:
    word = part.function_name[:1] or LETTERS.get(type(part), "q")
    if any(isinstance(term, n.Identity) or term.number is not None for term in terms_of(part)):
        word = "q"
    number = 0
    while (name := word + (str(number) if number else "")) in taken:
        number += 1
    return name


def _ordered(definitions: list[Equation]) -> tuple[Equation, ...]:
    """Return definitions so that each stands before those that read it."""
    known, ordered, pending = {each.target for each in definitions}, [], list(definitions)
    done: set[Variable] = set()
    while pending:
        ready = next(each for each in pending if all(v in done or v not in known for v in variables(each.expression)))
        pending.remove(ready)
        ordered.append(ready)
        done.add(ready.target)
    return tuple(ordered)

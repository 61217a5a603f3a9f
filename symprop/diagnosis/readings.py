"""Mistakes in what is read: another variable, that of another step of time, one element for all."""

from __future__ import annotations

from collections.abc import Iterator

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import INPUT
from symprop.algebra.trees import added, multiplied, replace, variables, walk
from symprop.diagnosis.parts import is_product, shortened
from symprop.diagnosis.table import Place, Wrong, fitting, mistake


@mistake()
def _(node: Node, place: Place) -> Iterator[Wrong]:
    """Of an array for each step of time, or each layer, the one before or after is read throughout."""
    if not place.is_root and not isinstance(node, n.Add):
        return
    read = variables(node)
    for letter in dict.fromkeys(each.family for each in read):
        mine = [each for each in read if each.family == letter and len(each.index) == 1]
        for move in (1, -1):
            moved = {each: place.named(each.change(index=(each.index[0] + move,))) for each in mine}
            pairs = {each: other for each, other in moved.items() if other is not None and other.shape == each.shape}
            if mine and len(pairs) == len(mine) and move == 1:  # what the first step reads is the state before
                start = min(mine, key=lambda each: int(each.index[0]) if each.index[0].is_Integer else 0)
                pairs |= {each: start for each in read if each.role == INPUT and each.shape == start.shape}
            if len(pairs) > 1 and len(pairs) >= len(mine):
                first, other = next(iter(pairs.items()))
                said = f"reads {other.text()} in place of {first.text()}, and so on"
                yield Wrong(fitting(replace, node, pairs), "variable", said, 1.2)


@mistake(Variable)
def _(node: Variable, place: Place) -> Iterator[Wrong]:
    """Another variable: of the same shape, or of another one that fits there."""
    for other in place.others:
        if other != node and other.rank == node.rank:
            said = f"reads {other.text()} in place of {node.text()}{without(node, other, place)}"
            far = 1.2 + place.near(node, other) + 0.2 * (other.shape != node.shape)
            yield Wrong(other, "variable", said, far)
    for axis in range(node.rank):
        said = f"reads the first of {node.text()} along axis {axis} alone"
        yield Wrong(n.Slice(node, axis, 0, 1), "variable", said, 1.5)
    for inside in place.operands_of(node):
        for function in place.functions:
            made = n.Map(function, inside)
            yield Wrong(made, "function", f"has {shortened(made)} in place of {node.text()}", 1.4)


def without(node: Variable, other: Variable, place: Place) -> str:
    """Say what the one variable has of which it is made of the other by a product."""
    definition = place.definitions.get(node)
    factors = definition.expression.operands if definition and is_product(definition.expression) else ()
    rest = [each for each in factors if each != other]
    return f", without its factor {shortened(multiplied(rest))}" if rest and len(rest) < len(factors) else ""


@mistake()
def _(node: Node, place: Place) -> Iterator[Wrong]:
    """Another variable wherever one stands in a part that reads it more than once."""
    if not isinstance(node, (n.Add, n.Multiply)) and not place.is_root:
        return
    often = [part for part in walk(node) if isinstance(part, Variable)]
    for each in dict.fromkeys(often):
        if often.count(each) > 1:
            for other in place.others:
                if other != each and other.shape == each.shape:
                    said = f"reads {other.text()} in place of {each.text()}"
                    yield Wrong(fitting(replace, node, {each: other}), "variable", said, 1.2 + place.near(each, other))


@mistake(n.Add)
def _(node: n.Add, place: Place) -> Iterator[Wrong]:
    """Another adjoint in the place of a term."""
    for number, term in enumerate(node.operands):
        rest = [*node.operands[:number], *node.operands[number + 1 :]]
        for other in place.others:
            if other.is_gradient and other.shape == node.shape and other not in variables(term):
                said = f"adds {other.text()} where it should add {shortened(term)}"
                yield Wrong(added([*rest, other]), "variable", said, 1.3)

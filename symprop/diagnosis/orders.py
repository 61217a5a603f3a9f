"""Mistakes of before and after: what belongs inside of a sum or a move and stands outside, and the other way round."""

from __future__ import annotations

from collections.abc import Iterator

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import added, multiplied, replace, variables, walk
from symprop.diagnosis.parts import is_atom, is_product, left_out, moved_variable, shortened, summing
from symprop.diagnosis.table import Place, Wrong, fitting, mistake


@mistake()
def _(node: Node, place: Place) -> Iterator[Wrong]:
    """A factor that belongs inside a sum or a product is applied outside."""
    if isinstance(node, (Variable, n.Transpose, n.Expand)):
        return
    written = replace(
        node, {each: of.expression for each, of in place.definitions.items() if is_product(of.expression)}
    )
    for inside in dict.fromkeys((node, written)):
        found = (part for part in walk(inside) if isinstance(part, n.Multiply))
        factors = dict.fromkeys(factor for part in found for factor in part.operands if factor.number is None)
        for factor in factors:
            without = left_out(inside, factor)
            if without is None:
                continue
            if (made := fitting(n.Multiply, factor, without)) is None or (
                made.shape != node.shape and not place.is_root
            ):
                continue
            name, what = shortened(factor), summing(inside)
            if what and made != inside:
                yield Wrong(made, "order", f"multiplies by {name} after the {what}; it belongs inside", 1.3)


@mistake(n.Add, n.Pad, n.Concatenate)
def _(node: Node, place: Place) -> Iterator[Wrong]:
    """A factor that belongs to elements before they are moved is applied after."""
    if not any(isinstance(part, (n.Pad, n.Concatenate, n.Slice, n.Flip)) for part in walk(node)):
        return
    for read in variables(node):
        without = _before_moves(node, read)
        made = None if without in (None, node) else fitting(n.Multiply, without, read)
        if made is not None and made.shape == node.shape:
            said = f"multiplies by {read.text()} after elements are moved; it belongs before"
            yield Wrong(made, "order", said, 1.4)
    if isinstance(node, n.Add) and len(node.operands) > 2:
        moved = [each for each in node.operands if any(isinstance(part, n.Pad) for part in walk(each))]
        rest = [each for each in node.operands if each not in moved]
        if len(moved) > 1 and rest:
            for each in _moved_last(added(moved)):
                yield Wrong(fitting(n.Add, *rest, each.node), each.kind, each.said, each.cost)


def _moved_last(node: Node) -> Iterator[Wrong]:
    """Yield a sum with a factor applied after its elements are moved."""
    for read in variables(node):
        without = _before_moves(node, read)
        if (
            without is not None
            and (made := fitting(n.Multiply, without, read)) is not None
            and made.shape == node.shape
        ):
            yield Wrong(made, "order", f"multiplies by {read.text()} after elements are moved; it belongs before", 1.4)


def _before_moves(node: Node, factor: Variable) -> Node | None:
    """Return a node without a factor, or parts of it, in its products; None where it stands elsewhere."""
    if factor not in variables(node):
        return node
    if isinstance(node, n.Multiply):
        rest = [each for each in node.operands if moved_variable(each) != factor]
        if len(rest) < len(node.operands):
            return multiplied(rest) if rest and factor not in variables(multiplied(rest)) else None
    if not node.operands:
        return None
    parts = [_before_moves(each, factor) for each in node.operands]
    return None if None in parts else fitting(node.with_operands, [part for part in parts if part is not None])


@mistake(n.Multiply)
def _(node: n.Multiply, place: Place) -> Iterator[Wrong]:
    """A factor that belongs outside is applied inside a sum or a product."""
    for factor in node.operands:
        rest = [each for each in node.operands if each is not factor]
        if factor.number is not None or not rest:
            continue
        for number, total in enumerate(rest):
            for inner in inner_products(total, factor):
                made = multiplied([*rest[:number], inner, *rest[number + 1 :]])
                if made.shape == node.shape:
                    said = f"multiplies by {shortened(factor)} inside of {shortened(total)}; it belongs outside"
                    yield Wrong(made, "order", said, 1.4)


def inner_products(total: Node, factor: Node) -> Iterator[Node]:
    """Yield a sum or a product whose operand has a further factor."""
    if isinstance(total, (n.Sum, n.MatMul, n.Transpose, n.Expand)):
        for number, operand in enumerate(total.operands):
            within = [fitting(n.Multiply, operand, factor), *inner_products(operand, factor)]
            for made in within:
                if made is not None and made.shape == operand.shape:
                    operands = [*total.operands[:number], made, *total.operands[number + 1 :]]
                    yield total.with_operands(operands)


@mistake(n.Add)
def _(node: n.Add, place: Place) -> Iterator[Wrong]:
    """What is to be added after an operation is added to what goes into it."""
    for number, term in enumerate(node.operands):
        rest = added([*node.operands[:number], *node.operands[number + 1 :]])
        if not is_atom(term):
            continue
        for read in dict.fromkeys(part for part in walk(rest) if is_atom(part)):
            if read.shape == term.shape and read != term:
                said = f"adds {term.text()} to {read.text()} before the operation; it belongs behind"
                yield Wrong(fitting(replace, rest, {read: read + term}), "order", said, 1.3)


@mistake()
def _(node: Node, place: Place) -> Iterator[Wrong]:
    """What is to be added to what goes into an operation is added after it."""
    if not place.is_root:
        return
    for read in variables(node):
        definition = place.definitions.get(read)
        if definition is None or not isinstance(definition.expression, n.Add):
            continue
        for number, term in enumerate(definition.expression.operands):
            if term.shape == node.shape and read.shape == node.shape:
                terms = definition.expression.operands
                rest = added([*terms[:number], *terms[number + 1 :]])
                said = f"adds {shortened(term)} after the operation; it belongs to {read.text()} before"
                yield Wrong(
                    fitting(lambda rest=rest, read=read, term=term: replace(node, {read: rest}) + term),
                    "order",
                    said,
                    1.5,
                )


@mistake()
def _(node: Node, place: Place) -> Iterator[Wrong]:
    """Statistics that are given are differentiated as if they were made of the input: two means are taken off."""
    if not place.is_root or isinstance(node, n.Add):
        return
    same = [each for each in place.others if each.shape == node.shape]
    parts = [part for each in place.definitions.values() for part in walk(each.expression) if part.shape == node.shape]
    deviations = dict.fromkeys((*same, *(part for part in parts if isinstance(part, n.Add))))
    roots = [each for each in place.others if isinstance(_defined(each, place), n.Power)]
    normed = [made for each in deviations for root in roots if (made := fitting(n.Multiply, each, root)) is not None]
    for value in (*same, *(each for each in normed if each.shape == node.shape)):
        for axis in range(node.rank):
            count = n.Scalar(1 / node.shape[axis])
            centred, along = (count * n.Sum(each, (axis,), True) for each in (node, node * value))
            said = f"takes off the means of itself and of its product with {shortened(value)}, which is given"
            yield Wrong(node - centred - value * along, "term", said, 1.6)


def _defined(value: Variable, place: Place) -> Node | None:
    definition = place.definitions.get(value)
    return definition.expression if definition else None

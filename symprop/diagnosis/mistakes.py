"""Mistakes in sums, products and powers: signs, factors, terms, powers, variables, what is applied too late."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import combinations

from sympy import Expr, Integer, Mul, Pow, Rational

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable, as_node, negative
from symprop.algebra.roles import INPUT
from symprop.algebra.trees import added, factors_of, is_element, multiplied, replace, variables, walk, zeros
from symprop.diagnosis.table import Place, Wrong, fitting, mistake


def word_of(node: Node) -> str:
    """Return the kind of mistake that a lost factor or term is: a mask has a word of its own."""
    return "mask" if node.is_indicator or isinstance(node, (n.Known, n.Triangle, n.Where)) else ""


@mistake()
def _(node: Node, place: Place) -> Iterator[Wrong]:
    """The whole: with another sign, or nothing at all."""
    if place.is_root:
        yield Wrong(negative(node), "sign", "has the wrong sign", 0.9)
        if node.constant != 0:
            yield Wrong(zeros(*node.shape), "term", "is zero where it is not", 1.2)


@mistake(n.Add)
def _(node: n.Add, place: Place) -> Iterator[Wrong]:
    """A term is lost, has another sign, or another factor."""
    for number, term in enumerate(node.operands):
        before, after = node.operands[:number], node.operands[number + 1 :]
        text, hidden = shortened(term), word_of(term)
        yield Wrong(added([*before, *after]), hidden or "term", f"lacks the {hidden or 'term'} {text}", 1.0)
        sign = "has the wrong sign before " + shortened(positive(term))
        yield Wrong(fitting(n.Add, *before, negative(term), *after), "sign", sign, 1.0)
        for factor in place.numbers:
            said = f"has the factor {factor_text(factor)} too many at the term {text}"
            yield Wrong(fitting(n.Add, *before, scaled(factor, term), *after), "factor", said, 1.5)


@mistake(n.Multiply)
def _(node: n.Multiply, place: Place) -> Iterator[Wrong]:
    """A factor is lost, or stands in it with another power."""
    for number, factor in enumerate(node.operands):
        rest = (*node.operands[:number], *node.operands[number + 1 :])
        if factor.number is not None:
            yield from _of_number(factor.number, partial(_times, rest), place)
            continue
        text, hidden = shortened(factor), word_of(factor)
        if factor in rest:
            said = f"has {text} in place of {shortened(n.Multiply(factor, factor))}"
            yield Wrong(multiplied(rest), "power", said, 1.0)
        yield Wrong(multiplied(rest), hidden or "factor", f"lacks the {hidden or 'factor'} {text}", 1.0)
        if isinstance(factor, n.Fill):
            continue
        yield from _of_slope(factor, rest, place)
        yield Wrong(fitting(n.Multiply, *rest, factor, factor), "power", f"has {text} squared", 1.4)
        yield Wrong(
            fitting(n.Multiply, *rest, n.Power(factor, -1)),
            "power",
            f"divides by {text}, by which it should multiply",
            1.4,
        )


def _of_slope(slope: Node, rest: tuple[Node, ...], place: Place) -> Iterator[Wrong]:
    """Yield products in which a slope such as `1 - a * a` is the value that it is of, or a function of that."""
    read = variables(slope)
    if len(read) != 1 or not any(isinstance(part, (n.Add, n.Map)) for part in walk(slope)):
        return
    value, text = read[0], shortened(slope)
    others: list[Node] = [value, value * (n.Scalar(1) - value), n.Scalar(1) - value * value, n.Scalar(1) - value]
    others += [n.Map(each, inside) for each in place.functions for inside in (value, *place.operands_of(value))]
    for number, other in enumerate(others):
        said = f"has {shortened(other)} in place of {text}"
        yield Wrong(fitting(n.Multiply, *rest, other), "function", said, 1.2 if number < 3 else 1.4)


@mistake(n.Multiply)
def _(node: n.Multiply, place: Place) -> Iterator[Wrong]:
    """Two factors are lost, such as those of a slope `s * (1 - s)`, or another function stands for them."""
    plain = [each for each in node.operands if not isinstance(each, n.Fill)]
    for one, other in combinations(plain, 2):
        rest = list(node.operands)
        rest.remove(one)
        rest.remove(other)
        if not rest or one == other:
            continue
        lost = n.Multiply(one, other)
        yield Wrong(multiplied(rest), "factor", f"lacks the factor {shortened(lost)}", 1.1)
        if one.number is None and other.number is None:
            yield from _of_slope(lost, tuple(rest), place)


@mistake(n.Add)
def _(node: n.Add, place: Place) -> Iterator[Wrong]:
    """Of more than two terms two are lost, or all but one."""
    if len(node.operands) < 3:
        return
    for number, one in enumerate(node.operands):
        for other in node.operands[number + 1 :]:
            rest = [each for each in node.operands if each is not one and each is not other]
            if rest:
                said = f"lacks the terms {shortened(one)} and {shortened(other)}"
                yield Wrong(added(rest), "term", said, 1.2)
        if len(node.operands) > 3:
            yield Wrong(one, "term", f"lacks all terms but {shortened(one)}", 1.3)


@mistake()
def _(node: Node, place: Place) -> Iterator[Wrong]:
    """A factor is lost wherever it stands, or the whole is one of the variables that it reads."""
    if not place.is_root:
        return
    found = [factor for part in walk(node) if isinstance(part, n.Multiply) for factor in part.operands]
    for factor in dict.fromkeys(each for each in found if each.number is None and found.count(each) > 1):
        without = left_out(node, factor)
        if without is not None:
            yield Wrong(without, word_of(factor) or "factor", f"lacks the factor {shortened(factor)}", 1.25)
    kind = "term" if isinstance(node, n.Add) else "factor"
    for read in variables(node):
        if read != node and read.shape == node.shape:
            yield Wrong(read, kind, f"is {read.text()} as it comes", 1.3)


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


def _times(rest: tuple[Node, ...], number: Expr) -> Node:
    return scaled(number, multiplied(rest))


def _of_number(number: Expr, build: Callable[[Expr], Node], place: Place) -> Iterator[Wrong]:
    """Yield products with another number: it or a part of it lost, in the wrong place, or another size."""
    powers = powers_of(number)
    if number.could_extract_minus_sign():
        yield Wrong(build(-number), "sign", "has the wrong sign", 1.0)
    if len(powers) > 1:
        minus = Integer(-1) if number.could_extract_minus_sign() else Integer(1)
        yield Wrong(build(minus), "factor", f"lacks the factor {factor_text(minus * number)}", 0.8)
    for base, power in powers.items():
        part = base**power
        rest, text = number / part, factor_text(part)
        yield Wrong(build(rest), "factor", f"lacks the factor {text}", 0.8)
        half = power.is_Integer is False
        others = [(part**2 if half else Pow(part, Rational(1, 2)), "power", 1.3), (1 / part, "power", 1.3)]
        if base.is_Symbol or (base.is_Integer and base > 2):
            others.append(((base - 1) ** power, "factor", 1.3))
        sizes = [each for each in place.numbers if each.is_Symbol or (each.is_Integer and each > 1)]
        others += [(size**power, "factor", 1.2) for size in sizes if size != base]
        for other, kind, cost in others:
            said = f"has the factor {factor_text(other)} in place of {text}"
            yield Wrong(build(rest * other), kind, said, cost)


def powers_of(number: Expr) -> dict[Expr, Expr]:
    """Return the parts of a positive number by their powers, whole numbers as one.

    >>> from sympy import sqrt
    >>> powers_of(sqrt(2) / 6), powers_of(Rational(-2, 5))
    ({2: 1/2, 6: -1}, {2: 1, 5: -1})
    """
    found: dict[Expr, Expr] = {}
    for part in Mul.make_args(number):
        pairs = [(Integer(abs(part.p)), 1), (Integer(part.q), -1)] if part.is_Rational else [part.as_base_exp()]
        for base, power in pairs:
            if base != 1:
                found[base] = found.get(base, Integer(0)) + power
    return {base: power for base, power in found.items() if power != 0}


@mistake(n.Power)
def _(node: n.Power, place: Place) -> Iterator[Wrong]:
    """Another power."""
    base, power = node.operands[0], node.exponent
    for other, cost in ((power + 1, 1.3), (power - 1, 1.3), (-power, 1.3), (2 * power, 1.4), (power / 2, 1.4)):
        if other == 0:
            continue
        new = base if other == 1 else n.Power(base, other)
        yield Wrong(new, "power", f"has {shortened(new)} in place of {shortened(node)}", cost)


@mistake(Variable)
def _(node: Variable, place: Place) -> Iterator[Wrong]:
    """Another variable: of the same shape, or of another one that fits there."""
    for other in place.others:
        if other != node and other.rank == node.rank:
            said = f"reads {other.text()} in place of {node.text()}"
            far = 1.2 + place.near(node, other) + 0.2 * (other.shape != node.shape)
            yield Wrong(other, "variable", said, far)
    for inside in place.operands_of(node):
        for function in place.functions:
            made = n.Map(function, inside)
            yield Wrong(made, "function", f"has {shortened(made)} in place of {node.text()}", 1.4)


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


@mistake()
def _(node: Node, place: Place) -> Iterator[Wrong]:
    """An operation is left out, where its operand would fit."""
    if len(node.operands) == 1 and node.operands[0].shape == node.shape and not isinstance(node, n.Transpose):
        said = f"has {shortened(node.operands[0])} in place of {shortened(node)}"
        kind = "power" if isinstance(node, n.Power) else "function"
        yield Wrong(node.operands[0], kind, said, 1.5)


@mistake()
def _(node: Node, place: Place) -> Iterator[Wrong]:
    """`1 - u` in place of `u`, and the other way round."""
    if isinstance(node, Variable) and isinstance(place.above, n.Multiply):
        yield Wrong(n.Scalar(1) - node, "term", f"has 1 - {node.text()} in place of {node.text()}", 1.7)
    if isinstance(node, n.Add) and len(node.operands) == 2 and any(each.number == 1 for each in node.operands):
        other = next(each for each in node.operands if each.number != 1)
        yield Wrong(positive(other), "term", f"has {positive(other).text()} in place of {node.text()}", 1.6)


@mistake(n.Multiply)
def _(node: n.Multiply, place: Place) -> Iterator[Wrong]:
    """`1 - u` in place of `-u`."""
    if (node.operands[0].number or 0) == -1:
        yield Wrong(
            node + n.Scalar(1), "term", f"has {shortened(n.Scalar(1) + node)} in place of {shortened(node)}", 1.6
        )


@mistake()
def _(node: Node, place: Place) -> Iterator[Wrong]:
    """A factor or a term too many."""
    if not place.is_root:
        return
    for other in place.others:
        far = 1.9 + place.near(place.equation.target, other)
        if (made := fitting(n.Multiply, node, other)) is not None and made.shape == node.shape:
            yield Wrong(made, "factor", f"has the factor {other.text()} too many", far)
        if other.shape == node.shape:
            yield Wrong(node + other, "term", f"has the term {other.text()} too many", far)


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


def moved_variable(node: Node) -> Node:
    """Return what elements are moved or chosen from."""
    while isinstance(node, n.Structural):
        node = node.operands[0]
    return node


def is_atom(node: Node) -> bool:
    """Whether a node is a variable or one of its elements or rows."""
    return isinstance(node, Variable) or (is_element(node) and isinstance(node.operands[0].operands[0], Variable))


def is_product(node: Node) -> bool:
    """Whether a node is an elementwise product."""
    return isinstance(node, n.Multiply)


def summing(node: Node) -> str:
    """Return the word for what takes elements of a node together."""
    kinds = {type(part) for part in walk(node)}
    return "sum" if n.Sum in kinds else "product" if kinds & {n.MatMul, n.Outer} else ""


def left_out(node: Node, factor: Node) -> Node | None:
    """Return a node without a factor in any of its products; None where it stands elsewhere, or as a whole."""
    if not node.operands:
        return node
    if isinstance(node, n.Multiply) and factor in node.operands:
        rest = [each for each in node.operands if each != factor]
        return multiplied(rest) if rest else None
    parts = [left_out(each, factor) for each in node.operands]
    if any(part is None for part in parts):
        return None
    return fitting(node.with_operands, [part for part in parts if part is not None])


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


def scaled(number: Expr, node: Node) -> Node:
    """Return a node times a number, which joins the number that is there."""
    factors = factors_of(node)
    before = [each.number for each in factors if each.number is not None]
    value = Mul(number, *before)
    others = [each for each in factors if each.number is None]
    return multiplied([*([] if value == 1 and others else [as_node(value)]), *others])


def positive(node: Node) -> Node:
    """Return a term without its minus sign."""
    first = factors_of(node)[0].number
    return negative(node) if first is not None and first.is_negative else tidied(node)


def tidied(node: Node) -> Node:
    """Return a product without factors of 1."""
    if not isinstance(node, n.Multiply):
        return node
    return multiplied([each for each in node.operands if each.number != 1] or [n.Scalar(1)])


LONGEST = 60


@lru_cache(maxsize=20_000)
def shortened(node: Node) -> str:
    """Return the text of a node, the signs of products by 1 left out."""
    text = tidied(node).text()
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


@lru_cache(maxsize=20_000)
def factor_text(number: Expr) -> str:
    """Return a number as a page writes it."""
    return n.Scalar(number).text()

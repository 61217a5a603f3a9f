"""Mistakes in sums, products and powers: signs, factors, terms, numbers, powers, other functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations

from sympy import Expr, Integer, Pow, Rational

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable, negative
from symprop.algebra.trees import added, multiplied, variables, walk, zeros
from symprop.diagnosis.parts import factor_text, left_out, positive, powers_of, scaled, shortened, word_of
from symprop.diagnosis.table import Place, Wrong, fitting, mistake


@mistake()
def _(node: Node, place: Place) -> Iterator[Wrong]:
    """The whole: with another sign, or nothing at all."""
    if place.is_root:
        yield Wrong(negative(node), "sign", "has the wrong sign", 0.9)
        if node.constant != 0:
            yield Wrong(zeros(*node.shape), "term", "is zero where it is not", 1.2)
        for factor in place.numbers:
            yield Wrong(scaled(factor, node), "factor", f"has the factor {factor_text(factor)} too many", 1.3)


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
        yield Wrong(
            fitting(n.Multiply, *rest, other), "function", said, 1.2 if number == 0 else 1.3 if number < 3 else 1.4
        )


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


@mistake(n.Add)
def _(node: n.Add, place: Place) -> Iterator[Wrong]:
    """A sum or a difference is one of the variables that it is made of."""
    for read in variables(node):
        if read.shape == node.shape and not place.is_root:
            yield Wrong(read, "variable", f"has {read.text()} in place of {shortened(node)}", 1.4)


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


@mistake(n.Power)
def _(node: n.Power, place: Place) -> Iterator[Wrong]:
    """Another power."""
    base, power = node.operands[0], node.exponent
    for other, cost in ((power + 1, 1.3), (power - 1, 1.3), (-power, 1.3), (2 * power, 1.4), (power / 2, 1.4)):
        if other == 0:
            continue
        new = base if other == 1 else n.Power(base, other)
        yield Wrong(new, "power", f"has {shortened(new)} in place of {shortened(node)}", cost)


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

"""Rules for sums: what sums to 1, constants in front, sums that cancel."""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation
from symprop.algebra.nodes import Node
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import (
    factors_of,
    has_kind,
    is_zero,
    multiplied,
    ones,
    replace,
    terms_of,
    variables,
    walk,
    zeros,
)
from symprop.calculus.chains import links
from symprop.calculus.coefficients import coefficient_and_rest, expanded, same_shape
from symprop.calculus.context import WORKED_OUT_ON_DEMAND, Applied, Context, KnownFact, Rule, rule
from symprop.calculus.known_facts import sums_to_one
from symprop.calculus.known_products import KNOWN_PRODUCT, known_product
from symprop.calculus.reuse import why_once
from symprop.calculus.tidy import tidy

SUMS: list[Rule] = []


@rule(SUMS, "sums to one", "sum(y) = 1")
@for_kinds(n.Sum)
def ones_summed(node: n.Sum, context: Context) -> Applied | None:
    found = sums_to_one(node.operands[0], node.axes, context)
    if found is None:
        return None
    axis, reason = found
    shape = node.operands[0].shape
    inner = ones(*shape[:axis], 1, *shape[axis + 1 :])
    return Applied(tidy(n.Sum(inner, node.axes, node.keepdims)), (reason,))


@rule(SUMS, "a constant leaves the sum", "sum(c * x) = c * sum(x)")
@for_kinds(n.Sum)
def _(node: n.Sum, context: Context) -> Applied | None:
    product = node.operands[0]
    factors = factors_of(product)
    constant = [factor for factor in factors if all(_size(factor, product, axis) == 1 for axis in node.axes)]
    varying = [factor for factor in factors if factor not in constant]
    if not constant or not varying or not same_shape(multiplied(varying), product):
        return None
    outside = constant if node.keepdims else [_without_axes(factor, product, node.axes) for factor in constant]
    return Applied(n.Multiply(*outside, n.Sum(multiplied(varying), node.axes, node.keepdims)))


def _without_axes(factor: Node, product: Node, axes: tuple[int, ...]) -> Node:
    """Return a factor of a product without those of the `axes` that it has, which have length 1."""
    places = [axis - product.rank + factor.rank for axis in axes]
    present = [place for place in places if place >= 0]
    return tidy(n.Sum(factor, present)) if present else factor


def _size(factor: Node, product: Node, axis: int) -> object:
    position = axis - product.rank
    return factor.shape[position] if -position <= factor.rank else 1


rule(SUMS, KNOWN_PRODUCT, "sum(P * (A @ B), axis=-1) = sum(A * (P @ B.T), axis=-1) where both products are known")(
    known_product
)


@rule(SUMS, "sum of a sum", "sum(x + y) = sum(x) + sum(y)")
@for_kinds(n.Sum)
def _(node: n.Sum, context: Context) -> Applied | None:
    inner = node.operands[0]
    terms = terms_of(inner)
    whole = [rest for _, rest in map(coefficient_and_rest, terms) if rest is not None and rest.rank == inner.rank]
    if len(terms) == 1 or not any(sums_to_one(rest, node.axes, context) for rest in whole):
        return None
    full = [n.Multiply(term, ones(*inner.shape)) for term in terms]
    return Applied(n.Add(*(n.Sum(term, node.axes, node.keepdims) for term in full)))


@rule(SUMS, "the sum is taken apart", "sum(x * (y - sum(x * y))) = 0 where sum(x) = 1, and sum(x - mean(x)) = 0")
@for_kinds(n.Sum)
def taken_apart(node: n.Sum, context: Context) -> Applied | None:
    """Sum term by term, constants in front, where that leaves less: above all where the terms cancel."""
    if not any(isinstance(part, n.Add) for part in factors_of(node.operands[0])):
        return None
    facts: list[KnownFact] = []
    terms = [_term_sum(term, node, context, facts) for term in expanded(node.operands[0])]
    if len(terms) < 2:
        return None
    total = tidy(n.Add(*terms))
    sums = [each for each in map(context.by_name.get, variables(total)) if each and _is_multiple_of_a_sum(each)]
    averaged = {part for each in sums for part in variables(each.expression)}  # such as what an average pool makes
    means = [each for each in sums if each.target not in averaged]
    if means and is_zero(tidy(replace(total, {each.target: each.expression for each in means}))):
        total, facts = zeros(*total.shape), list(means)  # sum(x - m) = 0 where m is the mean of x by an equation
    if not (is_zero(total) or total.weight < node.weight // 2):
        return None
    for axis in node.axes if node.keepdims else ():
        total = tidy(n.Expand(total, axis))
    if is_zero(total) and "a softmax sums to 1" in facts:
        facts = ["softmax is shift-invariant"]  # sum_i p_i (g_i - p' g) = 0: no constant that is added moves it
    return Applied(total, tuple(dict.fromkeys(facts)))


@rule(SUMS, "a centred sum", "sum(x) = 0 where x = y - mean(y) by an equation")
@for_kinds(n.Sum)
def centred(node: n.Sum, context: Context) -> Applied | None:
    """Sum a variable whose equation says that it sums to 0: what a norm made, and what flows back through one."""
    x = node.operands[0]
    equation = context.equation(x)
    if equation is None:
        return None
    why_centred(equation, node.axes, context.watches or context)
    why = context.centred[equation, node.axes]
    return Applied(zeros(*node.shape), why) if why else None


def why_centred(equation: Equation, axes: tuple[int, ...], context: Context) -> tuple[KnownFact, ...]:
    """Return why the left side of an equation sums to 0 along `axes`; nothing where it is not known to."""
    for each in reversed(_stream(equation, axes, context)):
        context.centred[each, axes] = why_once(each, axes, context, _why_centred)
    return context.centred[equation, axes]


WORKED_OUT_ON_DEMAND["centred"] = why_centred


def _stream(equation: Equation, axes: tuple[int, ...], context: Context) -> list[Equation]:
    """Return the equation and those of its terms, theirs and so on, that are not looked into yet.

    A residual stream is a sum with the stream before it; who looks into the last first is not stopped by its length.
    """
    found = {equation: None}
    chain = [] if (equation, axes) in context.centred else [equation]
    for each in chain:
        whole = each.expression
        stream = isinstance(whole, (n.Add, n.Variable))
        terms = terms_of(whole) if stream and _holds_a_mean(whole, axes, context) else ()
        known = [context.equation(term) for term in terms if isinstance(term, n.Variable) and same_shape(term, whole)]
        new = [each for each in known if each and each not in found and (each, axes) not in context.centred]
        found.update(dict.fromkeys(new))
        chain += new
    return chain


def _why_centred(equation: Equation, axes: tuple[int, ...], context: Context) -> tuple[KnownFact, ...]:
    whole = equation.expression
    if not _holds_a_mean(whole, axes, context):
        return ()
    varying = [factor for factor in factors_of(whole) if any(_size(factor, whole, axis) != 1 for axis in axes)]
    inside = multiplied(varying) if varying else whole
    found = taken_apart(n.Sum(inside, axes), context) if same_shape(inside, whole) else None
    return (equation, *found.facts) if found and is_zero(found.result) else ()


def _holds_a_mean(node: Node, axes: tuple[int, ...], context: Context) -> bool:
    """Whether a formula has a sum along one of the axes in it, reads a sum or has weights: only then may it be centred.

    Weights are what sums to 1; the mean by them is no sum where it is of one element.
    """
    known = filter(None, map(context.by_name.get, variables(node)))
    sums = (part for part in walk(node) if isinstance(part, n.Sum)) if has_kind(node, n.Sum) else ()
    along = (part.operands[0].rank != node.rank or not set(part.axes).isdisjoint(axes) for part in sums)
    weights = (sums_to_one(factor, axes, context) for factor in factors_of(node) if factor.rank == node.rank)
    return any(along) or any(map(_is_multiple_of_a_sum, known)) or any(weights)


def _is_multiple_of_a_sum(equation: Equation) -> bool:
    return isinstance(coefficient_and_rest(equation.expression)[1], n.Sum)


def _term_sum(term: Node, whole: n.Sum, context: Context, facts: list[KnownFact]) -> Node:
    """Return the sum of one term over the axes of `whole`, which go, what is constant along them in front."""
    inner, term = whole.operands[0], tidy(term)
    constant = [f for f in factors_of(term) if all(_size(f, inner, axis) == 1 for axis in whole.axes)]
    varying = [factor for factor in factors_of(term) if factor not in constant]
    outside = [_without_axes(factor, inner, whole.axes) for factor in constant]
    alone = len(varying) == 1 and varying[0].rank == inner.rank
    found = sums_to_one(varying[0], whole.axes, context) if alone else None
    if found is not None:
        facts.append(found[1])
        shape = inner.shape
        return tidy(multiplied([*outside, n.Sum(ones(*shape[: found[0]], 1, *shape[found[0] + 1 :]), whole.axes)]))
    if alone and (gone := centred(n.Sum(varying[0], whole.axes), context)):
        facts.extend(gone.facts)
        return zeros(*n.Sum(inner, whole.axes).shape)
    total = tidy(n.Sum(multiplied([*varying, ones(*inner.shape)] if not alone else varying), whole.axes))
    held = known_product(total, context) if isinstance(total, n.Sum) else None
    facts.extend(held.facts if held else ())
    return tidy(multiplied([*outside, held.result if held else total]))


@rule(SUMS, "sum of a product", "sum(A @ B, axis=0) = sum(A, axis=0) @ B")
@for_kinds(n.Sum)
def _(node: n.Sum, context: Context) -> Applied | None:
    """A sum enters a product of matrices where what it reaches is known: a sum of 0, or rows that sum to 1."""
    inner = node.operands[0]
    parts = links(inner)
    if len(parts) == 1 or inner.rank != 2 or len(node.axes) != 1:
        return None
    outer, axis = (parts[0], 0) if node.axes == (0,) else (parts[-1], 1)
    found, facts = _known_sum(tidy(n.Sum(outer, axis)), context)
    if found is None:
        found, facts = _known_sum(tidy(n.Sum(tidy(n.Transpose(outer)), 1 - axis)), context)
    if found is None:
        return None
    product = found
    for part in parts[1:] if axis == 0 else parts[-2::-1]:
        product = n.MatMul(product, part) if axis == 0 else n.MatMul(part, product)
    return Applied(n.Expand(product, axis) if node.keepdims else product, facts)


def _known_sum(node: Node, context: Context) -> tuple[Node | None, tuple[KnownFact, ...]]:
    """Return what a sum is where a rule knows it, a zero or ones."""
    if isinstance(node, n.Sum) and isinstance(node.operands[0], n.Transpose):
        node = n.Sum(node.operands[0].operands[0], 1 - node.axes[0])
    for apply in (ones_summed, taken_apart, centred):
        applied = apply(node, context)
        if applied is not None and applied.result.constant is not None:
            return applied.result, applied.facts
    return None, ()

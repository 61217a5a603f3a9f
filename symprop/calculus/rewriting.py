"""The rewriter: works out pullbacks and applies the rules inside whole formulas, and records each step.

The walker keeps the books that no rule keeps: it adds up what flows to an operand by several ways, undoes
broadcasting, and skips what does not depend on the variable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from symprop.algebra import nodes as n
from symprop.algebra.called import called
from symprop.algebra.equations import Step
from symprop.algebra.nodes import Node
from symprop.algebra.table import Table, for_kinds
from symprop.algebra.trees import added, factors_of, numbers_apart, ones, replace, series_apart, variables, walk, zeros
from symprop.calculus import decompositions as decompositions  # enters its rows
from symprop.calculus.coefficients import same_shape
from symprop.calculus.elementwise import VALUE, derivative
from symprop.calculus.known_forms import known_form
from symprop.calculus.pullbacks import PULLBACK
from symprop.calculus.pushforwards import PUSHFORWARD
from symprop.calculus.reuse import worked_once
from symprop.calculus.rules import RULES, Applied, Context, KnownFact
from symprop.calculus.series import FLOWS
from symprop.calculus.tidy import tidy
from symprop.errors import LimitError

MOST_STEPS, MOST_PARTS = 2_000, 1_000_000
"""How many steps a formula may take, and how many parts its formulas may have that are looked through on the way."""
MANY = 8
"""From so many unfinished terms of a sum on, a step makes the same move in all of them: a weight that is used often
takes the steps of one that is used once, not some for each use that write the whole sum anew."""


def simplified(start: Node, context: Context) -> tuple[Node, Sequence[Step]]:
    """Return the worked-out form of `start`, and the steps that led there.

    Raises:
        LimitError: the formula needs more than 2,000 steps, or steps of 1,000,000 parts in all.
    """
    return worked_once(start, context, _worked_out)


def _worked_out(start: Node, context: Context) -> tuple[Node, tuple[Step, ...]]:
    current, steps, settled, parts = series_apart(tidy(start), context.given), [], set[Node](), 0
    if current != start:
        steps.append(Step("tidy", start, current))
    while True:
        found = next(_moves(current, context, settled), None)
        if found is None:
            return current, tuple(steps)
        name, place, applied = found
        part = _at(current, place)
        if isinstance(part, UNFINISHED):
            place, applied = _together(current, name, place, applied)
        after = tidy(_replaced(current, _at(current, place), applied.result))
        after = series_apart(after, context.given)
        steps.append(Step(name, current, after, applied.facts))
        current, parts = after, parts + after.weight
        if len(steps) > MOST_STEPS or parts > MOST_PARTS:
            much = f"{MOST_STEPS:,} steps" if len(steps) > MOST_STEPS else f"steps of {MOST_PARTS:,} parts in all"
            raise LimitError(f"a formula needs more than {much}\nallowed: smaller formulas, or parts with names")


UNFINISHED = tuple(FLOWS)
"""What a derivation starts from and ends without."""

Place = tuple[int, ...]
Move = tuple[str, Place, Applied]


def _moves(node: Node, context: Context, settled: set[Node]) -> Iterator[Move]:
    """Yield the moves that `node` allows: pullbacks first, innermost first, then the rules in their order.

    In the equations of a network what is carried back is made simple first, by the rules: so nothing grows on the way.
    Of what is `settled` no rule makes anything.
    """
    places = _places(node)
    first = next((place for place, part in places if isinstance(part, UNFINISHED)), None)
    if first is not None and context.by_name:
        below = _places(_at(node, first))[:-1]
        yield from _ruled([((*first, *place), part) for place, part in below], context, settled)
    yield from _differentiations(places)
    yield from _ruled(places, context, settled)


def _ruled(places: Iterable[tuple[Place, Node]], context: Context, settled: set[Node]) -> Iterator[Move]:
    """Yield the moves that the rules make at these places, and note what none of them changes."""
    places = [each for each in places if each[1] not in settled]
    for rule in RULES:
        for place, part in places:
            ruled = rule.apply(part, context) if isinstance(part, rule.kinds) else None
            if ruled is not None and tidy(ruled.result) != part:
                yield rule.name, place, ruled
    settled.update(part for _, part in places)


def _differentiations(places: Iterable[tuple[Place, Node]]) -> Iterator[Move]:
    """Yield the moves that differentiate, at these places."""
    for place, part in places:
        if isinstance(part, UNFINISHED):
            name, applied = recognised(part) or WORKED_OUT(part)
            yield name, place, applied


def _together(node: Node, name: str, place: Place, applied: Applied) -> tuple[Place, Applied]:
    """Return the move at `place`, or where that stands in a sum with many such terms, the same move in all of them."""
    for depth in range(len(place)):
        total = _at(node, place[:depth])
        if not isinstance(total, n.Add) or sum(map(_is_unfinished, total.operands)) < MANY:
            continue
        terms, facts = list(total.operands), list(applied.facts)
        for position, term in enumerate(terms):
            found = next(_differentiations(_places(term)), None)
            if found is not None and found[0] == name:
                terms[position] = _put(term, found[1], found[2].result)
                facts.extend(found[2].facts)
        return place[:depth], Applied(n.Add(*terms), tuple(dict.fromkeys(facts)))
    return place, applied


def _is_unfinished(node: Node) -> bool:
    return any(isinstance(part, UNFINISHED) for part in walk(node))


def _places(node: Node) -> list[tuple[Place, Node]]:
    """Return each sub-node with its first place, operands first; what is yet to be differentiated is left alone."""
    found: dict[Node, Place] = {}

    def look(part: Node, place: Place) -> None:
        if part in found:
            return
        flow = FLOWS.get(type(part))
        for position, operand in enumerate(part.operands):
            if flow is None or position == flow:
                look(operand, (*place, position))
        found[part] = place

    look(node, ())
    return [(place, part) for part, place in found.items()]


def _at(node: Node, place: Place) -> Node:
    for position in place:
        node = node.operands[position]
    return node


def _put(node: Node, place: Place, part: Node) -> Node:
    if not place:
        return part
    operands = list(node.operands)
    operands[place[0]] = _put(operands[place[0]], place[1:], part)
    return node.with_operands(operands)


def _replaced(node: Node, part: Node, result: Node) -> Node:
    """Return `node` with `part` replaced wherever it stands: a step is an equality.

    What is yet to be differentiated stays as it is. An equality of values, by a fact or by a name for the part, is
    none of derivatives.
    """
    if node == part:
        return result
    flow = FLOWS.get(type(node))
    operands = tuple(
        _replaced(operand, part, result) if flow is None or place == flow else operand
        for place, operand in enumerate(node.operands)
    )
    return node if operands == node.operands else node.with_operands(operands)


def recognised(unfinished: n.Pullback | n.Pushforward) -> tuple[str, Applied] | None:
    """Return the same question about the known form that the expression is written out as, if it is one.

    The derivative of a softmax or a log-sum-exp is short and finite; that of its written-out form is neither.
    """
    expression = unfinished.operands[1 if FLOWS[type(unfinished)] == 0 else 0]
    for part in walk(expression):
        found = known_form(part)
        if found is not None:
            form, known = found
            better = tidy(replace(expression, {part: known}))
            parts = [better if operand is expression else operand for operand in unfinished.operands]
            return form.name, Applied(unfinished.with_operands(parts))
    return None


WORKED_OUT = Table("one step of the chain rule")


@WORKED_OUT.row(n.Pushforward)
def pushed(pushforward: n.Pushforward) -> tuple[str, Applied]:
    """Apply one row of the pushforward table: the chain rule through the outermost operation of the expression."""
    expression, by, u = pushforward.operands
    if expression == by:
        return "identity", Applied(u)
    moving = [place for place, operand in enumerate(expression.operands) if by in variables(operand)]
    if not moving:
        return "independence", Applied(zeros(*expression.shape), (f"{expression} does not depend on {by}",))
    if isinstance(expression, n.BlockSum):
        expression = expression.apart_from(u)
    parts: list[Node] = []
    for place in moving:
        operand = expression.operands[place]
        tangent = u if operand == by else n.Pushforward(operand, by, u)
        parts.append(_full(PUSHFORWARD(expression, place, tangent), expression))
    return _rule_name(expression), Applied(added(parts), tuple(_slopes(expression, by) or ()))


@WORKED_OUT.row(n.Pullback)
def worked_out(pullback: n.Pullback) -> tuple[str, Applied]:
    """Apply one row of the pullback table: the chain rule through the outermost operation of the expression."""
    g, expression, by = pullback.operands
    if expression == by:
        return "identity", Applied(g)
    if isinstance(expression, n.BlockSum) and expression.index in expression.operands[0].free_symbols - by.free_symbols:
        return _rule_name(expression), Applied(_term_by_term(g, expression, by))
    flows: list[Node] = []
    for position, operand in enumerate(expression.operands):
        if by in variables(operand):
            flow = unbroadcast(PULLBACK(expression, position, _full(g, expression)), operand)
            flows.append(flow if operand == by else n.Pullback(tidy(flow), operand, by))
    if not flows:
        return "independence", Applied(zeros(*by.shape), (f"{expression} does not depend on {by}",))
    facts = list(_slopes(expression, by) or ())
    if any(_smaller(operand, expression) and by in variables(operand) for operand in expression.operands):
        facts.append("what was broadcast is summed")
    return _rule_name(expression), Applied(added(flows), tuple(facts))


def _term_by_term(g: Node, series: n.BlockSum, by: Node) -> Node:
    """The pullback of a series whose terms all read `by`: the series of their pullbacks."""
    series = series.apart_from(g)
    flow = PULLBACK(series, 0, _full(g, series))
    return n.BlockSum(n.Pullback(flow, series.operands[0], by), series.index, series.count)


def _rule_name(expression: Node) -> str:
    """What the rule of the outermost operation is called."""
    name = called(expression)
    if expression.function_name:
        return f"{name} {expression.function_name}"
    varying = numbers_apart(factors_of(expression))[1]
    return "constant factor" if len(varying) == 1 and varying[0] is not expression else name


def _smaller(operand: Node, node: Node) -> bool:
    return isinstance(node, n.Elementwise) and not same_shape(operand, node)


@for_kinds(n.Map)
def _slopes(node: n.Map, by: Node) -> list[KnownFact]:
    """The derivative of the function, said in its own words: `tanh'(t) = 1 - u**2 with u = tanh(t)`."""
    function = node.function
    facts: list[KnownFact] = []
    for position, operand in enumerate(node.operands):
        if by in variables(operand):
            slope = derivative(function, position)
            known = f" with u = {function.name}(t)" if slope.has(VALUE) else ""
            facts.append(f"{function.name}'(t) = {slope}{known}")
    return facts


def _full(g: Node, node: Node) -> Node:
    """Return the cotangent with the shape of the node."""
    return g if same_shape(g, node) else n.Multiply(g, ones(*node.shape))


def unbroadcast(flow: Node, operand: Node) -> Node:
    """Return `flow` summed over the axes along which `operand` was broadcast, with the operand's shape."""
    if flow.rank > operand.rank:
        flow = n.Sum(flow, axes=range(flow.rank - operand.rank))
    pairs = enumerate(zip(flow.shape[::-1], operand.shape[::-1], strict=False), start=1)
    summed = [operand.rank - place for place, (wide, narrow) in pairs if narrow == 1 and wide != 1]
    if summed:
        flow = n.Sum(flow, axes=summed, keepdims=True)
    return _full(flow, operand)


__all__ = ["simplified", "unbroadcast", "worked_out"]

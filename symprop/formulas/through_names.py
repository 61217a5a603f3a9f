"""The chain rule through the names of a formula: what flows along `f`, and along each `K = ...` that it reads.

Backwards, `df/dx` is `Pullback(1, f, x)` and, for each name K that reads x, `Pullback(dK, K's formula, x)` with `dK`
what reaches K; forwards the same with tangents. What reaches a name is made simple before it goes on, as in a network
(Griewank and Walther, *Evaluating Derivatives*, 2008, chapter 3), and each step is one of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symprop.algebra import nodes as n
from symprop.algebra.definitions import reaching
from symprop.algebra.equations import Equation, Step
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import added, replace, variables, walk
from symprop.calculus.context import Context
from symprop.calculus.rewriting import UNFINISHED, simplified

Flow = Callable[[Node, Variable], Node]
Found = tuple[Node, tuple[Step, ...]]


def pulled(cotangent: Node, node: Node, by: Variable, definitions: Sequence[Equation], context: Context) -> Found:
    """Return the derivative of `node` with respect to `by` times a cotangent, not worked out, and the steps to it.

    What reaches the names on the way is worked out.

    >>> from symprop.algebra.formula import formula
    >>> f = formula("r = A @ x; r @ r", A="m n", x="n")
    >>> start, steps = pulled(n.Scalar(1), f.node, f.variables[1], f.definitions, Context())
    >>> print(start.text(), len(steps))
    pullback(2 * r, A @ x, x) 1
    """
    reaching_by = reaching([by], definitions)
    flows: dict[Variable, list[Node]] = {}

    def send(cotangent: Node, through: Node) -> None:
        for target in (*(each.target for each in reaching_by), by):
            if target in variables(through):
                flows.setdefault(target, []).append(n.Pullback(cotangent, through, target))

    send(cotangent, node)
    stands_for: list[tuple[Variable, Node]] = []
    for each in reversed(reaching_by):
        if each.target in flows:
            place = _place(each.target, each.target.shape)
            stands_for.append((place, added(flows.pop(each.target))))
            send(place, each.expression)
    return _worked_out(added(flows.get(by, [n.Pullback(cotangent, node, by)])), stands_for, context)


def pushed(node: Node, by: Variable, tangent: Node, definitions: Sequence[Equation], context: Context) -> Found:
    """Return the derivative of `node` with respect to `by` along a tangent, not worked out, and the steps to it."""
    places: dict[Variable, Node] = {by: tangent}
    stands_for: list[tuple[Variable, Node]] = []

    def along(through: Node) -> Node:
        read = variables(through)
        flows = [n.Pushforward(through, x, u) for x, u in places.items() if x in read]
        return added(flows or [n.Pushforward(through, by, tangent)])

    for each in reaching([by], definitions):
        place = _place(each.target, each.target.shape)
        stands_for.append((place, along(each.expression)))
        places[each.target] = place
    return _worked_out(along(node), stands_for, context)


def without_derivatives(node: Node, definitions: Sequence[Equation] = ()) -> Node:
    """Return a node with the derivatives that stand in it worked out, through names that have a definition.

    >>> from symprop.algebra.formula import formula
    >>> f = formula("r = A @ x; r @ r", A="m n", x="n")
    >>> without_derivatives(n.Pullback(n.Scalar(1), f.node, f.variables[1]), f.definitions).text()
    '2 * A.T @ r'
    """
    while (part := next((each for each in reversed([*walk(node)]) if isinstance(each, UNFINISHED)), None)) is not None:
        if isinstance(part, n.Pullback):
            cotangent, expression, by = part.operands
            started, _ = pulled(cotangent, expression, by, definitions, Context())
        else:
            expression, by, tangent = part.operands
            started, _ = pushed(expression, by, tangent, definitions, Context())
        node = replace(node, {part: simplified(started, Context())[0]})
    return node


def _place(name: Variable, shape: tuple[object, ...]) -> Variable:
    """What stands for the flow to `name` until it is worked out; a name that nobody can type."""
    return Variable(f"flow to {name.name}", (), shape)


def _worked_out(whole: Node, stands_for: Sequence[tuple[Variable, Node]], context: Context) -> Found:
    """Put what each place stands for into `whole`, those first that read no others, each worked out step by step."""
    steps: list[Step] = []
    done: dict[Node, Node] = {}
    around = [whole]  # with what those that come later stand for in their places, the last first
    for place, flow in reversed(stands_for[1:]):
        around.append(_put(flow, around[-1], place))
    for place, flow in stands_for:
        open_whole = replace(around.pop(), done)
        if place not in variables(open_whole):
            continue
        found, more = simplified(flow, context)
        for step in more:
            before, after = (_put(replace(part, done), open_whole, place) for part in (step.before, step.after))
            steps.append(Step(step.rule, before, after, step.facts))
        done[place] = replace(found, done)
    return replace(whole, done), tuple(steps)


def _put(part: Node, whole: Node, place: Variable) -> Node:
    """Return `whole` with `part` at its place; what does not read the place is not looked through."""
    if whole == place:
        return part
    operands = [_put(part, each, place) if place in each.free_symbols else each for each in whole.operands]
    return whole.with_operands(operands)

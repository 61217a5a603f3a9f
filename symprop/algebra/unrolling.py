"""Loops written out for numbers of steps: the same equations, one after the other, with numbers for indices.

What a loop means: its equations for each value of its index, the rows that a step reads taken from their arrays before,
those that the steps make put together behind. Checks compare what was derived for a general step with this.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import product

from sympy import Basic, Integer

from symprop.algebra import trees
from symprop.algebra.equations import Equation, Item, Loop, Mask, Rows, State, System
from symprop.algebra.nodes import Concatenate, Expand, Node, Reshape, Slice, Variable
from symprop.algebra.roles import HELD


def unrolled(system: System, numbers: Mapping[Basic, int]) -> System:
    """Return a system with its loops written out; `numbers` has a number for each symbol in their counts.

    >>> import symprop
    >>> net = symprop.parse_network("Input(2) >> Repeat(Dense(2), N, tied=True) >> MeanSquaredError()")
    >>> count = net.system().loops[0].count
    >>> [equation.text() for equation in unrolled(net.system(), {count: 2}).equations]
    ['z0 = x', 'z1 = W1 @ z0 + b1', 'z2 = W1 @ z1 + b1', 'L = sum((z2 - y)**2) / 2']
    """
    given = {symbol: Integer(number) for symbol, number in numbers.items()}
    counts = {loop.index: loop.count.xreplace(given) for loop in system.loops}

    def places(variable: Variable) -> Iterator[dict[Basic, Basic]]:
        bound = [index for index in counts if any(part.has(index) for part in variable.index)]
        for numbers in product(*(range(1, int(counts[index]) + 1) for index in bound)):
            yield {**given, **{index: Integer(number) for index, number in zip(bound, numbers, strict=True)}}

    return replace(
        system,
        items=tuple(written_out(system.items, given)),
        parameters=tuple(_at(parameter, place) for parameter in system.parameters for place in places(parameter)),
        output=_at(system.output, given),
        loss=None if system.loss is None else _at(system.loss, given),
        prediction=None if system.prediction is None else _at(system.prediction, given),
        states=tuple(
            State(_at(each.variable, place), _at(each.statistic, place), each.start, _node_at(each.update, place))
            for each in system.states
            for place in places(each.variable)
        ),
        masks=tuple(
            Mask(_at(each.variable, place), each.drop, _at(each.output, place), _at(each.value, place))
            for each in system.masks
            for place in places(each.variable)
        ),
    )


def written_out(items: Iterable[Item], given: Mapping[Basic, Basic]) -> Iterator[Equation]:
    """Yield the equations of forward or backward items in the order of computation, loops written out."""
    yield from _written_out(items, given, {})


def _written_out(
    items: Iterable[Item], given: Mapping[Basic, Basic], ends: Mapping[Variable, Equation]
) -> Iterator[Equation]:
    for item in items:
        if isinstance(item, Equation):
            moved = Equation(_at(item.target, given), _node_at(item.expression, given), note=item.note)
            yield ends.get(moved.target, moved)
        else:
            yield from _steps(item, given, ends)


def _steps(loop: Loop, given: Mapping[Basic, Basic], ends: Mapping[Variable, Equation]) -> Iterator[Equation]:
    numbers = range(1, int(loop.count.xreplace(given)) + 1)
    base = {equation.target: equation for equation in _written_out(loop.base, given, ends)}
    for number in reversed(numbers) if loop.backward else numbers:
        now = {**given, loop.index: Integer(number)}
        for rows in loop.reads:
            yield Equation(_at(rows.row, now), row_of(_at(rows.array, given), rows, number))
        items: Iterable[Item] = loop.items
        for carry in () if loop.backward else loop.carries:
            if carry.every is not None and number > 1 and (number - 1) % carry.every == 0:
                held = carry.before.change(letter=_apart(f"{carry.before.letter}_bar", loop), role=HELD)
                yield Equation(_at(held, now), _at(carry.before, now), note="held constant")
                items = tuple(_reading(item, {carry.before: held}) for item in items)
        yield from _written_out(items, now, {**base, **ends})
    for rows in loop.writes:
        made = [_at(rows.row, {**given, loop.index: Integer(number)}) for number in numbers]
        parts = [Expand(row, rows.axis) for row in made]
        yield Equation(_at(rows.array, given), Concatenate(*parts, axis=rows.axis) if len(parts) > 1 else parts[0])


def _apart(letter: str, loop: Loop) -> str:
    """Return a letter that nothing in the equations of a loop has."""
    taken = {each.letter for made in loop.equations for each in (made.target, *trees.variables(made.expression))}
    while letter in taken:
        letter += "_bar"
    return letter


def _reading(item: Item, names: Mapping[Variable, Variable]) -> Item:
    """An equation of a loop without loops inside, with other names for what it reads."""
    return replace(item, expression=trees.replace(item.expression, names)) if isinstance(item, Equation) else item


def row_of(array: Node, rows: Rows, number: int) -> Node:
    """Return row `number` of an array, counted from 1, in the shape that a row has."""
    part = Slice(array, rows.axis, number - 1, number)
    return Reshape(part, (*part.shape[: rows.axis], *part.shape[rows.axis + 1 :]))


def _at(variable: Variable, given: Mapping[Basic, Basic]) -> Variable:
    moved: Variable = variable.xreplace(dict(given))
    return moved


def _node_at(node: Node, given: Mapping[Basic, Basic]) -> Node:
    moved: Node = node.xreplace(dict(given))
    return moved

"""Equations of one example, with loops, for a batch in the layout of a system."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import replace

from symprop.algebra import nodes as n
from symprop.algebra.batching import BATCH_SIZE, batched
from symprop.algebra.equations import Equation, Item, Rows, System, equations_in
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import ones, variables
from symprop.analysis.curvature.steps import AtAnyStep, in_batch
from symprop.calculus.tidy import tidy


def in_layout(system: System, items: Iterable[Item], known: dict[Variable, Variable]) -> tuple[Item, ...]:
    """Return equations of one example for a batch; `known` gets what stands for their left sides there."""
    items = tuple(items)
    own = frozenset(each.target for each in equations_in(items))
    return tuple(_in_layout(system, item, known, own) for item in items)


def _in_layout(system: System, item: Item, known: dict[Variable, Variable], own: Container[Variable]) -> Item:
    if isinstance(item, Equation):
        expression = batched_by(system, item.expression, known, own)
        if expression.rank > item.target.rank:
            known[item.target] = item.target.change(shape=expression.shape)
        return Equation(known.get(item.target, item.target), expression, note=item.note)
    before = -1
    while before < len(known):  # a step may read of the next what is found to differ from example to example
        before = len(known)
        for rows in item.reads:
            if rows.array in known:
                known[rows.row] = in_batch(rows.row, system.layout)
        items = tuple(_in_layout(system, each, known, own) for each in item.items)
    known |= {each.array: in_batch(each.array, system.layout) for each in item.writes if each.row in known}
    there = AtAnyStep(known)
    base = []
    for each in item.base:
        found = Equation(each.target, batched_by(system, each.expression, known, own), note=each.note)
        if (
            found.expression.rank == each.target.rank and there.find(each.target) is not None
        ):  # the same for all, at the last step alone
            shape = in_batch(each.target, system.layout).shape
            node = found.expression if system.layout == "rows" else n.Expand(found.expression, each.target.rank)
            found = replace(found, expression=n.Multiply(node, ones(*shape)))
        if found.expression.rank > each.target.rank:
            known[each.target] = each.target.change(shape=found.expression.shape)
        base.append(replace(found, target=known.get(each.target, each.target)))

    def entered(found: Iterable[Rows]) -> tuple[Rows, ...]:
        behind = system.layout == "rows"
        return tuple(
            Rows(known[each.row], known[each.array], each.axis + behind) if each.array in known else each
            for each in found
        )

    return replace(item, items=items, base=tuple(base), reads=entered(item.reads), writes=entered(item.writes))


def batched_by(system: System, node: Node, known: dict[Variable, Variable], own: Container[Variable] = ()) -> Node:
    """Return a formula of one example for the batch of a system, whose arrays have the same names.

    Those of its `own` that differ from example to example are `known`, and so are the same at other steps of a loop.
    """
    there = system.by_name
    for each in variables(node):
        batch = None if each.is_tangent else there.get(each.name)
        if batch is None and each.index and system.loops and each not in known and each not in own:
            alike = AtAnyStep(known if each.is_tangent else {other: other for other in there.values()})
            batch = alike.find(each)
        if batch is not None and batch.rank > each.rank:
            known.setdefault(each, in_batch(each, system.layout))
    return tidy(batched(node, known, BATCH_SIZE, system.layout))

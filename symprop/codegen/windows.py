"""Windows of moments: what arrays by time are in them, and what is read of loops where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from symprop.algebra import nodes as n
from symprop.algebra import trees
from symprop.algebra.equations import Equation, Item, Loop
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import variables
from symprop.codegen.by_time import general, times
from symprop.networks.sizes import TIME


@dataclass(frozen=True)
class Window:
    """An array by windows, the name of a window of it, and what that is by time."""

    array: Node
    name: Variable
    inside: Node


def in_windows(array: Node, name: Variable, count: int, every: int) -> Window:
    """Return an array by time as windows; axes in front of time stay there in each window."""
    inner, axis = array.untransposed, array.order[0]
    before, after = inner.shape[:axis], inner.shape[axis + 1 :]
    split = n.Reshape(sliced(inner, axis, 0, count * every), (*before, count, every, *after))
    whole = split.permuted((axis, *(each for each in range(split.rank) if each != axis)))
    row = name.change(shape=(*before, every, *after))
    return Window(whole, row, row.permuted(array.order))


def sliced(array: Node, axis: int, start: int, stop: int) -> Node:
    """Return a part of an array, which may be all of it."""
    return array if start == 0 and array.shape[axis] == stop else n.Slice(array, axis, start, stop)


# ---------------------------------------------------------------- what is read


def is_other(variable: Variable, own: set[Variable]) -> bool:
    """Whether a variable stands at a moment, and is none of these."""
    return bool(times(variable)) and general(variable) not in own


def sums_over_time(items: Iterable[Item]) -> Iterator[tuple[Node, Variable]]:
    """Yield the sums over time, and what each is a part of."""
    for item in items:
        if isinstance(item, Equation):
            for part in trees.walk(item.expression):
                if isinstance(part, n.BlockSum) and part.index == TIME:
                    yield part, item.target


def read_in_loops(items: Iterable[Item]) -> Iterator[Variable]:
    """Yield what loops read of moments that they do not make."""
    for item in items:
        if isinstance(item, Loop):
            inside = [each for each in (item.step if item.backward else item.items) if isinstance(each, Equation)]
            own = {each.target for each in inside}
            flows = [node for flow in item.flows for node in (flow.start, flow.after)]
            read = (each for node in (*(each.expression for each in inside), *flows) for each in variables(node))
            yield from (each for each in read if is_other(each, own) and not each.role.startswith("next "))


def read_outside(sums: Mapping[Node, Variable], formulas: Iterable[Node], items: Iterable[Item]) -> Iterator[Variable]:
    """Yield what formulas and equations outside of loops read of moments, but for what stands in these sums."""

    def inside(node: Node) -> Iterator[Variable]:
        if isinstance(node, Variable):
            yield from (node,) if times(node) else ()
        elif node not in sums:
            for each in node.operands:
                yield from inside(each)

    for formula in (*formulas, *(item.expression for item in items if isinstance(item, Equation))):
        yield from inside(formula)


__all__ = ["Window", "in_windows", "is_other", "read_in_loops", "read_outside", "sliced", "sums_over_time"]

"""How a loop over time becomes operations of a program: one `Scan`, and what of its steps is read elsewhere.

In a formula outside of the loop a moment is a row of what was made, and a sum over time a sum along its first axis, or
a product of matrices whose rows are those of all moments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import count

from symprop.algebra import nodes as n
from symprop.algebra.equations import Carry, Equation, Item, Loop, System, equations_in
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import variables
from symprop.codegen.by_time import ByTime, called, first_axis, general, times, with_axis
from symprop.codegen.in_a_step import Inside
from symprop.codegen.moments import has_moment, in_code
from symprop.codegen.program import Statement
from symprop.codegen.remat import Windows
from symprop.codegen.scans import Body, Made, Scan
from symprop.codegen.stable import everywhere
from symprop.errors import SpecError
from symprop.networks.sizes import TIME


class Roller:
    """What is known while the items of a system and of its derivation become statements.

    `stacked` are the variables, for a general moment, whose values are read outside of their loop; `by_time` what holds
    them, `sums` what holds sums over time that a loop over windows has made.
    """

    def __init__(self, system: System, backward: Iterable[Item], numbers: Mapping[str, int]) -> None:
        self.items = (*system.items, *backward)
        self.numbers = numbers
        self.has_loops = any(isinstance(item, Loop) for item in self.items)
        self.has_moments = any(has_moment(each.target) for each in equations_in(self.items))
        self.stacked = _read_elsewhere(self.items) if self.has_loops else set()
        self.by_time = ByTime()
        self.starts: set[Variable] = set()
        if self.has_loops:
            self.starts = {item.target for item in self.items if isinstance(item, Equation) and times(item.target)}
        read = [system.output, *([system.prediction] if system.prediction else []), *(m.value for m in system.masks)]
        self.ends = {each.name for each in read}  # by name in functions of evaluation too
        self.sums: dict[Node, Variable] = {}
        self.windows: dict[tuple[Carry, ...], Windows] = {}
        self.loops = 0
        self.scans = (Variable("steps", (number,), ()) for number in count(1))
        self.taken: set[str] = set()

    def statements(self, items: Iterable[Item]) -> Iterator[Statement]:
        """Yield the statements of items, in order."""
        for item in items:
            if not self.has_loops and isinstance(item, Equation):
                target, expression = item.target, everywhere(item.expression, scaled_rows)
                if self.has_moments:
                    target, expression = in_code(target), in_code(expression)
                yield Statement(target, expression, item.pretty(), self.numbers.get(item.name))
            elif isinstance(item, Loop):
                yield from self._of_loop(item)
            else:
                target = called(item.target) if times(item.target) else item.target
                expression = self.outside(everywhere(item.expression, scaled_rows))
                yield Statement(target, expression, item.pretty(), self.numbers.get(item.name))

    # ------------------------------------------------------------ outside of a loop

    def outside(self, node: Node) -> Node:
        """Return a formula that reads what loops made by its arrays."""
        if node in self.sums:
            return self.sums[node]
        if isinstance(node, n.BlockSum) and node.index == TIME:
            return self.by_time.summed(node.operands[0], int(node.count))
        if isinstance(node, Variable):
            return self.moment(node) if times(node) else node
        operands = [self.outside(each) for each in node.operands]
        return node if all(map(_same, operands, node.operands)) else node.with_operands(operands)

    def moment(self, variable: Variable) -> Node:
        """Return what stands for a variable at one moment, which is a number."""
        return called(variable) if variable in self.starts else self.by_time.at(variable)

    # ------------------------------------------------------------ a loop

    def _of_loop(self, loop: Loop) -> Iterator[Statement]:
        if not loop.count.is_Integer:
            raise SpecError(
                f"code needs a number of blocks in place of {loop.count}\ngive it one, as in {loop.count}=3"
            )
        self.loops += 1
        for each in loop.reads:
            if each.row not in self.by_time.arrays:
                self.by_time.arrays[each.row] = first_axis(each), False
        if loop.remat is not None and loop.remat < loop.count:
            yield from self._of_windows(loop)
        else:
            yield from self._of_moments(loop)
        for each in loop.writes:
            yield Statement(each.array, with_axis(self.by_time.all_moments(each.row, int(loop.count)), each.axis))

    def _of_windows(self, loop: Loop) -> Iterator[Statement]:
        if loop.backward:
            windows = self.windows[loop.carries]
            starts = [self.outside(each.start) for each in loop.flows]
            part = windows.backwards(Inside(loop, self.numbers), self.by_time, starts)
            self.sums |= part.sums
            ends = windows.firsts
        else:
            windows = self.windows[loop.carries] = Windows(loop, self.items, self.numbers, self.scans, self._fresh)
            part = windows.forwards(self.by_time)
            ends = [*map(loop.end, loop.carries)]
            part.statements.extend(map(Statement, map(called, ends), part.left))
        self.starts.update(ends)
        self.by_time.arrays |= part.by_time.arrays
        yield from part.statements

    def _of_moments(self, loop: Loop) -> Iterator[Statement]:
        inside = Inside(loop, self.numbers)
        steps = inside.steps(tuple(each for each in inside.made if (self.loops, each) in self.stacked))
        starts = [self.outside(each.start) for each in loop.flows] if loop.backward else map(called, inside.starts)
        scan = next(self.scans)
        arrays = [self.by_time.all_moments(each, steps.count) for each in inside.rows]
        yield Statement(scan, Scan(*arrays, *starts, *steps.whole, Body(steps)))
        names = {name: variable for variable, name in inside.made.items()}
        for place, stack in enumerate(steps.stacks):
            target = self._fresh(
                stack.change(letter=f"{stack.letter.removesuffix('_t')}_all", shape=steps.of_all(stack))
            )
            yield Statement(target, Made(scan, place, target.shape))
            self.by_time.arrays[names[stack]] = target, steps.has_start(stack)
        for end in () if loop.backward else map(loop.end, loop.carries):
            if general(end) in self.by_time.arrays and {end.name, called(end).name} & self.ends:
                yield Statement(called(end), self.moment(end))
                self.starts.add(end)

    def _fresh(self, variable: Variable) -> Variable:
        """Return a variable under a name that no other has; a derivative may be there before and after a sum."""
        while variable.name in self.taken:
            variable = variable.change(mark=variable.mark + 1)
        self.taken.add(variable.name)
        return variable


@for_kinds(n.MatMul)
def scaled_rows(node: n.MatMul) -> Node | None:
    """Write `diag(c) @ A` as `c[:, None] * A`, and `A.T @ diag(c)` as the transpose of that."""
    match node.operands:
        case (n.Diag(operands=(c,)), right) if right.rank == 2:
            return n.Multiply(n.Expand(c, 1), right)
        case (n.Transpose(operands=(left,)), n.Diag(operands=(c,))) if left.rank == 2:
            return n.Transpose(n.Multiply(n.Expand(c, 1), left))
    return None


def _read_elsewhere(items: Iterable[Item]) -> set[tuple[int, Variable]]:
    """Return what is read outside of its loop: the number of the loop, in order, and the variable at a general moment.

    Where two loops make what has one name, as a derivative before and after what flows back in time is added, it is
    the latest.
    """
    found: set[tuple[int, Variable]] = set()
    owners: dict[Variable, int] = {}
    loops = 0
    for item in items:
        own: set[Variable] = set()
        if isinstance(item, Equation):
            read = list(variables(item.expression))
        else:
            loops += 1
            inside = [each for each in (item.step if item.backward else item.items) if isinstance(each, Equation)]
            own = {each.target for each in inside}
            flows = [node for flow in item.flows for node in (flow.start, flow.after)]
            read = [v for node in (*(each.expression for each in inside), *flows) for v in variables(node)]
            read += [rows.array for rows in item.reads]
        read = [v for v in read if v not in own and times(v) and not v.role.startswith("next ")]
        found |= {(owners[key], key) for key in map(general, read) if key in owners}
        owners |= dict.fromkeys(own, loops)
        if isinstance(item, Loop):
            found |= {(loops, rows.row) for rows in item.writes}
    return found


def _same(left: Node, right: Node) -> bool:
    return left is right


__all__ = ["Roller"]

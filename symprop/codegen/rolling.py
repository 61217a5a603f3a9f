"""How a loop over time becomes operations of a program: one `Scan`, and what of its steps is read elsewhere.

In a formula outside of the loop a moment is a row of what was made, and a sum over time a sum along its first axis, or
a product of matrices whose rows are those of all moments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra import trees
from symprop.algebra.batching import batched
from symprop.algebra.equations import Equation, Flow, Item, Loop, Rows, System
from symprop.algebra.indices import RowIndex, placed
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import variables
from symprop.codegen.program import Program, Statement, Why
from symprop.codegen.scans import Body, Made, Scan, Steps
from symprop.errors import SpecError


class Roller:
    """What is known while the items of a system and of its derivation become statements.

    `stacked` are the variables, for a general moment, whose values are read outside of their loop; `arrays` what holds
    them, and whether the start stands in front.
    """

    def __init__(self, system: System, backward: Iterable[Item], numbers: Mapping[str, int]) -> None:
        self.items = (*system.items, *backward)
        self.numbers = numbers
        self.stacked = _read_elsewhere(self.items)
        self.arrays: dict[Variable, tuple[Node, bool]] = {}
        self.starts = {item.target for item in self.items if isinstance(item, Equation) and _times(item.target)}
        self.ends = {system.output.name, *([system.prediction.name] if system.prediction else [])}
        self.loops = 0
        self.taken: set[str] = set()

    def statements(self, items: Iterable[Item]) -> Iterator[Statement]:
        """Yield the statements of items, in order."""
        for item in items:
            if isinstance(item, Loop):
                yield from self._of_loop(item)
            else:
                target = called(item.target) if _times(item.target) else item.target
                yield Statement(target, self.outside(item.expression), item.pretty(), self.numbers.get(item.name))

    # ------------------------------------------------------------ outside of a loop

    def outside(self, node: Node) -> Node:
        """Return a formula that reads what loops made by its arrays."""
        if isinstance(node, n.BlockSum):
            return self.summed(node.operands[0], int(node.count))
        if isinstance(node, Variable):
            return self.moment(node) if _times(node) else node
        operands = [self.outside(each) for each in node.operands]
        return node if all(map(_same, operands, node.operands)) else node.with_operands(operands)

    def moment(self, variable: Variable) -> Node:
        """Return what stands for a variable at one moment, which is a number."""
        if variable in self.starts:
            return called(variable)
        ((time,), key) = _times(variable), _general(variable)
        array, has_start = self.arrays[key]
        first = time if has_start else time - 1
        return n.Reshape(n.Slice(array, 0, first, first + 1), variable.shape)

    def all_moments(self, variable: Variable, count: int) -> Node:
        """Return the array of a variable at `t`, or at `t - 1`, for all moments."""
        (time,) = _times(variable)
        (index,) = time.free_symbols
        array, has_start = self.arrays[_general(variable)]
        start = time - index + has_start
        return n.Slice(array, 0, start, start + count) if has_start else array

    def summed(self, node: Node, count: int) -> Node:
        """Return the sum of a formula over all moments."""
        match node:
            case n.Concatenate():
                return n.Concatenate(*(self.summed(each, count) for each in node.operands), axis=node.axis)
            case n.MatMul(operands=(n.Transpose(operands=(left,)), right)) if left.rank == right.rank == 2:
                return n.MatMul(n.Transpose(self._rows(left, count)), self._rows(right, count))
            case n.Sum(keepdims=False):
                axes = (0, *(axis + 1 for axis in node.axes))
                return n.Sum(self._by_time(node.operands[0], count), axes)
        return n.Sum(self._by_time(node, count), 0)

    def _rows(self, node: Node, count: int) -> Node:
        """Return a matrix with the rows of all moments."""
        rows, width = node.shape
        return n.Reshape(self._by_time(node, count), (count * rows, width))

    def _by_time(self, node: Node, count: int) -> Node:
        """Return a formula for all moments, time along the first axis."""
        found = {each: self.all_moments(each, count) for each in variables(node) if _times(each)}
        names = {each: called(each).change(shape=array.shape) for each, array in found.items()}
        whole = batched(node, names, Integer(count), "rows")
        return trees.replace(whole, {names[each]: array for each, array in found.items()})

    # ------------------------------------------------------------ a loop

    def _of_loop(self, loop: Loop) -> Iterator[Statement]:
        if not loop.count.is_Integer:
            raise SpecError(f"code needs a number of blocks in place of {loop.count}\ngive it one, as in {loop.count}=3")
        self.loops += 1
        step = [item for item in (loop.step if loop.backward else loop.items) if isinstance(item, Equation)]
        for rows in loop.reads:
            if rows.row not in self.arrays:
                self.arrays[rows.row] = _first_axis(rows), False
        carried = [(flow.name, flow) for flow in loop.flows] if loop.backward else [(c.before, c) for c in loop.carries]
        inside = {equation.target: local(equation.target) for equation in step}
        before = {name: _handed(name) if loop.backward else local(name) for name, _ in carried}
        read = dict.fromkeys(v for e in step for v in variables(e.expression))
        read |= dict.fromkeys(v for flow in loop.flows for v in variables(flow.after))
        rows = {v: local(v) for v in read if _times(v) and v not in inside and v not in before}
        names = {**inside, **before, **rows}
        closed = {equation.target: equation for equation in loop.items if isinstance(equation, Equation)}
        made = [
            Statement(inside[each.target], trees.replace(each.expression, names), closed[each.target].pretty(),
                      self.numbers.get(each.name)) for each in step
        ]  # fmt: skip
        after = [inside[c.after] if not isinstance(c, Flow) else None for _, c in carried]
        for place, (name, each) in enumerate(carried):
            if isinstance(each, Flow):
                back = before[name].change(letter=before[name].letter.removesuffix("_next") + "_back")
                made.append(Statement(back, trees.replace(each.after, names)))
                after[place] = back
        stacks = [inside[each.target] for each in step if (self.loops, each.target) in self.stacked]
        whole = tuple(v for v in read if not _times(v) and v not in before)
        starts = [self.outside(c.start) if isinstance(c, Flow) else called(loop.start(c)) for _, c in carried]
        count = int(loop.count)
        program = Program(tuple(made), (), (), (*rows.values(), *before.values(), *whole), (),
                          tuple(each.name for each in dict.fromkeys((*stacks, *filter(None, after)))))  # fmt: skip
        steps = Steps(program, count, loop.backward, tuple(rows.values()), tuple(before.values()),
                      tuple(each for each in after if each is not None), whole, tuple(stacks))  # fmt: skip
        arrays = [self.all_moments(each, count) for each in rows]
        scan = Variable("steps", (self.loops,), ())
        yield Statement(scan, Scan(*arrays, *starts, *whole, Body(steps)))
        for place, stack in enumerate(stacks):
            target = stack.change(letter=stack.letter.removesuffix("_t") + "_all", shape=steps.of_all(stack))
            while target.name in self.taken:
                target = target.change(mark=target.mark + 1)
            self.taken.add(target.name)
            yield Statement(target, Made(scan, place, steps.of_all(stack)))
            key = next(each for each, name in inside.items() if name == stack)
            self.arrays[key] = target, steps.has_start(stack)
        for end in () if loop.backward else (loop.end(carry) for carry in loop.carries):
            if _general(end) in self.arrays and {end.name, called(end).name} & self.ends:
                yield Statement(called(end), self.moment(end))
                self.starts.add(end)
        for rows_made in loop.writes:
            yield Statement(rows_made.array, _last_axis(self.all_moments(rows_made.row, count), rows_made.axis))


def local(variable: Variable) -> Variable:
    """Return the name of a variable in a step: `h1_t`, and `h1_before` for `t - 1`."""
    (time,) = _times(variable)
    return _with_suffix(variable, "_before" if time.as_coeff_Add()[0] else "_t")


def _handed(variable: Variable) -> Variable:
    """Return the name of what the step that is made before hands on: `dh1_next`."""
    return _with_suffix(variable, "_next").change(letter=f"d{variable.letter}{_layers(variable)}_next")


def called(variable: Variable) -> Variable:
    """Return the name of a variable at a moment that is a number, `h1_t3`, or that is any."""
    (time,) = _times(variable)
    name = variable.change(letter=f"{variable.letter}{_layers(variable)}_t", index=(time,) if time.is_Integer else ())
    return name


def _with_suffix(variable: Variable, suffix: str) -> Variable:
    return variable.change(letter=f"{variable.letter}{_layers(variable)}{suffix}", index=())


def _layers(variable: Variable) -> str:
    return "_".join(map(str, placed(variable.index)[0]))


def _times(variable: Variable) -> tuple[Expr, ...]:
    """The moment at which a variable stands, if it stands at one."""
    return tuple(part.value for part in variable.index if isinstance(part, RowIndex))


def _general(variable: Variable) -> Variable:
    """Return the variable for a general moment."""
    from symprop.networks.sizes import TIME

    index = [RowIndex(TIME) if isinstance(part, RowIndex) else part for part in variable.index]
    general: Variable = variable.change(index=tuple(index))
    return general


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
        read = [v for v in read if v not in own and _times(v) and not v.role.startswith("next ")]
        found |= {(owners[key], key) for key in map(_general, read) if key in owners}
        owners |= dict.fromkeys(own, loops)
        if isinstance(item, Loop):
            found |= {(loops, rows.row) for rows in item.writes}
    return found


def _first_axis(rows: Rows) -> Node:
    """Return an array with the axis of its rows in front."""
    axes = (rows.axis, *(axis for axis in range(rows.array.rank) if axis != rows.axis))
    return n.Transpose(rows.array, axes) if rows.axis else rows.array


def _last_axis(array: Node, axis: int) -> Node:
    """Return an array whose first axis stands at another place."""
    axes = [place + (place <= axis) for place in range(array.rank) if place < axis]
    axes = [*range(1, axis + 1), 0, *range(axis + 1, array.rank)]
    return n.Transpose(array, tuple(axes)) if axis else array


def _same(left: Node, right: Node) -> bool:
    return left is right


__all__ = ["Roller", "Why", "called", "local"]

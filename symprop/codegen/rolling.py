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
from symprop.algebra.equations import Equation, Item, Loop, Rows, System
from symprop.algebra.indices import RowIndex, placed
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import GRADIENT
from symprop.algebra.trees import variables
from symprop.codegen.program import Program, Statement, Why
from symprop.codegen.scans import Body, Made, Scan, Steps
from symprop.errors import SpecError
from symprop.networks.sizes import TIME


class Roller:
    """What is known while the items of a system and of its derivation become statements.

    `stacked` are the variables, for a general moment, whose values are read outside of their loop; `arrays` what holds
    them, and whether the start stands in front.
    """

    def __init__(self, system: System, backward: Iterable[Item], numbers: Mapping[str, int]) -> None:
        self.items = (*system.items, *backward)
        self.numbers = numbers
        self.has_loops = any(isinstance(item, Loop) for item in self.items)
        self.stacked = _read_elsewhere(self.items) if self.has_loops else set()
        self.arrays: dict[Variable, tuple[Node, bool]] = {}
        self.starts: set[Variable] = set()
        if self.has_loops:
            self.starts = {item.target for item in self.items if isinstance(item, Equation) and _times(item.target)}
        read = [system.output, *([system.prediction] if system.prediction else []), *(m.value for m in system.masks)]
        self.ends = {each.name for each in read}  # by name in functions of evaluation too
        self.loops = 0
        self.taken: set[str] = set()

    def statements(self, items: Iterable[Item]) -> Iterator[Statement]:
        """Yield the statements of items, in order."""
        for item in items:
            if not self.has_loops and isinstance(item, Equation):
                yield Statement(item.target, item.expression, item.pretty(), self.numbers.get(item.name))
            elif isinstance(item, Loop):
                yield from self._of_loop(item)
            else:
                target = called(item.target) if _times(item.target) else item.target
                yield Statement(target, self.outside(item.expression), item.pretty(), self.numbers.get(item.name))

    # ------------------------------------------------------------ outside of a loop

    def outside(self, node: Node) -> Node:
        """Return a formula that reads what loops made by its arrays."""
        if isinstance(node, n.BlockSum) and node.index == TIME:
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
            raise SpecError(
                f"code needs a number of blocks in place of {loop.count}\ngive it one, as in {loop.count}=3"
            )
        self.loops += 1
        for each in loop.reads:
            if each.row not in self.arrays:
                self.arrays[each.row] = _first_axis(each), False
        inside = _Inside(loop, self.numbers)
        steps = inside.steps(tuple(each for each in inside.made if (self.loops, each) in self.stacked))
        starts = [self.outside(each.start) for each in loop.flows] if loop.backward else map(called, inside.starts)
        scan = Variable("steps", (self.loops,), ())
        arrays = [self.all_moments(each, steps.count) for each in inside.rows]
        yield Statement(scan, Scan(*arrays, *starts, *steps.whole, Body(steps)))
        names = {name: variable for variable, name in inside.made.items()}
        for place, stack in enumerate(steps.stacks):
            target = self._fresh(
                stack.change(letter=f"{stack.letter.removesuffix('_t')}_all", shape=steps.of_all(stack))
            )
            yield Statement(target, Made(scan, place, target.shape))
            self.arrays[names[stack]] = target, steps.has_start(stack)
        for end in () if loop.backward else map(loop.end, loop.carries):
            if _general(end) in self.arrays and {end.name, called(end).name} & self.ends:
                yield Statement(called(end), self.moment(end))
                self.starts.add(end)
        for each in loop.writes:
            yield Statement(each.array, _with_axis(self.all_moments(each.row, steps.count), each.axis))

    def _fresh(self, variable: Variable) -> Variable:
        """Return a variable under a name that no other has; a derivative may be there before and after a sum."""
        while variable.name in self.taken:
            variable = variable.change(mark=variable.mark + 1)
        self.taken.add(variable.name)
        return variable


class _Inside:
    """What a step of a loop is in code: the names of what it makes, of the rows that it reads, of what is handed on."""

    def __init__(self, loop: Loop, numbers: Mapping[str, int]) -> None:
        self.loop = loop
        items = loop.step if loop.backward else loop.items
        self.equations = [item for item in items if isinstance(item, Equation)]
        self.closed = {item.target: item for item in loop.items if isinstance(item, Equation)}
        self.numbers = numbers
        self.made = {equation.target: local(equation.target) for equation in self.equations}
        handed = [flow.name for flow in loop.flows] if loop.backward else [carry.before for carry in loop.carries]
        self.before = {each: _handed(each) if loop.backward else local(each) for each in handed}
        formulas = (*(each.expression for each in self.equations), *(flow.after for flow in loop.flows))
        self.read = dict.fromkeys(variable for formula in formulas for variable in variables(formula))
        known = {*self.made, *self.before}
        self.rows = {each: local(each) for each in self.read if _times(each) and each not in known}
        self.names: dict[Node, Node] = {**self.made, **self.before, **self.rows}

    @property
    def starts(self) -> list[Variable]:
        """What stands before the first step of a forward loop."""
        return [self.loop.start(carry) for carry in self.loop.carries]

    def steps(self, stacked: tuple[Variable, ...]) -> Steps:
        """Return the steps, which keep all values of what is `stacked`."""
        statements = [self._statement(equation) for equation in self.equations]
        after = [self.made[carry.after] for carry in self.loop.carries if not self.loop.backward]
        for place, flow in enumerate(self.loop.flows):
            name = self.before[flow.name]
            back = name.change(letter=name.letter.removesuffix("_next") + "_back")
            told = (Why("what the moment before gets, as the terms of t + 1 above"),) if not place else ()
            statements.append(Statement(back, trees.replace(flow.after, self.names), whys=told))
            after.append(back)
        stacks = tuple(self.made[each] for each in stacked)
        rows, before = tuple(self.rows.values()), tuple(self.before.values())
        whole = tuple(each for each in self.read if not _times(each) and each not in self.before)
        returns = tuple(dict.fromkeys(each.name for each in (*stacks, *after)))
        program = Program(tuple(statements), (), (), (*rows, *before, *whole), (), returns)
        return Steps(program, int(self.loop.count), self.loop.backward, rows, before, tuple(after), whole, stacks)

    def _statement(self, equation: Equation) -> Statement:
        written = self.closed[equation.target].pretty()
        expression = trees.replace(equation.expression, self.names)
        return Statement(self.made[equation.target], expression, written, self.numbers.get(equation.name))


def local(variable: Variable) -> Variable:
    """Return the name of a variable in a step: `h1_t`, `h1_before` for `t - 1`, `dh1_above` for what has a prime.

    The derivative by a state has two parts: what has a prime comes from the layer above, the other from `t + 1`.
    """
    (time,) = _times(variable)
    if variable.role == GRADIENT and variable.mark > 1:
        return _with_suffix(variable, "_above").change(mark=variable.mark - 1)
    return _with_suffix(variable, "_before" if time.as_coeff_Add()[0] else "_t")


def _handed(variable: Variable) -> Variable:
    """Return the name of what the step that is made before hands on: `dh1_next`."""
    return _with_suffix(variable, "_next").change(letter=f"d{variable.letter}{_layers(variable)}_next")


def called(variable: Variable) -> Variable:
    """Return the name of a variable at a moment that is a number, `h1_t3`, or that is any."""
    (time,) = _times(variable)
    return variable.change(letter=f"{variable.letter}{_layers(variable)}_t", index=(time,) if time.is_Integer else ())


def _with_suffix(variable: Variable, suffix: str) -> Variable:
    return variable.change(letter=f"{variable.letter}{_layers(variable)}{suffix}", index=())


def _layers(variable: Variable) -> str:
    return "_".join(map(str, placed(variable.index)[0]))


def _times(variable: Variable) -> tuple[Expr, ...]:
    """The moment at which a variable stands, if it stands at one."""
    return tuple(part.value for part in variable.index if isinstance(part, RowIndex))


def _general(variable: Variable) -> Variable:
    """Return the variable for a general moment."""
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


def _with_axis(array: Node, axis: int) -> Node:
    """Return an array whose first axis stands at another place."""
    return n.Transpose(array, (*range(1, axis + 1), 0, *range(axis + 1, array.rank))) if axis else array


def _same(left: Node, right: Node) -> bool:
    return left is right


__all__ = ["Roller", "called", "local"]

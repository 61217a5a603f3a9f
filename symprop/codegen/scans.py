"""Loops over time in programs: a step that is made again and again is a program of its own, in one operation.

A `Scan` reads rows of arrays whose first axis is time, and what the step before made; `Made` is what a variable of the
step was in all of them, one after the other: time is the first axis. What is carried has its start in front.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Self

from sympy import Atom, Integer, Tuple

from symprop.algebra import trees
from symprop.algebra.nodes import SHAPE, Node, Variable
from symprop.algebra.shapes import Shape
from symprop.calculus.tidy import TIDY
from symprop.codegen.program import Pass, Program, Statement
from symprop.codegen.views import is_view


@dataclass(frozen=True, eq=False)
class Steps:
    """One step of `count`, in the order of time or `backward`.

    `program` makes it of `rows`, a row of each of the first operands of its `Scan`; of `before`, what the step before
    left, which the next operands are at the start; and of `whole`, what is the same in every step. It leaves `after`;
    of `stacks` the values of all steps are kept.
    """

    program: Program
    count: int
    backward: bool
    rows: tuple[Variable, ...]
    before: tuple[Variable, ...]
    after: tuple[Variable, ...]
    whole: tuple[Variable, ...]
    stacks: tuple[Variable, ...]

    def has_start(self, variable: Variable) -> bool:
        """Whether the start stands before the values of all steps: so it does where a step reads them."""
        return not self.backward and variable in self.after

    def is_row(self, after: Variable) -> bool:
        """Whether what a step hands on is a row of all values, which the next one reads where it lies."""
        return self.has_start(after) and after in self.stacks

    def in_place(self, before: Variable, after: Variable) -> bool:
        """Whether what a step hands on can be written where it found what the step before left: nothing reads that
        once it is there."""
        if after in self.stacks:
            return False
        views = {before}
        place = len(self.program.forward)
        for number, statement in enumerate(self.program.forward):
            reads = views.intersection(statement.reads)
            if statement.target == after:
                if reads or is_view(statement.expression):
                    return False
                place = number
            elif reads and number > place:
                return False
            if reads and is_view(statement.expression):
                views.add(statement.target)
        return True

    def of_all(self, variable: Variable) -> Shape:
        """The shape of the values of all steps."""
        return (Integer(self.count + self.has_start(variable)), *variable.shape)


PART = "part"
"""The role of variables that `single_operations` makes: parts on the way to a result that has a name of its own."""


class Body(Atom):
    """The steps of a `Scan`, as SymPy holds them: each is equal to itself alone."""

    def __new__(cls, steps: Steps) -> Self:
        new: Self = super().__new__(cls)
        new.steps = steps
        return new

    def _hashable_content(self) -> tuple[Any, ...]:
        return (id(self.steps),)


class Scan(Node):
    """All steps of a loop: its operands are arrays by time, then starts, then what is the same in every step."""

    def __new__(cls, *parts: Any) -> Self:
        return super().__new__(cls, *parts)

    @property
    def steps(self) -> Steps:
        found: Steps = self.args[-1].steps
        return found

    def with_steps(self, steps: Steps) -> Scan:
        """Return the same with other steps."""
        return Scan(*self.operands, Body(steps))

    @property
    def arrays(self) -> tuple[Node, ...]:
        """The arrays of which each step reads a row."""
        return self.operands[: len(self.steps.rows)]

    @property
    def starts(self) -> tuple[Node, ...]:
        """What the first step finds in place of what one before it left."""
        rows = len(self.steps.rows)
        return self.operands[rows : rows + len(self.steps.before)]

    @property
    def whole(self) -> tuple[Node, ...]:
        """What is the same in every step."""
        return self.operands[len(self.steps.rows) + len(self.steps.before) :]


class Made(Node):
    """The values of a variable in all steps of a `Scan`, time along the first axis; `place` is its among the stacks."""

    def __new__(cls, scan: Node, place: Any, shape: Any) -> Self:
        return super().__new__(cls, scan, Integer(place), Tuple(*shape))

    @property
    def place(self) -> int:
        return int(self.args[1])


@SHAPE.row(Scan)
def _(node: Scan) -> Shape:
    return ()


@SHAPE.row(Made)
def _(node: Made) -> Shape:
    return tuple(node.args[2].args)


@TIDY.row(Scan, Made)
def _(node: Node) -> Node:
    return node


def has_scans(program: Program) -> bool:
    """Whether there is a loop over time in a program."""
    return any(isinstance(statement.expression, Scan) for statement in program.statements)


def in_steps(program: Program, change: Pass) -> Program:
    """Return a program with a pass applied to the steps of its scans."""

    def part(statements: Iterable[Statement]) -> tuple[Statement, ...]:
        return tuple(map(one, statements))

    def one(statement: Statement) -> Statement:
        scan = statement.expression
        if not isinstance(scan, Scan):
            return statement
        changed = change(scan.steps.program)
        steps = scan.steps
        return statement if changed is steps.program else statement.with_expression(
            scan.with_steps(replace(steps, program=changed))
        )  # fmt: skip

    return replace(program, forward=part(program.forward), backward=part(program.backward))


def named_apart(program: Program) -> Program:
    """Give the parts of steps names that nothing else of the program has: all have their memory in one workspace."""
    taken = {*program.names}
    loops = 0

    def one(statement: Statement) -> Statement:
        nonlocal loops
        scan = statement.expression
        if not isinstance(scan, Scan):
            return statement
        loops += 1
        steps, names = scan.steps, dict[Node, Variable]()
        kept = {*steps.rows, *steps.before, *steps.after, *steps.stacks}
        for each in steps.program.forward:
            target = each.target
            if target in kept:
                continue
            if target.role == PART:
                target = target.change(letter=f"{target.letter}_t", index=(Integer(loops),))
            while target.name in taken:
                target = target.change(mark=target.mark + 1)
            taken.add(target.name)
            names[each.target] = target
        made = tuple(
            replace(each, target=names.get(each.target, each.target), expression=trees.replace(each.expression, names))
            for each in steps.program.forward
        )
        return statement.with_expression(scan.with_steps(replace(steps, program=replace(steps.program, forward=made))))

    if not has_scans(program):
        return program
    forward, backward = (tuple(map(one, part)) for part in (program.forward, program.backward))
    return replace(program, forward=forward, backward=backward)


def stacks_of(statements: Iterable[Statement]) -> dict[Variable, dict[int, Variable]]:
    """Return, for each scan by its name, which of its stacks is called what."""
    found: dict[Variable, dict[int, Variable]] = {}
    for statement in statements:
        if isinstance(made := statement.expression, Made) and isinstance(scan := made.operands[0], Variable):
            found.setdefault(scan, {})[made.place] = statement.target
    return found


def stacks_read(program: Program) -> Program:
    """Drop the stacks of scans of which nothing is read, as where one step alone reads no value of a step before."""
    made = stacks_of(program.statements)

    def one(statement: Statement) -> Statement:
        expression = statement.expression
        if isinstance(expression, Scan):
            steps = expression.steps
            stacks = tuple(steps.stacks[place] for place in sorted(made.get(statement.target, ())))
            if stacks == steps.stacks:
                return statement
            returns = tuple(dict.fromkeys(each.name for each in (*stacks, *steps.after)))
            inner = replace(steps.program, returns=returns)
            return statement.with_expression(expression.with_steps(replace(steps, program=inner, stacks=stacks)))
        if isinstance(expression, Made) and isinstance(scan := expression.operands[0], Variable):
            place = sorted(made[scan]).index(expression.place)
            return statement.with_expression(Made(scan, place, expression.shape))
        return statement

    forward, backward = (tuple(map(one, part)) for part in (program.forward, program.backward))
    return replace(program, forward=forward, backward=backward)

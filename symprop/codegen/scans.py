"""Loops over time in programs: a step that is made again and again is a program of its own, in one operation.

A `Scan` reads rows of arrays whose first axis is time, and what the step before made; `Made` is what a variable of the
step was in all of them, one after the other: time is the first axis. What is carried has its start in front.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self, TypeGuard

from sympy import Atom, Integer, Tuple

from symprop.algebra import trees
from symprop.algebra.nodes import SHAPE, Add, Node, Variable
from symprop.algebra.shapes import Shape
from symprop.codegen.kinds import OfPrograms
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

    @property
    def index(self) -> str:
        """What numbers the steps in code: moments, or windows of moments, whose steps are loops."""
        return "window" if has_scans(self.program) else "t"

    def has_start(self, variable: Variable) -> bool:
        """Whether the start stands before the values of all steps: so it does where a step reads them."""
        return not self.backward and variable in self.after

    def is_row(self, after: Variable) -> bool:
        """Whether what a step hands on is a row of all values, which the next one reads where it lies."""
        return self.has_start(after) and after in self.stacks

    def in_place(self, before: Variable, after: Variable, named: bool = False) -> bool:
        """Whether what a step hands on can be written where it found what the step before left: nothing reads that
        once it is there. With `named` it is an array of its own, under the name of the other."""
        if after in self.stacks:
            return False
        views = {before}
        place = len(self.program.forward)
        for number, statement in enumerate(self.program.forward):
            reads = views.intersection(statement.reads)
            if statement.target == after:
                if is_view(statement.expression) or (reads and not named and not _is_added(statement, before)):
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


def _is_added(statement: Statement, before: Variable) -> bool:
    """Whether a statement adds something to what the step before left, element by element."""
    expression = statement.expression
    parts = expression.operands if isinstance(expression, Add) and statement.shape == before.shape else ()
    return parts.count(before) == 1 and all(isinstance(each, Variable) for each in parts)


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


class Scan(OfPrograms):
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


class OfSteps(OfPrograms):
    """Abstract: an array that the steps of a `Scan` made, which has a name: the `place` of one among its kind."""

    def __new__(cls, scan: Variable, place: Any, shape: Any) -> Self:
        return super().__new__(cls, scan, Integer(place), Tuple(*shape))

    @property
    def scan(self) -> Variable:
        found: Variable = self.args[0]
        return found

    @property
    def place(self) -> int:
        return int(self.args[1])


class Made(OfSteps):
    """The values of a variable in all steps, time along the first axis; `place` is its among the stacks."""


class Left(OfSteps):
    """What the last step hands on; `place` is its among what is carried."""


@SHAPE.row(Scan)
def _(node: Scan) -> Shape:
    return ()


@SHAPE.row(OfSteps)
def _(node: OfSteps) -> Shape:
    return tuple(node.args[2].args)


def has_scans(program: Program) -> bool:
    """Whether there is a loop over time in a program."""
    return any(isinstance(statement.expression, Scan) for statement in program.statements)


def is_over_moments(node: Node) -> TypeGuard[Scan]:
    """Whether a formula is a loop over moments, and not one over windows, whose steps are such loops."""
    return isinstance(node, Scan) and not has_scans(node.steps.program)


def in_steps(program: Program, change: Pass) -> Program:
    """Return a program with a pass applied to the steps of its scans."""

    def part(statements: Iterable[Statement]) -> tuple[Statement, ...]:
        return tuple(map(one, statements))

    def one(statement: Statement) -> Statement:
        scan = statement.expression
        if not isinstance(scan, Scan):
            return statement
        inner = scan.steps.program
        changed = change(in_steps(inner, change) if has_scans(inner) else inner)
        steps = scan.steps
        return statement if changed is steps.program else statement.with_expression(
            scan.with_steps(replace(steps, program=changed))
        )  # fmt: skip

    return replace(program, forward=part(program.forward), backward=part(program.backward))


def named_apart(program: Program) -> Program:
    """Give what steps make names that nothing else of the program has: all have their memory in one workspace."""
    taken = {*program.names}
    loops = 0

    def part(statements: Iterable[Statement], names: Mapping[Node, Node], rows: set[str]) -> tuple[Statement, ...]:
        return tuple(one(each, names, rows) for each in statements)

    def one(statement: Statement, names: Mapping[Node, Node], rows: set[str]) -> Statement:
        target = names.get(statement.target, statement.target)
        expression = trees.replace(statement.expression, {**names}) if names else statement.expression
        if isinstance(expression, Scan):
            expression = expression.with_steps(apart(expression.steps, names, rows))
        return replace(statement, target=target, expression=expression)

    def apart(steps: Steps, outer: Mapping[Node, Node], around: set[str]) -> Steps:
        nonlocal loops
        loops += 1
        rows = around | set(_rows_in(steps))
        kept = {*steps.before, *steps.after, *steps.stacks}
        names: dict[Node, Node] = {each: outer[each] for each in steps.whole if each in outer}
        for each in dict.fromkeys((*steps.before, *(each.target for each in steps.program.forward))):
            target = each
            if target.role == PART and target not in kept:
                target = target.change(letter=f"{target.letter.removesuffix('_t')}_t", index=(Integer(loops),))
            while target.name in taken or target.name in rows:
                target = target.change(mark=target.mark + 1)
            taken.add(target.name)
            if target is not each:
                names[each] = target

        def named(variables: Iterable[Variable]) -> tuple[Variable, ...]:
            return tuple(names.get(each, each) for each in variables)

        own = {each.name: names[each].name for each in names if isinstance(each, Variable)}
        inner = steps.program
        returns = tuple(own.get(each, each) for each in inner.returns)
        changed = replace(inner, forward=part(inner.forward, names, rows), inputs=named(inner.inputs), returns=returns)
        before, after, whole, stacks = map(named, (steps.before, steps.after, steps.whole, steps.stacks))
        return replace(steps, program=changed, before=before, after=after, whole=whole, stacks=stacks)

    if not has_scans(program):
        return program
    forward, backward = (part(statements, {}, set()) for statements in (program.forward, program.backward))
    return replace(program, forward=forward, backward=backward)


def _rows_in(steps: Steps) -> Iterator[str]:
    """Yield the names of rows in a step, those of loops inside too."""
    yield from (each.name for each in steps.rows)
    for each in steps.program.forward:
        if isinstance(each.expression, Scan):
            yield from _rows_in(each.expression.steps)


def stacks_of(statements: Iterable[Statement]) -> dict[Variable, dict[int, Variable]]:
    """Return, for each scan by its name, which of its stacks is called what."""
    found: dict[Variable, dict[int, Variable]] = {}
    for statement in statements:
        if isinstance(made := statement.expression, Made):
            found.setdefault(made.scan, {})[made.place] = statement.target
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
        if isinstance(expression, Made):
            place = sorted(made[expression.scan]).index(expression.place)
            return statement.with_expression(Made(expression.scan, place, expression.shape))
        return statement

    forward, backward = (tuple(map(one, part)) for part in (program.forward, program.backward))
    return replace(program, forward=forward, backward=backward)

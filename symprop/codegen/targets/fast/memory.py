"""The memory plan: which result lives where, by liveness, in a workspace that is made once for a batch size.

A result is live from the operation that makes it to the last one that reads it or a view of it. An elementwise
operation writes over an operand that is read for the last time (in place); results in one place are one *block*.
Blocks that are never live together share memory: they are placed by size, the largest first, of one size the one that
is read last, each as low as it fits (Pisarchyk and Lee, Efficient memory management for deep neural net inference,
2020). What a caller is given never shares. All sizes are polynomials in the batch size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property

from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.codegen.operations import is_boolean, is_constant, is_view
from symprop.codegen.program import Program, Statement
from symprop.codegen.scans import Left, Made, Scan, Steps, is_over_moments, stacks_of
from symprop.codegen.targets.fast.blocks import Block, Time
from symprop.codegen.targets.fast.calls import INSIDE, SCRATCH, Scratch, is_allocated
from symprop.codegen.targets.fast.overwriting import arrays_read, base, overwritable
from symprop.codegen.targets.fast.placing import Shelf
from symprop.codegen.targets.fast.plans import KINDS, Plan
from symprop.codegen.targets.scan_lines import left_of

UNSHARED = ("gradient", "statistics", "constants", "held")


def plan(
    program: Program,
    own: Sequence[Variable] = (),
    reuse: bool = True,
    held: Sequence[Variable] = (),
    loops: bool = False,
    into: Mapping[Variable, Variable] | None = None,
    rows: Iterable[Variable] = (),
) -> Plan:
    """Return a program of single operations with its memory plan.

    `own` are inputs that the workspace holds; `held` are inputs of the caller that may be written over. Without
    `reuse` every result has memory of its own. For a program of `loops`, each statement makes an array of its own, none
    in the place of an operand: a compiler does not vectorise what it cannot tell apart. `into` are results that are
    written where an input lies, which nothing reads any more, `rows` those that are written into a row of an array.
    """
    return _Planner(program, tuple(own), reuse, loops, into or {}, frozenset(rows)).plan(held)


class _Planner:
    """The state while a plan is made: the root of a result (whose memory it views), and when that is read last."""

    def __init__(
        self,
        program: Program,
        own: tuple[Variable, ...],
        reuse: bool,
        loops: bool,
        into: Mapping[Variable, Variable],
        rows: frozenset[Variable],
    ) -> None:
        self.program, self.own, self.reuse, self.loops, self.into, self.rows = program, own, reuse, loops, into, rows
        self.statements = list(program.statements)
        self.returned = {each.target for each in self.statements if each.name in program.returned}
        self.booleans: set[Node] = set()
        self.roots: dict[Node, Variable] = {}
        self.last: dict[Variable, int] = {}
        self.homes: dict[Variable, Block] = {}
        self.over: dict[Variable, Variable] = {}
        self.extra: dict[Variable, Block] = {}
        self.blocks: list[Block] = []
        self.inside: dict[Variable, Plan] = {}
        self.scans: dict[Node, Time] = {}

    def plan(self, held: Sequence[Variable]) -> Plan:
        self._find_lifetimes()
        for variable in held:
            self._enter(Block(variable, "held", variable.shape, -1, self.last.get(variable, -1)), variable)
        for place, statement in enumerate(self.statements):
            self._settle(place, statement)
        for variable in self.own:
            self._enter(Block(variable, "memory", variable.shape, -1, self.last.get(variable, -1)), variable)
        order = {name: place for place, name in enumerate(self.program.returns)}
        self.blocks.sort(key=lambda block: order.get(block.holds[-1].name, -1) if block.kind == "gradient" else -1)
        totals = {kind: self._place([block for block in self.blocks if block.kind == kind]) for kind in KINDS}
        homes, inside = self.homes, self.inside
        return Plan(
            self.program, tuple(self.blocks), homes, self.over, self.extra, totals, inside, self.rows, self.into
        )

    def _find_lifetimes(self) -> None:
        stacks = stacks_of(self.statements)
        for place, statement in enumerate(self.statements):
            expression, target = statement.expression, statement.target
            is_alias = target.rank and is_view(expression) and not self.loops
            self.roots[target] = self.root(base(expression)) if is_alias else target
            if isinstance(expression, Left) and not self._has_place(target):
                steps = self.definitions[expression.scan.name].steps
                self.roots[target] = base(left_of(steps, expression.place, stacks.get(expression.scan, {})))
            for read in statement.reads:
                self.last[self.root(read)] = place
        end = len(self.statements)
        self.last.update((self.root(each), end) for each in self.returned)

    def _has_place(self, target: Variable) -> bool:
        """Whether a result of a step is written into a row, or where an input lay."""
        return target in self.rows or target in self.into

    def root(self, variable: Variable) -> Variable:
        return self.roots.get(variable, variable)

    def _settle(self, place: int, statement: Statement) -> None:
        """Give the result of an operation its block."""
        target, expression = statement.target, statement.expression
        stop = self.last.get(target, place)
        given = "gradient" if target.is_of_gradient else "statistics"
        is_wanted = target in self.returned and target.is_of_gradient  # lies in one vector with the others
        if is_boolean(expression, self.booleans) and not self.loops:
            self.booleans.add(target)
        if isinstance(expression, Scan):
            self._settle_steps(place, target, expression.steps)
            return
        if isinstance(expression, Left) and not self._has_place(target):
            return
        if isinstance(expression, Made):
            self._enter(Block(target, "memory", target.shape, self.scans[expression.scan], stop), target)
            return
        if (given_place := self.into.get(target)) is not None:
            self.homes[target] = Block(given_place, "held", target.shape, place, stop, [target])
            return
        if isinstance(expression, Left):
            self._enter(Block(target, "memory", target.shape, place, stop), target)
            return
        if self.loops or is_allocated(expression):
            if is_wanted or (self.loops and target.rank):
                kind = given if target in self.returned else "memory"
                self._enter(Block(target, kind, target.shape, place, stop), target)
            return
        operand = self._overwritten(place, statement) if self.reuse else None
        if operand is not None:
            block = self.homes[self.root(operand)]
            block.stop = max(block.stop, stop)
            block.holds.append(target)
            self.homes[target], self.over[target] = block, operand
            if target in self.returned and block.kind != "held":
                block.kind = given
        else:
            kind = given if target in self.returned else "flags" if target in self.booleans else "memory"
            if is_constant(expression) and target not in self.returned:
                kind, stop = "constants", len(self.statements)
            self._enter(Block(target, kind, target.shape, place, stop), target)
        for scratch in self._scratch(expression):
            block = Block(target, scratch.kind, scratch.shape, place, place)
            self.blocks.append(block)
            self.extra[target] = block

    def _settle_steps(self, place: int, target: Variable, steps: Steps) -> None:
        """Give the results of a step their blocks, which all steps use again: a loop is one operation.

        A window is a program of loops, whose arrays are live one after the other, between the last operation and this.
        """
        pairs = zip(steps.before, steps.after, strict=True)
        into = {after: before for before, after in pairs if steps.in_place(before, after)}
        found = plan(steps.program, reuse=self.reuse, loops=self.loops, into=into, rows=steps.stacks)
        last = len(found.program.forward)
        together = is_over_moments(self.statements[place].expression)

        def time(inside: Time) -> Time:
            return place if together else place - Fraction(last + 1 - inside) / (last + 3)

        self.scans[target] = time(-1)
        for block in found.blocks:
            if block.kind != "held" and not found.rows.intersection(block.holds):
                kind = "memory" if block.kind in ("gradient", "statistics") else block.kind
                name = found.shown.get(block.first, block.first)
                self.blocks.append(Block(name, kind, block.shape, time(block.start), time(block.stop), [name]))
        self.inside[target] = found
        for before, after in zip(steps.before, steps.after, strict=True):
            if not steps.is_row(after):
                stop = max(place, self.last.get(before, place))
                self._enter(Block(before, "memory", before.shape, time(-1), stop), before)

    def _enter(self, block: Block, target: Variable) -> None:
        block.holds.append(target)
        self.blocks.append(block)
        self.homes[target] = block

    def _scratch(self, expression: Node) -> Iterator[Scratch]:
        for part in (expression, *expression.operands):
            row = SCRATCH.find(type(part))
            if row is not None and (found := row(part)) is not None:
                yield found

    def _overwritten(self, place: int, statement: Statement) -> Variable | None:
        """Return the operand that an operation can write over: read here for the last time, in the same shape."""
        target, expression = statement.target, statement.expression
        if type(expression) not in INSIDE:
            return None
        direct = overwritable(expression)
        reads = (part for part in arrays_read(expression) if part not in direct)
        others = [self.root(base(part)) for part in reads]
        candidates = []
        for operand in dict.fromkeys(direct):
            root = self.root(operand)
            home = self.homes.get(root)
            if home is None or home.kind == "constants" or root in self.returned or root in others:
                continue
            if self.last[root] != place or operand.shape != target.shape or not self._whole(operand):
                continue
            if (operand in self.booleans) != (target in self.booleans):
                continue
            candidates.append(operand)
        return min(candidates, key=lambda each: self.homes[self.root(each)].kind != "held", default=None)

    def _whole(self, variable: Variable) -> bool:
        """Whether a variable has all the memory of its root, row by row."""
        expression = self.definitions.get(variable.name)
        while expression is not None and is_view(expression) and not isinstance(expression, Variable):
            if not isinstance(expression, (n.Reshape, n.Expand)):
                return False
            expression = expression.operands[0]
        return expression is None or not isinstance(expression, Variable) or self._whole(expression)

    @cached_property
    def definitions(self) -> dict[str, Node]:
        return self.program.definitions()

    def _place(self, blocks: list[Block]) -> Expr:
        """Place blocks of one kind and return how many elements they take; sizes of one degree lie together."""
        total: Expr = Integer(0)
        times = {time: rank for rank, time in enumerate(sorted({each for b in blocks for each in (b.start, b.stop)}))}
        degrees: dict[Expr, list[Block]] = {}
        for block in blocks:
            degrees.setdefault(block.unit, []).append(block)
        for unit, sized in sorted(degrees.items(), key=lambda item: str(item[0])):
            shared = self.reuse and blocks[0].kind not in UNSHARED
            shelf = Shelf(len(sized), sum(block.count for block in sized))
            top = 0
            for block in sorted(sized, key=lambda block: (-block.count, -block.stop)) if shared else sized:
                block.base, block.low = total, top
                if shared:
                    block.low = shelf.place(block.count, times[block.start], times[block.stop])
                top = max(top, block.low + block.count)
            total += top * unit
        return total


__all__ = ["KINDS", "Block", "Plan", "plan"]

"""The memory plan: which result lives where, by liveness, in a workspace that is made once for a batch size.

A result is live from the operation that makes it to the last one that reads it or a view of it. An elementwise
operation writes over an operand that is read for the last time (in place); results in one place are one *block*.
Blocks that are never live together share memory: they are placed by size, the largest first, of one size the one that
is read last, each as low as it fits (Pisarchyk and Lee, Efficient memory management for deep neural net inference,
2020). What a caller is given never shares. All sizes are polynomials in the batch size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import sympy
from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra import trees
from symprop.algebra.nodes import Node, Variable
from symprop.codegen.operations import PART, is_boolean, is_constant, is_view
from symprop.codegen.program import RESERVED, Program, Statement
from symprop.codegen.scans import Made, Scan, Steps
from symprop.codegen.targets.fast.blocks import Block
from symprop.codegen.targets.fast.calls import INSIDE, SCRATCH, Scratch, is_allocated
from symprop.codegen.targets.fast.overwriting import arrays_read, base, overwritable
from symprop.codegen.targets.fast.placing import Shelf

KINDS = ("gradient", "statistics", "memory", "flags", "places", "constants", "held")
"""What memory there is: returned (both), for work, for booleans, for integers, never changed, held by the caller."""

UNSHARED = ("gradient", "statistics", "constants", "held")


@dataclass(frozen=True)
class Plan:
    """A program of single operations with a place for each result.

    `homes` gives the block of a result, `over` the operand that an operation writes over, `extra` the scratch memory of
    an operation. `totals` are the elements of each kind of memory.
    """

    program: Program
    blocks: tuple[Block, ...]
    homes: dict[Variable, Block]
    over: dict[Variable, Variable]
    extra: dict[Variable, Block]
    totals: dict[str, Expr]
    inside: dict[Variable, Plan] = field(default_factory=dict)
    """The plan of the step of each loop over time, by the name of its scan."""
    rows: frozenset[Variable] = frozenset()
    """In the plan of a step, what is written into a row of the values of all steps."""
    into: Mapping[Variable, Variable] = field(default_factory=dict)
    """In the plan of a step, what is written where an input lay, which nothing reads any more."""

    @cached_property
    def naive(self) -> dict[str, Expr]:
        """The elements of each kind of memory if every result had its own."""
        found: dict[str, Expr] = dict.fromkeys(KINDS, Integer(0))
        for block in self.blocks:
            found[block.kind] += block.size * max(1, len(block.holds))
        return found

    def bytes(self, itemsize: int, naive: bool = False) -> Expr:
        """Return the bytes of the workspace, a polynomial in the batch size; `naive` if every result had its own."""
        widths = dict.fromkeys(KINDS, itemsize) | {"flags": 1, "places": 8}
        counts = self.naive if naive else self.totals
        return sympy.expand(sum((widths[kind] * counts[kind] for kind in KINDS), Integer(0)))

    @cached_property
    def shown(self) -> dict[Node, Variable]:
        """The name under which a part is printed: of the result that it becomes in place, or of the last part."""
        after = {operand: target for target, operand in self.over.items()}
        groups: dict[Variable, list[Variable]] = {}
        seen: set[Variable] = set()
        for statement in self.program.statements:
            chain = [statement.target]
            while chain[-1].role == PART and chain[-1] in after:
                chain.append(after[chain[-1]])
            slopes = [place for place, part in enumerate(chain) if part.role == PART and part.letter == "slope"]
            cut = slopes[-1] + 1 if slopes else 0  # the slope of an activation is a thing of its own
            for group in (chain[:cut], chain[cut:]):
                parts = [part for part in group if part.role == PART and part not in seen]
                if parts:
                    groups.setdefault(group[-1], []).extend(parts)
                    seen.update(parts)
        return self._renumbered(groups)

    def _renumbered(self, groups: dict[Variable, list[Variable]]) -> dict[Node, Variable]:
        """Return the name of each part; numbers of names that are not printed are free again."""
        printed = {each.name for each in self.program.given} | set(RESERVED)
        printed |= {
            each.name for each in (statement.target for statement in self.program.statements) if each.role != PART
        }
        names: dict[Node, Variable] = {}
        for last, parts in groups.items():
            mark = 1
            while last.role == PART and last.change(mark=Integer(mark)).name in printed:
                mark += 1
            name = last.change(mark=Integer(mark)) if last.role == PART else last
            printed.add(name.name)
            names.update(dict.fromkeys(parts, name))
        return names

    def printed(self, statement: Statement) -> Statement:
        """Return a statement with parts under the names under which they are printed."""
        names = {**self.shown, **self.into}
        target = names.get(statement.target, statement.target)
        expression = trees.replace(statement.expression, names)
        return Statement(target, expression, statement.formula, statement.number, statement.whys)


def plan(
    program: Program,
    own: Sequence[Variable] = (),
    reuse: bool = True,
    held: Sequence[Variable] = (),
    loops: bool = False,
    into: Mapping[Variable, Variable] | None = None,
) -> Plan:
    """Return a program of single operations with its memory plan.

    `own` are inputs that the workspace holds; `held` are inputs of the caller that may be written over. Without
    `reuse` every result has memory of its own. For a program of `loops`, each statement makes an array of its own, none
    in the place of an operand: a compiler does not vectorise what it cannot tell apart. `into` are results that are
    written where an input lies, which nothing reads any more.
    """
    return _Planner(program, tuple(own), reuse, loops, into or {}).plan(held)


class _Planner:
    """The state while a plan is made: the root of a result (whose memory it views), and when that is read last."""

    def __init__(
        self,
        program: Program,
        own: tuple[Variable, ...],
        reuse: bool,
        loops: bool,
        into: Mapping[Variable, Variable],
    ) -> None:
        self.program, self.own, self.reuse, self.loops, self.into = program, own, reuse, loops, into
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
        self.scans: dict[Node, int] = {}

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
        return Plan(self.program, tuple(self.blocks), self.homes, self.over, self.extra, totals, self.inside)

    def _find_lifetimes(self) -> None:
        for place, statement in enumerate(self.statements):
            expression, target = statement.expression, statement.target
            is_alias = target.rank and is_view(expression) and not self.loops
            self.roots[target] = self.root(base(expression)) if is_alias else target
            for read in statement.reads:
                self.last[self.root(read)] = place
        end = len(self.statements)
        self.last.update((self.root(each), end) for each in self.returned)

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
        if isinstance(expression, Made):
            self._enter(Block(target, "memory", target.shape, self.scans[expression.operands[0]], stop), target)
            return
        if (given_place := self.into.get(target)) is not None:
            self.homes[target] = Block(given_place, "held", target.shape, place, stop, [target])
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
        """Give the results of a step their blocks, which all steps use again: a loop is one operation."""
        self.scans[target] = place
        pairs = zip(steps.before, steps.after, strict=True)
        into = {after: before for before, after in pairs if steps.in_place(before, after)}
        inside = plan(steps.program, reuse=self.reuse, loops=self.loops, into=into)
        found = replace(inside, rows=frozenset(steps.stacks), into=into)
        for block in found.blocks:
            if block.kind != "constants" and not found.rows.intersection(block.holds):
                kind = "memory" if block.kind in ("gradient", "statistics") else block.kind
                name = found.shown.get(block.first, block.first)
                self.blocks.append(Block(name, kind, block.shape, place, place, [name]))
        self.inside[target] = found
        for before, after in zip(steps.before, steps.after, strict=True):
            if not steps.is_row(after):
                self._enter(Block(before, "memory", before.shape, place, place), before)

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
            if isinstance(expression, n.Where) and sum(self.root(part) == root for part in direct) > 1:
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
                    block.low = shelf.place(block.count, block.start, block.stop)
                top = max(top, block.low + block.count)
            total += top * unit
        return total


__all__ = ["KINDS", "Block", "Plan", "plan"]

"""A memory plan: a program of single operations, where each result lies, and under which name it is printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import sympy
from sympy import Expr, Integer

from symprop.algebra import trees
from symprop.algebra.nodes import Node, Variable
from symprop.codegen.operations import PART
from symprop.codegen.program import RESERVED, Program, Statement
from symprop.codegen.targets.fast.blocks import Block

KINDS = ("gradient", "statistics", "memory", "flags", "places", "constants", "held")
"""What memory there is: returned (both), for work, for booleans, for integers, never changed, held by the caller."""


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

    @property
    def all(self) -> Iterator[Plan]:
        """The plan, and those of the steps of its loops."""
        yield self
        for each in self.inside.values():
            yield from each.all

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


__all__ = ["KINDS", "Plan"]

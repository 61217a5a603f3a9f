"""Sampling: drawing ids from a causal network one after the other, with what it needs of each position kept.

The equations of one position come out of those of the sequence (`analysis/one_position.py`); here they become a
program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from symprop.algebra.formula import Formula
from symprop.algebra.nodes import Softmax
from symprop.algebra.shapes import shape_text
from symprop.analysis.derivation import Derivation
from symprop.analysis.one_position import POSITION, POSITIONS, Kept, one_position
from symprop.codegen.program import Program, Statement, checked
from symprop.codegen.targets.layout import under_formulas
from symprop.networks.layers import Input
from symprop.networks.network import Network
from symprop.networks.recurrent import has_moments

TAKEN = (POSITION.name, "cache")
"""Arguments of the functions that a template writes; an input that is called so is `x` there."""


@dataclass(frozen=True)
class Sampling:
    """The program of one position, what is kept from position to position, and the numbers of positions and ids."""

    program: Program
    kept: tuple[Kept, ...]
    positions: int
    ids: int

    def context(
        self, program: Program, unpack: Sequence[str], code: Callable[[Statement], list[str]]
    ) -> dict[str, Any]:
        """Return what the template of a module needs; `program` is that of one position as its target arranges it."""
        kept = {each.new.name: each for each in self.kept}

        def lines(statement: Statement) -> list[str]:
            return [*code(statement), *(_keeping(kept[statement.name]) if statement.name in kept else [])]

        return {
            "unpack": list(unpack),
            "code": list(under_formulas(program.forward, lines)),
            "input": self.program.inputs[0].name,
            "output": self.program.returns[0],
            "room": [(each.new.name, self._shape(each)) for each in self.kept],
            "positions": self.positions,
            "ids": self.ids,
            "place": POSITION.name,
        }

    def _shape(self, kept: Kept) -> str:
        sizes = [self.positions if axis == kept.axis else size for axis, size in enumerate(kept.new.shape)]
        return shape_text(("rows", *sizes[1:]), str)


def sampling_of(derivation: Derivation) -> Sampling | None:
    """Return how ids are drawn from a network that reads ids and gives probabilities of the next at each position.

    None where it is no such network, or where a position reads some that stand behind it.
    """
    network, system = derivation.network, derivation.system
    if isinstance(network, Formula) or system.prediction is None or system.output is None or len(system.inputs) > 1:
        return None
    if has_moments(network.layers):  # a state is carried, which no equations of one position have
        return None
    read, output = system.inputs[0], system.output
    likely = next(each.expression for each in system.equations if each.target == system.prediction)
    ids = read.facts_by_kind.get("index")
    if read.rank != 2 or ids != output.shape[-1] or output.rank != 3 or likely != Softmax(output):
        return None
    found = one_position(Network((Input(POSITIONS.name, name=read.name), *network.layers[1:])).system("rows"))
    if found is None:
        return None
    given = found.given.change(letter="x") if read.name in TAKEN else found.given
    put_in = {POSITIONS: read.shape[1], found.given: given}
    statements = tuple(
        Statement(each.target, each.expression.xreplace(put_in), each.pretty(), derivation.numbers.get(each.name))
        for each in found.equations
    )
    inputs = (given, *(each.all for each in found.kept))
    returns = (found.output.name, *(each.new.name for each in found.kept))
    program = checked(Program(statements, (), system.parameters, inputs, (), returns))
    return Sampling(program, found.kept, int(read.shape[1]), int(ids))


def _keeping(kept: Kept) -> list[str]:
    """Return the lines that keep an array at one position, and take all of it so far."""
    before, name, place = ":, " * kept.axis, kept.new.name, POSITION.name
    return [
        f'cache["{name}"][{before}{place} : {place} + 1] = {name}',
        f'{kept.all.name} = cache["{name}"][{before}: {place} + 1]',
    ]

"""Sampling: drawing ids from a causal or recurrent network one after the other, with what it needs of positions kept.

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
from symprop.algebra.trees import variables
from symprop.analysis.derivation import Derivation
from symprop.analysis.one_position import POSITION, POSITIONS, Carried, Kept, OnePosition, one_position
from symprop.codegen.by_time import called, local
from symprop.codegen.moments import has_moment
from symprop.codegen.program import Program, Statement, checked
from symprop.codegen.targets.layout import under_formulas
from symprop.networks.layers import Input
from symprop.networks.network import Network
from symprop.networks.recurrent import written_out_in_time

TAKEN = (POSITION.name, "cache")
"""Arguments of the functions that a template writes; an input that is called so is `x` there."""


@dataclass(frozen=True)
class Sampling:
    """The program of one position, what is kept from position to position, and the numbers of positions and ids.

    `most` is how many positions there may be, None where any number may follow, since states alone are carried.
    """

    program: Program
    kept: tuple[Kept, ...]
    carried: tuple[Carried, ...]
    positions: int
    ids: int
    most: int | None

    def context(
        self, program: Program, unpack: Sequence[str], code: Callable[[Statement], list[str]]
    ) -> dict[str, Any]:
        """Return what the template of a module needs; `program` is that of one position as its target arranges it."""
        after = {each.new.name: _keeping(each) for each in self.kept}
        after |= {each.start.name: _carrying(each) for each in self.carried}
        after |= {each.after.name: [f'cache["{each.after.name}"] = {each.after.name}'] for each in self.carried}

        def lines(statement: Statement) -> list[str]:
            return [*code(statement), *after.get(statement.name, [])]

        return {
            "unpack": list(unpack),
            "code": list(under_formulas(program.forward, lines)),
            "input": self.program.inputs[0].name,
            "output": self.program.returns[0],
            "room": [
                *((each.new.name, self._shape(each)) for each in self.kept),
                *((each.after.name, shape_text(("rows", *each.after.shape[1:]), str)) for each in self.carried),
            ],
            "positions": self.positions,
            "most": self.most,
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
    read, output = system.inputs[0], system.output
    likely = next(each.expression for each in system.equations if each.target == system.prediction)
    ids = read.facts_by_kind.get("index")
    if read.rank != 2 or ids != output.shape[-1] or output.rank != 3 or likely != Softmax(output):
        return None
    layers = written_out_in_time(network, unroll=False).layers[1:]
    found = one_position(Network((Input(POSITIONS.name, name=read.name), *layers)).system("rows"))
    if found is None:
        return None
    given = found.given.change(letter="x") if read.name in TAKEN else found.given
    put_in = {POSITIONS: read.shape[1], found.given: given, **_in_code(found)}
    numbers = derivation.numbers
    statements = tuple(
        Statement(target.xreplace(put_in), formula.xreplace(put_in), each.pretty(), numbers.get(each.name))
        for each in found.equations
        for target, formula in [(each.target, each.expression)]
    )
    carried = tuple(
        Carried(*(put_in[part] for part in (each.before, each.after, each.start))) for each in found.carried
    )
    inputs = (given, *(each.all for each in found.kept), *(each.before for each in carried))
    made = (*(each.new for each in found.kept), *(part for each in carried for part in (each.start, each.after)))
    returns = (found.output.name, *(each.name for each in made))
    program = checked(Program(statements, (), system.parameters, inputs, (), returns))
    bounded = not carried or bool(found.kept) or any(each.expression.has(POSITION) for each in found.equations)
    positions = int(read.shape[1])
    return Sampling(program, found.kept, carried, positions, int(ids), positions if bounded else None)


def _in_code(found: OnePosition) -> dict[Any, Any]:
    """Return what variables of a moment are called in code: `h1_t`, `h1_before`, and `h1_t0` before the first."""
    read = [part for each in found.equations for part in (each.target, *variables(each.expression))]
    read += [part for each in found.carried for part in (each.before, each.after, each.start)]
    return {each: (called if each.index[-1].value.is_Integer else local)(each) for each in read if has_moment(each)}


def _carrying(carried: Carried) -> list[str]:
    """Return the line that takes a state as the position before left it."""
    return [f'{carried.before.name} = cache["{carried.after.name}"] if {POSITION.name} else {carried.start.name}']


def _keeping(kept: Kept) -> list[str]:
    """Return the lines that keep an array at one position, and take all of it so far."""
    before, name, place = ":, " * kept.axis, kept.new.name, POSITION.name
    return [
        f'cache["{name}"][{before}{place} : {place} + 1] = {name}',
        f'{kept.all.name} = cache["{name}"][{before}: {place} + 1]',
    ]

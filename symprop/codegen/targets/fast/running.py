"""Running statistics in a module: the program of evaluation, and how a step of training changes them."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Integer

from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.equations import State, System
from symprop.algebra.nodes import Scalar
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import variables
from symprop.analysis.derivation import Derivation
from symprop.codegen.lowering import lower_system
from symprop.codegen.program import Program
from symprop.codegen.targets.layout import comment
from symprop.codegen.targets.numpy.source import numpy_source
from symprop.codegen.targets.training import takes_one
from symprop.notation.numbered import pretty_formula


@dataclass(frozen=True)
class Running:
    """What the template needs of running statistics: name, shape and start of each, and the lines of a step.

    `statistics` are the values of a step that the lines read. An update without a value for a batch of one example, as
    an unbiased variance has none, is left out there.
    """

    table: tuple[tuple[str, str, str], ...]
    statistics: tuple[str, ...]
    lines: tuple[str, ...]
    batch: bool


def running_of(system: System) -> Running | None:
    """Return what a module for a system in rows says of its running statistics; None where it has none."""
    if not system.states:
        return None
    read = dict.fromkeys(part for state in system.states for part in variables(state.update) if part != state.variable)
    lines: list[str] = []
    for state in system.states:
        own = [part.name for part in variables(state.update) if part != state.variable]
        held, name = item("state", state.variable.name), state.variable.name
        lines.extend(f'{each} = work.statistics["{each}"]' for each in own)
        lines.append(f"{name} = {held}")
        lines.extend(comment(f"{pretty_formula(state.variable)} becomes {pretty_formula(state.update)}", indent=4))
        alone = "" if takes_one(state) else "    "
        lines.extend([f"if {BATCH_SIZE} > 1:  # one example alone has no value for it"] if alone else [])
        lines.append(f"{alone}{name}[...] = {numpy_source(state.update)}")
    return Running(
        tuple((each.variable.name, shape_text(each.variable.shape), _start(each)) for each in system.states),
        tuple(part.name for part in read),
        tuple(lines),
        any(BATCH_SIZE in state.update.free_symbols for state in system.states),
    )


def evaluation(derivation: Derivation) -> Program:
    """Return the program of evaluation: running statistics stand for those of the batch, and there is no dropout."""
    replaced = {variable.name for variable in derivation.system.stand_ins}
    numbers = {name: number for name, number in derivation.numbers.items() if name not in replaced}
    return lower_system(derivation.system.evaluated, (), numbers)


def item(holder: str, name: str) -> str:
    """Return the source of an array in a dictionary.

    >>> item("params", "W1")
    'params["W1"]'
    """
    return f'{holder}["{name}"]'


def _start(state: State) -> str:
    shape = shape_text(state.variable.shape) if state.variable.rank != 1 else str(state.variable.shape[0])
    plain = {Integer(0): "zeros", Integer(1): "ones"}.get(state.start)
    return f"np.{plain}({shape}, DTYPE)" if plain else f"np.full({shape}, {numpy_source(Scalar(state.start))}, DTYPE)"


__all__ = ["Running", "evaluation", "item", "running_of"]

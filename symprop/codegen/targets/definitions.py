"""What a module to read defines beside its passes: elementwise functions of the network, and data that is known."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sympy import Symbol

from symprop.algebra.functions import ElementwiseFunction
from symprop.algebra.lifting import lift
from symprop.algebra.nodes import Known, Map, Node, Variable
from symprop.algebra.trees import has_kind, walk
from symprop.codegen import passes, readable_passes
from symprop.codegen.program import RESERVED, Program, Statement, checked
from symprop.codegen.stable import CALLED
from symprop.codegen.targets.breaking import assigned, broken
from symprop.codegen.targets.dialect import Dialect
from symprop.codegen.targets.layout import comment

HELPERS = (
    *("sigmoid", "softplus", "erf", "softmax", "log_softmax", "logsumexp", "scatter_add", "fold", "windows"),
    *("convolution", "convolution_by_input", "convolution_by_kernel", "max_pool", "max_pool_by_input"),
    *("first_max", "first_min"),
)
"""Functions that a module defines where its statements call them."""


@dataclass(frozen=True)
class Definition:
    """A function of a module that an elementwise function of the network is: its name, arguments, formula and lines."""

    name: str
    arguments: str
    formula: str
    lines: tuple[str, ...]


def functions_of(program: Program, reserved: Iterable[str]) -> Mapping[ElementwiseFunction, str]:
    """Return the functions that no library has, each with its name in the module."""
    taken = {*program.names, *RESERVED, *HELPERS, *CALLED, *dir(builtins), *reserved}
    found: dict[ElementwiseFunction, str] = {}
    for statement in program.statements:
        for part in walk(statement.expression) if has_kind(statement.expression, Map) else ():
            if isinstance(part, Map) and part.function.name not in CALLED and part.function not in found:
                name = part.function.name
                while name in taken:
                    name += "_"
                taken.add(name)
                found[part.function] = name
    return found


def data_of(program: Program, reserved: set[str]) -> dict[Node, str]:
    """Return what is known when the module is written, in order of appearance, each with its name in the module."""
    taken = {*program.names, *RESERVED, *HELPERS, *CALLED, *dir(builtins), *reserved}
    found: dict[Node, str] = {}
    for statement in program.statements:
        for part in walk(statement.expression) if has_kind(statement.expression, Known) else ():
            if isinstance(part, Known) and part not in found:
                name, count = part.name, 1
                while name in taken:
                    count += 1
                    name = f"{part.name}_{count}"
                taken.add(name)
                found[part] = name
    return found


def definition_of(function: ElementwiseFunction, name: str, write: Dialect) -> Definition:
    """Return an elementwise function as a function of arrays, from its scalar body by the passes of stable forms."""
    letters = "tuvw"[: len(function.parameters)]
    shape = (Symbol("m", positive=True, integer=True), Symbol("n", positive=True, integer=True))
    arrays = [Variable(letter, (), shape) for letter in letters]
    scalars = [Variable(letter, (), ()) for letter in letters]
    result = Variable("value", (), shape)
    body = lift(function.body, dict(zip(function.parameters, arrays, strict=True)))
    program = checked(Program((Statement(result, body),), (), (), tuple(arrays), (), ("value",)))
    program = passes.run(program, (*readable_passes.FORMS, passes.share, passes.dead))
    *before, last = program.forward
    lines = [line for each in before for line in _with_whys(each, write)]
    lines += [line for why in last.whys for line in comment(why.text)]
    lines += broken("return ", write.text(last.expression))
    formula = lift(function.body, dict(zip(function.parameters, scalars, strict=True))).pretty()
    return Definition(name, ", ".join(letters), formula, tuple(lines))


def _with_whys(statement: Statement, write: Dialect) -> list[str]:
    notes = [line for why in statement.whys for line in comment(why.text)]
    return [*notes, *assigned(statement.name, write.text(statement.expression))]


__all__ = ["HELPERS", "Definition", "data_of", "definition_of", "functions_of"]

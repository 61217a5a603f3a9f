"""The source of a module: what the template needs of a derivation, as plain text and lists."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

from sympy import Expr

from symprop.algebra.nodes import Variable, variables
from symprop.algebra.shapes import shape_text
from symprop.calculus.derivation import Derivation
from symprop.codegen import passes
from symprop.codegen.lowering import lower
from symprop.codegen.numpy_source import HELPERS, numpy_source
from symprop.codegen.program import Program, Statement
from symprop.networks.builder import Parameter
from symprop.networks.initialisers import INITIALISERS
from symprop.networks.sizes import BATCH_SIZE
from symprop.templating import environment

DTYPES = ("float64", "float32")
COLUMNS = 88
RESERVED = (
    *("np", "params", "grads", "state", "DTYPE", "PARAMETERS", BATCH_SIZE.name, *HELPERS),
    *("init_params", "forward", "predict", "loss", "loss_and_grads", "init_state", "update", "clip_gradients"),
)
"""Names of a module that no statement may take."""


@dataclass(frozen=True)
class Body:
    """The inside of a function: parameters to unpack, lines of both passes, and whether it needs the batch size."""

    unpack: tuple[str, ...]
    forward: tuple[str, ...]
    backward: tuple[str, ...]
    batch: bool
    result: str


def module_source(derivation: Derivation, dtype: str, optimizer: str | None) -> str:
    """Return the source of the module for a derivation in the layout "rows" whose sizes are numbers."""
    system = derivation.system
    assert system.loss is not None
    program = lower(derivation)
    prediction = (system.prediction or system.output).name
    bodies = {
        "forward": _body(program, system.output.name),
        "predict": _body(program, prediction),
        "loss": _body(program, system.loss.name),
        "loss_and_grads": _body(program, *program.returns),
    }
    code = "\n".join(line for body in bodies.values() for line in (*body.forward, *body.backward))
    parameters = derivation.network.parameters
    return (
        environment("numpy")
        .get_template("module.py.j2")
        .render(
            network=textwrap.wrap(derivation.network.text, COLUMNS - 4, break_long_words=False),
            dtype=dtype,
            optimizer=optimizer,
            table=_table(parameters),
            parameters=[(parameter.name, _shape(parameter.variable)) for parameter in parameters],
            initial=[_initial(parameter) for parameter in parameters],
            x=_given(system.inputs[0]),
            y=_given(system.targets[0]),
            output=_given(system.output),
            prediction=_given(system.prediction or system.output),
            predicts=system.prediction is not None,
            bodies=bodies,
            helpers=[name for name in HELPERS if re.search(rf"(?<![\w.]){name}\(", code)],
        )
    )


def _given(variable: Variable) -> dict[str, object]:
    """What the checks and docstrings need to know of an input, a target or a result."""
    facts = {fact.kind: fact.value for fact in variable.facts}
    kind = "real"
    if "sums to 1" in facts and variable.rank == 2:
        kind = "classes"
    elif "between 0 and 1" in facts:
        kind = "probabilities"
    elif "index" in facts:
        kind = "ids"
    return {
        "name": variable.name,
        "kind": kind,
        "rank": variable.rank,
        "shape": shape_text(variable.shape),
        "row": _tuple(variable.shape[1:]),
        "size": str(variable.shape[-1]),
        "count": str(facts.get("index", variable.shape[-1])),
    }


def _body(program: Program, *returns: str) -> Body:
    done = passes.run(program.returning(*returns))
    read = {variable.name for statement in done.statements for variable in variables(statement.expression)}
    groups: dict[tuple[object, ...], list[str]] = {}
    for parameter in done.parameters:
        if parameter.name in read:
            groups.setdefault(parameter.index, []).append(parameter.name)
    unpack = tuple(f"{', '.join(names)} = {', '.join(_item(name) for name in names)}" for names in groups.values())
    forward, backward = _lines(done.forward), _lines(done.backward)
    code = "\n".join(line for line in (*forward, *backward) if not line.startswith("#"))
    return Body(unpack, forward, backward, re.search(rf"\b{BATCH_SIZE}\b", code) is not None, returns[0])


def _item(name: str) -> str:
    return f'params["{name}"]'


def _lines(statements: tuple[Statement, ...]) -> tuple[str, ...]:
    """Return the lines of statements; a formula stands above all that computes it."""
    lines: list[str] = []
    waiting: list[str] = []
    for statement in statements:
        if statement.why:
            waiting.extend(_comment(statement.why))
        waiting.append(f"{statement.name} = {numpy_source(statement.expression)}")
        if statement.formula:
            number = f"({statement.number}) " if statement.number is not None else ""
            lines.extend(_comment(f"{number}{statement.formula}   {shape_text(statement.shape)}"))
            lines.extend(waiting)
            waiting = []
    return (*lines, *waiting)


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, COLUMNS - 4, initial_indent="# ", subsequent_indent="#     ", break_long_words=False)


def _table(parameters: tuple[Parameter, ...]) -> list[str]:
    """Return the lines of the table of parameters: name, shape, what it is."""
    rows = [(parameter.name, shape_text(parameter.variable.shape), parameter.kind) for parameter in parameters]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return [f"{name:<{widths[0]}}  {shape:<{widths[1]}}  {kind}" for name, shape, kind in rows]


def _shape(variable: Variable) -> str:
    return _tuple(variable.shape)


def _tuple(sizes: tuple[Expr, ...]) -> str:
    return shape_text(sizes)


def _initial(parameter: Parameter) -> dict[str, str]:
    """Return how a parameter starts: the formula of its scale, and the draw."""
    row = INITIALISERS[parameter.initialiser]
    shape = _shape(parameter.variable)
    if row.distribution == "zeros":
        return {"name": parameter.name, "comment": "", "draw": f"np.zeros({shape})"}
    scale = repr(float(row.at(row.scale, parameter.fan_in, parameter.fan_out).evalf(30)))
    what = "bound" if row.distribution == "uniform" else "standard deviation"
    fans = f"fan_in = {parameter.fan_in}, fan_out = {parameter.fan_out}"
    comment = f"{row.name}: {what} {row.scale}" + (f", {fans}" if row.scale.free_symbols else "")
    low = f"-{scale}" if row.distribution == "uniform" else "0.0"
    return {"name": parameter.name, "comment": comment, "draw": f"rng.{row.distribution}({low}, {scale}, {shape})"}

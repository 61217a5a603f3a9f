"""The source of a module: what the template needs of a derivation, as plain text and lists."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, replace

import numpy as np

from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.names import variable
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.shapes import shape_text
from symprop.analysis.derivation import Derivation
from symprop.codegen import passes
from symprop.codegen.fact_checks import fact_checks, functions, takes_class_ids
from symprop.codegen.layout import COLUMNS, signature, under_formulas
from symprop.codegen.lowering import lower
from symprop.codegen.memory import Plan
from symprop.codegen.numba_step import loop_step
from symprop.codegen.numpy_source import numpy_source
from symprop.codegen.optimizer_step import update_lines
from symprop.codegen.program import HELPERS, Program, Statement
from symprop.codegen.step import planned, step_lines, workspace_lines
from symprop.networks.builder import Parameter
from symprop.networks.initialisers import INITIALISERS
from symprop.networks.optimisers import OPTIMISERS, Optimiser, clipping
from symprop.templating import environment

DTYPES = ("float64", "float32")
TARGETS = ("numpy", "numba")
BUFFER_BYTES = 4096
"""How large a ufunc's buffer is in a step on arrays above twice that, and from which width of a row on it is set."""
WIDE_ROW = 16


@dataclass(frozen=True)
class Body:
    """The inside of a function: parameters to unpack, lines of both passes, and whether it needs the batch size.

    `whole` is false where the function starts from the result of `forward`.
    """

    unpack: tuple[str, ...]
    forward: tuple[str, ...]
    backward: tuple[str, ...]
    batch: bool
    result: str
    whole: bool = True


def formed(derivation: Derivation) -> Program:
    """Return the program of a derivation in the layout "rows", in the stable forms that every function starts from."""
    return passes.run(lower(derivation), passes.FORMS)


def module_source(
    derivation: Derivation,
    program: Program,
    dtype: str,
    optimizer: str | None,
    target: str = "numpy",
    threads: int = 1,
    reuse: bool = True,
) -> str:
    """Return the source of the module for a derivation in the layout "rows" whose sizes are numbers, and its program.

    Without `reuse` every result of a step has memory of its own in the workspace.
    """
    system = derivation.system
    prediction = (system.prediction or system.output).name
    bodies = {
        "forward": _body(program, system.output.name),
        "predict": _body(program, prediction, after=system.output),
        "loss": _body(program, program.returns[0], after=system.output),
    }
    step = _step(program, system.targets, dtype, threads, reuse)
    loops = loop_step(program, system.targets) if target == "numba" else None
    run = (*bodies.values(), *(() if loops else (step,)))
    lines = [line for body in run for line in (*body.forward, *body.backward)]
    code = "\n".join(line for line in lines if not line.startswith("#"))  # a formula may name a helper too
    parameters = derivation.parameters
    return (
        environment("numpy")
        .get_template("module.py.j2")
        .render(
            network=_network(derivation.source),
            dtype=dtype,
            optimizer=None if optimizer is None else _optimizer(OPTIMISERS[optimizer]),
            clip=numpy_source(_clip_scale()),
            table=_table(parameters),
            parameters=[(parameter.name, shape_text(parameter.variable.shape)) for parameter in parameters],
            initial=[_initial(parameter) for parameter in parameters],
            x=_given(system.inputs[0]),
            y=_given(system.targets[0]),
            facts=_fact_functions(system.targets[0]),
            output=_given(system.output),
            prediction=_given(system.prediction or system.output),
            predicts=system.prediction is not None,
            bodies=bodies,
            step=step,
            threads=threads,
            both="_both(" in code,
            loops=loops,
            helpers=[name for name in HELPERS if re.search(rf"(?<![\w.]){name}\(", code)],
        )
    )


def test_source(derivation: Derivation, name: str, dtype: str) -> str:
    """Return the source of a test of the module `name`; it imports NumPy and the module only."""
    system = derivation.system
    return (
        environment("numpy")
        .get_template("test.py.j2")
        .render(
            name=name,
            dtype=dtype,
            x=_given(system.inputs[0]),
            y=_given(system.targets[0]),
            output=_given(system.output),
        )
    )


def _given(variable: Variable) -> dict[str, object]:
    """What the checks and docstrings need to know of an input, a target or a result."""
    ids = variable.facts_by_kind.get("index")
    kind = "ids" if ids is not None else "classes" if takes_class_ids(variable) else "numbers"
    checks = [check.line(variable.name, "rows") for check in fact_checks(variable)] if ids is None else []
    return {
        "name": variable.name,
        "kind": kind,
        "rank": variable.rank,
        "shape": shape_text(variable.shape),
        "row": shape_text(variable.shape[1:]),
        "before": shape_text(variable.shape[:-1]),
        "takes_before": kind == "classes" or (variable.rank > 1 and variable.shape[-1] == 1),
        "size": str(variable.shape[-1]),
        "count": str(variable.shape[-1] if ids is None else ids),
        "says": _said(variable, kind),
        "checks": checks,
        "takes_eps": any("eps" in line for line in checks),
        "takes_rows": kind == "classes" or any("rows" in line for line in checks),
    }


def _said(variable: Variable, kind: str) -> str:
    """Return what may be given for a variable, in the words of a docstring."""
    shape, before = shape_text(variable.shape), shape_text(variable.shape[:-1])
    if kind == "ids":
        return f"{shape}, ids from 0 to {variable.facts_by_kind['index'] - 1}"
    if kind == "classes":
        return f"{before} class ids, or {shape} rows that sum to 1"
    one = f" or {before}" if variable.rank > 1 and variable.shape[-1] == 1 else ""
    return ", ".join([f"{shape}{one}", *(check.words for check in fact_checks(variable))])


def _fact_functions(target: Variable) -> list[str]:
    """Return the names of the functions that check the facts of a target."""
    found = functions(fact_checks(target))
    return [*(["_eps"] if "_rounding" in found else []), *found]


def _body(program: Program, *returns: str, after: Variable | None = None) -> Body:
    """Return the body that computes `returns`; where it can, from the value of `after`, which `forward` returns."""
    done = passes.run(program.returning(*returns), passes.ARRANGEMENT)
    rest = _rest(done, after) if after is not None else None
    whole, done = rest is None, rest or done
    forward, backward = _lines(done.forward), _lines(done.backward)
    return Body(_unpack(done), forward, backward, _needs_batch(forward, backward), returns[0], whole)


def _unpack(program: Program) -> tuple[str, ...]:
    """Return the lines that take the parameters that a program reads out of their dict, a line for each layer."""
    read = {variable for statement in program.statements for variable in statement.reads}
    groups: dict[tuple[object, ...], list[str]] = {}
    for parameter in program.parameters:
        if parameter in read:
            groups.setdefault(parameter.index, []).append(parameter.name)
    return tuple(f"{', '.join(names)} = {', '.join(_item(name) for name in names)}" for names in groups.values())


def _needs_batch(*parts: tuple[str, ...]) -> bool:
    code = "\n".join(line for part in parts for line in part if not line.startswith("#"))
    return re.search(rf"\b{BATCH_SIZE}\b", code) is not None


@dataclass(frozen=True)
class Step(Body):
    """The inside of a step: a body that writes into a workspace, and the lines that make the workspace."""

    workspace: tuple[str, ...] = ()
    buffers: int = 0
    few_rows: int = 0


def _step(program: Program, targets: tuple[Variable, ...], dtype: str, threads: int, reuse: bool) -> Step:
    """Return the step of a module: loss and gradients, written into a workspace."""
    plan = planned(program, targets, reuse)
    forward = tuple(step_lines(plan, plan.program.forward, threads))
    backward = tuple(step_lines(plan, plan.program.backward, threads))
    unpack = _unpack(plan.program)
    widest, size = _widest(plan), np.dtype(dtype).itemsize
    return Step(
        unpack,
        forward,
        backward,
        _needs_batch(forward, backward),
        program.returns[0],
        workspace=tuple(workspace_lines(plan)),
        buffers=BUFFER_BYTES // size if widest >= WIDE_ROW else 0,
        few_rows=2 * BUFFER_BYTES // (size * widest),
    )


def _widest(plan: Plan) -> int:
    """Return the most elements that an array has for one example."""
    widths = [block.size.coeff(BATCH_SIZE) for block in plan.blocks]
    return int(max(widths, default=1))


def _rest(program: Program, given: Variable) -> Program | None:
    """Return what is left of a program once `given` is known; None where that still needs the input."""
    if given.name not in program.names:
        return None
    statements = tuple(statement for statement in program.forward if statement.name != given.name)
    rest = passes.dead(replace(program, forward=statements, inputs=(given, *program.inputs)))
    reads_input = any(variable in program.inputs for statement in rest.statements for variable in statement.reads)
    return None if reads_input else rest


def _item(name: str) -> str:
    return f'params["{name}"]'


def _lines(statements: tuple[Statement, ...]) -> tuple[str, ...]:
    """Return the lines of statements as a person would write them, below their formulas."""
    return tuple(under_formulas(statements, lambda each: [f"{each.name} = {numpy_source(each.expression)}"]))


def _table(parameters: tuple[Parameter, ...]) -> list[str]:
    """Return the lines of the table of parameters: name, shape, what it is."""
    rows = [(parameter.name, shape_text(parameter.variable.shape), parameter.kind) for parameter in parameters]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return [f"{name:<{widths[0]}}  {shape:<{widths[1]}}  {kind}" for name, shape, kind in rows]


def _network(text: str) -> list[str]:
    """Return a network's text for the inside of a docstring, a few layers on each line."""
    safe = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return textwrap.wrap(safe, COLUMNS - 4, break_long_words=False, break_on_hyphens=False)


def _initial(parameter: Parameter) -> dict[str, str]:
    """Return how a parameter starts: the formula of its scale, and the draw."""
    row = INITIALISERS[parameter.initialiser]
    shape = shape_text(parameter.variable.shape)
    if row.constant is not None:
        sizes = shape if parameter.variable.rank > 1 else str(parameter.variable.shape[0])
        return {"name": parameter.name, "comment": "", "draw": f"np.{row.name}({sizes})"}
    what, drawn = DRAWS[row.distribution]
    scale = repr(float(row.at(row.scale, parameter.fan_in, parameter.fan_out).evalf(30)))
    fans = f"fan_in = {parameter.fan_in}, fan_out = {parameter.fan_out}"
    comment = f"{row.name}: {what} {row.scale}" + (f", {fans}" if row.scale.free_symbols else "")
    return {"name": parameter.name, "comment": comment, "draw": drawn.format(scale=scale, shape=shape)}


DRAWS = {
    "uniform": ("bound", "rng.uniform(-{scale}, {scale}, {shape})"),
    "normal": ("standard deviation", "rng.normal(0.0, {scale}, {shape})"),
}
"""What the scale of a distribution is, and how NumPy draws from it."""


def _optimizer(optimiser: Optimiser) -> dict[str, object]:
    """Return the update of an optimiser as lines; states and parameters change in place."""
    defaults = [f"{number.name}={number.default!r}" for number in optimiser.hyperparameters]
    update = update_lines(optimiser)
    names = [number.name for number in optimiser.hyperparameters]
    rest = [*(["step"] if optimiser.counts_steps else []), *names]
    return {
        "name": optimiser.name,
        "title": optimiser.title,
        "counts_steps": optimiser.counts_steps,
        "states": [state.name for state in optimiser.states],
        "update_line": signature("update", "params", "grads", "state", *defaults),
        "train_line": signature("train_step", "state", "x", "y", *defaults, "max_norm=None"),
        "descend_line": signature("_descend", "w", "g", "state", *names),
        "names": ", ".join(names),
        "rest": ", ".join(rest),
        "blocks_line": signature("_update_blocks", "first", "last", "room", "parameters", "gradients", "state", *rest),
        "meanings": [f"{number.name}: {number.meaning}" for number in optimiser.hyperparameters],
        "lines": update.lines,
        "spare": update.spare,
    }


def _clip_scale() -> Node:
    """Return what gradients are multiplied by, in their norm and its limit."""
    return next(equation for equation in clipping([variable("W", ("n",))]) if equation.name == "scale").expression

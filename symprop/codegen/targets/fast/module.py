"""The source of a module: what the template needs of a derivation, as plain text and lists."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.nodes import Variable
from symprop.algebra.shapes import shape_text
from symprop.analysis.derivation import Derivation
from symprop.codegen import passes
from symprop.codegen.program import HELPERS, Program, Statement
from symprop.codegen.targets.answers import answered
from symprop.codegen.targets.code import named
from symprop.codegen.targets.fast.memory import Plan
from symprop.codegen.targets.fast.running import evaluation, item, running_of
from symprop.codegen.targets.fast.shared_rows import BATCH
from symprop.codegen.targets.fast.starts import initial
from symprop.codegen.targets.fast.starts import optimizer as optimizer_lines
from symprop.codegen.targets.fast.step import SHARED, explained, planned, result_lines, step_lines, workspace_lines
from symprop.codegen.targets.fast.taken import fact_functions, given, made_into_rows, taken
from symprop.codegen.targets.layout import COLUMNS, INDENT, laid_out
from symprop.codegen.targets.matrices import scipy_imports
from symprop.codegen.targets.numpy import lines
from symprop.codegen.targets.numpy.source import NUMPY, numpy_source
from symprop.codegen.targets.readable import called
from symprop.codegen.targets.sampling import sampling_of
from symprop.codegen.targets.scan_lines import lines_with_scans
from symprop.codegen.targets.target import Options
from symprop.codegen.targets.training import clip_scale, masks_of
from symprop.networks.parts import Parameter
from symprop.templating import environment

Compiled = Callable[[Program, tuple[Variable, ...]], Any]
"""What makes the step of a program and its targets, for a compiler: what the template asks of `loops`."""

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


def module_source(
    derivation: Derivation, program: Program, options: Options, compiled: Compiled | None = None, reuse: bool = True
) -> str:
    """Return the source of the module for a derivation in the layout "rows" whose sizes are numbers, and its program.

    `compiled` makes the step a function of loops for a compiler. Without `reuse` every result of a step has memory of
    its own in the workspace.
    """
    system = derivation.system
    running, bodies = running_of(system), _bodies(derivation, program)
    asked = [*program.arrays] or [*dict(program.products).values()]
    wanted = program.returning(*(asked or program.returns), *(running.statistics if running else ()))
    dtype, optimizer, threads = options.dtype, options.optimizer, options.threads
    own = made_into_rows(system.targets)
    step = _step(wanted, own, dtype, threads, reuse)
    loops = compiled(wanted, own) if compiled else None
    run = (*bodies.values(), *(() if loops else (step,)))
    sampling = _sampling(derivation)
    lines = [line for body in run for line in (*body.forward, *body.backward)] + (sampling["code"] if sampling else [])
    code = "\n".join(line for line in lines if not line.startswith("#"))  # a formula may name a helper too
    parameters = derivation.parameters
    return (
        environment("fast")
        .get_template("module.py.j2")
        .render(
            network=_network(derivation.source),
            dtype=dtype,
            again=_again(options, compiled is not None, derivation.along.question),
            counted=derivation.counted,
            hyperparameters=named(system),
            scipy=scipy_imports(code),
            code_uses_math="math." in code,
            optimizer=None if optimizer is None else optimizer_lines(optimizer, parameters, bool(system.masks)),
            clip=numpy_source(clip_scale()),
            table=_table(parameters),
            parameters=[(parameter.name, shape_text(parameter.variable.shape)) for parameter in parameters],
            results=program.products or program.results,
            along=derivation.along if asked else None,
            array=program.array,
            numbers=[each.name for each in program.numbers],
            factors=answered(derivation, program, "work." if loops else "") if derivation.along.parts else [],
            initial=[initial(parameter) for parameter in parameters],
            **taken(system),
            facts=fact_functions((*system.inputs, *system.targets)),
            output=given(system.output),
            prediction=given(system.prediction or system.output),
            predicts=system.prediction is not None,
            bodies=bodies,
            running=running,
            masks=masks_of(system),
            sampling=sampling,
            lib="np",
            step=step,
            threads=threads,
            loops=loops,
            renews_by_batch=_needs_batch((loops or step).results),
            helpers=called(lines, HELPERS),
        )
    )


def _bodies(derivation: Derivation, program: Program) -> dict[str, Body]:
    """Return the insides of the functions that are no step, by name."""
    system, loss = derivation.system, program.returns[0]
    evaluated = passes.run(evaluation(derivation), passes.FORMS) if system.stand_ins else program
    bodies = {
        "forward": _body(program, system.output.name),
        "predict": _body(evaluated, (system.prediction or system.output).name, after=system.output),
        "loss": _body(program, loss, after=system.output),
    }
    if system.stand_ins:
        bodies["evaluated"] = _body(evaluated, system.output.name)
        bodies["evaluated loss"] = _body(evaluated, loss, after=system.output)
    return bodies


def test_source(derivation: Derivation, name: str, dtype: str) -> str:
    """Return the source of a test of the module `name`; it imports NumPy and the module only."""
    system = derivation.system
    return (
        environment("fast")
        .get_template("test.py.j2")
        .render(
            name=name,
            dtype=dtype,
            **taken(system),
            output=given(system.output),
        )
    )


def _body(program: Program, *returns: str, after: Variable | None = None) -> Body:
    """Return the body that computes `returns`; where it can, from the value of `after`, which `forward` returns."""
    done = passes.run(program.returning(*returns), lines.ARRANGEMENT)
    rest = _rest(done, after) if after is not None else None
    whole, done = rest is None, rest or done
    forward, backward = _lines(done.forward), _lines(done.backward)
    return Body(_unpack(done), forward, backward, _needs_batch(forward, backward), returns[0], whole)


def _sampling(derivation: Derivation) -> dict[str, Any] | None:
    """Return the functions that draw ids one after the other, where the network has them."""
    found = sampling_of(derivation)
    if found is None:
        return None
    program = passes.run(found.program, (*passes.FORMS, *lines.ARRANGEMENT))
    return found.context(program, _unpack(program), _line)


def _unpack(program: Program, masks: str = "masks") -> tuple[str, ...]:
    """Return the lines that take what a program reads out of dicts, parameters a line for each layer."""
    read = {variable for statement in program.statements for variable in statement.reads}
    groups: dict[tuple[str, tuple[object, ...]], list[tuple[str, str]]] = {}
    held = (
        ("params", program.parameters),
        ("v", program.directions),
        ("state", program.states),
        (masks, program.masks),
    )
    for holder, variables in held:
        for variable in variables:
            if variable in read:
                key = variable.of_tangent.name if holder == "v" else variable.name
                groups.setdefault((holder, variable.index), []).append((variable.name, key))
    return tuple(line for (holder, _), pairs in groups.items() for line in _taken_out(holder, pairs))


def _taken_out(holder: str, pairs: list[tuple[str, str]]) -> list[str]:
    """Return the lines that take values out of a dict, so many on each as fit."""
    line = f"{', '.join(name for name, _ in pairs)} = {', '.join(item(holder, key) for _, key in pairs)}"
    if len(line) + INDENT <= COLUMNS or len(pairs) == 1:
        return [line]
    half = (len(pairs) + 1) // 2
    return [*_taken_out(holder, pairs[:half]), *_taken_out(holder, pairs[half:])]


def _needs_batch(*parts: tuple[str, ...]) -> bool:
    return _reads(BATCH_SIZE.name, *parts)


def _reads(name: str, *parts: tuple[str, ...]) -> bool:
    code = "\n".join(line for part in parts for line in part if not line.startswith("#"))
    return re.search(rf"\b{name}\b", code) is not None


@dataclass(frozen=True)
class Step(Body):
    """The inside of a step: a body that writes into a workspace, and the lines that make the workspace.

    `results` make the memory of what a step returns, `workspace` all other. `row` is how many numbers that holds for a
    row of the batch.
    """

    results: tuple[str, ...] = ()
    workspace: tuple[str, ...] = ()
    buffers: int = 0
    few_rows: int = 0
    row: int = 0

    @property
    def whole_batch(self) -> bool:
        """Whether a line reads the rows of the whole batch, not those of a thread."""
        return _reads(BATCH.name, self.forward, self.backward)


def _step(program: Program, targets: tuple[Variable, ...], dtype: str, threads: int, reuse: bool) -> Step:
    """Return the step of a module: loss and gradients, written into a workspace."""
    plan = planned(program, targets, reuse) if threads == 1 else planned(program, (), reuse, SHARED)
    parts = (plan.program.forward, plan.program.backward)
    forward, backward = explained([list(step_lines(plan, part)) for part in parts])
    unpack = _unpack(plan.program, "work.masks")
    widest, size = _widest(plan), np.dtype(dtype).itemsize
    return Step(
        unpack,
        forward,
        backward,
        _needs_batch(forward, backward),
        program.returns[0],
        results=tuple(result_lines(plan)),
        workspace=tuple(workspace_lines(plan)),
        buffers=BUFFER_BYTES // size if widest >= WIDE_ROW else 0,
        few_rows=2 * BUFFER_BYTES // (size * widest),
        row=int(plan.totals["memory"].coeff(BATCH_SIZE)),
    )


def _widest(plan: Plan) -> int:
    """Return the most elements that an array has for one example, 1 where none has any."""
    widths = [block.size.coeff(BATCH_SIZE) for block in plan.blocks]
    return max(int(max(widths, default=1)), 1)


def _rest(program: Program, given: Variable) -> Program | None:
    """Return what is left of a program once `given` is known; None where that still needs the input."""
    if given.name not in program.names:
        return None
    statements = tuple(statement for statement in program.forward if statement.name != given.name)
    rest = passes.dead(replace(program, forward=statements, inputs=(given, *program.inputs)))
    reads_input = any(
        variable in (*program.inputs, *program.masks) for statement in rest.statements for variable in statement.reads
    )
    return None if reads_input else rest


def _lines(statements: tuple[Statement, ...]) -> tuple[str, ...]:
    """Return the lines of statements as a person would write them, below their formulas."""
    return tuple(lines_with_scans(statements, NUMPY, lambda each, _: _line(each)))


def _line(statement: Statement) -> list[str]:
    return [f"{statement.name} = {numpy_source(statement.expression)}"]


def _table(parameters: tuple[Parameter, ...]) -> list[str]:
    """Return the lines of the table of parameters: name, shape, what it is."""
    rows = [(parameter.name, shape_text(parameter.variable.shape), parameter.kind) for parameter in parameters]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return [f"{name:<{widths[0]}}  {shape:<{widths[1]}}  {kind}" for name, shape, kind in rows]


def _again(options: Options, loops: bool, question: str) -> list[str]:
    """Return the lines that write the module once more."""
    chosen = [f'dtype="{options.dtype}"']
    chosen += [f'optimizer="{options.optimizer.name}"'] if options.optimizer else []
    chosen += ['target="numba"' if loops else "fast=True", *(["threads=2"] if options.threads == 2 else [])]
    chosen += [f'question="{question}"'] if question else []
    return laid_out("symprop.generate(", ["network", *chosen])


def _network(text: str) -> list[str]:
    """Return a network's text for the inside of a docstring, a few layers on each line."""
    safe = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return textwrap.wrap(safe, COLUMNS - 4, break_long_words=False, break_on_hyphens=False)

"""Training in a module that one reads: an optimiser and running statistics, a statement for each of their equations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import sympy
from sympy import Expr

from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.equations import Equation, State, System
from symprop.algebra.names import variable as named
from symprop.algebra.nodes import Fill, Node, Scalar, Where
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import variables, walk
from symprop.analysis.derivation import Derivation
from symprop.codegen.targets.breaking import assigned
from symprop.codegen.targets.code import number
from symprop.codegen.targets.dialect import Dialect
from symprop.codegen.targets.layout import COLUMNS, INDENT, comment, laid_out, named_tuple, signature
from symprop.networks.initialisers import initialiser_of
from symprop.networks.optimisers import SHARES, Optimiser, clipping
from symprop.networks.parts import Parameter
from symprop.notation.numbered import pretty_formula

SEEDED = ("seed=None", "masks=None")
"""What a step of training with dropout takes besides; without a seed the state counts them."""


def masks_of(system: System) -> list[tuple[str, str, str]]:
    """Return what a template says of the masks of dropout: name, shape for one example, probability of 0.

    >>> from symprop.networks import parse_network
    >>> masks_of(parse_network("Input(4) >> Dropout(0.1) >> MeanSquaredError()").system("rows"))
    [('m1', '(4,)', '0.1')]
    """
    rows = [(mask.variable.name, mask.variable.shape[1:], mask.drop) for mask in system.masks]
    return [(name, shape_text(shape), number(drop).text) for name, shape, drop in rows]


def optimizer_of(
    optimiser: Optimiser | None, parameters: Sequence[Parameter], write: Dialect, seeded: bool = False
) -> dict[str, Any] | None:
    """Return what a template says of an optimiser: hyper-parameters, states and equations; None where there is none.

    >>> from symprop.codegen.targets.numpy.source import NUMPY
    >>> from symprop.networks.optimisers import OPTIMISERS
    >>> for line in (optimizer_of(OPTIMISERS["momentum"], (), NUMPY) or {})["lines"]:
    ...     print(line)
    # velocity: v = momentum v + g
    v = momentum * v + g
    # update: w = w − lr v
    w = w - lr * v
    """
    if optimiser is None:
        return None
    names = [each.name for each in optimiser.hyperparameters]
    return {
        **said(optimiser, seeded),
        "decayed": named_tuple("DECAYED", [f'"{each.name}"' for each in optimiser.decayed(parameters)], indent=0),
        "decays": [line for equation in optimiser.decays for line in _lines(equation, write, 3 * INDENT)],
        "call": laid_out("update(", ['state["params"]', "grads", "state", *names]),
        "pure_call": laid_out("params, state = update(", ['state["params"]', "grads", "state", *names]),
        "scalars": scalar_lines(optimiser, write),
        "lines": [line for equation in optimiser.updates for line in _lines(equation, write)],
        "clip": write.text(clip_scale()),
    }


def said(optimiser: Optimiser, seeded: bool = False) -> dict[str, Any]:
    """Return what the templates of all modules say of an optimiser."""
    numbers, states = optimiser.hyperparameters, [state.name for state in optimiser.states]
    defaults = [each.name if each.default is None else f"{each.name}={each.default!r}" for each in numbers]
    return {
        "name": optimiser.name,
        "title": optimiser.title,
        "counts_steps": optimiser.counts_steps,
        "states": states,
        "held": [*(["step"] if optimiser.counts_steps else []), *states],
        "checks": list(_checks([each.name for each in numbers])),
        "names": ", ".join(each.name for each in numbers),
        "meanings": [f"{each.name}: {each.meaning}" for each in numbers],
        "train_line": signature(
            "train_step", "state", "x", "y", *defaults, "max_norm=None", *(SEEDED if seeded else ())
        ),
        "update_line": signature("update", "params", "grads", "state", *defaults),
    }


def _checks(names: Sequence[str]) -> Iterator[str]:
    """Yield the lines that check hyper-parameters: some are below 1."""
    for start, chosen in (("1, ", [name for name in names if name in SHARES]), ("", [*names])):
        some = [f"{name}={name}" for name in chosen if start or name not in SHARES]
        yield from laid_out(f"_check_numbers({start}", some) if some else []


NUMBERS = Dialect("math", exact=True)
"""Python's own numbers: beside an array of float32 they leave it as it is."""


def scalar_lines(optimiser: Optimiser, write: Dialect) -> list[str]:
    """Return the lines of what is one number in a step: in Python, unless the library traces numbers.

    >>> from symprop import SGD, Warmup
    >>> print("\\n".join(scalar_lines(SGD(schedule=Warmup(100)), NUMBERS)))
    # learning rate of this step: rate = lr (step/warmup) if step ≤ warmup, else lr
    if step <= warmup:
        rate = lr * (step / warmup)
    else:
        rate = lr
    """
    lines: list[str] = []
    for equation in optimiser.scalars:
        lines.extend(comment(f"{equation.note}: {equation.pretty()}"))
        if write.traced:
            lines.extend(assigned(equation.name, write.text(equation.expression)))
        else:
            lines.extend(_chosen(equation.name, equation.expression))
    return lines


def _chosen(name: str, value: Node) -> Iterator[str]:
    """Yield the lines that give a number a name: a branch for each case."""
    word = "if"
    while isinstance(value, Where):
        test, inside, value = value.operands
        yield f"{word} {NUMBERS(test).text}:"
        yield from (" " * INDENT + line for line in assigned(name, NUMBERS.text(inside), 2 * INDENT))
        word = "elif"
    indent = 0 if word == "if" else INDENT
    yield from ["else:"] if indent else []
    yield from (" " * indent + line for line in assigned(name, NUMBERS.text(value), INDENT + indent))


def clip_scale() -> Node:
    """Return what gradients are multiplied by, in their norm and its limit."""
    return next(equation for equation in clipping([named("W", ("n",))]) if equation.name == "scale").expression


def _lines(equation: Equation, write: Dialect, indent: int = 2 * INDENT) -> list[str]:
    notes = comment(f"{equation.note}: {equation.pretty()}", indent=indent)
    return [*notes, *assigned(equation.name, write.text(equation.expression), indent=indent)]


def running_of(system: System, write: Dialect) -> dict[str, object] | None:
    """Return what a template says of running statistics: name, shape and start of each, and the lines of a step."""
    if not system.states:
        return None
    lines: list[str] = []
    reads: dict[str, None] = {}
    for state in system.states:
        name = state.variable.name
        own = [part.name for part in variables(state.update) if part != state.variable]
        reads |= dict.fromkeys(own)
        lines.extend(f'{each} = values["{each}"]' for each in own)
        held = write.taken.format(f'state["{name}"]')
        lines.append(f"{name} = {held}")
        lines.extend(comment(f"{pretty_formula(state.variable)} becomes {pretty_formula(state.update)}"))
        alone = "" if takes_one(state) else "    "
        lines.extend([f"if {BATCH_SIZE} > 1:  # one example alone has no value for it"] if alone else [])
        step = assigned(f'state["{name}"]', write.text(state.update), INDENT + len(alone))
        lines.extend(alone + line for line in step)
    return {
        "table": [
            (each.variable.name, shape_text(each.variable.shape), write.text(Fill(each.start, each.variable.shape)))
            for each in system.states
        ],
        "lines": lines,
        "reads": [*reads],
    }


def takes_one(state: State) -> bool:
    """Whether the update of a running statistic has a value for a batch of one example."""
    numbers = [part.value for part in walk(state.update) if isinstance(part, Scalar)]
    return all(map(_has_value_for_one, numbers))


@lru_cache(maxsize=64)  # all layers have the same
def _has_value_for_one(number: Expr) -> bool:
    return bool(number.subs(BATCH_SIZE, 1).is_finite)


__all__ = ["clip_scale", "masks_of", "optimizer_of", "running_of", "said", "scalar_lines", "takes_one"]


@lru_cache(maxsize=128)  # layers start in few ways
def _variance(scale: Expr) -> str:
    return number(sympy.factor(scale**2)).text


def draws(derivation: Derivation, rows: Mapping[str, str], library: str) -> list[str]:
    """Return the items of a dict of parameters as they start: a standard draw, times the root of its variance.

    `rows` are the draws of each distribution for a `shape`; `library` has `zeros`, `ones` and `sqrt`.
    """
    lines: list[str] = []
    for place, parameter in enumerate(derivation.parameters):
        row, shape = initialiser_of(parameter.initialiser), shape_text(parameter.variable.shape)
        note, constant = [], row.constant is not None
        kind = row.name if row.name in rows else row.distribution
        draw = rows[kind].format(shape=shape, place=place, value=row.name)
        variance = _variance(row.scale)
        if not constant and variance != "1":
            for name, fan in (("fan_in", parameter.fan_in), ("fan_out", parameter.fan_out)):
                variance = variance.replace(name, str(fan))
            draw += f" * {library}.sqrt({variance})"
            note = [f"# {row.name}"]
        line = "  ".join([f'"{parameter.name}": {draw},', *note])
        lines.extend([line] if len(line) + 2 * INDENT <= COLUMNS else [*note, f'"{parameter.name}": {draw},'])
    return lines


# ---------------------------------------------------------------- elementwise functions

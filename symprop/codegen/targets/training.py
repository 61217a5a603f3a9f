"""Training in a module that one reads: an optimiser and running statistics, a statement for each of their equations."""

from __future__ import annotations

from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.equations import Equation, State, System
from symprop.algebra.names import variable as named
from symprop.algebra.nodes import Fill, Node, Scalar
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import variables, walk
from symprop.codegen.targets.breaking import assigned
from symprop.codegen.targets.code import number
from symprop.codegen.targets.dialect import Dialect
from symprop.codegen.targets.layout import INDENT, comment, laid_out, signature
from symprop.networks.optimisers import OPTIMISERS, clipping

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


def optimizer_of(name: str | None, write: Dialect, seeded: bool = False) -> dict[str, object] | None:
    """Return what a template says of an optimiser: hyper-parameters, states and equations; None where none is named.

    >>> from symprop.codegen.targets.numpy.source import NUMPY
    >>> for line in (optimizer_of("momentum", NUMPY) or {})["lines"]:
    ...     print(line)
    # velocity: v = momentum v + g
    v = momentum * v + g
    # update: w = w − lr v
    w = w - lr * v
    """
    if name is None:
        return None
    row = OPTIMISERS[name]
    names = [each.name for each in row.hyperparameters]
    defaults = [f"{each.name}={each.default!r}" for each in row.hyperparameters]
    return {
        "name": row.name,
        "title": row.title,
        "counts_steps": row.counts_steps,
        "states": [state.name for state in row.states],
        "names": ", ".join(names),
        "pure_call": laid_out("params, state = update(", ['state["params"]', "grads", "state", *names]),
        "meanings": [f"{each.name}: {each.meaning}" for each in row.hyperparameters],
        "train_line": signature(
            "train_step", "state", "x", "y", *defaults, "max_norm=None", *(SEEDED if seeded else ())
        ),
        "update_line": signature("update", "params", "grads", "state", *defaults),
        "lines": [line for equation in row.equations for line in _lines(equation, write)],
        "clip": write.text(clip_scale()),
    }


def clip_scale() -> Node:
    """Return what gradients are multiplied by, in their norm and its limit."""
    return next(equation for equation in clipping([named("W", ("n",))]) if equation.name == "scale").expression


def _lines(equation: Equation, write: Dialect) -> list[str]:
    notes = comment(f"{equation.note}: {equation.pretty()}", indent=2 * INDENT)
    return [*notes, *assigned(equation.name, write.text(equation.expression), indent=2 * INDENT)]


def running_of(system: System, write: Dialect) -> dict[str, object] | None:
    """Return what a template says of running statistics: name, shape and start of each, and the lines of a step."""
    if not system.states:
        return None
    lines: list[str] = []
    for state in system.states:
        name = state.variable.name
        own = [part.name for part in variables(state.update) if part != state.variable]
        lines.extend(f'{each} = values["{each}"]' for each in own)
        held = write.taken.format(f'state["{name}"]')
        lines.append(f"{name} = {held}")
        lines.extend(comment(f"{state.variable.pretty()} becomes {state.update.pretty()}"))
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
    }


def takes_one(state: State) -> bool:
    """Whether the update of a running statistic has a value for a batch of one example."""
    numbers = [part.value for part in walk(state.update) if isinstance(part, Scalar)]
    return all(number.subs(BATCH_SIZE, 1).is_finite for number in numbers)


__all__ = ["SEEDED", "clip_scale", "masks_of", "optimizer_of", "running_of", "takes_one"]

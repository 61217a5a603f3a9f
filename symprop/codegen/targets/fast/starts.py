"""How a module starts and is updated: the draw of each parameter, and the update of an optimiser, as text."""

from __future__ import annotations

from symprop.algebra.shapes import shape_text
from symprop.codegen.targets.fast.optimizer_step import update_lines
from symprop.codegen.targets.layout import signature
from symprop.codegen.targets.training import SEEDED
from symprop.networks.initialisers import INITIALISERS, initialiser_of
from symprop.networks.optimisers import Optimiser
from symprop.networks.parts import Parameter


def initial(parameter: Parameter) -> dict[str, str]:
    """Return how a parameter starts: the formula of its scale, and the draw."""
    row = initialiser_of(parameter.initialiser)
    shape = shape_text(parameter.variable.shape)
    if row.constant is not None:
        sizes = str(parameter.variable.shape[0]) if parameter.variable.rank == 1 else shape
        draw = f"np.{row.name}({sizes})" if row.name in INITIALISERS else f"np.full({sizes}, {row.name})"
        return {"name": parameter.name, "comment": "", "draw": draw}
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


def optimizer(optimiser: Optimiser, seeded: bool = False) -> dict[str, object]:
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
        "train_line": signature(
            "train_step", "state", "x", "y", *defaults, "max_norm=None", *(SEEDED if seeded else ())
        ),
        "descend_line": signature("_descend", "w", "g", "state", *names),
        "names": ", ".join(names),
        "rest": ", ".join(rest),
        "blocks_line": signature("_update_blocks", "first", "last", "room", "parameters", "gradients", "state", *rest),
        "meanings": [f"{number.name}: {number.meaning}" for number in optimiser.hyperparameters],
        "lines": update.lines,
        "spare": update.spare,
    }


__all__ = ["initial", "optimizer"]

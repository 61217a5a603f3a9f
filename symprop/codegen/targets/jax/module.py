"""The source of a module in JAX."""

from __future__ import annotations

from symprop.analysis.derivation import Derivation
from symprop.codegen.program import Program
from symprop.codegen.targets.jax.source import JAX
from symprop.codegen.targets.numpy.fact_checks import conditions
from symprop.codegen.targets.readable import Reader
from symprop.codegen.targets.target import Options
from symprop.codegen.targets.training import draws
from symprop.templating import environment

DRAWS = {
    "uniform": "uniform({place}, {shape})",
    "normal": "normal({place}, {shape})",
    "zeros": "jnp.zeros({shape}, DTYPE)",
    "ones": "jnp.ones({shape}, DTYPE)",
    "constant": "jnp.full({shape}, {value}, DTYPE)",
}
"""How a distribution is drawn, and what is not; `place` is that of the parameter, which has a key of its own."""


def module_source(derivation: Derivation, program: Program, options: Options) -> str:
    """Return the source of a module in JAX for a derivation in the layout "rows"."""
    context = Reader(derivation, program, JAX).context(options)
    initial = draws(derivation, DRAWS, "math")
    context["uses_math"] = context["uses_math"] or any("math." in line for line in initial)
    return (
        environment("jax")
        .get_template("module.py.j2")
        .render(
            **context,
            pure=True,
            copy="jnp.array(value, DTYPE)",
            initial=initial,
            draws=[name for name in ("uniform", "normal") if any(f"{name}(" in line for line in initial)],
            conditions=conditions(derivation.system.targets[0], "jnp"),
        )
    )


__all__ = ["module_source"]

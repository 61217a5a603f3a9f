"""The source of a module in NumPy that one reads."""

from __future__ import annotations

from dataclasses import replace

from symprop.analysis.derivation import Derivation
from symprop.codegen.program import Program
from symprop.codegen.targets.numpy.fact_checks import conditions
from symprop.codegen.targets.numpy.source import NUMPY
from symprop.codegen.targets.readable import Reader, draws
from symprop.codegen.targets.target import Options
from symprop.templating import environment

READ = replace(NUMPY, exact=True)

DRAWS = {
    "uniform": "rng.uniform(-1, 1, {shape})",
    "normal": "rng.standard_normal({shape})",
    "zeros": "np.zeros({shape})",
    "ones": "np.ones({shape})",
}
"""How a distribution is drawn, and what is not."""


def module_source(derivation: Derivation, program: Program, options: Options) -> str:
    """Return the source of a module in NumPy, to be read, for a derivation in the layout "rows"."""
    reader = Reader(derivation, program, READ)
    return (
        environment("numpy")
        .get_template("module.py.j2")
        .render(
            **reader.context(options),
            pure=False,
            copy="np.array(value, DTYPE)",
            initial=draws(derivation, DRAWS, "np"),
            conditions=conditions(derivation.system.targets[0]),
        )
    )

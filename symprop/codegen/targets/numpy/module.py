"""The source of a module that one reads, in NumPy or in a library with its interface."""

from __future__ import annotations

from functools import partial

from symprop.analysis.derivation import Derivation
from symprop.codegen.program import Program
from symprop.codegen.targets.dialect import Dialect
from symprop.codegen.targets.matrices import SCIPY
from symprop.codegen.targets.numpy.fact_checks import conditions
from symprop.codegen.targets.readable import Reader
from symprop.codegen.targets.target import Options
from symprop.codegen.targets.training import draws
from symprop.templating import environment

DRAWS = {
    "uniform": "rng.uniform(-1, 1, {shape})",
    "normal": "rng.standard_normal({shape})",
    "zeros": "np.zeros({shape})",
    "ones": "np.ones({shape})",
    "constant": "np.full({shape}, {value})",
}
"""How a distribution is drawn, and what is not."""


def numpy_like_source(
    derivation: Derivation,
    program: Program,
    options: Options,
    *,
    write: Dialect,
    templates: str,
    package: str,
    title: str,
) -> str:
    """Return the source of a module that one reads, for a derivation in the layout "rows".

    `write` is the dialect of a library with the interface of NumPy, `package` what is imported under its short name,
    and `templates` the folder of its templates.
    """
    rows = {name: draw.replace("np.", f"{write.library}.") for name, draw in DRAWS.items()}
    return (
        environment(templates)
        .get_template("module.py.j2")
        .render(
            **Reader(derivation, program, write).context(options),
            package=package,
            title=title,
            initial=draws(derivation, rows, write.library),
            conditions=conditions(derivation.system.targets[0], write.library),
            pure=False,
            copy=f"{write.library}.array(value, DTYPE)",
        )
    )


module_source = partial(
    numpy_like_source,
    write=Dialect("np", functions=SCIPY, exact=True, holds_data=True),
    templates="numpy",
    package="numpy",
    title="NumPy",
)


__all__ = ["module_source", "numpy_like_source"]

"""numba, to run: the step is one compiled function of loops; the rest of the module is that of the fast target."""

from __future__ import annotations

from functools import partial

from symprop.codegen.targets.fast.module import module_source
from symprop.codegen.targets.numba.step import loop_step
from symprop.codegen.targets.target import Target

# what is elsewhere is products of BLAS, for the most part
TARGET = Target(
    partial(module_source, compiled=loop_step),
    needs=("numpy", "numba"),
    elsewhere={"tangent_kernel": "numpy", **dict.fromkeys(("clipped_grads", "kfac", "kfac_reduce"), "fast")},
)

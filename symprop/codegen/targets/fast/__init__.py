"""NumPy, to run: steps without an allocation, in memory that is planned, with calls that were measured."""

from __future__ import annotations

from symprop.codegen.targets.fast.module import module_source
from symprop.codegen.targets.target import Target

TARGET = Target(module_source, threads=(1, 2), elsewhere={"tangent_kernel": "numpy"})

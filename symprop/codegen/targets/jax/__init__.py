"""JAX: pure functions on `jax.numpy`, whose backward pass is the one that is derived."""

from __future__ import annotations

from symprop.codegen.convolution_passes import convolving
from symprop.codegen.targets.jax.module import module_source
from symprop.codegen.targets.target import DTYPES, Target

TARGET = Target(module_source, convolving, needs=("jax",), dtypes=(*DTYPES, "bfloat16"))

"""JAX: pure functions on `jax.numpy`, whose backward pass is the one that is derived."""

from __future__ import annotations

from symprop.analysis.derivation import Derivation
from symprop.codegen.convolution_passes import convolving
from symprop.codegen.hoisting import products_hoisted
from symprop.codegen.program import Program
from symprop.codegen.targets.jax.module import module_source
from symprop.codegen.targets.target import DTYPES, Target


def program_of(derivation: Derivation) -> Program:
    """Return the program of a derivation as it is read; what a loop multiplies with its input is one product before."""
    return convolving(derivation, products_hoisted)


TARGET = Target(module_source, program_of, needs=("jax",), dtypes=(*DTYPES, "bfloat16"))

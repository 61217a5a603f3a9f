"""What a target is: how a module is written for it, and which options it has. Each is a folder beside this file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symprop.analysis.derivation import Derivation
from symprop.codegen.passes import formed
from symprop.codegen.program import Program
from symprop.networks.optimisers import Optimiser

DTYPES = ("float64", "float32")
"""The precisions that every target has."""


@dataclass(frozen=True)
class Options:
    """What may be chosen of a module: its precision, an optimiser, how many threads share its elementwise work."""

    dtype: str = "float64"
    optimizer: Optimiser | None = None
    threads: int = 1


@dataclass(frozen=True)
class Target:
    """A library that modules are written for, in one way.

    `source` writes a module for a derivation in the layout "rows", from its program, which `program` makes. `needs` are
    the packages that a module imports. What is no step is computed by modules of the target `read`, where one is named.
    """

    source: Callable[[Derivation, Program, Options], str]
    program: Callable[[Derivation], Program] = formed
    needs: tuple[str, ...] = ("numpy",)
    dtypes: tuple[str, ...] = DTYPES
    threads: tuple[int, ...] = (1,)
    optimizers: bool = True
    read: str = ""


__all__ = ["DTYPES", "Options", "Target"]

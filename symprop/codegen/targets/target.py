"""What a target is: how a module is written for it, and which options it has. Each is a folder beside this file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from symprop.analysis.derivation import Derivation
from symprop.codegen.passes import formed
from symprop.codegen.program import Program
from symprop.limits import DTYPES
from symprop.networks.optimisers import Optimiser


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
    the packages that a module imports. Questions that are `elsewhere` are asked of modules of another target.
    """

    source: Callable[[Derivation, Program, Options], str]
    program: Callable[[Derivation], Program] = formed
    needs: tuple[str, ...] = ("numpy",)
    dtypes: tuple[str, ...] = DTYPES
    threads: tuple[int, ...] = (1,)
    optimizers: bool = True
    elsewhere: Mapping[str, str] = field(default_factory=dict)


__all__ = ["DTYPES", "Options", "Target"]

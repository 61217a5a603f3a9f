"""Targets of code: a folder for each, whose package holds its `TARGET`; adding one is a folder and its templates."""

from __future__ import annotations

import importlib.util
import pkgutil

from symprop.codegen.targets.target import Target
from symprop.errors import SpecError, shown

NAMES = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg))
"""The names of all targets, which are those of the folders here."""


FAST = "fast"
"""The NumPy module that runs; `numpy` is the one to read."""

LIBRARIES = tuple(name for name in NAMES if name != FAST)
"""What a user names, who says beside it whether the module is to be fast."""


def form_of(library: str, fast: bool) -> str:
    """Return the target of a library: NumPy has a form to read and a fast one.

    Raises:
        SpecError: the library has one form.
    """
    if fast and library not in ("numpy", FAST):
        raise SpecError(f'fast=True is for target="numpy", not {shown(library)}, whose modules have one form')
    return FAST if fast else library


def is_installed(name: str) -> bool:
    """Whether the packages are there that the modules of a target need."""
    return all(importlib.util.find_spec(package) for package in target_of(name).needs)


def target_of(name: str) -> Target:
    """Return the target of a name, one of `NAMES`. What it is made of is imported now, what its modules need is not."""
    target: Target = importlib.import_module(f"{__name__}.{name}").TARGET
    return target


__all__ = ["FAST", "LIBRARIES", "NAMES", "Target", "form_of", "is_installed", "target_of"]

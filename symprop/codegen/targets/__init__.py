"""Targets of code: a folder for each, whose package holds its `TARGET`; adding one is a folder and its templates."""

from __future__ import annotations

import importlib
import pkgutil

from symprop.codegen.targets.target import Target

NAMES = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg))
"""The names of all targets, which are those of the folders here."""


def target_of(name: str) -> Target:
    """Return the target of a name, one of `NAMES`. What it is made of is imported now, what its modules need is not."""
    target: Target = importlib.import_module(f"{__name__}.{name}").TARGET
    return target


__all__ = ["NAMES", "Target", "target_of"]

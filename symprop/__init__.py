"""symprop: matrix calculus for neural networks, from formula to page to fast NumPy.

    >>> import symprop
    >>> net = symprop.parse_network("Input(4) >> Dense(3) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()")
    >>> d = symprop.derive(net)
    >>> print(d.delta(1).text())
    (W2.T @ delta2) * (1 - a1 * a1)

The API is what `__init__.pyi` names; what it does not name may change. Each name is imported when it is first asked
for, so that a first answer does not wait for what it does not need.
"""

from __future__ import annotations

import importlib
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from symprop.version import __version__ as __version__

_LISTED = re.compile(r"^from (\S+) import (\w+) as (\w+)$", re.MULTILINE)
_PLACES = {
    name: (module, known)
    for module, known, name in _LISTED.findall(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
}
__all__ = list(_PLACES)


def __getattr__(name: str) -> Any:
    """Import a public name, or a room of symprop, when it is first asked for."""
    if name in _PLACES:
        module, known = _PLACES[name]
        found = vars(importlib.import_module(module))[known]
        if isinstance(found, FunctionType):
            found = importlib.import_module(f"{__name__}.keywords").checked(found, name)
    elif not name.startswith("_") and find_spec(f"{__name__}.{name}") is not None:
        found = importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


class _Package(ModuleType):
    """This package: a room that has the name of a function, `certify`, does not take its place when it is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _PLACES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __dir__() -> list[str]:
    """The public names."""
    return [*__all__, "__version__"]

"""A function in a Python file of the user's, loaded because its user said so; the file is run, and nothing else is.

While it is open, the folder of the file is where imports are looked for first, as for a program that is started there.
Afterwards everything is as before: the path of imports, the modules that are known, and no `__pycache__` in the folder.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from symprop.certify.running import Caught
from symprop.errors import OutputError, SpecError, listed, shown
from symprop.hints import closest

DEFAULT = "backward"
"""The function that is meant where a file is named without one."""


@contextmanager
def opened(place: str) -> Iterator[Any]:
    """Give the function that `place` names, `file.py:function`, for as long as the file's folder may be imported from.

    Raises:
        OutputError: there is no such file.
        SpecError: the file raises an error, or has no such function.
    """
    path, _, name = place.rpartition(":") if not place.endswith(".py") else (place, "", "")
    if not path:
        raise SpecError(f"{shown(place)} names no function\nallowed: a file and a function, my_backward.py:backward")
    if not os.path.isfile(path):
        raise OutputError(f"cannot read {shown(path, 200)}: there is no such file")
    folder = os.path.dirname(os.path.abspath(path))
    before, known, writes = list(sys.path), set(sys.modules), sys.dont_write_bytecode
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    try:
        yield _function(path, name or DEFAULT)
    finally:
        sys.dont_write_bytecode = writes
        sys.path[:] = before
        for each in [each for each in sys.modules if each not in known and _is_in(each, folder)]:
            del sys.modules[each]


def _function(path: str, name: str) -> Any:
    """Run a file, and return what it calls `name`."""
    module_name = os.path.basename(path).removesuffix(".py")
    module_name = module_name if module_name not in sys.modules else f"{module_name} of {os.path.abspath(path)}"
    loader = importlib.machinery.SourceFileLoader(module_name, path)
    spec = importlib.util.spec_from_loader(module_name, loader)
    if spec is None:
        raise OutputError(f"cannot read {shown(path, 200)} as a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    with Caught() as caught:
        loader.exec_module(module)
    if caught.kind:
        raise SpecError(f"{os.path.basename(path)} raises {caught.line}\nallowed: a file that can be imported")
    found = {key: each for key, each in vars(module).items() if callable(each) and not key.startswith("__")}
    if name not in found:
        own = [key for key, each in found.items() if _module_of(each) == module_name]
        problem = f"{os.path.basename(path)} has no function {shown(name)}{closest(name, own)}"
        raise SpecError(f"{problem}\nallowed: {listed(own) or 'a file that defines one'}")
    return found[name]


def _module_of(value: Any) -> str:
    match value:
        case object(__module__=str(name)):
            return name
        case _:
            return ""


def _is_in(name: str, folder: str) -> bool:
    """Whether a module was read from a folder, or from one inside it."""
    spec = vars(sys.modules[name]).get("__spec__")
    origin = None if spec is None else spec.origin
    return isinstance(origin, str) and os.path.abspath(origin).startswith(folder + os.sep)

"""A backward pass that somebody wrote, called with arrays of the library that it is written for.

NumPy arrays are given where nothing else is said; tensors of PyTorch or arrays of JAX where the function's own code
names that library, or where it fails on NumPy arrays and such a library is loaded. Neither is imported otherwise.
Every call gets copies, so that a function that writes into its arguments harms no other, and is noticed.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
import traceback
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from symprop.certify.asking import Asked
from symprop.certify.own_derivatives import OwnDerivative
from symprop.errors import SpecError, shown
from symprop.verify.measure import first_line

LIBRARIES = ("numpy", "torch", "jax")

NOT_OWN = ("site-packages", "<frozen", os.path.dirname(__file__))
"""What is in the name of files that a user did not write."""


@dataclass(frozen=True)
class Ran:
    """What a call returned, or how it failed (a line, and the kind of the exception); what it wrote into."""

    returned: Any = None
    failed: str = ""
    kind: str = ""
    changed: tuple[str, ...] = ()


class Caught(AbstractContextManager["Caught"]):
    """Keeps what a user's function raises, whatever that is, to be reported; an interrupt and an exit go on.

    >>> with Caught() as caught:
    ...     1 / 0
    >>> caught.kind
    'ZeroDivisionError'
    """

    def __init__(self) -> None:
        self.kind, self.line = "", ""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> bool:
        if error is None or not isinstance(error, (Exception, SystemExit)):
            return False
        frames = traceback.extract_tb(trace)
        own = [each for each in frames if not any(part in each.filename for part in NOT_OWN)] or frames
        at = f" ({os.path.basename(own[-1].filename)}, line {own[-1].lineno})" if own else ""
        self.kind, self.line = type(error).__name__, f"{first_line(error)}{at}"
        return True


class Way(NamedTuple):
    """How a function is called: with arrays of which library, targets that can be as ids, and numbers in float32."""

    library: str
    ids: bool = False
    single: bool = False


def run(backward: Callable[..., Any], asked: Asked, values: Mapping[str, Any], way: Way) -> Ran:
    """Call a backward pass with values by name, the cotangent under ""."""
    copies = {name: _copied(each, way.single) for name, each in values.items()}
    before = {name: np.array(each) for name, each in copies.items() if isinstance(each, np.ndarray)}
    with ExitStack() as stack:
        given = dict(_entered(copies, way.library, stack))
        positional, named = asked.arguments(given)
        with Caught() as caught, np.errstate(all="ignore"):
            returned = _taken_out(backward(*positional, **named))
        if caught.kind:
            return Ran(failed=caught.line, kind=caught.kind)
    changed = tuple(
        name or "the cotangent"
        for name, each in before.items()
        if not np.array_equal(each, np.asarray(given[name]), equal_nan=each.dtype.kind == "f")
    )
    return Ran(returned, changed=changed)


def _copied(value: Any, single: bool) -> Any:
    """Return a copy of an array, or of a dictionary of arrays; a number stays."""
    if isinstance(value, dict):
        return {name: _copied(each, single) for name, each in value.items()}
    if not isinstance(value, np.ndarray):
        return value
    return value.astype(np.float32) if single and value.dtype.kind == "f" else np.array(value)


def _entered(values: Mapping[str, Any], library: str, stack: ExitStack) -> Iterator[tuple[str, Any]]:
    """Yield values as arrays of a library; numbers, such as sizes, stay as they are."""
    enter: Callable[[Any], Any] = lambda array: array[()]  # noqa: E731
    if library == "torch":
        torch = importlib.import_module("torch")
        enter = lambda array: torch.from_numpy(array) if array.ndim else torch.tensor(array[()])  # noqa: E731
    elif library == "jax":
        jax = importlib.import_module("jax")
        stack.enter_context(jax.enable_x64(True))
        enter = jax.numpy.asarray

    def entered(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: entered(each) for name, each in value.items()}
        return enter(value) if isinstance(value, np.ndarray) else value

    for name, each in values.items():
        yield name, entered(each)


def _taken_out(returned: Any) -> Any:
    """Return what came back with NumPy arrays for the arrays of other libraries; what is no array stays."""
    match returned:
        case dict():
            return {key: _taken_out(each) for key, each in returned.items()}
        case tuple() | list():
            return tuple(map(_taken_out, returned))
        case object(detach=detach):  # a tensor of PyTorch
            tensor = detach().cpu()
            return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()
        case None | str() | bytes():
            return returned
        case _:
            return np.asarray(returned)


def libraries_of(backward: Any, chosen: str | None) -> tuple[str, ...]:
    """Return the libraries whose arrays a backward pass is given, in the order in which they are tried.

    Raises:
        SpecError: an unknown library, or one that is not installed.
    """
    if chosen is not None:
        if chosen not in LIBRARIES:
            raise SpecError(f"arrays={shown(chosen)} is no library\nallowed: {', '.join(LIBRARIES)}")
        if importlib.util.find_spec(chosen) is None:
            raise SpecError(f"{chosen} is not installed\nallowed: {', '.join(LIBRARIES)}, where they are installed")
        return (chosen,)
    if isinstance(backward, OwnDerivative):
        return (backward.library,)
    named = [library for library in LIBRARIES[1:] if library in _named_in(backward)]
    loaded = [library for library in LIBRARIES[1:] if library in sys.modules]
    return tuple(dict.fromkeys((*named[:1], "numpy", *loaded)))


def _named_in(backward: Any) -> set[str]:
    """Return the libraries that a function's code or annotations name, by the modules of what it reads."""
    function = _function_in(backward)
    if function is None:
        return set()
    code = [function.__code__]
    names: list[str] = []
    while code:
        here = code.pop()
        names += [*here.co_names, *here.co_freevars]
        code += [each for each in here.co_consts if isinstance(each, types.CodeType)]
    closed = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    read = [function.__globals__.get(name) for name in names]
    read += [cell.cell_contents for cell in closed.values() if cell != types.CellType()]
    annotations = " ".join(map(str, inspect.get_annotations(function).values()))
    found = {_root(each) for each in read if each is not None}
    return found | {library for library in LIBRARIES if f"{library}." in annotations}


def _function_in(backward: Any) -> types.FunctionType | None:
    """Return the Python function inside a partial, a method, a wrapper or an object that is called."""
    for _ in range(10):
        match backward:
            case object(__wrapped__=inner) | object(func=inner):
                backward = inner
            case types.FunctionType():
                return backward
            case types.MethodType():
                backward = backward.__func__
            case object(__call__=types.MethodType() as inner):
                backward = inner
            case _:
                return None
    return None


def _root(value: Any) -> str:
    """Return the package that a module, a class or a function belongs to."""
    match value:
        case types.ModuleType(__name__=name):
            return str(name).partition(".")[0]
        case object(__module__=str(name)):
            return name.partition(".")[0]
        case _:
            return ""

"""Arguments of public calls: one that a call does not take is an error of ours, which says what was meant.

>>> @checked
... def draw(width: int = 1) -> int:
...     return width
>>> draw(widht=2)
Traceback (most recent call last):
    ...
symprop.errors.SpecError: draw takes no widht= (did you mean 'width'?)
allowed: draw(width=1)
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from symprop.algebra.names import closest
from symprop.errors import SpecError

P = ParamSpec("P")
R = TypeVar("R")

DECLARED = '; arrays of a formula are declared by symprop.formula(text, x="n")'
_OF_FORMULAS = ("derive", "report", "check")


def checked(function: Callable[P, R], name: str = "") -> Callable[P, R]:
    """Return a function that refuses what it does not take; `name` is what it is called by.

    One that takes any keywords, declarations of arrays, looks at them itself.
    """
    signature = inspect.signature(function)
    is_open = any(each.kind == each.VAR_KEYWORD for each in signature.parameters.values())

    @functools.wraps(function)
    def call(*given: P.args, **named: P.kwargs) -> R:
        try:
            if is_open:
                signature.bind_partial(*given)
            else:
                signature.bind(*given, **named)
        except TypeError as problem:
            raise _refused(name or function.__name__, signature, named, problem) from None
        return function(*given, **named)

    return call


class Checked:
    """A class whose objects are made with arguments that it takes, or refused with what was meant."""

    if not TYPE_CHECKING:  # a checker knows the arguments by itself

        def __new__(cls, *given: Any, **named: Any) -> Any:
            try:
                _signature(cls).bind_partial(*given, **named)
            except TypeError as problem:
                raise _refused(cls.__name__, _signature(cls), named, problem) from None
            return super().__new__(cls)


@functools.cache
def _signature(kind: type) -> inspect.Signature:
    found = inspect.signature(kind.__init__)  # type: ignore[misc]
    return found.replace(parameters=list(found.parameters.values())[1:], return_annotation=inspect.Signature.empty)


def _refused(name: str, signature: inspect.Signature, named: Mapping[str, Any], problem: TypeError) -> SpecError:
    """Return the error of a call, which says how it is called."""
    known = signature.parameters
    keywords = [each.name for each in known.values() if each.kind in (each.KEYWORD_ONLY, each.POSITIONAL_OR_KEYWORD)]
    is_open = any(each.kind == each.VAR_KEYWORD for each in known.values())
    unknown = next((each for each in named if each not in keywords and not is_open), None)
    told = f"{name}: {problem}" if unknown is None else f"{name} takes no {unknown}={closest(unknown, keywords)}"
    more = DECLARED if unknown is not None and name in _OF_FORMULAS and "self" not in known else ""
    return SpecError(f"{told}\nallowed: {name}({', '.join(_told(list(known.values())))}){more}")


def _told(parameters: Sequence[inspect.Parameter]) -> list[str]:
    """Return parameters as they are written in a call, without what Python has before methods."""
    plain = [each.replace(annotation=inspect.Parameter.empty) for each in parameters if each.name != "self"]
    return [str(each) for each in plain]

"""Arguments of public calls: one that a call does not take, or of another type, is an error that says what was
meant.

>>> @checked
... def draw(width: int = 1) -> int:
...     return width
>>> draw(widht=2)
Traceback (most recent call last):
    ...
symprop.errors.SpecError: draw takes no widht= (did you mean 'width'?)
allowed: draw(width=1)
>>> draw("wide")
Traceback (most recent call last):
    ...
symprop.errors.SpecError: draw takes a whole number as width, not 'wide'
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from symprop.declared_types import Type, shown_value, types_of
from symprop.errors import SpecError, harmless
from symprop.hints import closest

P = ParamSpec("P")
R = TypeVar("R")

DECLARED = '; arrays of a formula are declared by symprop.formula(text, x="n")'
_OF_FORMULAS = ("derive", "report", "check")


def checked(function: Callable[P, R], name: str = "") -> Callable[P, R]:
    """Return a function that refuses what it does not take; `name` is what it is called by."""
    called, taken = name or function.__name__, _Taken(function)

    @functools.wraps(function)
    def call(*given: P.args, **named: P.kwargs) -> R:
        taken.check(called, given, named)
        return function(*given, **named)

    return call


def public(kind: type[R]) -> type[R]:
    """Have every method of a class refuse what it does not take, those of what it is made of too."""
    for name in dir(kind):
        method = inspect.getattr_static(kind, name)
        is_ours = inspect.isfunction(method) and method.__module__.startswith("symprop.") and name[0] != "_"
        if (
            is_ours
            and "__wrapped__" not in vars(method)
            and method.__code__.co_argcount + method.__code__.co_kwonlyargcount > 1
        ):
            setattr(kind, name, checked(method))
    return kind


class Checked:
    """A class whose objects are made with arguments that it takes, or refused with what was meant.

    Each looks at what they are by itself, but for arrays, which no comparison can tell from an allowed text.
    """

    if not TYPE_CHECKING:  # a checker knows the arguments by itself

        def __new__(cls, *given: Any, **named: Any) -> Any:
            _made(cls).check(cls.__name__, (None, *given), named, is_made=True)
            return super().__new__(cls)


class _Taken:
    """What a function takes, worked out when it is first called."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        return inspect.signature(self.function).replace(return_annotation=inspect.Signature.empty)

    @functools.cached_property
    def is_open(self) -> bool:
        """Whether it takes any keywords, declarations of arrays, and looks at them itself."""
        return any(each.kind == each.VAR_KEYWORD for each in self.signature.parameters.values())

    @functools.cached_property
    def types(self) -> dict[str, Type]:
        return types_of(self.function)

    def check(self, name: str, given: tuple[Any, ...], named: Mapping[str, Any], is_made: bool = False) -> None:
        """Say what a call does not take; where an object `is_made`, a copy of one is made without arguments.

        Raises:
            SpecError: an argument that there is not, or lacks, or one of another type than its annotation says.
        """
        try:
            bind = self.signature.bind_partial if is_made or self.is_open else self.signature.bind
            found = bind(*given, **({} if self.is_open else named)).arguments
        except TypeError as problem:
            raise _refused(name, self.signature, named, problem) from None
        for argument, value in ({**found, **named} if self.is_open else found).items():
            kind = None if is_made and type(value).__name__ != "ndarray" else self.types.get(argument)
            if kind is not None and not kind.holds(value):
                raise SpecError(f"{name} takes {kind.words} as {argument}, not {shown_value(value)}")


@functools.cache
def _made(kind: type) -> _Taken:
    return _Taken(kind.__init__)  # type: ignore[misc]


def _refused(name: str, signature: inspect.Signature, named: Mapping[str, Any], problem: TypeError) -> SpecError:
    """Return the error of a call, which says how it is called."""
    known = signature.parameters
    keywords = [each.name for each in known.values() if each.kind in (each.KEYWORD_ONLY, each.POSITIONAL_OR_KEYWORD)]
    is_open = any(each.kind == each.VAR_KEYWORD for each in known.values())
    unknown = next((each for each in named if each not in keywords and not is_open), None)
    told = f"{name}: {problem}" if unknown is None else f"{name} takes no {_cut(unknown)}={closest(unknown, keywords)}"
    more = DECLARED if unknown is not None and name in _OF_FORMULAS and "self" not in known else ""
    return SpecError(f"{told}\nallowed: {name}({', '.join(_told(list(known.values())))}){more}")


def _cut(name: str, limit: int = 60) -> str:
    return harmless(name[:limit]) + ("…" if len(name) > limit else "")


def _told(parameters: Sequence[inspect.Parameter]) -> list[str]:
    """Return parameters as they are written in a call, without what Python has before methods."""
    plain = [each.replace(annotation=inspect.Parameter.empty) for each in parameters if each.name != "self"]
    return [str(each) for each in plain]

"""What a backward pass asks for: the names of its parameters, each a name of the forward pass or of the cotangent."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from symprop.certify.subject import Subject
from symprop.errors import SpecError, listed, shown
from symprop.hints import closest

COTANGENTS = ("g", "dout", "grad_output", "grad_out", "grad", "d_out", "upstream", "cotangent", "dy", "dO", "do", "ct")
"""Names under which the cotangent of the value is asked for, beside `d` and `grad_` with the value's own name."""
VALUES = ("out", "output")
"""Under which names the value of the forward pass is asked for, beside its own."""


@dataclass(frozen=True)
class Asked:
    """How a backward pass is called: each of its parameters with the name of what it is given.

    `names` are those it asks for in the order of its parameters; `cotangent` is whether it asks for that.
    """

    given: tuple[tuple[inspect.Parameter, str], ...]
    names: tuple[str, ...]
    cotangent: bool
    rest: bool = False

    def arguments(self, values: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return positional arguments and those by name; `values` has the cotangent under ""."""
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for parameter, name in self.given:
            if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
                positional.append(parameter.default if name == LEFT else values[name])
            elif name != LEFT:
                named[parameter.name] = values[name]
        if self.rest:
            named |= {name: each for name, each in values.items() if name and name not in named}
            if self.cotangent and not any(name == "" for _, name in self.given):
                named["g"] = values[""]
        return positional, named


LEFT = "left at its default"


def asked_by(backward: Callable[..., Any], subject: Subject) -> Asked:
    """Return what a backward pass asks for.

    A parameter that is no name of the forward pass is left at its default. One that takes `**others` is given all.

    Raises:
        SpecError: it cannot be called, its parameters have no names, one of them is unknown, or it lacks the cotangent.
    """
    name = called(backward)
    if not callable(backward):
        raise SpecError(f"a backward pass is a function, not {shown(type(backward).__name__)}")
    try:
        parameters = list(inspect.signature(backward).parameters.values())
    except (ValueError, TypeError):
        raise SpecError(f"{name} does not say the names of its parameters\nallowed: {_wrapped(subject)}") from None
    cotangents = names_of_cotangent(subject)
    given: list[tuple[inspect.Parameter, str]] = []
    rest = False
    for parameter in parameters:
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            rest = True
        elif parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            continue
        elif parameter.name in subject.names:
            given.append((parameter, parameter.name))
        elif parameter.name in (subject.value, *VALUES):
            given.append((parameter, subject.value))
        elif parameter.name in cotangents:
            given.append((parameter, ""))
        elif parameter.default is not inspect.Parameter.empty:
            given.append((parameter, LEFT))
        else:
            known = (*subject.names, *cotangents)
            told = f"{listed(subject.names)}; for the cotangent {listed(cotangents, 120)}"
            problem = f"{name} asks for {shown(parameter.name)}{closest(parameter.name, known)}"
            raise SpecError(f"{problem}, which is no name of {shown(subject.title)}\nallowed: {told}")
    names = tuple(dict.fromkeys(each for _, each in given if each not in ("", LEFT)))
    if not names and not rest and not any(each == "" for _, each in given):
        raise SpecError(f"{name} asks for nothing by name\nallowed: {_wrapped(subject)}")
    cotangent = any(each == "" for _, each in given) or (rest and not subject.is_scalar)
    if not cotangent and not subject.is_scalar:
        problem = f"{name} does not ask for the cotangent of {shown(subject.title)}, which is no scalar"
        raise SpecError(f"{problem}\nallowed: a parameter of one of the names {listed(cotangents)}")
    return Asked(tuple(given), names, cotangent, rest)


def names_of_cotangent(subject: Subject) -> tuple[str, ...]:
    """Return the names under which the cotangent of a value is asked for: what the forward pass names is none."""
    own = (f"d{subject.value}", f"grad_{subject.value}")
    return tuple(dict.fromkeys(name for name in (*COTANGENTS, *own) if name not in subject.names))


def called(backward: Any) -> str:
    """Return what a function is called in messages."""
    match backward:
        case object(__name__=str(name)) | object(func=object(__name__=str(name))):
            return shown(name)[1:-1]
        case _:
            return type(backward).__name__


def _wrapped(subject: Subject) -> str:
    """Return an example of a function with names around one without."""
    names = [*subject.by[:4], *([] if subject.is_scalar else ["g"])]
    return f"names, as in lambda {', '.join(names)}: f({', '.join(names)})"

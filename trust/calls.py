"""Public calls with arguments of wrong types and values: each function, class and method, each argument, each value.

The good arguments of a call are those that it must have; one of them, or one that has a default, is then replaced. What
an annotation does not name must be refused; what is refused must be told in words that name the argument or the value.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import symprop
from symprop.declared_types import shown_value
from symprop.errors import SympropError, shown
from symprop.keywords import Checked
from symprop.networks import Layer
from symprop.weights import save_weights
from tests.hostile_cases import check_message

NETWORK = "Input(2) >> Dense(1) >> Tanh() >> MeanSquaredError()"
VALUES: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "3": lambda: 3,
    "3.5": lambda: 3.5,
    "'zz'": lambda: "zz",
    "[]": list,
    "{}": dict,
    "an object": object,
    "bytes": lambda: b"zz",
    "no bytes": bytes,
    "nan": lambda: float("nan"),
    "an array": lambda: np.ones(3),
    "a path": lambda: Path("zz"),
    "True": lambda: True,
    "a class": lambda: int,
}
"""What is given in the place of an argument."""
TAKES: dict[str, tuple[str, ...]] = {
    "None": ("None",),
    "3": ("int", "float", "Size", "complex"),
    "3.5": ("float", "complex"),
    "'zz'": ("str", "Size", "Source", "Given", "Asked"),
    "[]": ("list", "Sequence", "Iterable", "tuple", "Asked", "Shape", "ArrayLike"),
    "{}": ("dict", "Mapping", "Iterable"),
    "an object": (),
    "bytes": ("bytes", "Source"),
    "no bytes": ("bytes", "Source"),
    "nan": ("float", "complex"),
    "an array": ("Iterable", "Sequence", "list", "tuple", "ArrayLike", "Array"),
    "a path": ("PathLike", "Path", "Source"),
    "True": ("bool",),
    "a class": ("Callable",),
}
"""Words of an annotation that take a value; `Any` and `object` take each, and the call itself has the word."""
ANY = ("Any", "object", "Hashable", "Annotated", "_empty")

REQUIRED: dict[str, Any] = {
    "activation": "tanh",
    "after": NETWORK,
    "backward": lambda x: 2 * x,
    "before": NETWORK,
    "block": symprop.Dense(3) >> symprop.Tanh(),
    "body": "x * x",
    "by": "z1",
    "cell": symprop.LSTM(2),
    "channels": 2,
    "coefficient": 0.1,
    "count": 2,
    "declarations": "x @ x",
    "derivation": symprop.derive(NETWORK),
    "equations": "h = tanh(W @ x + R @ h_prev)",
    "f": "x @ x",
    "features": [[1.0, 2.0]],
    "first": "x",
    "forward": "x @ x",
    "groups": 1,
    "heads": 1,
    "kernel": 1,
    "latex": "x",
    "layer": 1,
    "layers": (symprop.Tanh(),),
    "line": "x",
    "module": object(),
    "name": "z1",
    "network": symprop.parse_network(NETWORK),
    "of": "a1",
    "p": 0.5,
    "parameter": "W1",
    "path": "out.tex",
    "place": 0,
    "second": "x",
    "shape": (3,),
    "size": 2,
    "sizes": {},
    "steps": 3,
    "subject": NETWORK,
    "text": NETWORK,
    "variables": (symprop.variable("x", (3,)),),
    "vocabulary": 5,
}
"""What stands in the place of an argument that a call must have, by its name."""
WITHIN = {"Derivation": ("check_example", "holding", "is_wanted", "with_along"), "Case": ("once",)}
"""Methods that other rooms call, and nobody else."""

STARTS = ("Report.pdf",)
"""What starts a program, LaTeX, where it is installed and what is given is right."""


@cache
def objects() -> dict[str, Any]:
    """Return the objects whose methods are called, by what they are called here."""
    derivation = REQUIRED["derivation"]
    return {
        "Derivation": derivation,
        "Answer": symprop.gradient("x @ A @ x", "x", x="n", A="n n"),
        "Answers": symprop.gradient("x @ A @ x", x="n", A="n n"),
        "Certificate": symprop.gradient("x @ x", "x", x="n").check(),
        "Report": symprop.report(NETWORK, without=["certificate"]),
        "NetworkDifference": symprop.diff(NETWORK, NETWORK.replace("Tanh", "ReLU")),
        "Certification": symprop.certify("x @ x", lambda x: 2 * x),
        "Formula": symprop.formula("x @ x", x="n"),
        "Network": REQUIRED["network"],
        "Case": symprop.Case(REQUIRED["network"]),
        "Comparison": symprop.compare("x @ x", "sum(x * x)", x="n"),
        "Model": symprop.load_weights(_weights(), "Input(2) >> Dense(1) >> MeanSquaredError()"),
    }


def _weights() -> io.BytesIO:
    """Return a file of weights, for a network of one layer."""
    file = io.BytesIO()
    save_weights(file, {"W1": np.ones((1, 2)), "b1": np.zeros(1)})
    return file


def _functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield what a user calls, by its name."""
    for name in symprop.__all__:
        found = getattr(symprop, name)
        if not inspect.isclass(found) or issubclass(found, (Checked, symprop.Case)):
            yield name, found
    for name, each in objects().items():
        for method in dir(each):
            if method[0] != "_" and method not in WITHIN.get(name, ()):
                found = inspect.getattr_static(each, method)
                if inspect.isfunction(found):
                    yield f"{name}.{method}", getattr(each, method)


@cache
def calls() -> dict[str, Callable[..., Any]]:
    """Return what a user calls, by its name."""
    return dict(_functions())


def asked() -> Iterator[dict[str, str]]:
    """Yield each call, each of its arguments, each value."""
    for name, call in calls().items():
        parameters = inspect.signature(call).parameters
        for argument in filter(is_given, parameters):
            annotation = str(parameters[argument].annotation)
            values = (each for each in VALUES if name not in STARTS or not takes(annotation, each))
            yield from ({"call": name, "argument": argument, "value": value} for value in values)


def is_given(argument: str) -> bool:
    """Whether a user gives an argument."""
    return argument[0] != "_"


def put(given: Mapping[str, str]) -> None:
    """Call with one value in the place of an argument.

    Raises:
        ValueError: an error that names neither the argument nor the value, or none where the annotation has no such
            value.
    """
    call, argument, value = calls()[given["call"]], given["argument"], given["value"]
    chosen = VALUES[value]()
    parameters = inspect.signature(call).parameters
    in_order, named = _arguments(parameters.values(), argument, chosen)
    annotation = str(parameters[argument].annotation)
    is_taken = takes(annotation, value)
    try:
        made = call(*in_order, **named)
    except SympropError as problem:
        check_message(problem)
        wrong = "" if is_taken else str(problem)
    except (TypeError, ValueError) as problem:
        wrong = str(problem)
    else:
        if not is_taken:
            raise ValueError(f"took {value} for {annotation}")
        if isinstance(made, Layer):
            with contextlib.suppress(SympropError):
                symprop.Input(3) >> made >> symprop.MeanSquaredError()
        return
    words = (argument, shown_value(chosen), shown(chosen), type(chosen).__name__, "allowed: ")
    if wrong and not any(word in wrong for word in words):
        raise ValueError(f"neither {argument} nor {value} stands in {wrong}")


def takes(annotation: str, value: str) -> bool:
    """Whether an annotation has a word that takes a value; parts in brackets are parts of what it takes."""
    while (outer := re.sub(r"\[[^][]*\]", "", annotation)) != annotation:
        annotation = outer
    return bool({*TAKES[value], *ANY} & {*re.findall(r"\w+", annotation)})


def _arguments(parameters: Iterable[inspect.Parameter], argument: str, value: Any) -> tuple[list[Any], dict[str, Any]]:
    """Return what a call must have, with a value in the place of one argument."""
    in_order: list[Any] = []
    named: dict[str, Any] = {}
    for each in parameters:
        is_asked, is_needed = each.name == argument, each.default is each.empty
        if each.kind == each.VAR_KEYWORD:
            named |= {"x": value} if is_asked else {}
        elif each.kind == each.VAR_POSITIONAL:
            in_order += [value] if is_asked else []
        elif is_asked or is_needed or each.kind == each.POSITIONAL_ONLY:
            given = value if is_asked else REQUIRED[each.name] if is_needed else each.default
            if each.kind == each.POSITIONAL_ONLY:
                in_order.append(given)
            else:
                named[each.name] = given
    return in_order, named

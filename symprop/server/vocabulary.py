"""What one can type, read off the tables that read it: for completion, and for the page that lists the language."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass

from symprop.algebra.declarations import DECLARED
from symprop.algebra.functions import FUNCTIONS, ElementwiseFunction
from symprop.algebra.operators import OPERATORS, Operator
from symprop.networks.spec import LAYERS


@dataclass(frozen=True)
class Word:
    """A name of the language: how it is called, and what it is in one line; `layer` for one of networks."""

    name: str
    call: str
    told: str
    layer: bool


def _layers() -> Iterator[Word]:
    for name, kind in LAYERS.items():
        taken = [
            each.replace(annotation=inspect.Parameter.empty) for each in inspect.signature(kind).parameters.values()
        ]
        call = ", ".join(str(each) for each in taken if each.kind is not inspect.Parameter.KEYWORD_ONLY)
        options = ", ".join(f"{each.name}=" for each in taken if each.kind is inspect.Parameter.KEYWORD_ONLY)
        yield Word(
            name, f"{name}({', '.join(filter(None, (call, options)))})", str(inspect.getdoc(kind)).split("\n")[0], True
        )


def _function(name: str, function: ElementwiseFunction) -> Word:
    arguments = ", ".join(("x", "y")[: len(function.parameters)])
    return Word(name, f"{name}({arguments})", "of each element", False)


def _operator(name: str, operator: Operator) -> Word:
    arrays = ("arrays",) if operator.lists else operator.arrays
    needed = [option for option in operator.options if option in operator.required]
    more = [f"{option}=" for option in operator.options if option not in operator.required]
    call = ", ".join((*arrays, *needed, *more, *(("arrays",) if operator.rest else ())))
    return Word(name, f"{name}({call})", "", False)


VOCABULARY: tuple[Word, ...] = (
    *_layers(),
    *sorted(
        {
            **{name: _function(name, function) for name, function in FUNCTIONS.items()},
            **{name: _operator(name, operator) for name, operator in OPERATORS.items()},
        }.values(),
        key=lambda word: word.name,
    ),
)
"""Layers in the order of their table, then functions by name."""

FACTS: tuple[tuple[str, str], ...] = (
    *((word, row.shapes) for word, row in DECLARED.items()),
    ("index k", "integers from 0 to k - 1"),
)
"""What may be said of an array behind its sizes, and of which arrays."""

"""What the page asks, read from JSON: every field has its kind and its limit, and nothing else is taken."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symprop.algebra.reading.statements import statements
from symprop.errors import LimitError, SpecError, SympropError, shown
from symprop.formulas.ask import QUESTIONS
from symprop.limits import DTYPES
from symprop.networks.network import LAYOUTS
from symprop.networks.optimisers import OPTIMISERS
from symprop.networks.spec import is_network_text

STAGES = ("derivation", "steps", "diagram", "code", "certificate", "mine", "report")
SLOW_STAGES = ("certificate", "report")
ENDINGS = {"pdf": "PDF", "html": "HTML", "tex": "LaTeX", "md": "Markdown"}
"""What a report is written as."""
LONGEST_TEXT, LONGEST_FIELD, MOST_SIZES = 20_000, 200, 20
LARGEST_SIZE = 10**9
_CHOICES = {
    "stage": STAGES,
    "question": tuple(QUESTIONS),
    "layout": LAYOUTS,
    "dtype": DTYPES,
    "optimizer": ("", *OPTIMISERS),
    "ending": tuple(ENDINGS),
}
_TEXTS = {
    **dict.fromkeys(("text", "where", "mine"), LONGEST_TEXT),
    **dict.fromkeys(("by", "along", "name"), LONGEST_FIELD),
}


class Misplaced(Exception):
    """An error of one field of the page."""

    def __init__(self, field: str, problem: SympropError, known: Sequence[str] = ()) -> None:
        super().__init__(str(problem))
        self.field, self.problem, self.known = field, problem, tuple(known)


@dataclass(frozen=True)
class Asked:
    """One request: the stage that is wanted, what was typed, the question about it, and the options.

    `name` is that of the equation whose steps are wanted (of all where it is empty), `mine` a line that is compared
    with what is derived, and `ending` that of a report's file.
    """

    stage: str
    text: str
    where: str = ""
    question: str = "gradient"
    by: str = ""
    along: str = ""
    layout: str = "example"
    dtype: str = "float64"
    optimizer: str = ""
    sizes: tuple[tuple[str, int], ...] = ()
    name: str = ""
    mine: str = ""
    ending: str = "html"

    @property
    def is_network(self) -> bool:
        """Whether the text is a network.

        >>> Asked("code", "Input(3) >> Tanh()").is_network, Asked("code", "x @ A @ x").is_network
        (True, False)
        """
        return is_network_text(self.text)

    @property
    def line(self) -> str:
        """The text on one line, every character in its column; with a comment or statements in it, as it is."""
        apart = "#" in self.text or (not self.is_network and len(statements(self.text)) > 1)
        return self.text if apart else re.sub(r"[\n\r]", " ", self.text)


def read_asked(body: bytes) -> Asked:
    """Return the request of a JSON text.

    >>> read_asked(b'{"stage": "derivation", "text": "x @ x", "where": "x: n"}').question
    'gradient'

    Raises:
        SpecError: not such a request.
        LimitError: a field that is too long.
    """
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise SpecError("the request is no JSON") from None
    if not isinstance(given, Mapping):
        raise SpecError("the request is no JSON object")
    fields = {name: _field(name, value) for name, value in given.items() if name not in {"tab", "sequence"}}
    if "stage" not in fields or "text" not in fields:
        raise SpecError("the request has no stage or no text")
    return Asked(**fields)


def _field(name: str, value: Any) -> Any:
    if name == "sizes":
        return _sizes(value)
    if name not in _CHOICES and name not in _TEXTS:
        raise SpecError(f"the request has no field {shown(name)}")
    if not isinstance(value, str):
        raise SpecError(f"{name} is text, not {shown(value)}")
    if name in _CHOICES and value not in _CHOICES[name]:
        raise SpecError(f"unknown {name} {shown(value)}\nallowed: {', '.join(filter(None, _CHOICES[name]))}")
    if name in _TEXTS and len(value) > _TEXTS[name]:
        raise LimitError(f"{len(value):,} characters; at most {_TEXTS[name]:,} are taken here")
    return value


def _sizes(value: Any) -> tuple[tuple[str, int], ...]:
    if not isinstance(value, Mapping) or len(value) > MOST_SIZES:
        raise SpecError(f"sizes are at most {MOST_SIZES} names with their numbers")
    for name, number in value.items():
        if type(number) is not int or not 1 <= number <= LARGEST_SIZE:
            raise SpecError(f"the size {shown(name)} is {shown(number)}\nallowed: a whole number from 1")
    return tuple(sorted(value.items()))

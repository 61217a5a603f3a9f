"""The steps that led to something: a tuple of `Step` that prints itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from symprop.algebra.equations import Step
from symprop.algebra.printable import Printable


class Steps(Printable, tuple[Step, ...]):
    """Named steps, in order; as text, as LaTeX and in a notebook they read from the question to the answer.

    `origin` is the derivation or the result that they are of, `name` that of the equation in a derivation.

    >>> steps = Steps((), origin=None)
    >>> steps == (), isinstance(steps, tuple)
    (True, True)
    """

    origin: Any
    name: str

    def __new__(cls, steps: Iterable[Step], origin: Any, name: str = "") -> Self:
        made = tuple.__new__(cls, steps)
        made.origin, made.name = origin, name
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:  # a copy knows its origin too
        return tuple(self), self.origin, self.name

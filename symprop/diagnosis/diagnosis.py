"""What a diagnosis says: which gradient is wrong, what was mistaken in it, and in which equation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Explanation:
    """One mistake, or several, that reproduce the given gradients.

    `gradient` is the left side of the mistaken equation ("dK"), `variable` what it is the derivative by ("K"), `kind`
    a word ("factor", "sign", "transposed", ...), `equation` the right equation, `number` its number on the page of the
    network's derivation (None for a formula).
    """

    message: str
    kind: str
    gradient: str
    variable: str
    equation: str
    number: int | None = None


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with given gradients: `message` is a sentence, `explanations` are all that reproduce the numbers.

    `wrong` are the variables whose gradient is wrong. Without any explanation, the message says which terms of the
    right sum are present, and what remains.
    """

    message: str
    wrong: tuple[str, ...]
    explanations: tuple[Explanation, ...] = ()

    @property
    def kind(self) -> str:
        """The kind of the first explanation, "" without one."""
        return self.explanations[0].kind if self.explanations else ""

    @property
    def gradient(self) -> str:
        """The left side of the mistaken equation, else of the first wrong gradient."""
        return self.explanations[0].gradient if self.explanations else f"d{self.wrong[0]}"

    @property
    def variable(self) -> str:
        """The variable whose gradient the mistaken equation is, else that of the first wrong gradient."""
        return self.explanations[0].variable if self.explanations else self.wrong[0]

    @property
    def equation(self) -> str:
        """The right equation in the place of the mistaken one, "" where none was found."""
        return self.explanations[0].equation if self.explanations else ""

"""What comes out where two formulas are compared: equal by a proof, different at a counterexample, or neither."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from markupsafe import escape

from symprop.algebra.formula import Formula
from symprop.algebra.printable import Listed
from symprop.formulas.compare.counterexample import Counterexample
from symprop.notation import notebook_blocks
from symprop.notation.blocks import Paragraph
from symprop.notation.words import Math

FORM, ELEMENTS = "identical after simplification", "equal by elements"
SUMS, WORDS = "equal as sums of products", "equal as products of matrices"
UNDECIDED, NOWHERE = "no difference found", "nowhere defined"


@dataclass(frozen=True)
class Comparison(Listed):
    """Whether two formulas are equal; how that is known, or how they differ.

    `equal` is True for a proof alone, False where there is a counterexample, and None where neither was found; so only
    a proof counts as true. `kind`, where they are equal, is the proof: "identical after simplification", "equal as sums
    of products", "equal as products of matrices" (these for every size), or "equal by elements" (at the sizes that the
    message names). Where they are not: "transposed", "constant factor", "missing term" and so on. Undecided it is "no
    difference found" or "nowhere defined". `used` are the declared facts that equality needs.

    >>> import symprop
    >>> found = symprop.compare("A @ x", "A.T @ x", A="n n symmetric", x="n")
    >>> found.equal, found.kind, found.used
    (True, 'equal as sums of products', ('A is symmetric',))
    """

    equal: bool | None
    kind: str
    message: str
    first: Formula
    second: Formula
    used: tuple[str, ...] = ()
    counterexample: Counterexample | None = None

    def __bool__(self) -> bool:
        return self.equal is True

    def __str__(self) -> str:
        return self.message

    def latex(self) -> str:
        """Return the two formulas with the sign of equality, its negation, or a question between them."""
        sign = {True: "=", False: r"\ne", None: r"\overset{?}{=}"}[self.equal]
        return f"{self.first.latex()} {sign} {self.second.latex()}"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.message)}</pre>\n{notebook_blocks.html([Paragraph((Math(self.latex()),))])}"

    def _repr_latex_(self) -> str:
        return notebook_blocks.displayed([self.latex()])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("..." if cycle else self.message)

"""The answers to one question by every variable of a formula, as a derivation gives all gradients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from symprop.algebra.formula import Formula
from symprop.algebra.names import looked_up
from symprop.algebra.printable import Printable
from symprop.formulas.answer import Answer
from symprop.formulas.pages import heading
from symprop.formulas.reported import Reported
from symprop.keywords import public
from symprop.limits import SECONDS

if TYPE_CHECKING:
    from symprop.verify.certificate import Certificate


@public
@dataclass(frozen=True, repr=False)
class Answers(Reported, Printable):
    """The answers to one question, one for each variable of a formula; each is found by the name of its variable.

    >>> import symprop
    >>> found = symprop.gradient("x @ A @ x")
    >>> print(found.page())
    A: n n, x: n
    f = xᵀ A x   ()
    ∂f/∂A = x xᵀ   (n, n)
    - does not depend on A
    - rank one
    - symmetric
    - positive semidefinite
    ∂f/∂x = (A + Aᵀ) x   (n,)
    >>> print(found["x"].text())
    (A + A.T) @ x
    >>> found.names, found.check().ok
    (('A', 'x'), True)
    """

    answers: tuple[Answer, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The variables that there is an answer by."""
        return tuple(each.result.by[0].name for each in self.answers)

    @property
    def formula(self) -> Formula:
        """The formula that was asked about."""
        return self.answers[0].result.formula

    @property
    def kind(self) -> str:
        """The question: `gradient`, `jacobian`, `hessian`."""
        return self.answers[0].result.kind

    def __getitem__(self, name: str) -> Answer:
        """Return the answer by a variable.

        Raises:
            FormulaError: there is none of this name.
        """
        return looked_up(name, dict(zip(self.names, self.answers, strict=True)), "there is no answer with respect to")

    def __iter__(self) -> Iterator[Answer]:
        return iter(self.answers)

    def __len__(self) -> int:
        return len(self.answers)

    def pretty(self) -> str:
        return "\n".join(f"{heading(each.result, 'pretty')} = {each.pretty()}" for each in self)

    def text(self) -> str:
        """Return a line of NumPy notation for each: `gradient_A = outer(x, x)`."""
        return "\n".join(f"{self.kind}_{name} = {each.text()}" for name, each in zip(self.names, self, strict=True))

    def latex(self) -> str:
        rows = (f"{heading(each.result, 'latex')} &= {each.latex()}" for each in self)
        return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"

    def page(self) -> str:
        """Return the pages of all answers below each other, what they have in common once."""
        pages = [each.page().split("\n") for each in self]
        same = 0
        while all(len(page) > same and page[same] == pages[0][same] for page in pages) and len(pages) > 1:
            same += 1
        return "\n".join((*pages[0][:same], *(line for page in pages for line in page[same:])))

    def steps(self) -> str:
        """Return the named steps that led to each answer."""
        return "\n\n".join(str(each.steps()) for each in self)

    def numpy(self, dtype: str = "float64", sizes: Mapping[str, int] | None = None) -> str:
        """Return stand-alone source with a function for each, `gradient_A`, that imports NumPy and nothing else.

        `sizes` are numbers for names of sizes.

        Raises:
            SpecError: an unknown dtype.
            FormulaError: a name that is none of the sizes.
        """
        again = ("import symprop", f'symprop.{self.kind}(f).numpy("{dtype}")')
        title = f"{self.kind} of {self.formula.source} with respect to each of {', '.join(self.names)}"
        return source_of(self.with_sizes(sizes).answers, dtype, title, again)

    def with_sizes(self, sizes: Mapping[str, int] | None) -> Answers:
        """Return the answers with numbers for names of sizes.

        Raises:
            FormulaError: a name that is none of the sizes.
        """
        return Answers(tuple(each.with_sizes(sizes) for each in self)) if sizes else self

    def __call__(self, **arrays: Any) -> dict[str, Any]:
        """Evaluate every answer at arrays, given by name; the values are by the names of the variables.

        Raises:
            ValueError, TypeError: as one answer.
        """
        return {name: each(**arrays) for name, each in zip(self.names, self, strict=True)}

    def check(
        self, seed: int = 0, limit: float | None = SECONDS, sizes: Mapping[str, int] | None = None
    ) -> Certificate:
        """Check every answer, each of its steps and its source by oracles that share no code with the rules."""
        return certificate_of(self.with_sizes(sizes).answers, f"{self.kind}, all of {self.formula.source}", seed, limit)

    def __repr__(self) -> str:
        return f"Answers({self.kind!r}, {self.formula.source!r}, with respect to {', '.join(self.names)})"

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex()}\n$$"


def source_of(answers: Sequence[Answer], dtype: str, title: str, again: tuple[str, ...] = ()) -> str:
    """Return stand-alone source with a function for each answer, by its name: `gradient_A`, `hessian_x`."""
    from symprop.formulas.code.module import formula_source

    sources = [
        formula_source(each.node, each.variables, each.name, title, dtype, again, each.result.formula.definitions)
        for each in answers
    ]
    heads, functions, *helpers = zip_longest(*(source.rstrip("\n").split("\n\n\n") for source in sources))
    rest = (helper for column in helpers for helper in column if helper)
    return "\n\n\n".join(dict.fromkeys((*heads, *functions, *rest))) + "\n"


def certificate_of(answers: Sequence[Answer], title: str, seed: int = 0, limit: float | None = SECONDS) -> Certificate:
    """Return one certificate of several answers, whose rows say which of them they are about."""
    from symprop.verify.certificate import Certificate

    found = [each.check(seed, limit) for each in answers]
    names = [each.result.by[0].name for each in answers]
    names = names if len(set(names)) == len(names) else [each.name for each in answers]
    rows = tuple(
        replace(row, name=row.name if " with respect to " in row.name else f"{name}: {row.name}")
        for name, each in zip(names, found, strict=True)
        for row in each.rows
    )
    remarks = tuple(dict.fromkeys(remark for each in found for remark in each.remarks))
    unreached = tuple(dict.fromkeys(name for each in found for name in each.unreached))
    return Certificate(title, rows, remarks, sum(each.seconds for each in found), unreached)

"""Answers: a derivative in matrix form that prints itself, explains itself, runs, and is certified."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from symprop.algebra.equations import Equation
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.numbered_sizes import sizes_given
from symprop.algebra.printable import Printable
from symprop.algebra.shapes import Shape
from symprop.algebra.steps import Steps
from symprop.formulas.answer_blocks import answer_formula
from symprop.formulas.pages import answer_page, definitions
from symprop.formulas.reported import Reported
from symprop.formulas.result import Result
from symprop.formulas.sized import sized
from symprop.keywords import public
from symprop.limits import SECONDS
from symprop.notation.latex import latex
from symprop.notation.pretty import pretty

if TYPE_CHECKING:
    from symprop.verify.certificate import Certificate


@public
@dataclass(frozen=True, repr=False)
class Answer(Reported, Printable):
    """The answer to one question about a formula: `gradient`, `jacobian`, `hessian`, `vjp`, `jvp` or `hvp`.

    Called with arrays by name it evaluates, by the stand-alone NumPy source that `numpy` returns.

    >>> import numpy as np, symprop
    >>> g = symprop.gradient(symprop.formula("sum((X @ w - y)**2) / 2", X="m n", w="n", y="m"), "w")
    >>> print(g.text())
    X.T @ (X @ w - y)
    >>> g(X=np.eye(2), w=[1.0, 2.0], y=[0.0, 0.0])
    array([1., 2.])
    >>> g.check().ok
    True
    """

    result: Result

    @property
    def node(self) -> Node:
        """The answer as a tree."""
        return self.result.node

    @property
    def shape(self) -> Shape:
        """The shape of the answer."""
        return self.result.node.shape

    @property
    def variables(self) -> tuple[Variable, ...]:
        """What the answer may read: the declared variables, and the direction of a product."""
        return self.result.variables

    @property
    def ledger(self) -> tuple[str, ...]:
        """Which declared fact was used for what ("used: y sums to 1, so y drops out of the Hessian")."""
        return self.result.ledger

    @property
    def remarks(self) -> tuple[str, ...]:
        """What follows from the structure of the answer ("symmetric", "does not depend on x")."""
        return self.result.remarks

    def pretty(self) -> str:
        return pretty(self.node)

    def text(self) -> str:
        return self.node.text()

    def latex(self) -> str:
        return latex(self.node)

    def page(self) -> str:
        """Return the formula, the answer with names for its repeated parts, the ledger and the remarks, in Unicode.

        >>> import symprop
        >>> print(symprop.gradient("logdet(X)", "X", X="n n").page())
        f = log|det(X)|   ()
        ∂f/∂X = X⁻ᵀ   (n, n)
        - holds where X has an inverse
        """
        return answer_page(self.result)

    def named(self) -> tuple[Equation, ...]:
        """Return the formula's own names, those of parts that stand more than once, and the answer in them."""
        found, body = definitions(self.result)
        return (*self.result.formula.definitions, *found, Equation(Variable(self.result.kind, (), body.shape), body))

    def steps(self) -> Steps:
        """Return the named steps that led to the answer, each checked by `check`; `print` shows them.

        >>> import symprop
        >>> [step.rule for step in symprop.gradient("x @ x", "x", x="n").steps()]
        ['matrix product']
        """
        return Steps(self.result.steps, self.result)

    def with_sizes(self, sizes: Mapping[str, int] | None) -> Answer:
        """Return the answer with numbers for names of sizes, `{"m": 5}`.

        Raises:
            FormulaError: a name that is none of the sizes, or no whole number from 1.
            ShapeError: arrays that do not fit at these sizes.
        """
        given = sizes_given(sizes)
        return Answer(sized(self.result, given)) if given else self

    def numpy(self, dtype: str = "float64", sizes: Mapping[str, int] | None = None) -> str:
        """Return stand-alone source: a function of the arrays that imports NumPy and nothing else.

        `sizes` are numbers for names of sizes.

        >>> import symprop
        >>> "gradient = (A + A.T) @ x" in symprop.gradient("x @ A @ x", "x", x="n", A="n n").numpy()
        True

        Raises:
            SpecError: an unknown dtype.
            FormulaError: a name that is none of the sizes.
        """
        if sizes:
            return self.with_sizes(sizes).numpy(dtype)
        from symprop.formulas.code.module import (
            formula_source,  # here, as what follows: a first answer reads none of it
        )

        given = [*dict.fromkeys(x.name for x in self.result.by), *filter(None, [self._along])]
        conventions = [f"{name}={_quoted(value)}" for name, value in self.result.conventions.items()]
        asked = f"symprop.{self.result.kind}(f, {', '.join([*map(_quoted, given), *conventions])})"
        again = ("import symprop", f"{asked}.numpy({_quoted(dtype)})")
        names = self.result.formula.definitions
        return formula_source(self.node, self.variables, self.result.kind, self.title, dtype, again, names)

    @cached_property
    def function(self) -> Callable[..., Any]:
        """The function of `numpy`, loaded; tracebacks through it show its source."""
        from symprop.formulas.code.module import compile_formula

        return compile_formula(self.node, self.variables, self.result.kind, self.title, self.result.formula.definitions)

    @property
    def name(self) -> str:
        """What the answer is called beside others: `gradient_w`, `hessian_u_v`."""
        return "_".join((self.result.kind, *dict.fromkeys(x.name for x in self.result.by)))

    @property
    def title(self) -> str:
        """What was asked, in one line."""
        by = " and ".join(dict.fromkeys(x.name for x in self.result.by))
        along = f" along {self._along}" if self._along else ""
        return f"{self.result.kind} of {self.result.formula.source} with respect to {by}{along}"

    @property
    def _along(self) -> str:
        return self.result.direction.name if self.result.direction is not None else ""

    def __call__(self, **arrays: Any) -> Any:
        """Evaluate the answer at arrays, given by name.

        Each fact that is declared is checked, also of an array that the answer does not read: the answer may owe its
        form to it. Rounding is allowed for, by the type of the numbers and the size of the array.

        Raises:
            ValueError: an array is misshapen, holds what is no finite real number, or is not what was declared.
            TypeError: an array is missing or unknown.
        """
        return self.function(**arrays)

    def check(
        self, seed: int = 0, limit: float | None = SECONDS, sizes: Mapping[str, int] | None = None
    ) -> Certificate:
        """Check the answer, each of its steps and its source by oracles that share no code with the rules.

        `limit` is how many seconds the check may compute (None: as many as it takes); what it leaves out is named.
        `sizes` are numbers for names of sizes; others get small ones.

        >>> import symprop
        >>> symprop.gradient("x @ A @ x")["x"].check().ok
        True

        Raises:
            SpecError: a limit that is no number above 0.
            FormulaError: a name that is none of the sizes.
        """
        from symprop.formulas.checks.checks import check_result

        asked = self.with_sizes(sizes)
        return check_result(asked.result, seed, asked.function, limit)

    def __repr__(self) -> str:
        return f"Answer({self.title!r}: {self.text()!r})"

    def _repr_latex_(self) -> str:
        return answer_formula(self.result)


def _quoted(name: str) -> str:
    return f'"{name}"'

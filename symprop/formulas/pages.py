"""Answers to questions about a formula as pages: names for the parts of an answer, the ledger, remarks, the steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from symprop.algebra.equations import Equation
from symprop.algebra.names import variable
from symprop.algebra.nodes import Node, Variable
from symprop.errors import SpecError, shown
from symprop.formulas.naming import with_names
from symprop.formulas.result import Result
from symprop.notation.documents import STEPS
from symprop.notation.latex import latex
from symprop.notation.numbers import number
from symprop.notation.pretty import pretty
from symprop.notation.slicing import needs_places
from symprop.notation.terminal import NUMPY, cut, wrapped
from symprop.notation.text import text
from symprop.terminal import width

WRITERS: dict[str, Callable[[Node], str]] = {"pretty": pretty, "text": text, "latex": latex}

CONVENTIONS = {
    "gradient": "a gradient has the shape of its variable (denominator layout)",
    "jacobian": "a Jacobian has a row for each element of the formula and a column for each of the variable",
    "hessian": "a Hessian has a row and a column for each element of the variables",
    "vjp": "a vector-Jacobian product has the shape of the variable",
    "jvp": "a Jacobian-vector product has the shape of the formula",
    "hvp": "a Hessian-vector product has the shape of the variable; the Hessian is never built",
}


def heading(result: Result, format: str, write: Callable[[Node], str] | None = None) -> str:
    """Return the left side of an answer: `∂f/∂w`, `∂²f/∂w²`, `(∂f/∂x)ᵀ v`; `write` writes its letters.

    >>> from symprop.algebra.formula import formula
    >>> from symprop.formulas.questions import gradient, hvp
    >>> f = formula("sum(w * w)", w="n")
    >>> heading(gradient(f, "w"), "pretty"), heading(hvp(f, "w"), "latex")
    ('∂f/∂w', '\\\\frac{\\\\partial^2 f}{\\\\partial w^2} v')
    """
    write = write or WRITERS[format]
    names, f = [write(x) for x in result.by], write(variable(result.formula.name))
    direction = "" if result.direction is None else write(result.direction)
    second = result.kind in ("hessian", "hvp")
    if format == "latex":
        below = rf"\partial {names[0]}"
        if second:
            below = rf"{below}^2" if len(set(names)) == 1 else rf"{below} \, \partial {names[1]}"
        derivative = rf"\frac{{\partial{'^2' if second else ''} {f}}}{{{below}}}"
        turned = rf"\left({derivative}\right)^{{\top}} {direction}"
    else:
        below = f"∂{names[0]}"
        if second:
            below = f"{below}²" if len(set(names)) == 1 else f"({below} ∂{names[1]})"
        derivative = f"∂{'²' if second else ''}{f}/{below}"
        turned = f"({derivative})ᵀ {direction}"
    if result.kind == "vjp":
        return turned
    if not direction:
        return derivative
    return f"{derivative} {direction}" if format == "latex" else f"({derivative}) {direction}"


def definitions(result: Result) -> tuple[tuple[Equation, ...], Node]:
    """Return the parts of an answer that are worth a name, and the answer in those names."""
    if needs_places(result.node):
        return (), result.node
    taken = [each.name for each in (*result.variables, *(known.target for known in result.formula.definitions))]
    sizes = [str(symbol) for each in result.variables for size in each.shape for symbol in size.free_symbols]
    return with_names(result.node, [result.formula.name, *taken, *sizes])


def answer_rows(result: Result, format: str) -> list[tuple[str, Node]]:
    """Return what an answer's page shows, left and right sides: the formula, the answer, the parts that it names."""
    found, body = definitions(result)
    own, named = (
        [(WRITERS[format](each.target), each.expression) for each in part]
        for part in (result.formula.definitions, found)
    )
    return [*own, (result.formula.name, result.formula.node), (heading(result, format), body), *named]


def answer_page(result: Result) -> str:
    """Return an answer as a page for the terminal.

    >>> from symprop.algebra.formula import formula
    >>> from symprop.formulas.questions import hessian
    >>> print(answer_page(hessian(formula("sum(softplus(X @ w))", X="m n", w="n"), "w")))
    f = 𝟏ᵀ softplus(X w)   ()
    ∂²f/∂w² = Xᵀ diag(s ⊙ (1 − s)) X   (n, n)
    where s = σ(X w)   (m,)
    - core: diag(sigmoid(X @ w) * (1 - sigmoid(X @ w))), of shape (m, m)
    - symmetric
    - positive semidefinite
    """
    lines = list(read_as(result))
    first = len(result.formula.definitions) + 2
    for place, (left, right) in enumerate(answer_rows(result, "pretty")):
        lines += _aligned(left, right, "where " if place == first else "      " if place > first else "")
    lines += [line for each in (*result.ledger, *result.remarks) for line in wrapped(each, "- ", "  ")]
    return "\n".join(lines)


def read_as(result: Result, before: str = "") -> Iterator[str]:
    """Yield the shapes that were inferred, as declarations are typed, and others that fit nearly as well."""
    for place, reading in enumerate(result.formula.readings):
        yield from wrapped(reading, before if not place else f"{before}or ", before)


def _aligned(left: str, right: Node, before: str) -> list[str]:
    shape = f"   {NUMPY.shape(right.shape)}"
    *lines, last = cut(f"{before}{left} = ", pretty(right), width() - len(shape))
    return [*lines, f"{last}{shape}"]


@STEPS.row(Result)
def answer_steps(result: Result, name: str = "", format: str = "pretty") -> str:
    """Return the named steps that led to an answer: rule, facts, before, after.

    Raises:
        SpecError: an unknown format.
    """
    if format not in WRITERS:
        raise SpecError(f"unknown format of steps {shown(format)}\nallowed: {', '.join(WRITERS)}")
    wording = replace(NUMPY, formula=WRITERS[format])
    told = wording.steps(result.steps, lambda step: map(wording.part, dict.fromkeys(step.facts)))
    return "\n".join((f"{heading(result, format)} = {wording.formula(result.node)}", *told))


def facts_of(variable: Variable) -> str:
    """Return what was declared of a variable besides its sizes, in words."""
    facts = variable.facts
    said = (f"index below {number(fact.value).text}" if fact.kind == "index" else fact.kind for fact in facts)
    return ", ".join(said)

"""The questions, as users ask them: of a formula, of its text, or of an expression in SymPy's matrices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, NoReturn, Protocol, cast, overload

from symprop.algebra.declarations import check_declared, check_keywords, declared
from symprop.algebra.formula import Formula, inferred_formula
from symprop.algebra.inference.infer import ANYTHING, SCALAR
from symprop.algebra.nodes import Variable
from symprop.algebra.reading.statements import names_read
from symprop.errors import FormulaError, shown
from symprop.formulas import questions
from symprop.formulas.answer import Answer
from symprop.formulas.answers import Answers
from symprop.formulas.arrangement import arranged
from symprop.formulas.interchange.reading import from_sympy, is_sympy
from symprop.formulas.interchange.writing import to_sympy
from symprop.formulas.result import Result
from symprop.hints import closest, here
from symprop.networks.blocks import Chain
from symprop.networks.layers import Layer
from symprop.networks.network import Network
from symprop.networks.spec import is_network_text


class Asked(Protocol):
    """What a question returns: an answer for each variable, the answer for one, or what SymPy has for a formula."""

    @overload
    def __call__(self, f: Formula | str, by: None = None, /, *more: None, **declarations: Any) -> Answers: ...
    @overload
    def __call__(self, f: Formula | str, by: str | Variable, /, *more: Any, **declarations: Any) -> Answer: ...
    @overload
    def __call__(self, f: Any, by: Any = None, /, *more: Any, **declarations: Any) -> Any: ...


def asked(question: Callable[..., Any]) -> Asked:
    """Return a question as type checkers are to see it."""
    return cast(Asked, question)


@asked
def gradient(f: Any, by: Any = None, /, *, symmetric: str = "free", **declarations: Any) -> Any:
    """Return the gradient of a scalar formula with respect to a variable, in its shape; all gradients without a name.

    `f` is a `Formula`, a text in NumPy notation with the declarations of its arrays, or a SymPy expression in
    `MatrixSymbol`s (then `by` is one of them, and the answer is a SymPy expression again). Where nothing is declared,
    shapes are inferred: capitals are matrices, small letters vectors, Greek names numbers. With respect to a matrix
    that is declared symmetric each element moves alone; with `symmetric="pairs"` those at (i, j) and (j, i) are one.

    >>> print(gradient("x @ A @ x", "x", x="n", A="n n symmetric").text())
    2 * A @ x
    >>> print(gradient("x @ A @ x").text())
    gradient_A = outer(x, x)
    gradient_x = (A + A.T) @ x

    Raises:
        FormulaError: no formula, no scalar, or no such variable.
        ReadingError: nothing is declared, and several shapes fit as well.
    """
    return _ask("gradient", f, (by,), declarations, symmetric=symmetric)


@asked
def jacobian(f: Any, by: Any = None, /, *, vec: str = "rows", **declarations: Any) -> Any:
    """Return the Jacobian: a row for each element of the formula, a column for each of the variable.

    The elements of matrices stand row by row; with `vec="columns"` column by column, as Magnus and Neudecker have them,
    and with `vec="vech"` by the elements of a symmetric matrix on and below its diagonal, each pair moved as one.

    >>> print(jacobian("softmax(x)", "x", x="n").text())
    diag(softmax(x)) - outer(softmax(x), softmax(x))

    Raises:
        FormulaError: no formula, or no such variable.
    """
    return _ask("jacobian", f, (by,), declarations, vec=vec)


@asked
def hessian(f: Any, by: Any = None, second: Any = None, /, *, vec: str = "rows", **declarations: Any) -> Any:
    """Return the Hessian of a scalar formula with respect to a variable, or to two; `vec` as in `jacobian`.

    >>> print(hessian("sum(log(1 + exp(X @ w)) - y * (X @ w))", "w", X="m n", w="n", y="m").text())
    X.T @ diag(sigmoid(X @ w) * (1 - sigmoid(X @ w))) @ X

    Raises:
        FormulaError: no formula, no scalar, or no such variable.
    """
    return _ask("hessian", f, (by,) if second is None else (by, second), declarations, vec=vec)


@asked
def vjp(f: Any, by: Any = None, direction: str = "v", /, **declarations: Any) -> Any:
    """Return the vector-Jacobian product with a direction of the formula's shape: reverse mode.

    >>> print(vjp("A @ exp(x)", "x", "v", A="m n", x="n").text())
    (A.T @ v) * exp(x)

    Raises:
        FormulaError: no formula, no such variable, or a direction whose name is taken.
    """
    return _ask("vjp", f, (by, direction), declarations)


@asked
def jvp(f: Any, by: Any = None, direction: str = "u", /, **declarations: Any) -> Any:
    """Return the Jacobian-vector product with a direction of the variable's shape: forward mode.

    >>> print(jvp("A @ exp(x)", "x", "u", A="m n", x="n").text())
    A @ (u * exp(x))

    Raises:
        FormulaError: no formula, no such variable, or a direction whose name is taken.
    """
    return _ask("jvp", f, (by, direction), declarations)


@asked
def hvp(f: Any, by: Any = None, direction: str = "v", /, **declarations: Any) -> Any:
    """Return the Hessian of a scalar formula times a direction, without building the Hessian.

    >>> print(hvp("sum((X @ w)**2)", "w", "v", X="m n", w="n").text())
    2 * X.T @ (X @ v)

    Raises:
        FormulaError: no formula, no scalar, no such variable, or a direction whose name is taken.
    """
    return _ask("hvp", f, (by, direction), declarations)


class Question(NamedTuple):
    """What asks a question, what its answer is called, and how its direction is usually named, where it has one."""

    ask: Callable[..., Any]
    name: str
    direction: str = ""


QUESTIONS = {
    "gradient": Question(gradient, "gradient"),
    "jacobian": Question(jacobian, "Jacobian"),
    "hessian": Question(hessian, "Hessian"),
    "vjp": Question(vjp, "vector-Jacobian product", "v"),
    "jvp": Question(jvp, "Jacobian-vector product", "u"),
    "hvp": Question(hvp, "Hessian-vector product", "v"),
}
"""The questions by name."""


WORKED_OUT: dict[str, Callable[..., Result]] = {
    "gradient": questions.gradient,
    "jacobian": questions.jacobian,
    "hessian": questions.hessian,
    "vjp": questions.vjp,
    "jvp": questions.jvp,
    "hvp": questions.hvp,
}
OF_SCALARS = frozenset({"gradient", "hessian", "hvp"})
"""The questions that only a scalar formula can be asked."""

INSTEAD = {
    "vec": 'jacobian(f, "X", vec="columns") and hessian; a gradient has the shape of its variable',
    "symmetric": 'gradient(f, "S", symmetric="pairs"); vec="vech" has pairs moved as one in a Jacobian or a Hessian',
    "wrt": 'the variable comes second, {}(f, "x")',
    "by": 'the variable comes second, {}(f, "x")',
    "direction": 'the direction comes third, {}(f, "x", "v")',
    "along": 'the direction comes third, {}(f, "x", "v")',
    "where": 'x="n" for each array, or formula(text, where="x: n, A: n n")',
    "latex": 'formula(latex="...") in the place of the text',
}
"""What to type for keywords that a question does not take, where a formula has no such name."""


def _ask(kind: str, f: Any, names: tuple[Any, ...], declarations: dict[str, Any], **conventions: str) -> Any:
    def question(*asked: Any) -> Result:
        return arranged(WORKED_OUT[kind](*asked), **conventions)

    if is_sympy(f):
        if declarations:
            _refuse_beside("a SymPy expression knows its shapes", kind, declarations, conventions)
        return to_sympy(question(from_sympy(f), *map(_name, names)).node, f)
    given = [_name(each) for each in names if each is not None]
    source = as_formula(f, declarations, kind, given, conventions)
    if names[0] is not None:
        return Answer(question(source, *given))
    every = [each.name for each in source.variables if "index" not in each.facts_by_kind]
    if not every:
        raise FormulaError(f"{shown(source.source)} has no variables\nallowed: a formula that names arrays")
    return Answers(tuple(Answer(question(source, name, *given)) for name in every))


def as_formula(
    f: Any, declarations: dict[str, Any], kind: str, asked: Sequence[str] = (), options: Iterable[str] = ()
) -> Formula:
    """Return a formula as it is, or read its text with the declarations of its arrays, or with shapes that it infers.

    `asked` are names that may be declared though the formula has none such, as a direction; `options` are those that
    the question takes.

    Raises:
        FormulaError: neither, a formula with declarations beside it, or one of what the formula does not have.
    """
    if isinstance(f, Formula):
        if declarations:
            _refuse_beside("a formula knows its arrays", kind, declarations, options)
        return f
    if isinstance(f, (Network, Layer, Chain)) or (isinstance(f, str) and is_network_text(f)):
        what = shown(f if isinstance(f, str) else type(f).__name__)
        told = here('symprop.derive(network).gradient("W1")', 'symprop derive "..." --steps W1')
        raise FormulaError(f"{what} is a network, not a formula\nallowed: {told}")
    if isinstance(f, str) and not declarations:
        return inferred_formula(f, value_of(kind), asked)
    if isinstance(f, str):
        known = (*names_read(f), *asked)
        _check_keywords(kind, declarations, known)
        check_declared(declarations, known, (*options, *(each for each in INSTEAD if len(each) > 2)))
        return inferred_formula(f, value_of(kind), asked, tuple(declared(*each) for each in declarations.items()))
    problem = f"expected a formula, not {type(f).__name__}"
    raise FormulaError(f'{problem}\nallowed: symprop.formula("x @ A @ x", x="n", A="n n"), its text, or SymPy matrices')


def _refuse_beside(why: str, kind: str, given: dict[str, Any], options: Iterable[str]) -> NoReturn:
    """Refuse declarations beside what has none."""
    _check_keywords(kind, given)
    first = next(iter(given))
    told = f"{why}, and takes no {shown(first)}{closest(first, options)}"
    raise FormulaError(f"{told}\nallowed: no declarations beside it")


def _check_keywords(kind: str, given: Iterable[str], known: Sequence[str] = ()) -> None:
    """Raise where a keyword is no name of the formula, and what it is meant for is typed in another way."""
    check_keywords(kind, given, known, {name: told.format(kind) for name, told in INSTEAD.items()})


def value_of(kind: str) -> Sequence[float]:
    """Return what the value of a formula can be that is asked a question."""
    return SCALAR if kind in OF_SCALARS else ANYTHING


def _name(part: Any) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, Variable) or is_sympy(part):
        return str(part.name)
    raise FormulaError(f"a variable is given by its name, not as {shown(type(part).__name__)}")

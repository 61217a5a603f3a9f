"""The source of one formula as a module of its own: a function of arrays that needs NumPy and nothing else.

Where NumPy has no way, as for the exponential of a matrix, it calls SciPy, and says what for.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from symprop.algebra import nodes as n
from symprop.algebra.definitions import needed_for, written_out
from symprop.algebra.equations import Equation
from symprop.algebra.names import validated
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import variables as variables_of
from symprop.calculus.tidy import tidy
from symprop.codegen import passes
from symprop.codegen.kinds import meaning
from symprop.codegen.loading import loaded
from symprop.codegen.matrix_passes import MATRIX_FORMS
from symprop.codegen.program import HELPERS, Program, Statement, checked
from symprop.codegen.targets.layout import COLUMNS, comment, signature
from symprop.codegen.targets.matrices import scipy_imports
from symprop.codegen.targets.numpy import lines
from symprop.codegen.targets.numpy.arguments import arguments
from symprop.codegen.targets.numpy.fact_checks import functions
from symprop.codegen.targets.numpy.source import numpy_source
from symprop.errors import SpecError, shown
from symprop.finishing.touches import finished
from symprop.formulas.code.kronecker_chains import applied_kroneckers
from symprop.limits import DTYPES
from symprop.templating import environment

PASSES = (*passes.FORMS, applied_kroneckers, *MATRIX_FORMS, *lines.ARRANGEMENT)
"""Stable forms, products of matrices, then names for what stands twice and for what is too long for a line."""

VIEWS = (n.Structural, n.Reshape)
"""Kinds for which NumPy may return a view; a caller who writes into a result must not change an argument."""


def formula_source(
    result: Node,
    variables: tuple[Variable, ...],
    name: str,
    title: str,
    dtype: str = "float64",
    again: tuple[str, ...] = (),
    definitions: Sequence[Equation] = (),
) -> str:
    """Return the source of a module with the function `name` of the declared `variables`, which computes `result`.

    Arguments are given by place or by name. Variables that `result` does not read may be given by name; sizes that no
    array fixes must be. `title` says what is computed, `again` are the lines of Python that write the source again.

    >>> from symprop.algebra.formula import formula
    >>> f = formula("X.T @ (X @ w - y)", X="m n", w="n", y="m")
    >>> print(formula_source(f.node, f.variables, "gradient", "a gradient").partition("w, (n,))")[2].split("return")[0])
    <BLANKLINE>
        y = _array("y", y, (m,))
    <BLANKLINE>
        # gradient = Xᵀ (X w − y)   (n,)
        gradient = X.T @ (X @ w - y)
    <BLANKLINE>
    <BLANKLINE>

    Raises:
        SpecError: an unknown dtype, or a variable with the name of a function that the source needs.
    """
    if dtype not in DTYPES:
        raise SpecError(f"unknown dtype {shown(dtype)}\nallowed: {', '.join(DTYPES)}")
    program = passes.run(lowered(result, variables, validated(name), definitions), PASSES)
    given = arguments(written_out(result, definitions), variables)
    lines = _lines(program.statements)
    code = "\n".join(line for line in lines if not line.startswith("#"))
    helpers = [helper for helper in HELPERS if re.search(rf"(?<![\w.]){helper}\(", code)]
    checks = given.lines(code)
    _refuse_names((*helpers, "DTYPE", "float", "scipy"), given.names)
    what = f"an array of shape {shape_text(result.shape)}" if result.rank else "a float"
    return (
        environment("numpy")
        .get_template("formula.py.j2")
        .render(
            title=_wrapped(f"{title}, derived and written by symprop."),
            dtype=dtype,
            imports=scipy_imports(code),
            signature=signature(name, *given.signature),
            meaning=_wrapped(f"Return {result.pretty()}, {what}.", 8),
            arguments=given.meanings,
            checks=checks,
            lines=lines,
            result=_result(program),
            helpers=helpers,
            again=again,
            facts=[*(["_eps"] if given.facts else []), *functions(given.facts)],
            calls={
                word: re.search(rf"(?<!\w){word}\(", "\n".join(checks)) is not None
                for word in ("_array", "_ids", "_size")
            },
        )
    )


def _refuse_names(taken: Iterable[str], names: Iterable[str]) -> None:
    for name in taken:
        if name in names:
            raise SpecError(f"{shown(name)} is the name of a function in the source\nallowed: another name for it")


def compile_formula(
    result: Node, variables: tuple[Variable, ...], name: str, title: str, definitions: Sequence[Equation] = ()
) -> Callable[..., Any]:
    """Return the function of `formula_source`, loaded; tracebacks through it show its source.

    >>> from symprop.algebra.formula import formula
    >>> f = formula("A @ x", A="m n", x="n")
    >>> compile_formula(f.node, f.variables, "product", "a product")(A=[[1, 2], [3, 4]], x=[1, 1])
    array([3., 7.])

    Raises:
        SpecError: as `formula_source`, or SciPy is needed and not installed.
    """
    source = formula_source(result, variables, name, title, definitions=definitions)
    try:
        function: Callable[..., Any] = vars(loaded(source))[name]
    except ModuleNotFoundError as missing:
        needs = "; ".join(scipy_imports(source))
        raise SpecError(f"the answer needs SciPy: {needs}\nallowed: pip install 'symprop[scipy]'") from missing
    return function


def lowered(result: Node, variables: tuple[Variable, ...], name: str, definitions: Sequence[Equation] = ()) -> Program:
    """Return the program that computes `result` from `variables`, after the names that it reads."""
    needed = needed_for(result, definitions)
    taken = {variable.name for variable in (*variables, *(each.target for each in definitions))}
    while name in taken:
        name += "_"
    target = Variable(name, (), result.shape)
    read = set(variables_of(written_out(result, needed)))
    known = tuple(Statement(each.target, finished(tidy(each.expression))[0]) for each in needed)
    inputs = tuple(variable for variable in variables if variable in read)
    return checked(Program((*known, Statement(target, result)), (), (), inputs, (), (name,)))


def _lines(statements: Iterable[Statement]) -> tuple[str, ...]:
    """Return the lines of statements, each below the formula that it computes."""
    lines: list[str] = []
    for statement in statements:
        for text in dict.fromkeys(why.text for why in statement.whys):
            lines.extend(comment(text))
        formula = Equation(statement.target, meaning(statement.expression)).pretty()
        lines.extend(comment(f"{formula}   {shape_text(statement.shape)}"))
        lines.append(f"{statement.name} = {numpy_source(statement.expression)}")
    return tuple(lines)


def _result(program: Program) -> str:
    """Return what the function returns: an array of its own, a float where there are no axes."""
    *_, last = program.statements
    if not last.target.rank:
        return f"float({last.name})"
    return f"{last.name}.copy()" if _is_view(last.expression) else last.name


def _is_view(node: Node) -> bool:
    """Whether NumPy gives the memory of an array, in whole or in part, for `node`."""
    return isinstance(node, Variable) or (isinstance(node, VIEWS) and _is_view(node.operands[0]))


def _wrapped(text: str, indent: int = 4) -> list[str]:
    safe = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return textwrap.wrap(safe, COLUMNS - indent, break_long_words=False, break_on_hyphens=False)

"""Python source of what algorithms make of whole matrices: of NumPy where it has them, else of SciPy.

SciPy is imported by modules that call it and by no others; `SCIPY` says what for.
"""

from __future__ import annotations

import re

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.calculus.decompositions import blocks
from symprop.codegen.targets.code import ATOM, Code, number
from symprop.codegen.targets.dialect import SOURCE, Dialect
from symprop.errors import SpecError

SCIPY = {
    **{
        f"linalg.{name}": f"scipy.linalg.{name}"
        for name in ("expm", "logm", "sqrtm", "expm_frechet", "solve_sylvester")
    },
    **{name: f"scipy.special.{name}" for name in ("gammaln", "digamma", "polygamma")},
}
"""What NumPy has no function for, as SciPy calls it."""


def scipy_imports(code: str) -> list[str]:
    """Return the lines that import what code calls of SciPy, each with what it is for.

    >>> scipy_imports("x = scipy.linalg.expm(A) @ scipy.linalg.expm(B)")
    ['import scipy.linalg  # for expm, which NumPy does not have']
    """
    found: dict[str, dict[str, None]] = {}
    for module, name in re.findall(r"(?<![\w.])scipy\.(\w+)\.(\w+)", code):
        found.setdefault(module, {})[name] = None
    return [
        f"import scipy.{module}  # for {', '.join(names)}, which NumPy does not have"
        for module, names in sorted(found.items())
    ]


def lacking(write: Dialect, name: str) -> str:
    """Return how the library calls a function that not every library has.

    Raises:
        SpecError: it has none.
    """
    if name not in write.functions:
        called = name.removeprefix("linalg.")
        library = {"jnp": "JAX", "torch": "PyTorch"}.get(write.library, write.library)
        raise SpecError(f"{library} has no {called}\nallowed: NumPy, for which SciPy has it")
    return write.name(name)


def _call(name: str, node: Node, write: Dialect, *more: str) -> Code:
    return Code(f"{name}({', '.join([*(write.text(operand) for operand in node.operands), *more])})")


@SOURCE.row(n.PseudoInverse)
def _(node: n.PseudoInverse, write: Dialect) -> Code:
    return _call(write.name("linalg.pinv"), node, write)


@SOURCE.row(n.Cholesky)
def _(node: n.Cholesky, write: Dialect) -> Code:
    return _call(write.name("linalg.cholesky"), node, write)


@SOURCE.row(n.MatrixNorm)
def _(node: n.MatrixNorm, write: Dialect) -> Code:
    return _call(write.name("linalg.norm"), node, write, '"nuc"' if node.which == "nuc" else node.which)


@SOURCE.row(n.Eigh)
def _(node: n.Eigh, write: Dialect) -> Code:
    if node.part == 0:
        return _call(write.name("linalg.eigvalsh"), node, write)
    return Code(f"{_call(write.name('linalg.eigh'), node, write).text}[1]", ATOM)


@SOURCE.row(n.Svd)
def _(node: n.Svd, write: Dialect) -> Code:
    if node.part == 1:
        return _call(write.name("linalg.svdvals"), node, write)
    return Code(f"{_call(write.name('linalg.svd'), node, write, 'full_matrices=False').text}[{node.part}]", ATOM)


@SOURCE.row(n.MatrixFunction)
def _(node: n.MatrixFunction, write: Dialect) -> Code:
    return _call(lacking(write, f"linalg.{node.name}"), node, write)


@SOURCE.row(n.Sylvester)
def _(node: n.Sylvester, write: Dialect) -> Code:
    return _call(lacking(write, "linalg.solve_sylvester"), node, write)


@SOURCE.row(n.DividedDifference)
def _(node: n.DividedDifference, write: Dialect) -> Code:
    if node.is_frechet and node.name == "expm" and "linalg.expm_frechet" in write.functions:
        at, along = (write.text(operand) for operand in node.operands[:2])
        return Code(f"{write.name('linalg.expm_frechet')}({at}, {along}, compute_expm=False)")
    whole = write(n.MatrixFunction(blocks(*node.operands), node.name))
    rows = number(node.shape[0]).text
    return Code(f"{whole.within(ATOM)}[:{rows}, {rows}:]")


@SOURCE.row(n.Duplication)
def _(node: n.Duplication, write: Dialect) -> Code:
    (size,) = (number(each).within(ATOM) for each in node.args)
    at = f"{write.name('arange')}({size})"
    low, high = (f"{write.name(which)}({at}[:, None], {at})" for which in ("minimum", "maximum"))
    places = f"({low} * (2 * {size} - 1 - {low}) // 2 + {high}).ravel()"
    return Code(f"{write.name('eye')}({size} * ({size} + 1) // 2, dtype=DTYPE)[{places}]")


@SOURCE.row(n.Commutation)
def _(node: n.Commutation, write: Dialect) -> Code:
    rows, columns = (number(size) for size in node.args)  # the rows of an identity in the order of the transpose
    count = number(node.shape[0]).text
    order = f"{write.name('arange')}({count}).reshape({rows.text}, {columns.text}).T.ravel()"
    return Code(f"{write.name('eye')}({count}, dtype=DTYPE)[{order}]")

"""What a page says of the names of second derivatives, and of other answers that stand beside both passes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from symprop.algebra.equations import equations_in
from symprop.algebra.indices import RowIndex
from symprop.algebra.nodes import Variable
from symprop.algebra.roles import INPUTS, JACOBIAN, NORM, OUTPUTS, PARAMETER, ROOT, told_apart
from symprop.algebra.trees import is_zero
from symprop.analysis.curvature.ends import POSITION
from symprop.analysis.curvature.kfac import FROM_LOSS, FROM_ROOT
from symprop.analysis.curvature.means import EXAMPLE
from symprop.analysis.derivation import Derivation
from symprop.notation.words import Words


def second_derivatives(derivation: Derivation) -> Iterator[Words]:
    """Yield what its names mean, where the page has some."""
    tangents = [each.target for each in equations_in(derivation.along.forward)]
    if derivation.along.whole:
        jacobians = [each for each in tangents if each.role.startswith((JACOBIAN, told_apart(JACOBIAN)))]
        for each in jacobians[:2][-1:]:
            yield (each, " is the Jacobian of the output with respect to ", each.of_tangent, ", a row for each output.")
        for each in [each for each in jacobians if each.of_tangent.role == PARAMETER][:1]:
            yield ("The columns of ", each, " are the elements of the parameter, row after row.")
        starts = [each for each in tangents if each.role.startswith(ROOT)][:1]
        for each in starts if derivation.along.before == FROM_LOSS else ():
            yield (each, " has the derivatives of the loss of each example, as every other S.")
        for each in starts if derivation.along.before == FROM_ROOT else ():
            hessian: Words = ("the expected Hessian of the loss with respect to ", each.of_tangent)
            yield (each, " has the rows of a root of ", *hessian, ", and every other S what goes back from them.")
        for each in derivation.along.results[:2]:
            if each.role.startswith(INPUTS):
                yield (each, " has the second moments of what ", each.of_tangent, " multiplies, over the examples.")
            if each.role.startswith(OUTPUTS):
                behind: Words = (each, " has those of the derivatives of each example's loss behind ", each.of_tangent)
                yield (*behind, ", over the examples and their targets.")
        if derivation.along.second:
            yield ("A prime marks the second example.",)
        yield from _of_examples(derivation, tangents)
    elif tangents:
        made = equations_in(derivation.along.forward)
        moving = next((each.target for each in made if not is_zero(each.expression)), tangents[0])
        parameter = derivation.system.wanted[0]
        direction = derivation.along.here(parameter.tangent)
        yield (
            *("The parameters move along a direction v, and ", direction, " is its part for ", parameter, "; "),
            *(moving, " is the derivative of ", moving.of_tangent, " along v, and likewise for every array."),
        )
        yield from _blocks(derivation)


def _of_examples(derivation: Derivation, made: Sequence[Variable]) -> Iterator[Words]:
    """Yield whose norms are told, and what a gradient is to which each example adds its own, clipped."""
    for each in [each for each in made if each.role.startswith(NORM)][: derivation.system.batch is not None]:
        own: Words = (each, " has for each example the squared norm of its own gradient, and ", each.of_tangent)
        yield (*own, " is that of the batch.")
    for bound, each in zip(derivation.along.given, derivation.along.results, strict=False):
        one = derivation.system.batch is None
        what = " is " if one else " is the mean over the examples of what each adds to "
        whose = "the gradients together" if one else "its gradients together"
        yield (each, what, each.of_tangent, f", {whose} scaled to a norm of at most ", bound, ".")


def _blocks(derivation: Derivation) -> Iterator[Words]:
    """Yield what the names of blocks mean, and in which order their elements are."""
    made = [each.target for each in derivation.along.blocks]
    for each in [each for each in made if each.role.startswith((JACOBIAN, told_apart(JACOBIAN)))][-1:]:
        yield (each, " is the Jacobian of the output with respect to ", each.of_tangent, ", a row for each output.")
    for each in [each for each in made if each.letter == "H" and not each.role][:1]:
        yield (each, " is the Hessian of the loss with respect to the output.")
    for each in [each for each in made if each.of_tangent.role == PARAMETER and each.of_tangent.rank == 2][:1]:
        yield (
            *(each, " is the block of ", each.of_tangent, ", whose elements are counted row after row; "),
            "column after column the two factors swap.",
        )
    for symbol, what in ((EXAMPLE, "example"), (POSITION, "position")):
        if any(isinstance(part, RowIndex) and part.value == symbol for each in made for part in each.index):
            yield (f"An array with an index {symbol} is that of {what} {symbol}.",)

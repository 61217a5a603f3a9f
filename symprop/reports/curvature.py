"""The section on curvature: products of the Hessian and the Gauss-Newton matrix, derived, and a spectrum on data."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from symprop.algebra.equations import Item, equations_in
from symprop.algebra.nodes import Variable
from symprop.analysis.curvature.along import Along
from symprop.analysis.derivation import Derivation
from symprop.errors import SpecError
from symprop.notation.blocks import Block, Lines, Paragraph, Picture
from symprop.notation.content import section_of
from symprop.notation.function_notes import told
from symprop.notation.page_blocks import PageWriter
from symprop.notation.words import Math, Words
from symprop.reports.curves import Curve, Plot
from symprop.reports.derived import derived
from symprop.reports.subject import Subject
from symprop.reports.training import in_powers
from symprop.saved import Model
from symprop.spectrum import Spectrum, model_on, spectrum

LEAST = 1e-12
"""Eigenvalues below this part of the largest are not drawn: they are 0 but for rounding."""
MOST = 50
"""So many of the largest eigenvalues are drawn where not all are found."""
_V = Math("v")
BEGINS: Words = (
    "All parameters move along a direction ",
    _V,
    ". Each equation of the forward pass gives one more, the derivative of its left side along ",
    _V,
    " (Pearlmutter, 1994):",
)
GOES_ON: Words = (
    "So do those of the backward pass. What a gradient becomes along ",
    _V,
    " is the product of the Hessian with ",
    _V,
    ":",
)
HOLDS: Words = (
    "In the product of the Gauss-Newton matrix ",
    Math(r"J^{\top} H J"),
    " (Schraudolph, 2002) the slopes of the network stay as they are: what the loss makes of ",
    _V,
    " goes back through the network as any adjoint does.",
)
LAYERS: Words = (
    "For the weights of single layers this matrix has a form of its own. With the Jacobian ",
    Math(r"\mathcal{J}"),
    " of the output with respect to where a layer ends, and the Hessian ",
    Math("H"),
    " of the loss with respect to the output, the block of a weight is a Kronecker product for each example, its "
    "elements counted row after row; column after column the two factors swap:",
)


def curvature(subject: Subject) -> Iterator[Block]:
    """Derive the product of the Hessian with a direction, then that of the Gauss-Newton matrix; show a spectrum."""
    if not subject.curvature:
        return
    both, refused = with_products(subject.derivation)
    writer = PageWriter(both, subject.notation, subject.paper)
    found = partial(derived, writer, subject.steps == "all")
    first = {each.target for each in equations_in(subject.derivation.hvp().along.forward)}
    lines = section_of(both, "Forward pass along v").lines
    yield Paragraph(BEGINS)
    yield from found(_those(lines, lambda each: each in first))
    yield Paragraph(GOES_ON)
    yield from found(_those(lines, lambda each: each not in first and not both.is_wanted(each)))
    yield from found(_those(lines, lambda each: each not in first and both.is_wanted(each)))
    if refused:
        yield Paragraph((f"There is no Gauss-Newton matrix here: {refused}.",))
    else:
        yield Paragraph(HOLDS)
        for title in ("Backward pass along v", f"{both.along.what} times v"):
            yield from found(section_of(both, title).lines)
        if blocks := section_of(both, f"{both.along.what}, layer by layer").lines:
            yield Paragraph(LAYERS)
            yield from found(blocks)
        more = [each for each in subject.derivation.hvp().remarks if each not in subject.derivation.remarks]
        yield from (Paragraph(writer.words(opened(told(both, each)))) for each in more)
    if subject.spectrum is not None:
        yield from _drawn(subject.spectrum)


def opened(words: Words) -> Words:
    """Return words as a sentence."""
    first, *rest = words
    return (f"{first[:1].upper()}{first[1:]}" if isinstance(first, str) else first, *rest, ".")


def _those(blocks: Iterable[Block], wanted: Callable[[Variable], bool]) -> Iterator[Lines]:
    """Yield numbered equations of some variables."""
    for block in blocks:
        if isinstance(block, Lines) and (kept := tuple(line for line in block.lines if wanted(line.equation.target))):
            yield replace(block, lines=kept)


def with_products(derivation: Derivation) -> tuple[Derivation, str]:
    """Return a derivation with the equations of both products, numbered in one row; and why there is only the first.

    Raises:
        SpecError: there is neither.
    """
    hessian = derivation.hvp().along
    begun = (*hessian.forward, *hessian.backward)
    try:
        other = derivation.gauss_newton().along
    except SpecError as problem:
        return replace(derivation, along=Along(forward=begun)), str(problem).split("\n")[0]
    known = {each.target for each in equations_in(begun)}

    def more(items: Sequence[Item]) -> tuple[Item, ...]:
        return tuple(item for item in items if not {each.target for each in equations_in((item,))} <= known)

    both = replace(other, forward=(*begun, *more(other.forward)), backward=more(other.backward))
    return replace(derivation, along=both), ""


def spectrum_of(
    model: Model | None, curvature: bool, data: str | os.PathLike[str] | None, seed: int
) -> Spectrum | None:
    """Return the spectrum of the Gauss-Newton matrix at trained weights on a CSV file; None where there is no file.

    Raises:
        SpecError: data for what has no weights, or where no curvature is asked for.
        SympropError: the file cannot be read, or does not fit the weights.
    """
    if data is None:
        return None
    if model is None or not curvature:
        raise SpecError("data is for the curvature of trained weights\nallowed: curvature, of weights in a file .npz")
    return spectrum(*model_on(model, os.fspath(data), None), matrix="gauss-newton", top=MOST, seed=seed)


def _drawn(found: Spectrum) -> Iterator[Block]:
    """Draw the eigenvalues of the Gauss-Newton matrix, in order, and say what they tell."""
    said = f"On {found.examples:,} examples of the data the Gauss-Newton matrix of the trained network has "
    said += f"{'the' if found.every else 'as largest'} eigenvalues in the figure; its trace is "
    said += f"{sum(found.every):.6g}; random vectors find " if found.every else ""
    said += f"{found.trace:.4g}, with a standard error of {found.trace_error:.2g} (Hutchinson, 1990)."
    if found.condition is None:
        yield Paragraph((said,))
    else:
        said += f" {found.rank} of its {found.size} eigenvalues are not 0 but for rounding, and the largest is "
        ratio = in_powers(float(f"{found.condition:.1e}"))
        yield Paragraph((said, ratio, " times the smallest of these."))
    tikz, svg = plot(found)
    caption = "The eigenvalues of the Gauss-Newton matrix in order"
    yield Picture(tikz, svg, (f"{caption}, without those that are 0 but for rounding.",), "fig:spectrum")


def plot(found: Spectrum) -> tuple[str, str]:
    """Return the eigenvalues, in order from the largest, as a plot for LaTeX and as SVG."""
    every = sorted(found.every or found.largest, reverse=True)
    points = [(place, value) for place, value in enumerate(every, start=1) if value > LEAST * every[0]]
    curve = Curve("eigenvalue", tuple(points), "go", "blue!55!black")
    return Plot((curve,), "place in the order", "eigenvalue", "Spectrum of the Gauss-Newton matrix").drawn()

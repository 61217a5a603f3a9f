"""What a report says, section by section, as blocks: from the network to its derivation and what follows from it.

`SECTIONS` is the order, a function for each; a section that has nothing to say returns no blocks and is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from symprop.algebra.equations import Equation, equations_in
from symprop.algebra.names import adjoint_of
from symprop.algebra.nodes import Add, Variable
from symprop.algebra.trees import variables, walk
from symprop.analysis.derivation import Derivation
from symprop.analysis.paths import Expansion
from symprop.analysis.paths import paths as expansion_of
from symprop.analysis.readings import distinct
from symprop.calculus.jacobians import between_vectors
from symprop.calculus.reached import way
from symprop.errors import LimitError, SpecError
from symprop.networks.norms import NORM
from symprop.notation.blocks import Block, EquationRow, Equations, Paragraph, Section, Typed
from symprop.notation.content import section_of
from symprop.notation.page_blocks import PageWriter, label
from symprop.notation.words import Math, Reference
from symprop.reports.architecture import has_shortcut, layer_table
from symprop.reports.costs import cost
from symprop.reports.curvature import curvature
from symprop.reports.derived import derivation, gradients, labelled_once, recurrence
from symprop.reports.flow import flow
from symprop.reports.layer_picture import layer_pictures
from symprop.reports.listing import code_lines
from symprop.reports.notation_table import notation
from symprop.reports.proof import certificate, checks
from symprop.reports.references import references
from symprop.reports.row_of_layers import row_of_layers
from symprop.reports.subject import Subject
from symprop.reports.training import training
from symprop.reports.unrolled import unrolled
from symprop.reports.window_picture import window_picture

MOST_PATHS = 16


def network(subject: Subject) -> Iterator[Block]:
    """Say what is derived: the network as typed, drawn, and as a table of layers."""
    writer = subject.writer
    yield Typed(subject.network.text)
    yield from map(Paragraph, writer.part("Network").sentences)
    drawn = row_of_layers(subject.network, writer)
    if drawn is not None:
        yield drawn
    yield from layer_pictures(subject.network, writer)
    yield layer_table(subject.network, writer)


def nothing(subject: Subject) -> Iterator[Block]:
    """Keep a place for what the other sections decide."""
    yield from ()


def forward(subject: Subject) -> Iterator[Block]:
    """List the equations of the forward pass, the loss among them."""
    sections = [section_of(subject.derivation, title) for title in ("Forward pass", "Loss")]
    blocks = [block for section in sections for block in section.lines]
    if len(blocks) == 2 and not any(block.spans or block.said for block in blocks):
        blocks = [replace(blocks[0], lines=(*blocks[0].lines, *blocks[1].lines))]
    yield from map(subject.writer.equations, blocks)


def convolution(subject: Subject) -> Iterator[Block]:
    """Work out the sizes of each geometry, and show its three readings with the steps that lead to them."""
    yield from subject.writer.part("Convolution").blocks
    shown: dict[tuple[str, ...], Math] = {}
    pictures: set[str] = set()
    for first, *_ in distinct(subject.derivation.convolutions.values()):
        rules = tuple(step.rule for equation in first.equations for step in equation.steps)
        name = Math(subject.writer.formula(first.layer.target))
        drawn = window_picture(first.sizes, f"fig:window-{first.layer.name}", (name, ": "))
        if drawn is not None and drawn.tikz not in pictures:
            pictures.add(drawn.tikz)
            yield drawn
        if rules in shown:
            yield Paragraph(("The steps of ", name, " are those of ", shown[rules], ", with other sizes."))
            continue
        shown[rules] = name
        yield Paragraph(("The steps of ", name, ":"))
        yield from subject.writer.chains(first)


def residual(subject: Subject) -> Iterator[Block]:
    """Show the Jacobians of residual blocks with the identity that the shortcut adds, and the sum over paths."""
    writer, one = subject.writer, subject.example
    if one is None:
        return
    blocks = [(built.output, built.value) for built in subject.network.built if has_shortcut(built)]
    found = list(_block_jacobians(subject, one, blocks))
    terms = list(_in_the_recurrence(subject, {adjoint_of(leaving).family for leaving, _ in blocks}))
    terms += _before_norms(subject)
    if not found:  # of blocks of matrices, which have no Jacobian
        yield from terms
        return
    said = "The shortcut of a residual block adds the block's input to its output. In the block's Jacobian "
    said += "this is the identity" if subject.layout == "example" else "(of one example) this is the identity"
    if terms:
        said += (
            "; in the recurrence it is a term that reaches the layer below without passing a weight or an activation"
        )
    yield Paragraph((f"{said}.",))
    yield Equations(tuple(found))
    yield from terms
    try:
        expansion = expansion_of(one.system)
    except (SpecError, LimitError):
        return
    if len(expansion.stack) > 1:
        yield from _paths(expansion, writer)


def _in_the_recurrence(subject: Subject, leaving: Collection[object]) -> Iterator[Block]:
    """Say in which equations of the recurrence the derivative of what leaves a block is a term of its own."""
    equations = list(equations_in(subject.derivation.backward))
    told: list[str | Math | Reference] = []
    for equation in equations:
        sums = [node for node in walk(equation.expression) if isinstance(node, Add)]
        terms = [term for node in sums for term in node.operands if isinstance(term, Variable)]
        for term in (term for term in terms if term.is_gradient and term.family in leaving):
            number = subject.derivation.numbers[equation.name]
            told += [", ", Math(subject.writer.name(term)), " in ", Reference(label(equation.name), number)]
    if told:
        yield Paragraph(("The term of the shortcut is ", *told[1:], "."))


def _before_norms(subject: Subject) -> Iterator[Block]:
    """Say of blocks that stand before a norm, and do not begin with one, what their shortcuts meet on the way back."""
    norms = [built for built in subject.network.built if built.layer.family == NORM]
    first = {norm.value for norm in norms}
    behind = {norm.value: norm for norm in norms}
    blocks = [built for built in subject.network.built if has_shortcut(built) and built.value not in first]
    found = [(block, behind[block.output]) for block in blocks if block.output in behind]
    if not found:
        return
    writer, (block, norm) = subject.writer, found[0]
    said = f"Behind {'the block' if len(found) == 1 else 'such a block'} stands {norm.layer.caption} (post-norm): what "
    said += "flows back passes its Jacobian before it parts into block and shortcut, so that the shortcut hands on not "
    said += "what comes to the norm, but that product"
    (*_, item) = block.items
    others = [each for each in variables(item.expression) if each != block.value] if isinstance(item, Equation) else []
    if block.output.rank != 1 or len(others) != 1:
        yield Paragraph((f"{said}.",))
        return
    yield Paragraph((f"{said}:",))
    branch = rf"\left({writer.partial(others[0], block.value)} + I\right)"
    left, right = writer.partial(norm.output, block.value), writer.partial(norm.output, block.output)
    yield Equations((EquationRow(left, (f"{right} {branch}",)),))


def _block_jacobians(
    subject: Subject, one: Derivation, blocks: Iterable[tuple[Variable, Variable]]
) -> Iterator[EquationRow]:
    writer = subject.writer
    for leaving, entering in blocks:
        if way(one.system.items, leaving, entering) is None:
            continue  # a symbolic number of blocks inside has no Jacobian in one formula
        if not between_vectors(tuple(one.system.equations), leaving, entering):
            continue
        node = one.jacobian(leaving.name, entering.name)
        left = writer.partial(leaving, entering)
        yield EquationRow(left, writer.pieces(writer.formula(node), writer.after(left)))


def _paths(expansion: Expansion, writer: PageWriter) -> Iterator[Block]:
    first, last = expansion.blocks[0], expansion.blocks[-1]
    left = writer.partial(last.exit, first.branch)
    count = len(expansion.paths)
    through = "blocks" if len(expansion.blocks) == len(expansion.stack) else "branches"
    yield Paragraph(
        (
            f"Multiplied out, the Jacobian of {len(expansion.stack)} blocks in a row is a sum over {count:,} paths, "
            f"one for each choice of {through} to go through (Veit, Wilber and Belongie, 2016)",
            ":" if count <= MOST_PATHS else ", too many to be written here. As a product it is",
        )
    )
    if count <= MOST_PATHS:
        written = expansion.latex(writer.formula)
    else:
        partials = [
            " + ".join(writer.partial(branch.branch, branch.entry) for branch in block)
            for block in reversed(expansion.stack[1:])
        ]
        written = r" \, ".join(rf"\left(\mathbf{{I}} + {partial}\right)" for partial in partials)
    yield Equations((EquationRow(left, writer.pieces(written, writer.after(left))),))


def branches(subject: Subject) -> Iterator[Block]:
    """Show the Jacobians of blocks that join their branches in another way than a residual block."""
    one = subject.example
    if one is None or one.system.loops:
        return
    joins = [built for built in subject.network.built if built.is_join and not has_shortcut(built)]
    found = list(_block_jacobians(subject, one, [(built.output, built.value) for built in joins]))
    if found:
        yield Paragraph(
            (
                "Where branches are added, the Jacobian of a block is the sum of theirs; where they are multiplied, "
                "each is scaled by the values of the others; where they stand one after the other, so do they.",
            )
        )
        yield Equations(tuple(found))


def code(subject: Subject) -> Iterator[Block]:
    """Show the generated module."""
    if subject.has_numbers:
        yield code_lines(subject.case.source, subject)


SECTIONS: dict[str, tuple[str, Callable[[Subject], Iterable[Block]]]] = {
    "network": ("The network", network),
    "conventions": ("Notation", nothing),
    "forward": ("Forward pass", forward),
    "derivation": ("Derivation of the backward pass", derivation),
    "gradients": ("Gradients", gradients),
    "recurrence": ("The recurrence", recurrence),
    "unrolled": ("Written out in time", unrolled),
    "convolution": ("Convolution", convolution),
    "residual": ("Residual blocks", residual),
    "branches": ("Branches", branches),
    "curvature": ("Curvature", curvature),
    "cost": ("Cost and memory", cost),
    "flow": ("How gradients flow", flow),
    "training": ("Training", training),
    "certificate": ("Certificate", certificate),
    "code": ("Generated code", code),
    "references": ("References", references),
    "checks": ("Every check", checks),
}
"""The sections of a report by name: title, and what writes them."""
LEFT_OUT = ("convolution", "residual", "branches", "cost", "flow", "training", "code", "checks")
"""What a short report does not have."""

OFF_SLIDES = ("convolution", "code", "references", "checks")
"""What slides do not have."""


@dataclass(frozen=True)
class Contents:
    """What a report on one kind of subject may say: its sections, what a short one and slides do not have.

    `signs` writes what the letters and signs in the other sections mean.
    """

    sections: Mapping[str, tuple[str, Callable[[Any], Iterable[Block]]]]
    short: tuple[str, ...]
    slides: tuple[str, ...]
    signs: Callable[[Any, Sequence[Section]], Iterable[Block]]

    def of(self, subject: Any, without: Iterable[str] = ()) -> tuple[Section, ...]:
        """Return the sections, those left out that have nothing to say or that the author does not want."""
        left_out = set(without)
        if "certificate" in left_out:
            left_out.add("checks")
        written = [
            Section(title, f"sec:{name}", tuple(write(subject)))
            for name, (title, write) in self.sections.items()
            if name not in left_out
        ]
        signs = tuple(self.signs(subject, written))
        found = (replace(each, blocks=signs) if each.label == "sec:conventions" else each for each in written)
        return labelled_once(section for section in found if section.blocks)


OF_NETWORKS = Contents(SECTIONS, LEFT_OUT, OFF_SLIDES, notation)
"""What a report on a network says."""

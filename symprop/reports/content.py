"""What a report says, section by section, as blocks: from the network to its derivation and what follows from it.

`SECTIONS` is the order, a function for each; a section that has nothing to say returns no blocks and is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from symprop.algebra.equations import Carry, Equation, Loop, equations_in
from symprop.algebra.nodes import Add, Variable
from symprop.algebra.trees import variables, walk
from symprop.analysis.derivation import Derivation
from symprop.analysis.paths import Expansion
from symprop.analysis.paths import paths as expansion_of
from symprop.analysis.readings import distinct
from symprop.calculus.jacobians import between_vectors
from symprop.calculus.reached import way
from symprop.errors import LimitError, SpecError
from symprop.notation.blocks import Block, Boxed, EquationRow, Equations, Paragraph, Section, Typed
from symprop.notation.breaking import latex_width
from symprop.notation.content import section_of
from symprop.notation.documents import both_passes
from symprop.notation.page_blocks import PageWriter, label
from symprop.notation.words import Math, Reference
from symprop.reports.architecture import adds, has_shortcut, layer_table
from symprop.reports.costs import cost
from symprop.reports.flow import flow
from symprop.reports.general import general_recurrence
from symprop.reports.layer_picture import layer_pictures
from symprop.reports.listing import code_lines
from symprop.reports.proof import certificate
from symprop.reports.row_of_layers import row_of_layers
from symprop.reports.subject import Subject
from symprop.reports.training import training
from symprop.reports.window_picture import window_picture

ROWS_IN_A_BOX = 14
"""A frame cannot be broken over pages."""
MOST_PATHS = 16
WIDEST_DRAWN = 70
"""Characters of a formula in the figure of both passes: a longer one would make all letters too small."""


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


def conventions(subject: Subject) -> Iterable[Block]:
    """Say what the signs mean."""
    return subject.writer.part("Conventions").blocks


def forward(subject: Subject) -> Iterator[Block]:
    """List the equations of the forward pass, the loss among them."""
    for title in ("Forward pass", "Loss"):
        yield from subject.writer.part(title).blocks


def derivation(subject: Subject) -> Iterator[Block]:
    """Show how each equation of the backward pass was found, by named steps."""
    writer = subject.writer
    numbers, whole = writer.derivation.numbers, subject.steps == "all"
    backward = sorted(equations_in(writer.derivation.backward), key=lambda each: numbers[each.name])
    if not backward:
        return
    yield Paragraph(
        (
            "Each derivative is what the chain rule gives: a transposed Jacobian, applied to what stands behind it; "
            "that of a name is that of its equation, whose other arguments stay. The rules at the right lead from the "
            "line above to the line beside them; what they rest on is said with them.",
        )
    )
    widths = [latex_width(writer.formula(each.expression)) for each in writer.derivation.equations]
    drawn = both_passes(writer) if max(widths) <= WIDEST_DRAWN else None
    if drawn is not None:
        yield drawn
    groups: dict[str, list[Equation]] = {}
    for equation in backward:
        groups.setdefault(_pattern(equation, writer, whole), []).append(equation)
    for first, *others in groups.values():
        yield writer.chain(first, others, whole)


def _pattern(equation: Equation, writer: PageWriter, whole: bool) -> str:
    """Return the lines of an equation with its layer's number taken off all numbers, so that like layers are alike.

    That is the first of an index; a second one, of a loop inside a loop, is general in all of them.
    """
    own = equation.target.index[0] if equation.target.index else None
    if own is None or not equation.steps:
        return equation.name
    moves: list[str] = [equation.target.letter]
    for rule, *both in writer.lines(equation, whole):
        for side in both:
            shifted = {v: v.change(index=(v.index[0] - own, *v.index[1:])) for v in variables(side) if v.index}
            moves.append(writer.formula(side.xreplace(shifted)))
        moves.append(rule)
    return "\n".join(moves)


def recurrence(subject: Subject) -> Iterator[Block]:
    """Put the recurrence in a frame: from the loss to the first layer."""
    found: list[Equations] = []
    lines = 0
    for block in map(subject.writer.equations, section_of(subject.derivation, "Backward pass").lines):
        for start in range(0, len(block.rows), ROWS_IN_A_BOX):
            part = block.rows[start : start + ROWS_IN_A_BOX]
            size = sum(len(row.right) for row in part)
            if found and lines + size > ROWS_IN_A_BOX:
                yield Boxed(tuple(found))
                found, lines = [], 0
            found.append(Equations(part, block.heading if not start else ()))
            lines += size
    if found:
        yield Boxed(tuple(found))
    yield from general_recurrence(subject)


def gradients(subject: Subject) -> Iterable[Block]:
    """List the gradients of the parameters, and what is remarkable of them."""
    yield from subject.writer.part("Gradients").blocks
    yield from map(Paragraph, subject.writer.part("Remarks").sentences)


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
    blocks = _shortcuts(subject, one)
    found = list(_block_jacobians(subject, one, blocks))
    terms = list(_in_the_recurrence(subject)) if blocks else []
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


def _in_the_recurrence(subject: Subject) -> Iterator[Block]:
    """Say in which equations of the recurrence the shortcut is a term of its own."""
    equations = list(equations_in(subject.derivation.backward))
    told: list[str | Math | Reference] = []
    for equation in equations:
        sums = [node for node in walk(equation.expression) if isinstance(node, Add)]
        terms = [term for node in sums for term in node.operands if isinstance(term, Variable)]
        for term in (term for term in terms if term.is_gradient):
            number = subject.derivation.numbers[equation.name]
            told += [", ", Math(subject.writer.name(term)), " in ", Reference(label(equation.name), number)]
    if told:
        yield Paragraph(("The term of the shortcut is ", *told[1:], "."))


def _shortcuts(subject: Subject, one: Derivation) -> list[tuple[Variable, Variable]]:
    """What leaves and what enters each residual block with an identity shortcut."""
    loops = one.system.loops
    if loops:
        return [(carry.after, carry.before) for loop in loops for carry in loop.carries if _is_residual(loop, carry)]
    return [(built.output, built.value) for built in subject.network.built if has_shortcut(built)]


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
        yield EquationRow(left, writer.pieces(writer.formula(node), latex_width(left)))


def _is_residual(loop: Loop, carry: Carry) -> bool:
    return any(equation.target == carry.after and adds(equation, carry.before) for equation in loop.equations)


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
    yield Equations((EquationRow(left, writer.pieces(written, latex_width(left) - 8)),))


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
    "conventions": ("Conventions", conventions),
    "forward": ("Forward pass", forward),
    "derivation": ("Derivation of the backward pass", derivation),
    "recurrence": ("The recurrence", recurrence),
    "gradients": ("Gradients", gradients),
    "convolution": ("Convolution", convolution),
    "residual": ("Residual blocks", residual),
    "branches": ("Branches", branches),
    "cost": ("Cost and memory", cost),
    "flow": ("How gradients flow", flow),
    "training": ("Training", training),
    "certificate": ("Certificate", certificate),
    "code": ("Generated code", code),
}
"""The sections of a report by name: title, and what writes them."""


def contents(subject: Subject, without: Iterable[str] = ()) -> tuple[Section, ...]:
    """Return the sections of a report, those left out that have nothing to say or that the author does not want."""
    left_out = set(without)
    written = (
        Section(title, f"sec:{name}", tuple(write(subject)))
        for name, (title, write) in SECTIONS.items()
        if name not in left_out
    )
    return tuple(section for section in written if section.blocks)

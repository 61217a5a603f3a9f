"""What a report on a formula says: the question, how the answer follows step by step, and the answer in a frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from symprop.algebra.equations import Step
from symprop.algebra.nodes import Node, Pullback, Pushforward, Variable
from symprop.algebra.trees import variables, walk
from symprop.calculus import linear_maps, pullbacks, pushforwards
from symprop.calculus.tidy import tidy
from symprop.formulas import working
from symprop.formulas.answer import Answer
from symprop.formulas.pages import CONVENTIONS, facts_of
from symprop.formulas.remarks import ORDERS
from symprop.formulas.stages import Stage, stages
from symprop.notation.blocks import (
    Block,
    Boxed,
    Bullets,
    Chain,
    Definitions,
    Equations,
    Grid,
    GridRow,
    Link,
    Paragraph,
    Section,
)
from symprop.notation.chain_rule import by_names, joined
from symprop.notation.content import seen_steps
from symprop.notation.conventions import signs_of
from symprop.notation.function_notes import definitions as functions
from symprop.notation.words import Math, Words
from symprop.reports.content import Contents, nothing
from symprop.reports.formula_listing import code
from symprop.reports.notation_table import OF_FORMULAS as SIGNS
from symprop.reports.notation_table import row_of, table
from symprop.reports.proof import certificate, checks
from symprop.reports.questions import Questions, enumerated
from symprop.reports.references import documents, listed_in, modules_of
from symprop.reports.remarks import remarks


def question(subject: Questions) -> Iterator[Block]:
    """Say what is to be found, and of what."""
    write = subject.writer.formula
    name = Math(write(subject.value.target))
    asked: list[str | Math] = ["Find "]
    for place, (kinds, found) in enumerate(subject.asked):
        asked += [" and " * bool(place), f"{enumerated(kinds)} of ", name]
        letters = list(dict.fromkeys(x for each in found for x in each.by))
        for number, each in enumerate(letters):
            asked += [" with respect to " if not number else " and " if number == len(letters) - 1 else ", "]
            asked += [Math(write(each))]
        if found[0].direction is not None:
            asked += [" along ", Math(write(found[0].direction))]
    yield Paragraph((*asked, ", where"))
    own = [each.name for each in (*subject.formula.definitions, subject.value)]
    yield Equations(tuple(map(subject.row, own)))


def signs(subject: Questions, shown: Sequence[Section]) -> Iterator[Block]:
    """Say what the letters, signs and functions of the report mean."""
    write = subject.writer
    printed = list(subject.shown.equations)
    told = (Bullets(tuple(signs_of(printed))), Definitions(tuple(functions(subject.shown))))
    read = {x for equation in printed for x in variables(equation.expression)}
    letters = [_letter(subject, each) for each in subject.variables if each in read]
    for block in table(letters, map(write.block, told), shown, SIGNS, subject.paper):
        yield _listed(block) if isinstance(block, Grid) and subject.paper.columns == 2 else block


def _listed(grid: Grid) -> Bullets:
    """Return a table of signs and meanings as a list, which stands where it is in a narrow column; tables float."""
    halves = range(0, len(grid.head), 2)
    pairs = [row.cells[place : place + 2] for place in halves for row in grid.rows if row.cells[place]]
    return Bullets(tuple((*sign, ": ", *meaning) for sign, meaning in pairs), small=True)


def _letter(subject: Questions, array: Variable) -> GridRow:
    """Return what an array is: its space, and what is declared of it."""
    write = subject.writer
    kind = _WORDS.get(array.rank, "array")
    last = array.facts_by_kind.get("index")
    if last is not None:
        what: Words = (f"{kind} of integers from 0 to ", Math(write.number(last - 1)))
    else:
        what = (f"{kind} in ", Math(write.space(array.shape))) if array.rank else (kind,)
    known = facts_of(array.change(facts=tuple(fact for fact in array.facts if fact.kind != "index")))
    return row_of(Math(write.formula(array)), (*what, *([f", {known}"] if known else [])))


_WORDS = {0: "number", 1: "vector", 2: "matrix"}


def derivation(subject: Questions) -> Iterator[Block]:
    """Show each step to each answer, with its rule."""
    rules = "Each line follows from the one above it by the rule at its right."
    kinds = dict.fromkeys(each.result.kind for each in subject.answers)
    told = (f"{CONVENTIONS[kind][0].upper()}{CONVENTIONS[kind][1:]}." for kind in kinds)
    yield Paragraph((" ".join((rules, *told)),))
    for each in subject.answers:
        yield from _derived(subject, each)


def _derived(subject: Questions, answer: Answer) -> Iterator[Block]:
    """Show the stages of an answer, the steps numbered throughout."""
    number = 0
    found = stages(answer.result, subject.writer.formula)
    found = found[1:] if len(found) > 1 and _is_derived(subject, answer, found[0]) else found
    if not any(stage.steps for stage in found):
        yield Chain(subject.left(answer), subject.row(answer.name).right, (), ("by definition",))
    for place, stage in enumerate(found):
        if told := _before(subject, answer, stage, found[place - 1] if place else None):
            yield Paragraph(told)
        chain = _chain(subject, stage, number)
        number += len(chain.links)
        yield from _shown(subject, chain)


def _is_derived(subject: Questions, answer: Answer, stage: Stage) -> bool:
    """Whether the report derives a gradient before the Hessian that begins with the same steps."""
    before = subject.answers[: subject.answers.index(answer)]
    return any(each.result.steps[: len(stage.steps)] == stage.steps for each in before)


def _before(subject: Questions, answer: Answer, stage: Stage, before: Stage | None) -> Words:
    """Say what a stage works out, and how it follows from the one before it."""
    write = subject.writer.formula
    if stage.tangent is not None:
        by = answer.result.by[-1]
        return ("Along ", Math(write(stage.tangent)), ", which has the shape of ", Math(write(by)), ",")
    if before is not None and before.tangent is not None:
        return ("The matrix of this linear map of ", Math(write(before.tangent)), " is")
    if before is None or not answer.result.conventions:
        return ()
    pairs = "With both elements of each pair (i, j) and (j, i) moving as one,"
    order = f"With the elements of matrices {ORDERS[answer.result.vec]},"
    return (pairs if answer.result.symmetric == "pairs" else order,)


def _chain(subject: Questions, stage: Stage, number: int) -> Chain:
    """Write the steps of a stage, numbered from `number` on."""
    writer = subject.writer
    known = {tidy(each.expression): each for each in subject.formula.definitions}

    def write(node: Node) -> str:
        return writer.formula(by_names(node, known))

    steps = seen_steps(stage.steps if subject.steps == "all" else briefly(stage.steps), write)
    start = write(steps[0].before) if steps else write(stage.steps[0].before)
    beside = writer.after(stage.left)
    links = (
        Link(link.right, f"{place}. {link.rule}", link.reasons)
        for place, link in enumerate(writer.links(steps, write, beside), start=number + 1)
    )
    return Chain(stage.left, writer.pieces(start, beside), tuple(links))


def _shown(subject: Questions, chain: Chain) -> Iterator[Block]:
    """Show a chain; where the line that it begins with is too long for the paper, from its first step on."""
    room = subject.paper.room - subject.writer.after(chain.left)
    if len(chain.links) > 1 and any(subject.paper.width(piece) > room for piece in chain.start):
        first, *links = chain.links
        yield Paragraph((f"Step {first.rule.replace('. ', ', ', 1)}, gives",))
        yield Chain(chain.left, first.right, tuple(links))
    else:
        yield chain


def briefly(steps: Iterable[Step]) -> list[Step]:
    """Return the steps with those that differentiate one part as one, whose rule has all their names.

    >>> import symprop
    >>> found = symprop.gradient("norm(X @ w - y)**2 + lam * norm(w)**2", "w").result.steps
    >>> [step.rule for step in briefly(found)][-2:]
    ['sum over an axis, power, sum, matrix product', 'elementwise product, sum over an axis, power']
    """
    found: list[Step] = []
    begun = 0
    for step in steps:
        here = sum(1 for part in walk(tidy(step.before)) if isinstance(part, (Pullback, Pushforward)))
        if found and here and here == begun:
            found[-1] = joined(found[-1], step)
        else:
            found.append(step)
            begun = here
    return found


def answer(subject: Questions) -> Iterator[Block]:
    """Put the answers in a frame, and say what follows from them."""
    rows: list[Equations] = []
    for each in subject.answers:
        parts = tuple(subject.parts(each))
        rows += [Equations((subject.row(each.name),)), *([Equations(parts, ("where",))] if parts else [])]
    yield Boxed(tuple(rows))
    said = list(dict.fromkeys(sentence for each in subject.answers for sentence in remarks(subject, each)))
    if len(said) > 1:
        yield Bullets(tuple(said))
    else:
        yield from map(Paragraph, said)


def references(subject: Questions) -> Iterator[Block]:
    """List the sources of the rules that were used."""
    steps = [step for each in subject.answers for step in each.result.steps]
    ways = {Pullback: pullbacks, Pushforward: pushforwards}
    used = {kind for step in steps for part in walk(step.before) for kind in ways if isinstance(part, kind)}
    more = [linear_maps] if any(step.rule == "matrix of a linear map" for step in steps) else []
    more += [working] if any(each.result.kind == "hvp" for each in subject.answers) else []
    asked = [module for kind, module in ways.items() if kind in used]
    yield from listed_in(documents((*asked, *more, *modules_of(subject.derivation))))


OF_FORMULAS = Contents(
    {
        "question": ("The question", question),
        "conventions": ("Notation", nothing),
        "derivation": ("Derivation", derivation),
        "answer": ("The answer", answer),
        "certificate": ("Certificate", certificate),
        "code": ("Code", code),
        "references": ("References", references),
        "checks": ("Every check", checks),
    },
    short=("code", "checks"),
    slides=("code", "references", "checks"),
    signs=signs,
)
"""What a report on a formula says: sections by name, with their titles and what writes them."""

r"""A report on a network or a formula: what someone writing a thesis, a lecture or a paper hands in.

>>> import symprop
>>> report = symprop.report("Input(2) >> Dense(2) >> Tanh() >> Dense(1) >> MeanSquaredError()")
>>> print(report.equation("delta1"))
\delta_1 = \left(W_2^{\top} \delta_2\right) \odot \left(1 - a_1 \odot a_1\right)
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from markupsafe import Markup

from symprop.algebra.formula import Formula
from symprop.algebra.printable import Listed
from symprop.analysis.derivation import Derivation
from symprop.codegen.case import Case, case_of
from symprop.errors import OutputError, SpecError, shown
from symprop.files import check_writable, is_stream
from symprop.formulas.answer import Answer
from symprop.formulas.answers import Answers
from symprop.formulas.reported import REPORT
from symprop.keywords import public
from symprop.limits import DTYPES
from symprop.networks.network import Network
from symprop.notation import html_document, latex_document
from symprop.notation.blocks import NO_BYLINE, Byline, Section
from symprop.notation.choices import Notation, symbols_of
from symprop.notation.latex_document import Looks
from symprop.notation.markdown_document import markdown_document
from symprop.notation.paper import A4, SLIDES, Paper
from symprop.own_files import write_own
from symprop.reports.choices import byline, check_steps_and_seed, checked_title, left_out_of, texts_of
from symprop.reports.content import OF_NETWORKS, Contents
from symprop.reports.curvature import spectrum_of, with_products
from symprop.reports.of_formulas import OF_FORMULAS
from symprop.reports.pdf import compiled
from symprop.reports.questions import Questions, answers_of
from symprop.reports.subject import Subject
from symprop.reports.symbols import check_symbols
from symprop.reports.unrolled import check_unroll
from symprop.saved import Model
from symprop.verify.certificate import Certificate

TITLE = "Backpropagation through a network, derived"
LEVELS = ("section", "subsection")
CONTENTS: dict[type, Contents] = {Subject: OF_NETWORKS, Questions: OF_FORMULAS}
"""What a report says, by what it is on."""


@public
@dataclass(frozen=True)
class Report(Listed):
    """A report on one network or formula; what it says is worked out when it is first asked for, the certificate too.

    `without` are the names of sections that are left out, such as "code".

    >>> import symprop
    >>> found = symprop.report("Input(2) >> Dense(1) >> MeanSquaredError()", without=["code", "certificate"])
    >>> [section.title for section in found.sections][-2:]
    ['How gradients flow', 'References']
    """

    subject: Subject | Questions
    title: str = TITLE
    without: tuple[str, ...] = ()
    byline: Byline = NO_BYLINE

    @property
    def network(self) -> Network:
        """The network.

        Raises:
            SpecError: the report is on a formula.
        """
        if isinstance(self.subject, Questions):
            raise SpecError("a report on a formula has no network\nallowed: its answers")
        return self.subject.network

    @property
    def answers(self) -> tuple[Answer, ...]:
        """The answers of a report on a formula; none of one on a network."""
        return self.subject.answers if isinstance(self.subject, Questions) else ()

    @property
    def derivation(self) -> Derivation:
        """The equations that the report prints."""
        return self.subject.derivation

    @property
    def certificate(self) -> Certificate:
        """The certificate that the report shows."""
        return self.subject.certificate

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The sections, before LaTeX and HTML."""
        return CONTENTS[type(self.subject)].of(self.subject, self.without)

    @cached_property
    def wide_sections(self) -> tuple[Section, ...]:
        """The sections on the widest paper, for a screen."""
        is_page = self.subject.paper.columns == 1 and self.subject.paper != SLIDES
        subject = self.subject if is_page else replace(self.subject, paper=A4)
        return self.sections if subject is self.subject else CONTENTS[type(subject)].of(subject, self.without)

    def latex(self) -> str:
        """Return the report as a complete LaTeX document, which pdflatex compiles.

        >>> import symprop
        >>> symprop.report("Input(2) >> Dense(1) >> MeanSquaredError()", without=["certificate"]).latex().split("[")[0]
        '\\\\documentclass'
        """
        looks = Looks(numbered=True, paper=self.subject.paper)
        return latex_document.document(self.sections, self.title, looks, self.byline)

    def fragment(self, prefix: str = "", level: str = "section") -> str:
        r"""Return the report's body for `\input` in a paper; its first lines say which packages it needs.

        Equations are counted with those of the paper. All labels are prefixed with `prefix`, so that two fragments can
        stand in one paper; `level` is "section" or "subsection".

        Raises:
            SpecError: an unknown level, or a prefix that is not made of letters, digits, `-` and `.`.
        """
        if level not in LEVELS:
            raise SpecError(f"unknown level {shown(level)}\nallowed: {', '.join(LEVELS)}")
        if not re.fullmatch(r"[A-Za-z0-9.-]{0,40}", prefix):
            raise SpecError(f"{shown(prefix)} cannot begin a label\nallowed: at most 40 letters, digits, - and .")
        looks = Looks(numbered=True, level=level, prefix=prefix, paper=self.subject.paper, counts=True)
        return latex_document.fragment(self.sections, looks)

    def equation(self, name: str) -> str:
        """Return one equation in LaTeX, for pasting: `delta2`, `dW1` or, for its gradient, `W1`; of a formula
        `gradient_w`, or `w`.

        Raises:
            FormulaError: no equation has this name; those that have one are listed.
        """
        return self.subject.equation(name)

    def html(self) -> str:
        """Return the report as one HTML file, which opens offline and asks for nothing."""
        return html_document.html_document(self.wide_sections, self.title, self.byline, contents=True)

    def markdown(self) -> str:
        """Return the report as Markdown with LaTeX, pictures inside."""
        return markdown_document(self.wide_sections, self.title, self.byline)

    def pdf(self, path: str | os.PathLike[str]) -> None:
        """Write the report as PDF, by `latexmk` without a shell.

        Raises:
            OutputError: TeX is not installed or refuses the report, or the file cannot be written.
            LimitError: TeX takes longer than three minutes.
        """
        check_writable(path)
        write_own(path, compiled(self.latex()))

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the report as what the name of the file ends in, .tex, .pdf, .html or .md; a device or pipe gets LaTeX.

        Raises:
            OutputError: another ending, or the file cannot be written.
        """
        ending = Path(path).suffix.lower() or (".tex" if is_stream(path) else "")
        if ending not in ENDINGS:
            raise OutputError(f"a report is written as {', '.join(ENDINGS)}, not to {shown(path, 200)}")
        check_writable(path)
        if ending == ".pdf":
            self.pdf(path)
        else:
            write_own(path, WRITERS[ending](self))

    def _repr_html_(self) -> str:
        """Return the page in a frame, for a notebook: its styles and its script stay inside."""
        looks = "width: 100%; height: 40rem; border: 1px solid #8886"
        frame = Markup('<iframe title="{}" sandbox="allow-scripts" style="{}" srcdoc="{}"></iframe>')
        return str(frame.format(self.title, looks, self.html()))


WRITERS: dict[str, Callable[[Report], str]] = {".tex": Report.latex, ".html": Report.html, ".md": Report.markdown}
ENDINGS = (".tex", ".pdf", ".html", ".md")


Asked: TypeAlias = "Network | Case | Model | Formula | Answer | Answers | Iterable[Answer | Answers] | str"


def report(
    subject: Asked,
    *,
    layout: str | None = None,
    symbols: Mapping[str, str] | Iterable[str] = (),
    bold: str = "none",
    transpose: str = "top",
    layer_index: str = "mixed",
    title: str | None = None,
    without: Iterable[str] = (),
    dtype: str = "float64",
    seed: int = 0,
    steps: str | None = None,
    author: str = "",
    date: str = "",
    short: bool = False,
    full: bool = False,
    paper: str = "a4",
    points: int = 10,
    columns: int = 1,
    slides: bool = False,
    unroll: int = 0,
    sizes: Mapping[str, int] | None = None,
    curvature: bool = False,
    data: str | os.PathLike[str] | None = None,
) -> Report:
    r"""Return a report on a network (of a case, from what it has worked out; of weights, with their training), or on a
    formula: on one answer or several about it, or on its gradients.

    Formulas: `layout` is "example", "rows" or "columns"; `symbols` gives letters by name, of arrays, functions, sizes,
    counts, indices and numbers, as a mapping or as `delta=\varepsilon`; `bold` is "none", "vectors" or "arrays";
    `transpose` "top", "T" or "prime"; `layer_index` "mixed" (a general `(l)` stands above), "sub" or "super".
    Content: `without` names sections to leave out; a `short` report has the equations and their derivation, a `full`
    one every operation and check; `steps` "all" has a line for each rule, as of a formula, "brief" one for each
    equation or part; with `unroll=3` recurrent layers are written out for three moments too; `curvature` derives
    products of Hessian and Gauss-Newton matrix, and of weights shows the spectrum on `data`, a CSV file. `sizes` are
    numbers for names, `dtype` is that of the code, `seed` is for what is random, `author` and `date` for the title.
    Paper: "a4" or "letter", letters of 10, 11 or 12 `points`, one or two `columns`; `slides` in its LaTeX and PDF.

    >>> written = report("Input(2) >> Dense(1) >> MeanSquaredError()", symbols={"delta": r"\varepsilon"})
    >>> print(written.equation("W1"))
    \frac{\partial L}{\partial W_1} = \varepsilon_1 x^{\top}
    >>> homework = report("norm(A @ x - b)**2", author="A. Student")
    >>> print(homework.title, homework.equation("x"))
    The gradient with respect to A, x and b \frac{\partial f}{\partial x} = 2 A^{\top} \left(A x - b\right)

    Raises:
        SpecError: no network, one without a loss, an unknown choice, or a symbol for what does not occur.
        FormulaError: no formula, answers about several formulas, or a size that there is not.
    """
    check_steps_and_seed(steps, seed)
    notation = Notation(symbols_of(texts_of(symbols)), bold, transpose, layer_index)
    sheet = SLIDES if slides else Paper(paper, points, columns)
    answers, chosen = answers_of(subject), _Chosen(notation, seed, steps, full, sheet, unroll, curvature, data)
    asked = (layout, dtype, sizes, chosen)
    found = _questions(answers, *asked) if answers else _network(subject, *asked)
    left_out = left_out_of(CONTENTS[type(found)], without, short, full, slides)
    check_symbols(notation.symbols, found.names, found.signs)
    usual = found.title if isinstance(found, Questions) else TITLE
    return Report(found, checked_title(usual if title is None else title), left_out, byline(author, date))


class _Chosen(NamedTuple):
    """What an author chose of a report, whatever it is on."""

    notation: Notation
    seed: int
    steps: str | None
    full: bool
    paper: Paper
    unroll: int
    curvature: bool
    data: str | os.PathLike[str] | None


def _questions(
    answers: tuple[Answer, ...], layout: str | None, dtype: str, sizes: Mapping[str, int] | None, chosen: _Chosen
) -> Questions:
    """Return answers as a report has them."""
    if layout not in (None, "example"):
        raise SpecError(f"a formula has no batch of examples, so no layout {shown(layout)}\nallowed: example")
    if dtype not in DTYPES:
        raise SpecError(f"unknown dtype {shown(dtype)}\nallowed: {', '.join(DTYPES)}")
    check_unroll(chosen.unroll, None)
    if chosen.curvature or chosen.data is not None:
        raise SpecError("curvature and data are of a network\nallowed: symprop.hessian, for a formula")
    found = tuple(each.with_sizes(sizes) for each in answers)
    return Questions(found, chosen.notation, chosen.seed, chosen.steps or "all", chosen.full, chosen.paper, dtype)


def _network(network: Any, layout: str | None, dtype: str, sizes: Mapping[str, int] | None, chosen: _Chosen) -> Subject:
    """Return a network with a loss as a report has it, and how it was trained where it has weights."""
    model = network if isinstance(network, Model) else None
    history = network.history if isinstance(network, Model) else None
    network = network.network if isinstance(network, Model) else network
    case = case_of(network, layout=layout or "", dtype=dtype).with_sizes(sizes or {})
    if case.example.system.loss is None:
        text = case.network.text
        raise SpecError(f"a report is on a network with a loss\nend it with one: {text} >> MeanSquaredError()")
    steps, paper = chosen.steps or "brief", chosen.paper
    more = chosen.unroll, chosen.curvature, spectrum_of(model, chosen.curvature, chosen.data, chosen.seed)
    found = Subject(case, chosen.notation, chosen.seed, history, steps, chosen.full, paper, *more)
    check_unroll(chosen.unroll, found)
    if chosen.curvature:
        with_products(found.derivation)  # refuses a network that has neither
    return found


REPORT.append(report)

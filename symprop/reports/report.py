r"""A report on a network: what someone writing a thesis, a lecture or a paper hands in, as LaTeX, PDF or HTML.

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

from markupsafe import Markup

from symprop.algebra.names import closest
from symprop.algebra.printable import Listed
from symprop.analysis.derivation import Derivation
from symprop.codegen.case import Case, case_of
from symprop.errors import OutputError, SpecError, shown
from symprop.files import check_writable, is_stream, write_whole
from symprop.networks.network import Network
from symprop.notation import html_document, latex_document
from symprop.notation.blocks import NO_BYLINE, Byline, Section
from symprop.notation.choices import Notation, symbols_of
from symprop.notation.latex_document import Looks, cut
from symprop.notation.markdown_document import markdown_document
from symprop.notation.paper import A4, SLIDES, Paper
from symprop.notation.stacks import sides
from symprop.reports.content import LEFT_OUT, OFF_SLIDES, SECTIONS, contents
from symprop.reports.pdf import compiled
from symprop.reports.subject import Subject
from symprop.reports.symbols import check_symbols
from symprop.saved import Model
from symprop.verify.certificate import Certificate

TITLE = "Backpropagation through a network, derived"
LEVELS = ("section", "subsection")
STEPS = ("brief", "all")


@dataclass(frozen=True)
class Report(Listed):
    """A report on one network; what it says is worked out when it is first asked for, the certificate too.

    `without` are the names of sections that are left out, such as "code".

    >>> import symprop
    >>> found = symprop.report("Input(2) >> Dense(1) >> MeanSquaredError()", without=["code", "certificate"])
    >>> [section.title for section in found.sections][-2:]
    ['How gradients flow', 'References']
    """

    subject: Subject
    title: str = TITLE
    without: tuple[str, ...] = ()
    byline: Byline = NO_BYLINE

    @property
    def network(self) -> Network:
        """The network."""
        return self.subject.network

    @property
    def derivation(self) -> Derivation:
        """The derivation that the report prints."""
        return self.subject.derivation

    @property
    def certificate(self) -> Certificate:
        """The certificate that the report shows."""
        return self.subject.certificate

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The sections, before LaTeX and HTML."""
        return contents(self.subject, self.without)

    @cached_property
    def wide_sections(self) -> tuple[Section, ...]:
        """The sections on the widest paper, for a screen."""
        is_page = self.subject.paper.columns == 1 and self.subject.paper != SLIDES
        subject = self.subject if is_page else replace(self.subject, paper=A4)
        return self.sections if subject is self.subject else contents(subject, self.without)

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

        All labels are prefixed with `prefix`, so that two fragments can stand in one paper; `level` is "section" or
        "subsection".

        Raises:
            SpecError: an unknown level, or a prefix that is not made of letters, digits, `-` and `.`.
        """
        if level not in LEVELS:
            raise SpecError(f"unknown level {shown(level)}\nallowed: {', '.join(LEVELS)}")
        if not re.fullmatch(r"[A-Za-z0-9.-]{0,40}", prefix):
            raise SpecError(f"{shown(prefix)} cannot begin a label\nallowed: at most 40 letters, digits, - and .")
        looks = Looks(numbered=True, level=level, prefix=prefix, paper=self.subject.paper)
        return latex_document.fragment(self.sections, looks)

    def equation(self, name: str) -> str:
        """Return one equation in LaTeX, for pasting: `delta2`, `dW1` or, for its gradient, `W1`.

        Raises:
            FormulaError: no equation has this name; those that have one are listed.
        """
        writer = self.subject.writer
        gradients = {parameter.name: f"d{parameter.name}" for parameter in self.derivation.system.parameters}
        found = self.derivation.equation(gradients.get(name, name))
        left, right = map(writer.formula, sides(found))
        return f"{left} = {cut(writer.pieces(right, writer.after(left)))}"

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
        write_whole(path, compiled(self.latex()))

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
            write_whole(path, WRITERS[ending](self))

    def _repr_html_(self) -> str:
        """Return the page in a frame, for a notebook: its styles and its script stay inside."""
        looks = "width: 100%; height: 40rem; border: 1px solid #8886"
        frame = Markup('<iframe title="{}" sandbox="allow-scripts" style="{}" srcdoc="{}"></iframe>')
        return str(frame.format(self.title, looks, self.html()))


WRITERS: dict[str, Callable[[Report], str]] = {".tex": Report.latex, ".html": Report.html, ".md": Report.markdown}
ENDINGS = (".tex", ".pdf", ".html", ".md")


def report(
    network: Network | Case | Model | str,
    *,
    layout: str | None = None,
    symbols: Mapping[str, str] | Iterable[str] = (),
    bold: str = "none",
    transpose: str = "top",
    layer_index: str = "mixed",
    title: str = TITLE,
    without: Iterable[str] = (),
    dtype: str = "float64",
    seed: int = 0,
    steps: str = "brief",
    author: str = "",
    date: str = "",
    short: bool = False,
    full: bool = False,
    paper: str = "a4",
    points: int = 10,
    columns: int = 1,
    slides: bool = False,
    sizes: Mapping[str, int] | None = None,
) -> Report:
    r"""Return a report on a network; of a case, from what it has worked out; of loaded weights, with their training.

    Formulas: `layout` is "example", "rows" or "columns"; `symbols` gives letters by name, of arrays, functions, sizes,
    counts, indices and numbers, as a mapping or as `delta=\varepsilon`; `bold` is "none", "vectors" or "arrays";
    `transpose` "top", "T" or "prime"; `layer_index` "mixed" (a general `(l)` stands above), "sub" or "super".
    Content: `without` names sections to leave out; a `short` report has the equations and their derivation, a `full`
    one every operation and check; `steps` "all" has a line for each rule, "brief" one for each equation. `sizes` are
    numbers for named sizes; `dtype` is that of the code; `seed` chooses what is random. `author` and `date` stand
    under the title.
    Paper: "a4" or "letter", with letters of 10, 11 or 12 `points` in one or two `columns`; with `slides` its LaTeX and
    PDF are slides.

    >>> written = report("Input(2) >> Dense(1) >> MeanSquaredError()", symbols={"delta": r"\varepsilon"})
    >>> print(written.equation("W1"))
    \frac{\partial L}{\partial W_1} = \varepsilon_1 x^{\top}

    Raises:
        SpecError: no network, one without a loss, an unknown choice, or a symbol for what does not occur.
    """
    if steps not in STEPS:
        raise SpecError(f"unknown steps {shown(steps)}\nallowed: {', '.join(STEPS)}")
    history = network.history if isinstance(network, Model) else None
    network = network.network if isinstance(network, Model) else network
    case = case_of(network, layout=layout or "", dtype=dtype).with_sizes(sizes or {})
    if case.example.system.loss is None:
        text = case.network.text
        raise SpecError(f"a report is on a network with a loss\nend it with one: {text} >> MeanSquaredError()")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise SpecError(f"a seed is a whole number from 0, not {shown(seed)}")
    left_out = _left_out(without, short, full, slides)
    pairs = [f"{name}={symbol}" for name, symbol in symbols.items()] if isinstance(symbols, Mapping) else symbols
    if layer_index == "mixed" and case.example.system.loops:
        layer_index = "super"  # so that the first layer's number stands where a general one does
    notation = Notation(symbols_of(pairs), bold, transpose, layer_index)
    subject = Subject(case, notation, seed, history, steps, full, SLIDES if slides else Paper(paper, points, columns))
    check_symbols(subject)
    return Report(subject, _checked_title(title), left_out, _byline(author, date))


def _byline(author: str, date: str) -> Byline:
    """Return what stands under the title."""
    named = ((author, "an author"), (date, "a date"))
    return Byline(*(_checked_title(text, name) if text else "" for text, name in named))


def _left_out(without: Iterable[str], short: bool, full: bool, slides: bool) -> tuple[str, ...]:
    """Return the sections that are left out."""
    if short and full:
        raise SpecError("a report cannot be short and full\nallowed: one of them")
    left_out = (*without, *(LEFT_OUT if short else ()), *(OFF_SLIDES if slides else ()))
    for name in left_out:
        if name not in SECTIONS:
            raise SpecError(
                f"a report has no section {shown(name)}{closest(name, list(SECTIONS))}\nit has {', '.join(SECTIONS)}"
            )
    return left_out


def _checked_title(title: str, name: str = "a title") -> str:
    """Return a title, or what stands under it, that LaTeX can set.

    Raises:
        SpecError: empty, long, or letters that are not Latin.
    """
    if not title.strip() or len(title) > 200 or not title.isprintable():
        raise SpecError(f"{shown(title)} cannot be {name}\nallowed: one line of at most 200 characters")
    beyond = next((letter for letter in title if ord(letter) > 0x17F), None)
    if beyond is not None:
        raise SpecError(f"{name} holds {shown(beyond)}\nallowed: Latin letters, which LaTeX sets without other fonts")
    return title

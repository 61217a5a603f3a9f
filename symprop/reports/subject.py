"""What a report is about: a case in an author's notation, and what of it is checked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from symprop.analysis.derivation import Derivation
from symprop.codegen.case import Case
from symprop.errors import SpecError, shown
from symprop.history import History
from symprop.networks.blocks import symbolic_repeats
from symprop.networks.network import Network
from symprop.networks.sizes import NUMBERED
from symprop.notation.choices import PLAIN, Notation
from symprop.notation.latex_document import cut
from symprop.notation.page_blocks import PageWriter
from symprop.notation.paper import A4, Paper
from symprop.notation.stacks import sides
from symprop.reports.symbols import names_of, signs_of
from symprop.spectrum import Spectrum
from symprop.verify.certificate import Certificate
from symprop.verify.of_network import check
from symprop.verify.recurrence import counts_of

FIRST_STAND_IN = 3


@dataclass(frozen=True)
class Subject:
    """A case in a notation; `seed` is for all that is random, `history` how its weights were trained.

    `steps` is "brief", where what is done to one equation is one line, or "all"; a `full` one lists every check.
    Recurrent layers are written out for `unroll` moments too, with a figure. With `curvature` it has products with
    second derivatives, and the `spectrum` of weights on data.
    """

    case: Case
    notation: Notation = PLAIN
    seed: int = 0
    history: History | None = None
    steps: str = "brief"
    full: bool = False
    paper: Paper = A4
    unroll: int = 0
    curvature: bool = False
    spectrum: Spectrum | None = None

    @property
    def network(self) -> Network:
        """The network."""
        return self.case.network

    @property
    def layout(self) -> str:
        """The layout of the formulas."""
        return self.case.layout

    @property
    def derivation(self) -> Derivation:
        """The derivation that the report prints."""
        return self.case.derivation

    @property
    def example(self) -> Derivation | None:
        """The derivation for one example, of which Jacobians and bounds are; None where the network has none."""
        return self.case.example.derivation if "example" in self.network.layouts else None

    @cached_property
    def writer(self) -> PageWriter:
        """Writes formulas of the report."""
        return PageWriter(self.derivation, self.notation, self.paper)

    def equation(self, name: str) -> str:
        """Return one equation in LaTeX, by its name or, for a gradient, that of its parameter.

        Raises:
            FormulaError: no equation has this name; those that have one are listed.
        """
        gradients = {parameter.name: f"d{parameter.name}" for parameter in self.derivation.system.parameters}
        found = self.derivation.equation(gradients.get(name, name))
        left, right = map(self.writer.formula, sides(found))
        return f"{left} = {cut(self.writer.pieces(right, self.writer.after(left)))}"

    @property
    def names(self) -> dict[str, str]:
        """What a symbol may be chosen for (`symbols.names_of`), and how it is written without.

        Raises:
            SpecError: a symbol is for a size that is a letter of parameters too.
        """
        for name, _ in self.notation.symbols:
            if name in NUMBERED and name in self.network.sizes:
                raise SpecError(
                    f"{shown(name)} is a size and a letter of parameters, and one symbol cannot stand for both\n"
                    "allowed: another name for the size, such as n1"
                )
        return names_of(self.derivation)

    @property
    def signs(self) -> set[str]:
        """The signs of its formulas that are no name's."""
        return signs_of(self.derivation, names_of(self.derivation)) if self.notation.symbols else set()

    @property
    def has_numbers(self) -> bool:
        """Whether all sizes are numbers, so that there is code, and something to measure."""
        return not self.network.sizes

    @cached_property
    def stand_ins(self) -> dict[str, int]:
        """Small numbers, all different, for sizes that are names: what can be checked of a network has numbers."""
        counts = {repeat.count for repeat in symbolic_repeats(self.network.layers)}
        names = [name for name in self.network.sizes if name not in counts]
        return {name: FIRST_STAND_IN + place for place, name in enumerate(names)}

    @cached_property
    def certificate(self) -> Certificate:
        """The certificate, of second derivatives too where they are asked for.

        Numbers stand in place of names, which a remark says.
        """
        found = check(self.case, self.seed, sizes=self.stand_ins, curvature=self.curvature)
        counts = counts_of(self.network)  # the certificate tells these itself
        told = ", ".join(f"{name} = {number}" for name, number in self.stand_ins.items() if name not in counts)
        if not told:
            return found
        return replace(found, remarks=(*found.remarks, f"checked for {told}"))

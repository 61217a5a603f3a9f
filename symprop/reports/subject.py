"""What a report is about: a network with its derivation, and what of it is worked out when a section asks for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from symprop.analysis.derivation import Derivation, derive
from symprop.codegen import generate
from symprop.networks.blocks import symbolic_repeats
from symprop.networks.network import Network
from symprop.notation.choices import PLAIN, Notation
from symprop.notation.page_blocks import PageWriter
from symprop.verify.certificate import Certificate, check

FIRST_STAND_IN = 3


@dataclass(frozen=True)
class Subject:
    """A network in a layout ("example", "rows" or "columns") and a notation; `seed` is for all that is random."""

    network: Network
    layout: str = "example"
    notation: Notation = PLAIN
    dtype: str = "float64"
    seed: int = 0

    @cached_property
    def derivation(self) -> Derivation:
        """The derivation that the report prints."""
        return derive(self.network, layout=self.layout)

    @cached_property
    def example(self) -> Derivation:
        """The derivation for one example, of which Jacobians and bounds are."""
        return self.derivation if self.layout == "example" else derive(self.network)

    @cached_property
    def rows(self) -> Derivation:
        """The derivation for a batch in rows, which the code computes."""
        return self.derivation if self.layout == "rows" else derive(self.network, layout="rows")

    @cached_property
    def writer(self) -> PageWriter:
        """Writes formulas of the report."""
        return PageWriter(self.derivation, self.notation)

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
        """The certificate; with numbers in place of names, which a remark says."""
        found = check(self.network, self.seed, sizes=self.stand_ins)
        if not self.stand_ins:
            return found
        told = ", ".join(f"{name} = {number}" for name, number in self.stand_ins.items())
        return replace(found, remarks=(*found.remarks, f"checked for {told}"))

    @cached_property
    def source(self) -> str | None:
        """The generated module, where all sizes are numbers."""
        return generate(self.network, dtype=self.dtype) if self.has_numbers else None


__all__ = ["Subject"]

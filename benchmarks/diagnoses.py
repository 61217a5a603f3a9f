"""Measures the diagnosis: of wrong backward passes, how many are caught and how many are named rightly.

PYTHONPATH=. python benchmarks/diagnoses.py                              slips by hand
PYTHONPATH=. python benchmarks/diagnoses.py --mutations                  generated code of every layer, lines changed
PYTHONPATH=. python benchmarks/diagnoses.py --mutations 20 Conv2D GLU    of these layers, at most 20 each
"""

from __future__ import annotations

import statistics
import sys
import time
import warnings

from symprop.errors import SympropWarning
from tests.diagnosis.mutants import is_named as is_named_of_mutant
from tests.diagnosis.mutants import judged
from tests.diagnosis.mutated_networks import NETWORKS as MUTATED
from tests.diagnosis.named import diagnosed, is_named
from tests.diagnosis.slips_of_formulas import FORMULAS
from tests.diagnosis.slips_of_networks import NETWORKS


def slips() -> None:
    """Print a line for each subject, what was not named, and the sums."""
    slips = caught = named = 0
    started = time.perf_counter()
    for subject in (*NETWORKS, *FORMULAS):
        if (false := diagnosed(subject, "")) is not None:
            print(f"false alarm: {subject.text}: {false.message}")
        found = [(slip, diagnosed(subject, slip.name)) for slip in subject.slips]
        missed = [slip.name for slip, each in found if each is None or not is_named(slip, each)]
        slips, caught = slips + len(found), caught + sum(each is not None for _, each in found)
        named += len(found) - len(missed)
        print(f"{len(found) - len(missed):3} of {len(found):3}  {subject.text}  {'; '.join(missed)}")
    seconds = (time.perf_counter() - started) / slips
    print(f"{slips} slips, caught {caught}, named {named} ({100 * named / slips:.0f} %), {seconds:.1f} s each")


def mutations(most: int | None, layers: list[str]) -> None:
    """Print a line for each layer: its mutants, of which so many are caught and named, and those beside that."""
    forms, seconds = set[str](), list[float]()
    sums = [0, 0, 0, 0, 0]
    print(f"{'layer':28}{'run':>6}{'caught':>8}{'named':>7}{'same':>6}{'fail':>6}   worst")
    for layer, text in MUTATED.items():
        if layers and layer not in layers:
            continue
        found = judged(text, forms, most)
        caught = sum(not said.ok for _, said in found.verdicts)
        missed = [(each, said) for each, said in found.verdicts if not is_named_of_mutant(each, said.diagnosis)]
        counts = [len(found.verdicts), caught, len(found.verdicts) - len(missed), found.equivalent, found.failing]
        sums = [one + other for one, other in zip(sums, counts, strict=True)]
        seconds += found.seconds
        print(
            f"{layer:28}" + "".join(f"{each:6}" for each in counts),
            f"{max(found.seconds, default=0):6.1f} s",
            flush=True,
        )
        for each, said in missed:
            print(f"    {each.what}: {each.wrong}   ({each.kinds}; {each.right})\n        {said.message[:300]}")
    ran, caught, named, equivalent, failing = sums
    print(f"{ran} mutants, caught {caught}, named {named} ({100 * named / max(1, ran):.1f} %)")
    print(f"beside them {equivalent} that change no number and {failing} that fail")
    print(f"seconds for each: median {statistics.median(seconds):.2f}, worst {max(seconds):.1f}")


if __name__ == "__main__":
    options = sys.argv[1:]
    if options[:1] == ["--mutations"]:
        warnings.simplefilter("ignore", SympropWarning)
        numbers = [int(each) for each in options[1:] if each.isdigit()]
        mutations(numbers[0] if numbers else None, [each for each in options[1:] if not each.isdigit()])
    else:
        slips()

"""Measures the diagnosis: of slips in backward passes by hand, how many are caught and how many are named rightly.

PYTHONPATH=. python benchmarks/diagnoses.py
"""

from __future__ import annotations

import time

from tests.diagnosis.named import diagnosed, is_named
from tests.diagnosis.slips_of_formulas import FORMULAS
from tests.diagnosis.slips_of_networks import NETWORKS


def main() -> None:
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


if __name__ == "__main__":
    main()

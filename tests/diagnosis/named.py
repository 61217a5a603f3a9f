"""What it means that a slip is named: one of its kinds, and one of the names that it concerns."""

from __future__ import annotations

import re

import symprop
from symprop.diagnosis import Diagnosis, diagnose
from tests.diagnosis.slips_of_networks import Slip, Subject


def diagnosed(subject: Subject, slip: str) -> Diagnosis | None:
    """Return what is said of a way back with a slip."""
    read = symprop.formula(subject.text, subject.where) if subject.where else symprop.parse_network(subject.text)
    return diagnose(read, lambda point: subject.backward(dict(point), slip))


def is_named(slip: Slip, found: Diagnosis) -> bool:
    """Whether a diagnosis says the kind of a slip and one of its names."""
    words = set(re.findall(r"\w+", found.message))
    return bool(set(slip.kinds.split()) & set(found.kind.split())) and bool(set(slip.names.split()) & words)

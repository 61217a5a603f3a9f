"""What all tests share."""

from __future__ import annotations

import gc
import os

# Arrays in the tests are small: one thread each is faster than many, and with -n the processors are taken anyway.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.pop("COLUMNS", None)  # pages are as wide as in a file, whatever the terminal of the tests

import numpy as np  # noqa: E402 - NumPy reads the variables when it is imported
import pytest  # noqa: E402
from browser import browser as browser  # noqa: E402 - a fixture, made once for all tests that ask for it
from hypothesis import settings  # noqa: E402

settings.register_profile("symprop", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("symprop")

# Eleven thousand tests and what SymPy remembers live to the end: looking through them again and again frees nothing.
gc.set_threshold(50_000, 20, 50)


def pytest_collection_finish() -> None:
    """Leave what was collected out of the garbage collector's rounds."""
    gc.freeze()


@pytest.fixture
def random() -> np.random.Generator:
    """A generator with a fixed seed."""
    return np.random.default_rng(20260)

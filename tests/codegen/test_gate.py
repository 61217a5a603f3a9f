"""Source that is more than arithmetic is neither run nor written, and the bytes on the disk are what is asked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import symprop
from symprop.codegen.gate import admitted
from symprop.codegen.loading import loaded
from symprop.codegen.program import ProgramError
from symprop.files import write_whole

GOOD = symprop.generate("Input(2) >> Dense(2) >> Tanh() >> Dense(1) >> MeanSquaredError()", optimizer="adam", fast=True)
BAD = {
    "a module": "import os\n",
    "a part of one": "from os import path\n",
    "Python's own": "x = eval('1')\n",
    "a file": "open('x')\n",
    "the inside of an object": "import numpy as np\nx = np.__dict__\n",
    "the inside by a name": "import numpy as np\nx = getattr(np, '__' + 'dict__')\n",
    "the builtins": "x = __builtins__\n",
    "a name that nothing binds": "x = y0\n",
    "a name of all": "def f():\n    global x\n    x = 1\n",
    "a direction": "x = 1  # \u202e\n",
    "no Python": "x = (\n",
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_arithmetic_is_refused(what: str) -> None:
    with pytest.raises(ProgramError):
        admitted(GOOD + BAD[what])
    with pytest.raises(ProgramError):
        loaded(BAD[what])


def test_no_text_of_ours_is_refused_or_stands_in_a_file_when_it_is_not_admitted(tmp_path: Path) -> None:
    admitted(GOOD)
    write_whole(tmp_path / "made.py", GOOD, admitted)
    with pytest.raises(ProgramError):
        write_whole(tmp_path / "made.py", BAD["a module"], admitted)
    assert (tmp_path / "made.py").read_text(encoding="utf-8") == GOOD and os.listdir(tmp_path) == ["made.py"]


def test_what_is_asked_is_what_stands_on_the_disk(tmp_path: Path) -> None:
    seen: list[bytes] = []
    write_whole(tmp_path / "made.py", "δ = 1\n", seen.append)
    assert seen == [(tmp_path / "made.py").read_bytes()]

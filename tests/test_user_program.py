"""A program as users write one runs, and it has every public name; mypy checks its types where the code is checked."""

from __future__ import annotations

import re
from pathlib import Path

import symprop
from tests import user_program


def test_a_program_with_every_public_name_runs(tmp_path: Path) -> None:
    for part in user_program.PARTS:
        assert all(part())
    assert user_program.files(tmp_path) == "OutputError is one of 8, 4, SympropWarning"
    text = Path(user_program.__file__).read_text(encoding="utf-8")
    used = set(re.findall(r"\bsymprop\.(\w+)", text)) | set(
        re.findall(r"^from symprop import (.*)$", text, re.M)[0].split(", ")
    )
    assert set(symprop.__all__) <= used

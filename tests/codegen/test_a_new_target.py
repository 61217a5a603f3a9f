"""A target is a folder and its template: the one that CONTRIBUTING writes out is built in a copy of the package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NETWORK = "Input(5) >> Dense(4) >> GELU() >> Residual(Dense(4) >> ReLU()) >> Dense(3) >> SoftmaxCrossEntropy()"

RUN = f"""
import sys
import numpy
import symprop
from symprop.codegen.targets import NAMES

sys.modules["cupy"] = numpy  # what is at stake is the target; CuPy needs a GPU
assert "cupy" in NAMES
text = {NETWORK!r}
source = symprop.generate(text, optimizer="adam", target="cupy")
assert "import cupy as cp" in source and "np." not in source, source
ours, theirs = symprop.compile(text, target="cupy"), symprop.compile(text)
params = theirs.init_params(3)
random = numpy.random.default_rng(1)
x, y = random.standard_normal((7, 5)), random.integers(3, size=7)
loss, grads = ours.loss_and_grads(params, x, y)
true, slopes = theirs.loss_and_grads(params, x, y)
assert abs(loss - true) <= 1e-14 * abs(true)
for name, slope in slopes.items():
    assert numpy.abs(grads[name] - slope).max() <= 1e-14 * numpy.abs(slope).max(), name
"""


def blocks() -> dict[str, str]:
    """Return the files of the target in CONTRIBUTING, by the paths in their first lines."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("**A target**")[2].partition("## ")[0]
    return dict(re.findall(r"```\w+\n\W+ ([\w/.]+)[^\n]*\n(.*?)```", text, flags=re.DOTALL))


def test_the_target_of_contributing_works(tmp_path: Path) -> None:
    files = blocks()
    assert list(files) == ["symprop/codegen/targets/cupy/__init__.py", "templates/cupy/module.py.j2"]
    for folder in ("symprop", "templates"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir()
        path.write_text(content, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", RUN], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_only_targets_name_what_prints() -> None:
    """Outside `targets/`, `codegen` knows programs: of targets it imports which there are, and no printer."""
    allowed = {"symprop.codegen.targets", "symprop.codegen.targets.target"}
    named = re.compile(r"^\s*from (symprop\.(?:codegen\.targets|notation)[\w.]*) import", re.MULTILINE)
    for path in sorted((ROOT / "symprop" / "codegen").glob("*.py")):
        used = set(named.findall(path.read_text(encoding="utf-8"))) - allowed
        assert used <= ({"symprop.codegen.targets.fast.module"} if path.name == "gallery.py" else set()), path.name

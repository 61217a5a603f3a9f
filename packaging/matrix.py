"""Environments of every Python that is here, with the lowest and the highest versions that pyproject.toml promises.

    make test-matrix                       # makes them, and runs the tests in each
    python packaging/matrix.py --build     # makes them, as `python -m trust "the same bytes" --long` asks them

They stand below `build/matrix`, made by uv. A Python that is not installed is named, and skipped.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from release_check import PYTHONS
from release_check import python as python_of

ROOT = Path(__file__).resolve().parents[1]
MATRIX = ROOT / "build" / "matrix"
ENDS = {"lowest": "lowest-direct", "highest": "highest"}
"""How uv resolves at each end of the bounds."""


def uv() -> str:
    """Return where uv is: beside this Python, or on the path."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    return found or sys.exit("uv is not installed: pip install uv")


def made(version: str, end: str) -> Path | None:
    """Make one environment, and return its Python; none where that version of Python is not installed."""
    place = MATRIX / f"{version}-{end}"
    found = python_of(version)
    if found is None:
        print(f"Python {version} is not installed, and skipped", flush=True)
        return None
    python = place / "bin" / "python"
    if not python.exists():
        subprocess.run([uv(), "venv", "--quiet", "--python", found, place], check=True)
    wheels = ["--only-binary", ":all:", "--no-binary", "symprop"]
    install = [uv(), "pip", "install", "--quiet", "--python", python, "--resolution", ENDS[end], *wheels]
    subprocess.run([*install, "-e", f"{ROOT}[test]"], check=True)
    return python


def main() -> int:
    """Make the environments, and run the tests in each unless they are only to be made."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", action="store_true", help="make the environments and run no tests")
    parser.add_argument("--only", metavar="NAME", help="one of them, such as 3.11-lowest")
    options, tests = parser.parse_known_args()
    failed = []
    for version in PYTHONS:
        for end in ENDS:
            name = f"{version}-{end}"
            if options.only not in (None, name) or (python := made(version, end)) is None:
                continue
            print(f"{name}: {python}", flush=True)
            if not options.build and subprocess.run([python, "-m", "pytest", *tests], cwd=ROOT).returncode:
                failed.append(name)
    print(f"failed: {', '.join(failed)}" if failed else "all is well")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())

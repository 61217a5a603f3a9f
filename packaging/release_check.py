"""Is a release whole? Builds it, checks its metadata, and runs the README from it on every Python that is here.

    make release-check

What is built goes to `build/release/`; each environment is a fresh one, with what the wheel asks for and nothing else.
A Python that is not installed is named, and skipped.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from email import message_from_string
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILT = ROOT / "build" / "release"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
README = (ROOT / "README.md").read_text(encoding="utf-8")

NETWORK = "'Input(3) >> Dense(2) >> Tanh() >> Dense(1) >> MeanSquaredError()'"
MORE = (
    "symprop",
    "symprop completion bash",
    f"symprop check {NETWORK}",
    f"symprop generate {NETWORK} --fast -o net.py",
    f"symprop report {NETWORK} -o report.html",
)
"""What is run beside the commands of the README: templates, certificates, the parser."""


class Refused(Exception):
    """The release is not whole."""


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command without what Python finds in the environment, and return what it prints.

    Raises:
        Refused: it fails.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=kept, capture_output=True, text=True)
    if done.returncode != 0:
        raise Refused(f"{shlex.join(map(str, command))} ends with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def built() -> Path:
    """Build the source archive, and the wheel from it; return the wheel, checked by twine.

    Raises:
        Refused: it cannot be built, or its metadata would not be taken.
    """
    shutil.rmtree(BUILT, ignore_errors=True)
    run(sys.executable, "-m", "build", "--outdir", BUILT, ROOT)
    print(run(sys.executable, "-m", "twine", "check", "--strict", *sorted(BUILT.iterdir())), end="")
    (wheel,) = BUILT.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = message_from_string(archive.read(name).decode("utf-8"))
        names = archive.namelist()
    version = re.findall(r'__version__ = "(.+)"', (ROOT / "symprop" / "version.py").read_text(encoding="utf-8"))
    wanted = {"Version": version[0], "License-Expression": "MIT", "Name": "symprop"}
    for field, value in wanted.items():
        if metadata[field] != value:
            raise Refused(f"{field} of the wheel is {metadata[field]}, not {value}")
    for file in ("symprop/py.typed", "symprop/__init__.pyi", "symprop/templates/html/style.css.j2"):
        if file not in names:
            raise Refused(f"the wheel has no {file}")
    print(f"{wheel.name}: {len(names)} files, {wheel.stat().st_size // 1024} KiB")
    return wheel


def python(version: str) -> str | None:
    """Return the command of a Python that is installed here, None where there is none."""
    asked = [f"python{version}"]
    if shutil.which("uv") is not None:
        asked.append(subprocess.run(["uv", "python", "find", version], capture_output=True, text=True).stdout.strip())
    homes = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    asked += sorted(str(each / "bin" / "python") for each in homes.glob(f"{version}.*"))
    for command in filter(None, asked):
        try:
            done = subprocess.run([command, "-c", "import venv"], capture_output=True)
        except OSError:
            continue
        if done.returncode == 0:
            return command
    return None


def blocks(language: str) -> Iterator[str]:
    """Yield the blocks of the README in a language."""
    yield from re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def commands() -> Sequence[str]:
    """Return the `symprop` commands of the README."""
    shown = re.sub(r"\\\n\s*", "", "\n".join(blocks("console")))
    return re.findall(r"^\$ (symprop .*)$", shown, flags=re.MULTILINE)


def tried(version: str, wheel: Path) -> str:
    """Install the wheel into a fresh environment, run the README there, and say how it went.

    Raises:
        Refused: something fails.
    """
    command = python(version)
    if command is None:
        return f"Python {version}: skipped, not installed here"
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        run(command, "-m", "venv", place / "fresh")
        binaries = place / "fresh" / "bin"
        run(binaries / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel)
        shutil.copytree(ROOT / "examples" / "data", place / "examples" / "data")
        for each in (*commands(), *MORE):
            name, *arguments = shlex.split(each)
            run(binaries / name, *arguments, cwd=place)
        examples = place / "readme.txt"
        examples.write_text("\n\n".join(blocks("python")), encoding="utf-8")
        options = ("-o", "ELLIPSIS", "-o", "NORMALIZE_WHITESPACE")
        run(binaries / "python", "-m", "doctest", *options, examples, cwd=place)
        full = run(binaries / "python", "-c", "import platform; print(platform.python_version())").strip()
    readme = f"{len(commands())} commands and {len(list(blocks('python')))} blocks of the README run"
    return f"Python {full}: {readme}, and {len(MORE)} commands more"


def main() -> int:
    """Check the release and return the exit code."""
    try:
        wheel = built()
        for version in PYTHONS:
            print(tried(version, wheel), flush=True)
    except Refused as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Which branches of the rooms that derive and write code are run by the tests, from what coverage.py recorded.

    make coverage

A branch is one way out of a line that has several: the two sides of an `if`, a loop that is entered or left, a case
of a `match`. Where a line says `# pragma: no cover` or `# pragma: no branch`, its reason stands behind it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PRAGMA = re.compile(r"#\s*pragma: no (?:cover|branch)\W*(.*)")


def report() -> dict[str, Any]:
    """Return the report of coverage.py on the data that stand in its file."""
    with tempfile.TemporaryDirectory() as folder:
        to = Path(folder) / "coverage.json"
        subprocess.run([sys.executable, "-m", "coverage", "json", "--quiet", "-o", to], cwd=ROOT, check=True)
        found: dict[str, Any] = json.loads(to.read_text(encoding="utf-8"))
    return found


def room_of(path: str) -> str:
    """Return the folder below `symprop` in which a file stands."""
    return Path(path).parts[1]


def table(files: Mapping[str, Any]) -> Iterator[str]:
    """Yield the rows of a table: for each room how many branches there are, and how many of them were run."""
    counts: dict[str, list[int]] = {}
    for path, found in files.items():
        for row in (room_of(path), "all"):
            count = counts.setdefault(row, [0, 0])
            count[0] += found["summary"]["num_branches"]
            count[1] += found["summary"]["covered_branches"]
    for row, (all_of_them, run) in sorted(counts.items(), key=lambda each: each[0] == "all"):
        yield f"{row:10} {all_of_them:5} branches, {run:5} run: {100 * run / max(1, all_of_them):.1f} %"


def left(path: str, found: Mapping[str, Any], lines: Sequence[str]) -> Iterator[str]:
    """Yield the branches of a file that were not run, each with its line and with that to which it leads."""
    for line, to in found["missing_branches"]:
        ahead = f"line {to}: {lines[to - 1].strip()}" if to > 0 else "the end"
        yield f"{path}:{line}: {lines[line - 1].strip()}\n    never to {ahead}"


def reasons(path: str, lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a file that are left out of the count, with the reason that stands behind each."""
    for number, line in enumerate(lines, 1):
        if (found := PRAGMA.search(line)) is not None:
            yield f"{path}:{number}: {found[1] or 'NO REASON'}"


def main() -> int:
    """Print what is left, what is left out, and the figures."""
    files = report()["files"]
    texts = {path: (ROOT / path).read_text(encoding="utf-8").splitlines() for path in files}
    print(*(each for path, found in files.items() for each in left(path, found, texts[path])), sep="\n")
    print("\nleft out:", *(each for path in files for each in reasons(path, texts[path])), sep="\n")
    print("", *table(files), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

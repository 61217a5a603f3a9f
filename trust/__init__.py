"""Figures that show what symprop's promise is worth: `make trust` asks, and docs/trust.md has the answers.

Each module has measures of one kind in its table `MEASURES`; `measures.py` says what a measure is, and `record.py`
writes `docs/trust.json` and the table of the page.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
for _folder in ("docs", "tests"):  # oracles of the tests, and examples of the site, import each other by plain names
    if str(ROOT / _folder) not in sys.path:
        sys.path.insert(1, str(ROOT / _folder))

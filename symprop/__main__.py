"""`python -m symprop` is the command line."""

from __future__ import annotations

import sys

from symprop.cli import main

if __name__ == "__main__":
    sys.exit(main())

"""`python -m symprop` is the command line."""

from __future__ import annotations

import sys

from symprop.cli import main

if __name__ == "__main__":
    code = main()
    # An interrupt inside `exec` of a text (an import that makes a dataclass) is remembered by CPython, which would
    # then end by the signal instead of with our code, though it was answered. Running any text forgets it.
    exec("")
    sys.exit(code)

"""Generated source, loaded as a module: the one place where text that symprop wrote is run."""

from __future__ import annotations

import hashlib
import linecache
import types
from collections.abc import Iterable

from symprop.codegen.gate import admitted


def loaded(source: str, packages: Iterable[str] = ()) -> types.ModuleType:
    """Return a module made of generated `source`, which may import `packages`; tracebacks show its lines.

    >>> loaded("def twice(x):\\n    return 2 * x\\n").twice(3)
    6
    """
    admitted(source, packages)
    name = f"symprop_{hashlib.sha256(source.encode()).hexdigest()[:12]}"
    path = f"<generated {name}>"
    module = types.ModuleType(name)
    module.__file__ = path
    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
    exec(compile(source, path, "exec"), module.__dict__)  # our own output, made of validated names and numbers
    return module


__all__ = ["loaded"]

"""NumPy, to read: a function for each pass, one statement for each equation of the page."""

from __future__ import annotations

from symprop.codegen.readable_passes import readable
from symprop.codegen.targets.numpy.module import module_source
from symprop.codegen.targets.target import Target

TARGET = Target(module_source, readable)

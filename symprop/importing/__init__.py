"""Models of other frameworks, read into networks with their weights."""

from symprop.importing.imported import Imported
from symprop.importing.pytorch import from_torch

__all__ = ["Imported", "from_torch"]

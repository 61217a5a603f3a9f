"""PyTorch: a module to read on tensors, with an `autograd.Function` and an `nn.Module` around its two passes."""

from __future__ import annotations

from symprop.codegen.convolution_passes import pooling
from symprop.codegen.targets.target import DTYPES, Target
from symprop.codegen.targets.torch.module import module_source

TARGET = Target(module_source, pooling, needs=("torch",), dtypes=(*DTYPES, "bfloat16"), optimizers=False)
"""No optimiser is printed: `torch.optim` has them."""

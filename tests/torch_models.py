"""Models of PyTorch that the tests import: published ones by their definitions, small, with random weights."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'symprop[torch]'")
from torch import Tensor, nn  # noqa: E402  (behind the question whether it is there)
from torch.nn import functional as F  # noqa: E402


class Basic(nn.Module):
    """The block of ResNet-18 (He et al., 2016)."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        shortcut = nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))
        self.downsample = shortcut if stride > 1 or before != width else None

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class ResNet18(nn.Module):
    """ResNet-18 (He et al., 2016), its widths divided."""

    def __init__(self, classes: int = 3, share: int = 16) -> None:
        super().__init__()
        widths = [width // share for width in (64, 64, 128, 256, 512)]
        self.stem = nn.Sequential(
            nn.Conv2d(3, widths[0], 7, 2, 3, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        )
        self.layers = nn.Sequential(
            *(
                nn.Sequential(Basic(before, width, 1 if number == 0 else 2), Basic(width, width, 1))
                for number, (before, width) in enumerate(pairwise(widths))
            )
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(widths[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(torch.flatten(self.avgpool(self.layers(self.stem(x))), 1))


class ViT(nn.Module):
    """A vision transformer (Dosovitskiy et al., 2021): patches, a class token, positions, an encoder."""

    def __init__(self, norm_first: bool = True, token: bool = True) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, 8)) if token else None
        self.positions = nn.Parameter(torch.randn(1, 4 + token, 8))
        layer = nn.TransformerEncoderLayer(8, 2, 12, 0.0, "gelu", batch_first=True, norm_first=norm_first)
        self.encoder = nn.TransformerEncoder(layer, 2, nn.LayerNorm(8), enable_nested_tensor=False)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        if self.token is not None:
            x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1)
        x = self.encoder(x + self.positions)
        return self.head(x[:, 0] if self.token is not None else x.mean(1))


class ByHand(nn.Module):
    """Attention as lecture notes write it: one packed layer, views, a mask that is filled in."""

    def __init__(self, n: int, heads: int) -> None:
        super().__init__()
        self.qkv, self.out, self.heads = nn.Linear(n, 3 * n, bias=False), nn.Linear(n, n, bias=False), heads
        self.register_buffer("mask", torch.tril(torch.ones(16, 16)).view(1, 1, 16, 16))

    def forward(self, x: Tensor) -> Tensor:
        B, T, n = x.shape
        q, k, v = (each.view(B, T, self.heads, n // self.heads).transpose(1, 2) for each in self.qkv(x).split(n, dim=2))
        scores = (q @ k.transpose(-2, -1)) * (n // self.heads) ** -0.5
        scores = scores.masked_fill(self.mask[:, :, :T, :T] == 0, float("-inf"))
        return x + self.out((F.softmax(scores, dim=-1) @ v).transpose(1, 2).contiguous().view(B, T, n))


class Built(nn.Module):
    """Some modules, and what a function makes of them and the inputs."""

    def __init__(self, forward: Callable[..., Tensor], *parts: nn.Module, **weights: Tensor) -> None:
        super().__init__()
        self.register_buffer("table", torch.ones(()), persistent=False)
        self.parts, self.made = nn.ModuleList(parts), forward
        for name, weight in weights.items():
            self.register_parameter(name, nn.Parameter(weight))

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.made(self, *self.parts, *inputs)


def gpt2(kind: str) -> Any:
    """GPT-2 of the `transformers` package, from a configuration with random weights."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        n_layer=2,
        n_embd=8,
        n_head=2,
        vocab_size=11,
        n_positions=16,
        attn_implementation=kind,
        resid_pdrop=0,
        embd_pdrop=0,
        attn_pdrop=0,
    )
    model = GPT2LMHeadModel(config)
    return Built(lambda _, inner, x: inner(input_ids=x, use_cache=False).logits, model)

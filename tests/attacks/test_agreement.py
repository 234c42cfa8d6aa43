"""The share of gradient signs that a precision preserves."""

from types import ModuleType

import torch

from attacks.core.runtime import Runtime
from attacks.core.settings import Precision
from attacks.engine.frozen import sign_agreement


def agreement(literal: ModuleType, precision: Precision) -> float:
    images = torch.rand(16, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    runtime = Runtime(device=torch.device("cpu"), precision=precision, chunk=5)
    return sign_agreement(literal.tiny(3, seed=2), images, torch.arange(16) % 3, runtime)


def test_a_precision_agrees_with_itself(literal: ModuleType) -> None:
    assert agreement(literal, "fp32") == 100


def test_bf16_flips_few_signs(literal: ModuleType) -> None:
    assert 90 < agreement(literal, "bf16") < 100

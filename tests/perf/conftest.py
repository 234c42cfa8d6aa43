"""Networks and numbers that the benchmarks share."""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from attacks.runtime import Runtime
from attacks.settings import NoiseSettings
from bench.config.load import load_protocol

BATCH = 128


@pytest.fixture(scope="session", autouse=True)
def all_threads() -> None:
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.set_flush_denormal(True)


@pytest.fixture(scope="session")
def naive() -> ModuleType:
    """The plain loop that everything is compared with."""
    spec = importlib.util.spec_from_file_location("naive", Path(__file__).with_name("naive.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules.setdefault(spec.name, importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def runtime() -> Runtime:
    device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    return Runtime(device=device, precision="bf16", chunk=128 if device.type == "cpu" else 1024)


@pytest.fixture(scope="session")
def settings() -> NoiseSettings:
    """`paper-v1`, shortened: one surrogate step of two noise steps instead of ten; the work per pass is the same."""
    paper = load_protocol("paper-v1").setup.noise
    return paper.model_copy(update={"steps": 1, "descent": paper.descent.model_copy(update={"steps": 2})})


@pytest.fixture(scope="session")
def batch(runtime: Runtime) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (BATCH, 3, 32, 32), dtype=torch.uint8, generator=generator)
    return images.to(runtime.device), (torch.arange(BATCH) % 10).to(runtime.device)

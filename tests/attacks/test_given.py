"""Noise from a file is a method like any other."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from attacks.core.cost import Passes
from attacks.core.errors import RequestError
from attacks.engine.noise import Noise, Provenance, digest, save_noise
from attacks.methods import method
from attacks.recipes.from_file import NoiseFromFile
from attacks.task import Task

MakeTask = Callable[..., Task]
SHAPE = (12, 3, 8, 8)  # of the task's images


@pytest.fixture
def noise() -> Noise:
    return np.random.default_rng(0).integers(-5, 6, SHAPE, dtype=np.int8)


@pytest.fixture
def write(tmp_path: Path, noise: Noise) -> Callable[..., Path]:
    """Write a noise file for the task's images, or for others."""

    def write(name: str = "mine", dataset: str = "0" * 64, given: Noise = noise) -> Path:
        path = tmp_path / f"{name}.safetensors"
        save_noise(path, given, Provenance(name=name, dataset="dots", dataset_digest=dataset, origin={}))
        return path

    return write


def test_a_method_by_its_file(write: Callable[..., Path], noise: Noise, task: MakeTask) -> None:
    found = method(f"noise:{write()}")
    assert (found.name, found.version, found.bound) == ("mine", digest(noise), "L-inf 5")
    assert found.recipe.passes(task().settings, 12) == Passes()
    made = found.recipe.make(task())
    assert made.passes is None
    assert np.array_equal(made.noise.numpy(), noise)


def test_other_noise_is_another_version(write: Callable[..., Path], noise: Noise) -> None:
    before = method(f"noise:{write()}").identity
    assert method(f"noise:{write(given=noise[::-1].copy())}").identity != before


@pytest.mark.parametrize("name", ["clean", "em", "em-fu22"])
def test_a_name_of_a_method_is_refused(name: str, write: Callable[..., Path]) -> None:
    with pytest.raises(RequestError, match=f"has the name of a method, {name!r}; rename it: .*noise import"):
        method(f"noise:{write(name)}")


def test_the_command_that_renames_a_noise_can_be_pasted(write: Callable[..., Path], tmp_path: Path) -> None:
    path = write("em").rename(tmp_path / "my noise.safetensors")
    with pytest.raises(RequestError, match=re.escape(f"noise import '{path}' OUT --name NAME")):
        method(f"noise:{path}")


def test_noise_for_other_images_is_refused(write: Callable[..., Path], noise: Noise, task: MakeTask) -> None:
    for path, says in (
        (write(dataset="1" * 64), r"other images, or the same in another order \(dots, digest 111111111111, not 0000"),
        (write("short", given=noise[:-1]), r"has shape \(11, 3, 8, 8\), the training images have \(12,"),
    ):
        with pytest.raises(RequestError, match=says):
            NoiseFromFile(path=path).make(task())


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("noise:", r"^'noise:' does not name a file; write noise:PATH$"),
        ("noise:..", "does not name a file"),
        (
            "noise:nowhere.safetensors",
            r"^cannot read the noise file nowhere\.safetensors: No such file or directory; check the path$",
        ),
    ],
)
def test_no_file_is_refused(spec: str, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        method(spec)

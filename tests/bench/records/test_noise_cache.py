import os
from pathlib import Path

import numpy as np
import pytest

from attacks.core.errors import RequestError
from attacks.engine.noise import Provenance, digest, save_noise
from bench.records.noise_cache import read_noise
from bench.records.schema import NoiseRecord


def test_a_noise_of_other_code_is_refused_and_kept(tmp_path: Path, noise: NoiseRecord) -> None:
    path = tmp_path / "noise.safetensors"
    values = np.zeros((2, 1, 2, 2), dtype=np.int8)
    origin = noise.model_dump(mode="json") | {"digests": {"noise": digest(values)}}
    for more in ({}, {"energy": 3}):
        provenance = Provenance(name="em-fu22", dataset="synthetic", dataset_digest="0" * 64, origin=origin | more)
        save_noise(path, values, provenance)
        os.utime(path, (len(more), len(more)))  # a noise that was read is known by its file's time
        if not more:
            assert read_noise(path, noise.cell)
    with pytest.raises(RequestError) as caught:
        read_noise(path, noise.cell)
    said = "written by other code with the same schema (energy unknown here); update this checkout"
    assert str(caught.value) == f"{path}: {said} or give another --cache"
    assert list(tmp_path.iterdir()) == [path]


def test_a_noise_of_a_newer_version_is_named(tmp_path: Path, noise: NoiseRecord) -> None:
    path = tmp_path / "noise.safetensors"
    origin = noise.model_dump(mode="json") | {"schema_version": 99}
    provenance = Provenance(name="em-fu22", dataset="synthetic", dataset_digest="0" * 64, origin=origin)
    save_noise(path, np.zeros((2, 1, 2, 2), dtype=np.int8), provenance)
    with pytest.raises(
        RequestError, match=rf"^{path}: made by a newer version .*; upgrade .* or give another --cache$"
    ):
        read_noise(path, noise.cell)
    assert path.exists()

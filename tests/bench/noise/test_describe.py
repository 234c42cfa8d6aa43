import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from attacks.core.errors import RequestError
from attacks.engine.noise import Noise, Provenance, save_noise
from bench.cli import main
from bench.data.dataset import Dataset
from bench.noise.croissant import write_croissant


@pytest.fixture
def file(tmp_path: Path, noise: Noise, dataset: Dataset) -> Path:
    path = tmp_path / "mine.safetensors"
    save_noise(path, noise, Provenance(name="mine", dataset="dots", dataset_digest=dataset.digest, origin={}))
    return path


def test_the_metadata_say_what_the_noise_is_for(file: Path, dataset: Dataset, capsys: pytest.CaptureFixture) -> None:
    assert main(["noise", "describe", str(file)]) == 0
    out = Path(capsys.readouterr().out.strip())
    assert out == file.with_name("mine.croissant.json")
    found = json.loads(out.read_text())
    assert found["name"] == "mine"
    assert dataset.digest in found["description"]
    assert "12 x 2 x 5 x 4" in found["description"]
    assert "at most 8/255" in found["description"]
    (described,) = found["distribution"]
    assert described["contentUrl"] == "mine.safetensors"
    assert described["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()


def test_any_name_of_a_file_can_be_described(file: Path) -> None:
    odd = file.rename(file.with_name("my 50% caf\udce9.safetensors"))
    (described,) = json.loads(write_croissant(odd).read_text())["distribution"]
    assert described["name"] == "my 50% caf\\udce9.safetensors"
    assert described["contentUrl"] == "my%2050%25%20caf%E9.safetensors"


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")
def test_the_library_of_croissant_takes_them(file: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    context = mlcroissant.Dataset(write_croissant(file)).metadata.ctx
    assert not context.issues.errors


def test_metadata_that_are_there_are_kept(file: Path) -> None:
    out = write_croissant(file)
    out.write_text("mine, with a licence")
    with pytest.raises(RequestError, match="exists; remove it first"):
        write_croissant(file)
    assert out.read_text() == "mine, with a licence"


def test_another_file_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "noise.npy", np.zeros(3))
    with pytest.raises(RequestError, match=r"noise\.npy"):
        write_croissant(tmp_path / "noise.npy")
    assert not (tmp_path / "noise.croissant.json").exists()

import subprocess
import sys
from pathlib import Path

import pytest

from attacks.core.errors import RequestError
from bench.data import NAMES, Places, entries, entry


def test_every_name_is_found(places: Places) -> None:
    for name in NAMES:
        assert entry(name, places).name == name


def test_every_entry_describes_itself() -> None:
    for known in entries():
        assert known.title
        assert known.source
        assert known.view <= known.shape[1] == known.shape[2]
        assert min(known.classes, known.train, known.test) >= 10


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("cifar-10", "unknown dataset 'cifar-10'; did you mean 'cifar10'?"),
        ("xyz", "unknown dataset 'xyz'; one of: .*photo-patches"),
        ("/some/pets", "for a folder of images, write folder:/some/pets"),
    ],
)
def test_unknown_name(places: Places, spec: str, message: str) -> None:
    with pytest.raises(RequestError, match=message.replace("?", r"\?")):
        entry(spec, places)


def test_folder_without_its_prefix(places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pets").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match="write folder:pets"):
        entry("pets", places)


def test_listing_imports_nothing_heavy() -> None:
    code = (
        "import sys, bench.data; [e.train for e in bench.data.entries()];"
        " print({'torch', 'torchvision', 'skimage', 'scipy', 'PIL', 'safetensors'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

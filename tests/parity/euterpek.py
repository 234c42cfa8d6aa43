"""ASR, after EuterpeK/Rethinking-Data-Availability-Attacks (Fang et al., CVPR 2024)."""

import importlib
import pickle
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

from common import Found, Row, small, state
from fshp971 import ARGUMENTS, ours

FOLDER = "."


def theirs(kind: str) -> Found:
    """Run `main` of their generator; return the noise that it saves, in 1/255, and the network's weights."""
    script = importlib.import_module("generate")
    built = small()
    script.utils.get_arch = lambda *_: built
    script.main(SimpleNamespace(**ARGUMENTS, defender="pgd", weight=1.0, wandb=False), MagicMock())
    return {"noise": pickle.loads(Path("it-noise.pkl").read_bytes()), **state(built)}


ROWS = (Row(name="asr-fang24", ran="generate.main", theirs=theirs, ours=ours("asr-fang24")),)

"""`python -m bench`."""

import sys
from pathlib import Path


def start() -> int:
    """Run one command, found before what lies in the working folder, which `-m` puts before all that is installed."""
    if not sys.flags.safe_path and sys.path[0] != str(Path(__file__).parents[1]):
        sys.path.append(sys.path.pop(0))
    from bench.cli import main

    return main()


if __name__ == "__main__":
    sys.exit(start())

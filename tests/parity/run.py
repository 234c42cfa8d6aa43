"""Run the authors' functions next to ours and write a table: `python tests/parity/run.py [--authors DIR] [WORD ...]`.

The exit status is 1 if something differs without a named cause, or by less or more than its named cause explains; 2 if
the request is wrong.
"""

import argparse
import importlib
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from common import Cause, Found, Row

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PAGE = ROOT / "docs" / "fidelity.md"
BEGIN, END = "<!-- parity: begin -->", "<!-- parity: end -->"
ROUNDING = 1e-9  # floats that differ by less are equal up to rounding


class CommitError(ValueError):
    """A repository is not at the commit to compare with; the message is one line that names the fix."""


@dataclass(frozen=True)
class Repository:
    """An authors' repository at the commit to compare with, and the file with its rows."""

    owner: str
    name: str
    commit: str
    rows: str

    def found(self, authors: Path | None, cache: Path) -> Path | str:
        """Return its folder, in `authors` or else cloned into `cache`, or one line on why there is none.

        Raises:
            CommitError: if it is at another commit.
        """
        folders = [cache / f"{self.owner}+{self.name}"]
        if authors:
            folders = [authors.resolve() / f"{self.owner}+{self.name}", authors.resolve() / self.name]
        elif not folders[0].exists():
            url = f"https://github.com/{self.owner}/{self.name}"
            done = subprocess.run(
                ["git", "clone", "--quiet", url, folders[0]], capture_output=True, text=True, check=False
            )
            if done.returncode:
                return f"cannot be cloned from {url}; clone it yourself and give its parent folder by --authors"
            _git(folders[0], "checkout", "--quiet", self.commit)
        folder = next((folder for folder in folders if folder.is_dir()), None)
        if folder is None:
            return f"is not in {authors}; clone https://github.com/{self.owner}/{self.name} there"
        commit = _git(folder, "rev-parse", "HEAD")
        if commit != self.commit:
            raise CommitError(
                f"{folder} is at {commit[:12] or 'no commit'}; run: git -C {folder} checkout {self.commit}"
            )
        return folder


REPOSITORIES = (
    Repository(
        "liuyixin-louis", "Stable-Unlearnable-Example", "6e5aebd3c11dbd77b08e7791655cfb914a2a1a3d", "liuyixin_louis"
    ),
    Repository("fshp971", "robust-unlearnable-examples", "adf20609f0fa85c1461948f674d931f7f31c5433", "fshp971"),
    Repository("HanxunH", "Unlearnable-Examples", "f347155ee23b002788c6594d1843076d796b2a88", "hanxunh"),
    Repository(
        "vinusankars", "Convolution-based-Unlearnability", "ff58b1c8d3a1a6013ca07a060e29d7f6a5276f21", "vinusankars"
    ),
    Repository("dayu11", "Availability-Attacks-Create-Shortcuts", "d27ab29c5cc4f8da28200c98265dc2e2d45dfd79", "dayu11"),
    Repository(
        "psandovalsegura", "autoregressive-poisoning", "bf350b0cf2dc8ef4786a38950b994320dc450da6", "psandovalsegura"
    ),
    Repository("cychomatica", "One-Pixel-Shotcut", "fe440c16ced6cff2ccc7fc2be72057c3e38774aa", "cychomatica"),
    Repository("EhanW", "AUE-AAP", "64fb25f3b4c79a67c8ccdb0ca1cbfe67c60ec691", "ehanw"),
    Repository("jinlinll", "pil", "50a2803e7410a1ddb2bbca1bba49c2656c834100", "jinlinll"),
    Repository("lafeat", "apbench", "9a6fb9114c9efb4301c624a2a97b73a1e7577d16", "lafeat_apbench"),
    Repository("hala64", "mi-ue", "4cd387978c08b0c85eed9afc0b849d0b8777691c", "hala64"),
    Repository(
        "EuterpeK", "Rethinking-Data-Availability-Attacks", "9f066a7e548944164d22ec6a4e78ae9bb1472eed", "euterpek"
    ),
    Repository("WenRuiUSTC", "EntF", "f2230b5d6605485fd3e11e43b68eb6faff90d076", "wenruiustc"),
    Repository("Sizhe-Chen", "SEP", "02519d813973a6d144b1f160ee1c6ef2d46700e3", "sizhe_chen"),
    Repository("wxldragon", "DUNE", "a35cbb6620991a3cf13315cf8815b0374f693065", "wxldragon"),
    Repository("zhli-cs", "BAIT", "e81c9c4731a22c05db14cab5c4f32c663814da51", "zhli_cs"),
    Repository("hong-xian", "gue", "d23ca8e15de2b1ff4e5301004d1b2522bfae2842", "hong_xian"),
    Repository("lafeat", "ueraser", "6076a275a521b5bcefd3ae4a698b7e6958e2ae7a", "lafeat_ueraser"),
)


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, check=False)
    return done.stdout.strip()


@dataclass(frozen=True)
class Line:
    """A line of the table: the result of one row on one kind of images."""

    repository: Repository
    row: Row
    kind: str
    share: float | None = None
    largest: float | None = None
    floats: float | None = None
    verdict: str = ""
    failed: bool = False

    def cells(self) -> list[str]:
        """Return the table cells of this line."""
        return [
            self.row.name if " " in self.row.name else f"`{self.row.name}`",
            f"{self.repository.owner}/{self.repository.name}@{self.repository.commit[:7]}",
            f"`{self.row.ran}`" + (f" ({self.row.note})" if self.row.note else ""),
            self.kind,
            _shown(self.share, "{:.2f}%"),
            _shown(self.largest, "{:g}"),
            _shown(self.floats, "{:.0e}"),
            self.verdict,
        ]


HEAD = [
    "what",
    "code",
    "what ran there",
    "images",
    "entries that differ",
    "largest difference (1/255)",
    "largest difference of weights",
    "cause",
]


def _shown(number: float | None, form: str) -> str:
    return "" if number is None else form.format(number) if number else "0"


def compare(repository: Repository, row: Row, kind: str, theirs: Found, ours: Found) -> Line:
    """Compare the results of the two sides."""
    if theirs.keys() != ours.keys():
        odd = ", ".join(sorted(theirs.keys() ^ ours.keys()))
        return Line(repository, row, kind, verdict=f"FAILED: only one side has {odd}", failed=True)
    shapes = [name for name in theirs if theirs[name].shape != ours[name].shape]
    if shapes:
        return Line(repository, row, kind, verdict=f"FAILED: shapes differ: {', '.join(shapes)}", failed=True)
    gaps = {name: np.abs(theirs[name].astype(np.float64) - ours[name]) for name in theirs}
    whole = [gap.ravel() for name, gap in gaps.items() if ours[name].dtype.kind in "iu"]
    floats = [gap.max() for name, gap in gaps.items() if ours[name].dtype.kind == "f"]
    entries = np.concatenate(whole) if whole else None
    share = None if entries is None else 100 * float((entries > 0).mean())
    largest = None if entries is None else float(entries.max())
    gap = float(max(floats)) if floats else None
    cause = row.causes.get(kind, row.causes.get(""))
    equal = not share and (gap or 0) <= ROUNDING
    verdict, failed = judged(equal, cause, share or 0, largest or 0, gap or 0)
    return Line(repository, row, kind, share, largest, gap, verdict, failed)


def judged(equal: bool, cause: Cause | None, share: float, largest: float, floats: float) -> tuple[str, bool]:
    """Return the verdict on a difference, and whether it is a failure."""
    if cause is None:
        return ("", False) if equal else ("UNEXPLAINED", True)
    if equal:
        return f"NO LONGER DIFFERS: {cause.why}", True
    if share > cause.share or largest > cause.largest or floats > max(cause.floats, ROUNDING):
        return f"MORE THAN EXPLAINED: {cause.why}", True
    return cause.why, False


def measure(repository: Repository, folder: Path, row: Row, number: int, kind: str, *, verbose: bool) -> Line:
    """Run both sides of a row."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "found.npz"
        environment = os.environ | {"PARITY_REPOSITORY": str(folder), "PYTHONSAFEPATH": "1"}
        environment["PYTHONPATH"] = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
        done = subprocess.run(
            [sys.executable, HERE / "theirs.py", repository.rows, str(number), kind, out],
            env=environment,
            cwd=scratch,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            print(done.stderr if verbose else "", end="", file=sys.stderr)
            return Line(repository, row, kind, verdict=f"FAILED there: {last}", failed=True)
        with np.load(out) as saved:
            theirs = dict(saved)
    try:
        ours = row.ours(kind)
    except Exception as error:  # noqa: BLE001  # the other rows are still worth having
        print(traceback.format_exc() if verbose else "", end="", file=sys.stderr)
        return Line(repository, row, kind, verdict=f"FAILED here: {type(error).__name__}: {error}", failed=True)
    return compare(repository, row, kind, theirs, ours)


def main() -> int:
    """Run the rows and write the table."""
    parser = argparse.ArgumentParser(description="run the authors' functions next to ours and write a table")
    parser.add_argument("words", nargs="*", metavar="WORD", help="only rows with one of these in their names or owners")
    parser.add_argument(
        "--authors", type=Path, help="a folder that holds the authors' repositories, OWNER+NAME or NAME"
    )
    parser.add_argument(
        "--cache", type=Path, default=ROOT / ".tox" / "parity" / "authors", help="where clones are kept"
    )
    parser.add_argument(
        "--write", action="store_true", help=f"put the table into {PAGE.name}, unless only some rows ran"
    )
    parser.add_argument("--verbose", action="store_true", help="show what the code says where it fails")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    lines: list[Line] = []
    missing: list[str] = []
    try:
        for repository in REPOSITORIES:
            lines += run(repository, options, missing)
    except CommitError as error:
        print(error, file=sys.stderr)
        return 2
    if not lines and not missing:
        print(f"no row or owner has {' or '.join(options.words)} in its name", file=sys.stderr)
        return 2
    text = page(lines, missing)
    print(text)
    if options.write and not options.words and not missing:
        whole = PAGE.read_text(encoding="utf-8")
        before, after = whole.partition(BEGIN)[0], whole.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")
    elif options.write:
        print(f"{PAGE.name} stays as it is, since not all rows ran", file=sys.stderr)
    return int(any(line.failed for line in lines))


def run(repository: Repository, options: argparse.Namespace, missing: list[str]) -> Iterator[Line]:
    """Run the chosen rows of a repository; if it is unavailable, say so and add a line to `missing`."""
    table = importlib.import_module(repository.rows)
    chosen = [
        (number, kind)
        for number, row in enumerate(table.ROWS)
        if not options.words or any(word in f"{repository.owner} {row.name}" for word in options.words)
        for kind in row.kinds
    ]
    if not chosen:
        return
    folder = repository.found(options.authors, options.cache)
    if isinstance(folder, str):
        missing.append(f"{repository.owner}/{repository.name} {folder}")
        print(f"skipped: {missing[-1]}", file=sys.stderr)
        return
    for number, kind in chosen:
        line = measure(repository, folder, table.ROWS[number], number, kind, verbose=options.verbose)
        print(" | ".join(line.cells()), file=sys.stderr, flush=True)
        yield line


def page(lines: list[Line], missing: list[str]) -> str:
    """Return the table in Markdown."""
    rows = [HEAD, ["---"] * len(HEAD), *joined([line.cells() for line in lines])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows) + "".join(f"\n\nNot run: {one}." for one in missing)


def joined(rows: list[list[str]]) -> list[list[str]]:
    """Merge neighbouring lines that say the same for several kinds of images, with their largest float difference."""
    found: list[list[str]] = []
    for what, code, ran, kind, share, largest, floats, verdict in rows:
        last = found[-1] if found else [""] * len(HEAD)
        if (what, code, ran, share, largest, verdict) == (*last[:3], *last[4:6], last[7]):
            last[3] += f", {kind}"
            last[6] = max(last[6], floats, key=lambda number: float(number or 0))
        else:
            found.append([what, code, ran, kind, share, largest, floats, verdict])
    return found


if __name__ == "__main__":
    sys.exit(main())

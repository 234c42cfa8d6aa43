"""The trust tier of a record: self-reported, rerun by others, or verified.

A record is never changed, so what others found out about it is kept next to the records, in `trust.toml`. An
attestation there lists each record with the SHA-256 of its file, as `sha256sum` prints it, so it does not cover a file
that was changed or added later.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from attacks.core.errors import RequestError
from attacks.core.files import file_digest
from attacks.core.settings import Settings
from bench.config.load import read_declared

Tier = Literal["self-reported", "re-run", "verified"]
TIERS: tuple[Tier, ...] = ("self-reported", "re-run", "verified")
FILE = "trust.toml"

_Line = Annotated[str, Field(min_length=1, max_length=200)]
_LINE = re.compile(r"([0-9a-f]{64}) [ *]((?:records|noise)/\S+\.json)")


class Attestation(Settings):
    """What somebody found out about some records.

    Attributes:
        tier: `re-run`: somebody else reran the cells, and `bench.report.reruns` finds that the results agree;
            `verified`: a maintainer did so, and checked the method's code against its paper.
        by: who did that.
        date: when.
        how: with what, e.g. the device.
        records: what `sha256sum records/.../*.json` printed in the folder of the results.
    """

    tier: Literal["re-run", "verified"]
    by: _Line
    date: date
    how: _Line
    records: str


class _Attestations(Settings):
    attestation: tuple[Attestation, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Trust:
    """The attested digest and tier of each record in a folder, by the record file's name below the folder."""

    attested: Mapping[str, tuple[str, Tier]]

    def tier(self, root: Path, name: str) -> Tier:
        """Return the trust tier of the file `root/name` in its present state."""
        digest, tier = self.attested.get(name, ("", "self-reported"))
        return tier if digest and digest == _digest(root / name) else "self-reported"

    def stale(self, root: Path) -> Iterator[str]:
        """Yield the names of attested files that are missing or have changed."""
        yield from (name for name, (digest, _) in self.attested.items() if digest != _digest(root / name))


def load_trust(results: Path) -> Trust:
    """Read the `trust.toml` of a folder of records; without one, nothing is attested.

    If several attestations list the same record, the last one counts.

    Raises:
        RequestError: if it cannot be read.
    """
    path = results / FILE
    found = read_declared(path, _Attestations) or _Attestations()
    return Trust(attested={name: (digest, one.tier) for one in found.attestation for name, digest in _lines(path, one)})


def _lines(path: Path, attestation: Attestation) -> Iterator[tuple[str, str]]:
    """Yield the name and digest of every file that an attestation names."""
    for line in filter(None, map(str.strip, attestation.records.splitlines())):
        match = _LINE.fullmatch(line)
        if match is None or ".." in match[2].split("/"):
            raise RequestError(
                f"{path}: {line[:80]!r} is not a line of sha256sum; run in {path.parent}: sha256sum records/..."
            )
        yield match[2], match[1]


def _digest(path: Path) -> str | None:
    """Return the SHA-256 of a file, in hex; None where there is no readable regular file."""
    try:
        return None if path.is_symlink() or not path.is_file() else file_digest(path)
    except (OSError, RequestError):
        return None

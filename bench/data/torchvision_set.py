"""Shared by the datasets that torchvision reads."""

import contextlib
import errno
import lzma
import tarfile
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from attacks.core.errors import RequestError
from attacks.core.files import PART, unwritable
from attacks.spec import Paper
from bench.data.dataset import Dataset, Places, Progress
from bench.data.download import Download

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}  # of the disk that they are unpacked to
DAMAGED = (RuntimeError, OSError, EOFError, tarfile.TarError, zlib.error, lzma.LZMAError)


@dataclass(frozen=True, kw_only=True)
class TorchvisionSet:
    """A dataset read by torchvision, which checks each of its files by MD5.

    Attributes:
        downloads: its files, which are downloaded into the data folder.
        unpacked: what an archive unpacks to, relative to the data folder; empty if torchvision reads the downloads.
        paper: where it was published.
        read: reads the unpacked files below a folder; raises `RuntimeError` if one is missing or damaged.
    """

    name: str
    title: str
    source: str
    classes: int
    train: int
    test: int
    downloads: tuple[Download, ...]
    unpacked: tuple[str, ...]
    read: Callable[[Path], Dataset]
    paper: Paper
    shape: tuple[int, int, int] = (3, 32, 32)
    view: int = 32

    def identity(self, places: Places) -> str:  # noqa: ARG002
        """Return the MD5 of the downloads, which needs no data."""
        return "md5:" + "+".join(download.md5 for download in self.downloads)

    def notes(self, places: Places) -> tuple[str, ...]:  # noqa: ARG002
        """Return no notes: these images are the same everywhere."""
        return ()

    def check(self, places: Places) -> None:
        """Check that there are unpacked files, or complete downloads, or that the downloads can be fetched."""
        if self._is_unpacked(places):
            return
        for download in self.downloads:
            if not download.present(places.data):
                download.probe(self.name, places.data)

    def load(self, places: Places, progress: Progress | None = None) -> Dataset:
        """Read the unpacked files if they are intact, or else the downloads, fetching those that are missing."""
        if self._is_unpacked(places):
            try:
                return self.read(places.data)
            except RuntimeError:
                pass  # torchvision raises it for a file that does not match its MD5
        for download in self.downloads:
            if not download.present(places.data):
                download.fetch(self.name, places.data, progress)
        with self._scratch(places) as folder:
            try:
                return self._read_downloads(places, Path(folder))
            except DAMAGED as error:
                if getattr(error, "errno", None) in FULL:
                    raise unwritable(places.cache, error) from error
                why = " ".join(str(error).split())
                raise RequestError(
                    f"{self.name}: cannot read {places.data / self.downloads[0].file} ({why}); delete it and rerun"
                ) from error

    def _is_unpacked(self, places: Places) -> bool:
        return bool(self.unpacked) and all((places.data / file).is_file() for file in self.unpacked)

    def _scratch(self, places: Places) -> contextlib.AbstractContextManager[str]:
        """Return a temporary folder, so that two runs never see each other's half-unpacked files."""
        if not self.unpacked:
            return contextlib.nullcontext(str(places.data))
        parent = places.cached("datasets")  # where a run removes what a killed one has left
        try:
            parent.mkdir(parents=True, exist_ok=True)
            return tempfile.TemporaryDirectory(
                dir=parent, prefix=f".{self.name}-", suffix=PART, ignore_cleanup_errors=True
            )
        except OSError as error:
            raise unwritable(parent, error) from error

    def _read_downloads(self, places: Places, folder: Path) -> Dataset:
        """Read the downloads, after unpacking them into a folder if they are archives."""
        from torchvision.datasets.utils import extract_archive

        if self.unpacked:
            for download in self.downloads:
                extract_archive(str(places.data / download.file), str(folder))
        return self.read(folder)

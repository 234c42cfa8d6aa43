"""Download a file whose checksum is known."""

import hashlib
import threading
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

from attacks.core.errors import RequestError
from attacks.core.files import part_of
from bench.data.dataset import Progress

PROBE_SECONDS = 5.0
STALL_SECONDS = 60.0
BLOCK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Download:
    """A file on the network.

    Attributes:
        url: where it is.
        md5: its checksum in hex, as its publisher or torchvision states it.
    """

    url: str
    md5: str

    @property
    def file(self) -> str:
        """Its name."""
        return self.url.rpartition("/")[2]

    def present(self, folder: Path) -> bool:
        """Return whether the complete file is in `folder`."""
        path = folder / self.file
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, _md5).hexdigest() == self.md5

    def probe(self, dataset: str, folder: Path) -> None:
        """Check within seconds that the file can be downloaded.

        Raises:
            RequestError: if it cannot; the message says how to do it by hand.
        """
        failures: list[Exception] = []
        # In a thread, since a name lookup on a machine without network can outlast any timeout given to urlopen.
        ask = threading.Thread(target=_collect, args=(lambda: _ask(self.url), failures), daemon=True)
        ask.start()
        ask.join(PROBE_SECONDS)
        if ask.is_alive():
            failures.append(TimeoutError(f"no answer within {PROBE_SECONDS:g} s"))
        if failures:
            raise self._refuse(dataset, folder, failures[0])

    def fetch(self, dataset: str, folder: Path, progress: Progress | None = None) -> None:
        """Download the file into `folder` and check it; on failure nothing new is left there.

        Raises:
            RequestError: if it cannot be reached, does not match its checksum or cannot be written.
        """
        try:
            with part_of(folder / self.file) as temporary:
                self._save(temporary, progress)
        except (OSError, HTTPException) as error:
            raise self._refuse(dataset, folder, error) from error

    def _save(self, path: Path, progress: Progress | None) -> None:
        digest = _md5()
        request = urllib.request.Request(self.url)  # noqa: S310
        with path.open("wb") as file, urllib.request.urlopen(request, timeout=STALL_SECONDS) as answer:  # noqa: S310
            total = int(answer.headers.get("Content-Length") or 0)
            while block := answer.read(BLOCK):
                file.write(block)
                digest.update(block)
                if progress:
                    progress(file.tell(), max(total, file.tell()))
        if digest.hexdigest() != self.md5:
            raise OSError(f"the download has MD5 {digest.hexdigest()}")

    def _refuse(self, dataset: str, folder: Path, error: Exception) -> RequestError:
        why = " ".join(str(getattr(error, "reason", None) or error).split()) or type(error).__name__
        if isinstance(error, HTTPError):
            error.close()
        state = "is damaged" if (folder / self.file).exists() else "is missing"
        return RequestError(
            f"{dataset}: {folder / self.file} {state} and cannot be downloaded ({why});"
            f" download {self.url} (MD5 {self.md5}) into {folder}"
        )


def _md5() -> "hashlib._Hash":
    return hashlib.md5(usedforsecurity=False)


def _ask(url: str) -> None:
    """Request the headers of a file, or its first byte if the server refuses that, with or without a status."""
    try:
        _open(urllib.request.Request(url, method="HEAD"))  # noqa: S310
    except HTTPError as refusal:
        refusal.close()
    except HTTPException:  # the server hung up
        pass
    else:
        return
    _open(urllib.request.Request(url, headers={"Range": "bytes=0-0"}))  # noqa: S310


def _open(request: urllib.request.Request) -> None:
    urllib.request.urlopen(request, timeout=PROBE_SECONDS).close()  # noqa: S310


def _collect(work: Callable[[], None], failures: list[Exception]) -> None:
    try:
        work()
    except (OSError, HTTPException) as error:
        failures.append(error)

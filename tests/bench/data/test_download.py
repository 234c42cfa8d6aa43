"""Whether a file could be fetched is checked without fetching it, on any kind of server."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from attacks.core.errors import RequestError
from bench.data.download import Download

Serve = Callable[[int | None, int], tuple[Download, list[str]]]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Start a server that answers HEAD and GET with these statuses (None: no answer); return its file and requests."""
    monkeypatch.setenv("no_proxy", "*")
    servers = []

    def start(head: int | None, get: int) -> tuple[Download, list[str]]:
        asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                asked.append("HEAD")
                if head is not None:
                    self.send_response(head)
                    self.end_headers()

            def do_GET(self) -> None:
                asked.append(f"GET {self.headers['Range']}")
                self.send_response(get)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return Download(url=f"http://127.0.0.1:{server.server_port}/set.tar", md5="0" * 32), asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("head", [400, 403, 404, 405, 429, 500, 501, None])
def test_a_server_that_rejects_head_is_asked_for_the_first_byte(serve: Serve, head: int | None, tmp_path: Path) -> None:
    download, asked = serve(head, 206)
    download.probe("pets", tmp_path)
    assert asked == ["HEAD", "GET bytes=0-0"]


def test_a_server_that_accepts_head_is_asked_for_no_more(serve: Serve, tmp_path: Path) -> None:
    download, asked = serve(200, 206)
    download.probe("pets", tmp_path)
    assert asked == ["HEAD"]


@pytest.mark.parametrize(("status", "why"), [(403, "Forbidden"), (404, "Not Found")])
def test_a_file_that_is_not_given_is_said_to_be_missing(serve: Serve, status: int, why: str, tmp_path: Path) -> None:
    download, _ = serve(405, status)
    with pytest.raises(
        RequestError, match=rf"^pets: .*/set\.tar is missing and cannot be downloaded \({why}\); download"
    ):
        download.probe("pets", tmp_path)

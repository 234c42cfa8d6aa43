"""Join a Ray cluster, with Ray's own log output silenced."""

import logging
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import ray
import ray._private.worker as driver

from attacks.core.errors import RequestError
from bench.data.resources import cores
from bench.run.executors.ray.share import NodeShare

SECONDS_TO_ANSWER = 10.0
OBJECT_STORE = 1 << 27  # bytes, for a cluster of our own: tasks return nothing but records


@contextmanager
def joined() -> Iterator[None]:
    """Join the cluster that `RAY_ADDRESS` names or that runs here, else start one here; leave it at the end.

    Raises:
        RequestError: if there is none at that address, or it runs another version of Ray or Python.
    """
    terminate = signal.getsignal(signal.SIGTERM)  # Ray replaces the handler
    printing = driver.print_to_stdstream
    # Ray prints whatever happens to nodes and workers, and has no option to turn that off. We report it ourselves.
    driver.print_to_stdstream = lambda *_, **__: None
    try:
        _join()
        signal.signal(signal.SIGTERM, terminate)
        yield
    finally:
        ray.shutdown()
        signal.signal(signal.SIGTERM, terminate)
        driver.print_to_stdstream = printing


def _join() -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    path = os.environ.get("PYTHONPATH")
    join = partial(
        ray.init,
        logging_level=logging.ERROR,
        log_to_driver=False,
        runtime_env={"env_vars": {"PYTHONPATH": path}} if path else None,
    )
    address = os.environ.get("RAY_ADDRESS") or "auto"
    try:
        if address != "local":
            _reach(address)
            join(address=address)
            return
    except (OSError, RuntimeError, ValueError) as error:
        if address != "auto" or not isinstance(error, ConnectionError):
            reason = " ".join(str(error).split())[:300]
            raise RequestError(f"cannot join the Ray cluster at RAY_ADDRESS={address}: {reason}") from error
    join(address="local", num_cpus=cores(), include_dashboard=False, object_store_memory=OBJECT_STORE)


def _reach(address: str) -> None:
    """Check that something answers at `HOST:PORT`: Ray itself would keep trying for minutes."""
    host, _, port = address.rpartition(":")
    if host.startswith("ray:"):
        raise ValueError("files are shared, so run on a node of the cluster and give the HOST:PORT of its head")
    if host:
        socket.create_connection((host.strip("[]"), int(port)), SECONDS_TO_ANSWER).close()


def nodes() -> list[NodeShare]:
    """Return the resources of every node that is alive."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]

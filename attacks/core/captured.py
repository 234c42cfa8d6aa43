"""A computation captured as CUDA graphs, so that a GPU runs it without waiting for Python to launch each kernel.

A graph repeats the kernels of one plain call in the memory of that call: it is valid for arguments of one kind, and
whatever else the computation reads must stay in place. Arguments are never padded, since parts of a batch may be much
smaller than a chunk: an image's results are those of the plain call on the same part, and depend on the other images in
it only through the kernel that the library picks for their number, that is, by rounding.

Every graph is checked before its first use: its results are compared with those of the plain step, on images other than
those it was captured with and with the same random draws.

See "CUDA Graphs" in PyTorch's notes on CUDA semantics: whole-network capture, and sharing memory across captures.
"""

import logging
import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from attacks.core.errors import first_line
from attacks.core.runtime import Runtime
from attacks.core.settings import Precision

Step = Callable[[Tensor, Tensor], tuple[Tensor, ...]]
Kind = tuple[torch.Size, tuple[int, ...], torch.dtype, torch.Size, torch.dtype]

GRAPHS = 4  # per step: sign steps and attack, each on full batches and in the final pass
WARM_UPS = 3  # plain calls before a capture, as in PyTorch's notes
# largest norm of the difference from the plain step, relative to the norm of the plain step's result: the library may
# pick other kernels, and rounding flips the sign at a few ReLUs
ROUNDING: dict[Precision, float] = {"fp64": 1e-9, "fp32": 1e-3, "bf16": 5e-2}

log = logging.getLogger(__name__)


class WrongGraphError(RuntimeError):
    """A graph does not reproduce the step that it was captured from."""


def distance(some: Sequence[Tensor], plain: Sequence[Tensor]) -> float:
    """Return the norm of `some - plain`, relative to that of `plain`; inf if an entry is finite in only one of them.

    Entries that are finite in neither, e.g. from a diverged network, are ignored.
    """
    pairs = list(zip(some, plain, strict=True))
    if any(a.shape != b.shape or not torch.equal(a.isfinite(), b.isfinite()) for a, b in pairs):
        return math.inf
    finite = [tuple(tensor.double().nan_to_num(0, 0, 0) for tensor in pair) for pair in pairs]
    off, size = (
        math.hypot(*(float(part.norm()) for part in parts))
        for parts in ([a - b for a, b in finite], [b for _, b in finite])
    )
    return 0.0 if off == 0 else off / size if size else math.inf


class Captured:
    """A step (images, labels) -> tensors that is captured for the first kinds of arguments seen twice.

    A kind is shape, memory layout and type. Other kinds take the plain step, as do new kinds after a failed capture.
    If a graph's results differ from the plain step's, all kinds take the plain step from then on.

    Args:
        step: apart from its arguments, reads only memory that stays in place; does not wait for the device.
        runtime: the device, and the precision that decides how large rounding errors may be.
        capture: (step, images, labels) -> a repetition of the step for arguments of that kind; None: no capture.
        changed: returns the tensors that the step changes in place, so that a capture can restore them.

    Attributes:
        seconds: spent on captures, warm-up and checks, so that timings can exclude them.
        eager: one line on why captures have stopped; None if nothing went wrong.
    """

    def __init__(
        self,
        step: Step,
        runtime: Runtime,
        capture: Callable[[Step, Tensor, Tensor], Step] | None,
        changed: Callable[[], Iterable[Tensor]] = tuple,
    ) -> None:
        self.seconds = 0.0
        self.eager: str | None = None
        self._step = step
        self._runtime = runtime
        self._capture = capture
        self._changed = changed
        self._seen: set[Kind] = set()
        self._graphs: dict[Kind, Step] = {}

    def __call__(self, images: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
        """Return what the step returns; unless `Capture` copies it, the next call may overwrite it."""
        kind = (images.shape, images.stride(), images.dtype, labels.shape, labels.dtype)
        if self._capture and kind in self._seen and kind not in self._graphs and len(self._graphs) < GRAPHS:
            self._add(kind, images, labels)
        self._seen.add(kind)
        return self._graphs.get(kind, self._step)(images, labels)

    def _add(self, kind: Kind, images: Tensor, labels: Tensor) -> None:
        assert self._capture
        self._runtime.synchronise()
        start = time.perf_counter()
        before = [(tensor, tensor.clone()) for tensor in self._changed()]
        try:
            self._graphs[kind] = self._checked(self._capture, images, labels)
        except RuntimeError as error:  # includes the errors of torch and CUDA
            self._capture = None
            if isinstance(error, WrongGraphError):
                self._graphs.clear()
            self.eager = first_line(str(error)) or type(error).__name__
            log.warning("this network runs without CUDA graphs (slower, same result): %s", self.eager)
        for tensor, kept in before:
            tensor.copy_(kept)
        self.seconds += time.perf_counter() - start

    def _checked(self, capture: Callable[[Step, Tensor, Tensor], Step], images: Tensor, labels: Tensor) -> Step:
        """Capture the step and compare the graph with it, on images other than those it was captured with.

        Raises:
            WrongGraphError: if they differ by more than rounding.
        """
        other, target = images.flip(0), labels.flip(0)  # also detects a graph that never reads new arguments
        with self._same_draws():
            plain = self._step(other, target)
        with self._same_draws():
            graph = capture(self._step, images, labels)
        with self._same_draws():
            found = graph(other, target)
        # compared separately: a loss and its gradients differ in scale, so one could hide an error in the other
        far = max(distance(found[:1], plain[:1]), distance(found[1:], plain[1:]))
        if not far <= ROUNDING[self._runtime.precision]:
            raise WrongGraphError(f"the graph differs from the ordinary step by {far:.2g}, more than rounding explains")
        return graph

    def _same_draws(self) -> AbstractContextManager[None]:
        """Restore torch's global generators, used by dropout, at the end."""
        return torch.random.fork_rng(devices=[self._runtime.device] if self._runtime.device.type == "cuda" else [])


class Capture:
    """Captures steps on one GPU; they share memory of the size that the largest needs, so no two may run concurrently.

    Args:
        device: the GPU.
        copies: whether results are copied to new memory; otherwise the next call of a graph overwrites them.
    """

    def __init__(self, device: torch.device, *, copies: bool) -> None:
        self._device = device
        self._copies = copies
        self._stream = torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, step: Step, images: Tensor, labels: Tensor) -> Step:
        """Return a function that repeats `step` for arguments of this kind."""
        graph = torch.cuda.CUDAGraph()
        given = images.detach().clone(), labels.clone()
        # re-enter the caller's stream, because older versions of PyTorch do not return to it after a failed capture
        with torch.cuda.device(self._device), torch.cuda.stream(torch.cuda.current_stream(self._device)):
            self._stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self._stream):
                for _ in range(WARM_UPS):
                    step(*given)
            torch.cuda.current_stream().wait_stream(self._stream)
            with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
                result = step(*given)

        def repeat(images: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
            for place, now in zip(given, (images, labels), strict=True):
                place.copy_(now)
            graph.replay()
            return tuple(part.clone() for part in result) if self._copies else result

        return repeat

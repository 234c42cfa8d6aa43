"""A computation captured as CUDA graphs: a GPU then runs it without waiting for Python to launch each kernel.

A graph repeats the kernels of one plain call, on the memory of that call: it holds for arguments of one kind, and
whatever else the computation reads has to stay where it is. Arguments are never padded, since the parts of a batch may
be much smaller than a chunk: an image's numbers are those of the plain call on the same part, and depend on the images
beside it only by the kernel that the library picks for their count, that is by rounding.

No graph is trusted unseen: before its first use each is held against the plain step, on other images than those that it
was captured with and with the same random draws.

"CUDA Graphs" in PyTorch's notes on CUDA semantics: whole-network capture, and sharing memory across captures.
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

GRAPHS = 4  # of one step: sign steps and attack, each on full batches and in the final pass
WARM_UPS = 3  # plain calls before a capture, as PyTorch's notes have it
# how far a graph may be from the plain step, by the norm of the difference relative to that of the plain step: the
# library may pick other kernels, and rounding tips a few ReLUs over
ROUNDING: dict[Precision, float] = {"fp64": 1e-9, "fp32": 1e-3, "bf16": 5e-2}

log = logging.getLogger(__name__)


class WrongGraphError(RuntimeError):
    """A graph does not repeat the step that it was captured from."""


def distance(some: Sequence[Tensor], plain: Sequence[Tensor]) -> float:
    """Return the norm of all of `some - plain`, relative to that of `plain`; inf where one alone is finite.

    Entries that are finite in neither, as of a network that has diverged, are left out.
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
    """A step (images, labels) -> tensors that is captured for the first kinds of arguments that come twice.

    A kind is shape, layout in memory and type. All others take the plain step, as do those that come after a capture
    has failed. After a capture that gives other numbers than the plain step, all do.

    Args:
        step: reads, besides its arguments, only memory that stays in place; does not wait for the device.
        runtime: its device, and the precision that says how far rounding goes.
        capture: (step, images, labels) -> what repeats the step for arguments of that kind; None to capture nothing.
        changed: the tensors that the step changes in place, so that a capture leaves them as they were.

    Attributes:
        seconds: spent on captures, their warm-up and their check, so that who times the work can leave them out.
        eager: why nothing is captured any more, in one line; None where nothing went wrong.
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
        """Return what the step returns; where `Capture` does not copy it, the next call may overwrite it."""
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
        except RuntimeError as error:  # torch's own and CUDA's errors are of this kind
            self._capture = None
            if isinstance(error, WrongGraphError):
                self._graphs.clear()
            self.eager = first_line(str(error)) or type(error).__name__
            log.warning("this network runs without CUDA graphs (slower, same result): %s", self.eager)
        for tensor, kept in before:
            tensor.copy_(kept)
        self.seconds += time.perf_counter() - start

    def _checked(self, capture: Callable[[Step, Tensor, Tensor], Step], images: Tensor, labels: Tensor) -> Step:
        """Capture the step and hold the graph against it, on other images than those that it was captured with.

        Raises:
            WrongGraphError: where they differ by more than rounding.
        """
        other, target = images.flip(0), labels.flip(0)  # a graph that never reads new arguments is found too
        with self._same_draws():
            plain = self._step(other, target)
        with self._same_draws():
            graph = capture(self._step, images, labels)
        with self._same_draws():
            found = graph(other, target)
        # a loss and its derivatives differ in size, so that one would hide how far the other is
        far = max(distance(found[:1], plain[:1]), distance(found[1:], plain[1:]))
        if not far <= ROUNDING[self._runtime.precision]:
            raise WrongGraphError(f"the graph differs from the ordinary step by {far:.2g}, more than rounding explains")
        return graph

    def _same_draws(self) -> AbstractContextManager[None]:
        """Put torch's own generators back at the end, from which dropout draws."""
        return torch.random.fork_rng(devices=[self._runtime.device] if self._runtime.device.type == "cuda" else [])


class Capture:
    """Captures steps on one GPU; its steps share the memory that the largest needs, so no two may run at the same time.

    Args:
        device: the GPU.
        copies: whether results are copied to memory of the caller's own; otherwise a graph's next call overwrites them.
    """

    def __init__(self, device: torch.device, *, copies: bool) -> None:
        self._device = device
        self._copies = copies
        self._stream = torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, step: Step, images: Tensor, labels: Tensor) -> Step:
        """Return what repeats `step` for arguments of this kind."""
        graph = torch.cuda.CUDAGraph()
        given = images.detach().clone(), labels.clone()
        # the caller's own stream, entered again, because older versions leave it where a capture fails
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

"""A computation captured as CUDA graphs: a GPU then runs it without waiting for Python to launch each kernel.

A graph repeats the kernels of one plain call, on the memory of that call: it holds for arguments of one kind, and
whatever else the computation reads has to stay where it is. Arguments are never padded, since the parts of a batch may
be much smaller than a chunk: an image's numbers are those of the plain call on the same part, and depend on the images
beside it only by the kernel that the library picks for their count, that is by rounding.

"CUDA Graphs" in PyTorch's notes on CUDA semantics: whole-network capture, and sharing memory across captures.
"""

import logging
import time
from collections.abc import Callable

import torch
from torch import Tensor

from attacks.runtime import Runtime

Step = Callable[[Tensor, Tensor], Tensor]
Kind = tuple[torch.Size, tuple[int, ...], torch.dtype, torch.Size, torch.dtype]

GRAPHS = 4  # of a network: sign steps and attack, each on full batches and in the final pass
WARM_UPS = 3  # plain calls before a capture, as PyTorch's notes have it

log = logging.getLogger(__name__)


class Captured:
    """A step (images, labels) -> tensor that is captured for the first kinds of arguments that come twice.

    A kind is shape, layout in memory and type. All others take the plain step, as do those that come after a capture
    has failed.

    Args:
        step: reads, besides its arguments, only memory that stays in place; does not wait for the device.
        runtime: its device.
        capture: (step, images, labels) -> what repeats the step for arguments of that kind; None to capture nothing.

    Attributes:
        seconds: spent on captures and their warm-up, so that who times the work can leave them out.
    """

    def __init__(self, step: Step, runtime: Runtime, capture: Callable[[Step, Tensor, Tensor], Step] | None) -> None:
        self.seconds = 0.0
        self._step = step
        self._runtime = runtime
        self._capture = capture
        self._seen: set[Kind] = set()
        self._graphs: dict[Kind, Step] = {}

    def __call__(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return what the step returns, in memory of the caller's own."""
        kind = (images.shape, images.stride(), images.dtype, labels.shape, labels.dtype)
        if self._capture and kind in self._seen and kind not in self._graphs and len(self._graphs) < GRAPHS:
            self._add(kind, images, labels)
        self._seen.add(kind)
        return self._graphs.get(kind, self._step)(images, labels)

    def _add(self, kind: Kind, images: Tensor, labels: Tensor) -> None:
        assert self._capture
        self._runtime.synchronise()
        start = time.perf_counter()
        try:
            self._graphs[kind] = self._capture(self._step, images, labels)
        except RuntimeError as error:  # torch's own and CUDA's errors are of this kind
            self._capture = None
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            log.warning("this network runs without CUDA graphs, slower and to the same result: %s", reason)
        self.seconds += time.perf_counter() - start


class Capture:
    """Captures steps on one GPU; they share the memory that the largest needs, so no two may run at the same time."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
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

        def repeat(images: Tensor, labels: Tensor) -> Tensor:
            for place, now in zip(given, (images, labels), strict=True):
                place.copy_(now)
            graph.replay()
            return result.clone()

        return repeat

"""How fast a result is computed; nothing here can change a number beyond rounding."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch

from attacks.core import arrays
from attacks.core.cpu_faults import normalise_in_fp32, take_out_strides
from attacks.core.emulated import EmulatedBf16, has_bf16
from attacks.core.settings import Precision

# per chunk: (pixels, minimum number of images); an image of 32x32 pixels takes about 1 MB in bf16 in the papers'
# ResNet-18, and three times that if bf16 is emulated
_CHUNKS = {"cpu": (128 * 32 * 32, 16), "cuda": (1024 * 32 * 32, 64)}


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """Where and how the arithmetic is done.

    Attributes:
        device: `cpu` or `cuda:N`.
        precision: precision of convolutions and matrix products.
        chunk: images that go through a network at once in attack and evaluation passes; bounds the memory used.
        fused: whether frozen networks run in bf16 on fused convolutions, if `attacks.engine.fused` supports them.
        emulated: whether bf16 products are computed in fp32 on rounded operands (`attacks.core.emulated`).
        scratch: the folder for large CPU tensors; None: they are kept in memory.
    """

    device: torch.device
    precision: Precision
    chunk: int = 256
    fused: bool = False
    emulated: bool = False
    scratch: Path | None = None

    @classmethod
    def on(cls, device: str, *, precision: Precision, side: int, scratch: Path | None = None) -> "Runtime":
        """Return the runtime for a device (`cpu` or `cuda:N`), with chunks that suit it and images of `side` pixels."""
        found = torch.device(device)
        pixels, fewest = _CHUNKS[found.type]
        bf16_on_cpu = found.type == "cpu" and precision == "bf16"
        return cls(
            device=found,
            precision=precision,
            chunk=max(fewest, pixels // side**2),
            fused=bf16_on_cpu and _has_tiles(),
            emulated=bf16_on_cpu and not has_bf16(),
            scratch=scratch,
        )

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of images, parameters and losses."""
        return torch.float64 if self.precision == "fp64" else torch.float32

    @property
    def products(self) -> torch.dtype:
        """The dtype that convolutions and matrix products are computed in."""
        return torch.bfloat16 if self.precision == "bf16" and not self.emulated else self.dtype

    @contextmanager
    def autocast(self) -> Iterator[None]:
        """Run convolutions and matrix products in bf16 if the precision asks for it."""
        is_bf16 = self.precision == "bf16"
        with (
            torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=is_bf16, cache_enabled=False),
            EmulatedBf16() if self.emulated and is_bf16 else nullcontext(),
        ):
            yield

    def place(self, network: torch.nn.Module) -> torch.nn.Module:
        """Move a network to the device, in `dtype` and channels-last."""
        if self.device.type == "cpu" and self.products == torch.float32:
            take_out_strides(network)
        if self.device.type == "cpu" and self.precision == "bf16":
            normalise_in_fp32(network)
        return network.to(device=self.device, dtype=self.dtype, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def pixels(self, images: torch.Tensor) -> torch.Tensor:
        """Turn uint8 images into floats in [0, 1], channels-last."""
        return images.to(self.dtype).div_(255).contiguous(memory_format=torch.channels_last)

    def empty(self, shape: Sequence[int], dtype: torch.dtype, device: torch.device | None = None) -> torch.Tensor:
        """Return an uninitialised tensor, on this device or another; on the CPU it may be larger than memory.

        Raises:
            RequestError: if the disk is full or `scratch` cannot be written to.
        """
        device = device or self.device
        if device.type != "cpu":
            return torch.empty(tuple(shape), dtype=dtype, device=device)
        return torch.from_numpy(arrays.empty(shape, torch.empty(0, dtype=dtype).numpy().dtype, self.scratch))

    def synchronise(self) -> None:
        """Wait for the device, so that timings are correct."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def _has_tiles() -> bool:
    """Return whether this CPU multiplies bf16 matrices in tiles (AMX), and torch has oneDNN to use that."""
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return torch.backends.mkldnn.is_available() and bool(capabilities.get("amx_bf16"))

"""Fused bf16 convolutions of a frozen ResNet, forward and backward, on CPUs that multiply matrices in tiles (AMX).

The plain twin's convolution, bias, sum and ReLU become one oneDNN call here, with weights packed once for each state of
the network. The backward pass consists of such calls too, with flipped weights, and applies the ReLUs' masks bitwise.
Activations are channels-last, so that neighbouring pixels can be treated as one pixel with more channels:

- With few channels, a call computes several pixels at once, since tiles are filled along the channels.
- With short rows, up to 16 images are placed side by side, each followed by a column of zeros that pads both its
  neighbours, since tiles are filled along the row.
- With few channels, the backward pass through stride 2 computes blocks of 2x2 pixels.

The sums are those of the plain twin, in another order and rounded less often. Other networks are not supported.
"""

import itertools
import math
from typing import Any

import torch
from torch import Tensor, nn

BESIDE, SHORT = 16, 8  # images in a row; rows with fewer pixels are short
NARROW = 32  # channels
# for a 3x3 or 1x1 convolution at stride 2: (index in the backward kernel, index in its own) for an even or odd pixel
_TAPS = {3: (((1, 1),), ((1, 2), (2, 0))), 1: (((0, 0),), ())}


def fuse(twin: nn.Module, example: Tensor) -> "Trunk | None":
    """Replace the convolutions of a folded bf16 twin by fused ones; return them, or None if they are not supported.

    The example is a few images (n, C, H, W) in [0, 1] of the size that the twin sees.
    """
    network: Any = getattr(twin, "network", None)
    if _name(network) != "ResNet" or [name for name, _ in twin.named_children()] != ["normalise", "network"]:
        return None
    try:
        network.forward_features = trunk = Trunk(network, (example.shape[2], example.shape[3]))
    except NotImplementedError:
        return None
    return trunk


class Trunk:
    """A timm ResNet's `forward_features` (all but its pooling and last layer), for images of one shape (H, W)."""

    def __init__(self, network: Any, shape: tuple[int, int]) -> None:
        _expect(type(network.maxpool) is nn.Identity)
        _expect(type(network.bn1) is nn.Identity and type(network.act1) is nn.ReLU)
        self._plain, self._shape = network.forward_features, shape
        self._stem = _Convolution(network.conv1, shape)
        shape = self._stem.out
        self._blocks: list[_Block] = []
        for stage in (network.layer1, network.layer2, network.layer3, network.layer4):
            for block in stage:
                self._blocks.append(_Block(block, shape, entry=block is stage[0], last=stage is network.layer4))
                shape = self._blocks[-1].out

    def pack(self) -> None:
        """Pack the current weights."""
        for convolution in (self._stem, *(one for block in self._blocks for one in block.convolutions)):
            convolution.pack()

    def __call__(self, images: Tensor) -> Tensor:
        """Return the bf16 features (n, C, H, W) of normalised images; plainly for other shapes or without gradients.

        Plain without gradients, because oneDNN's ReLU turns NaN into 0, and a diverged network must not look finite.
        """
        quick = images.requires_grad and images.shape[2:] == self._shape
        return _Passes.apply(images, self) if quick else self._plain(images)  # type: ignore[no-any-return]

    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the features, and the activations that the backward pass needs."""
        kept = [self._stem(images.to(torch.bfloat16, memory_format=torch.channels_last), relu=True)]
        for block in self._blocks:
            kept += block.forward(kept[-1])
        return self._blocks[-1].leave(kept[-1]), kept

    def backward(self, slope: Tensor, kept: list[Tensor]) -> Tensor:
        """Return the gradient at the images from that at the features, both (n, C, H, W)."""
        found = self._blocks[-1].enter(slope.contiguous(memory_format=torch.channels_last))
        for block in reversed(self._blocks):
            found = block.backward(_masked(found, kept.pop()), kept)
        return self._stem.back(_masked(found, kept.pop()))


class _Passes(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: Tensor, trunk: Trunk) -> Tensor:
        features, kept = trunk.forward(images)
        if ctx.needs_input_grad[0]:
            ctx.trunk, ctx.kept, ctx.dtype = trunk, kept, images.dtype
        return features

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        return ctx.trunk.backward(slope, ctx.kept).to(ctx.dtype), None


class _Block:
    """A residual block of two or three convolutions."""

    def __init__(self, block: Any, shape: tuple[int, int], *, entry: bool, last: bool) -> None:
        kind = _name(block)
        _expect(kind in {"BasicBlock", "Bottleneck"})
        _expect(type(block.drop_block) is type(block.aa) is nn.Identity and block.se is block.drop_path is None)
        self._chain: list[_Convolution] = []
        self.out = shape
        for n in range(1, 3 if kind == "BasicBlock" else 4):
            layer, norm, act = (getattr(block, f"{part}{n}") for part in ("conv", "bn", "act"))
            _expect(type(norm) is nn.Identity and type(act) is nn.ReLU)
            self._chain.append(_Convolution(layer, self.out))
            self.out = self._chain[-1].out
        self._shortcut = None
        if block.downsample is not None:
            parts = list(block.downsample)
            _expect(len(parts) == 2 and type(parts[1]) is nn.Identity)
            self._shortcut = _Convolution(parts[0], shape, in_blocks=self._chain[0].in_blocks)
            _expect(self._shortcut.out == self.out)
        self.convolutions = [*self._chain, *([self._shortcut] if self._shortcut else [])]
        # in the last stage, images are placed side by side after the first block's strided convolution
        self._is_beside = last and self.out[1] < SHORT
        strided = [n for n, one in enumerate(self._chain) if one.stride == 2]
        self._turn = strided[0] if strided else None
        _expect(len(strided) <= 1 and (self._turn is None or entry))
        _expect(not (last and entry) or self._turn is not None)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the activations after each convolution."""
        residual = self._shortcut(images) if self._shortcut else images
        if self._turn is not None:
            residual = self.enter(residual)
        beside, kept = self._is_beside and self._turn is None, []
        for number, convolution in enumerate(self._chain):
            images = convolution(images, relu=True, residual=residual if convolution is self._chain[-1] else None)
            if beside:
                images[..., self.out[1] :: self.out[1] + 1].zero_()
            elif number == self._turn:
                images, beside = self.enter(images), self._is_beside
            kept.append(images)
        return kept

    def backward(self, slope: Tensor, kept: list[Tensor]) -> Tensor:
        """Return the gradient at the input from the masked gradient at the output, popping this block's activations."""
        found, straight = slope, slope
        if self._shortcut:
            straight = self._shortcut.back(slope if self._turn is None else self.leave(slope))
        sparse = self._shortcut is not None and self._shortcut.stride == 2 and not self._shortcut.in_blocks
        for number, convolution in reversed(list(enumerate(self._chain))):
            if number == self._turn:
                found = self.leave(found)
            found = convolution.back(found, None if number or sparse else straight)
            if convolution.in_blocks:
                found = _out_of_blocks(found)
            if number:
                found = _masked(found, kept.pop())
        if sparse:
            found[:, :, ::2, ::2].add_(straight)
        return found

    def enter(self, images: Tensor) -> Tensor:
        """Convert images to this block's layout."""
        return _beside(images) if self._is_beside else images

    def leave(self, images: Tensor) -> Tensor:
        """Convert images back to one after the other."""
        return _apart(images, self.out[1]) if self._is_beside else images


class _Convolution:
    """A convolution and its backward pass, which returns blocks of pixels if faster, unless `in_blocks` is given."""

    def __init__(self, layer: nn.Conv2d, shape: tuple[int, int], *, in_blocks: bool | None = None) -> None:
        _expect(type(layer) is nn.Conv2d and layer.bias is not None and layer.weight.dtype == torch.bfloat16)
        (kernel, other), (self.stride, also) = layer.kernel_size, layer.stride
        _expect(kernel == other and kernel in {1, 3} and self.stride == also and self.stride in {1, 2})
        _expect(layer.padding == (kernel // 2, kernel // 2) and layer.padding_mode == "zeros")
        _expect(layer.groups == 1 and layer.dilation == (1, 1) and layer.in_channels != 1)
        self._layer, self._shape = layer, shape
        height, width = shape
        self.out = ((height - 1) // self.stride + 1, (width - 1) // self.stride + 1)
        if in_blocks is None:
            in_blocks = kernel == 3 and layer.in_channels <= NARROW and layer.in_channels % 2 == 0
        self.in_blocks = self.stride == 2 and in_blocks and height % 2 == width % 2 == 0
        self._there = _Call(self.out[1], self.stride, kernel)
        self._back = _Call(width, 1, kernel) if self.in_blocks or self.stride == 1 or kernel == 1 else None

    def pack(self) -> None:
        weight = self._layer.weight
        self._there.pack(weight, self._layer.bias)
        if self._back:
            turned = _of_blocks(weight) if self.in_blocks else weight.transpose(0, 1).flip(2, 3)
            self._back.pack(turned, None)

    def __call__(self, images: Tensor, *, relu: bool = False, residual: Tensor | None = None) -> Tensor:
        """Return the convolution, plus `residual`, in the same layout."""
        return self._there(images, residual, relu=relu)

    def back(self, slope: Tensor, residual: Tensor | None = None) -> Tensor:
        """Return the gradient at the input, plus `residual`; for 1x1 at stride 2, only its non-zero entries."""
        if self._back:
            return self._back(slope, residual)
        assert residual is None  # stride 2, where the shortcut's gradient is added at its non-zero entries
        layer = self._layer  # the remaining ones are large, and oneDNN's own backward pass is fast there
        like = slope.new_empty((len(slope), layer.in_channels, *self._shape)).to(memory_format=torch.channels_last)
        found: Tensor = torch.ops.aten.convolution_backward(
            slope, like, layer.weight, None, layer.stride, layer.padding, (1, 1), False, [0, 0], 1, [True, False, False]
        )[0]
        return found


class _Call:
    """A oneDNN convolution with rows of `width` output pixels, several of which may be computed at once as channels."""

    def __init__(self, width: int, stride: int, kernel: int) -> None:
        self._width, self._stride, self._kernel = width, stride, kernel

    def pack(self, weight: Tensor, bias: Tensor | None) -> None:
        """Pack weights (out, channels, kernel, kernel) and a bias."""
        self._many = many = self._pixels(*weight.shape[:2])
        if many > 1:
            wide = weight.new_zeros(many, *weight.shape[:3], self._kernel + many - 1)
            for n in range(many):
                wide[n, ..., n : n + self._kernel] = weight
            weight, bias = wide.flatten(0, 1), bias if bias is None else bias.repeat(many)
        pads, steps = [self._kernel // 2] * 2, [self._stride, self._stride * many]
        packed = torch._C._nn.mkldnn_reorder_conv2d_weight(weight.to_mkldnn(), pads, steps, [1, 1], 1)  # noqa: SLF001
        self._given = (packed, bias, pads, steps, [1, 1], 1)

    def _pixels(self, out: int, channels: int) -> int:
        many = 4 if min(out, channels) <= 4 else 2 if max(out, channels) <= 8 else 1
        return many if self._stride == 1 and self._kernel > 1 and self._width % many == 0 else 1

    def __call__(self, images: Tensor, residual: Tensor | None, *, relu: bool = False) -> Tensor:
        """Return the convolution of `images` (n, C, H, W), plus `residual`, optionally followed by a ReLU."""
        convolve, many = torch.ops.mkldnn._convolution_pointwise, self._many  # noqa: SLF001
        if residual is None:
            found: Tensor = convolve.default(images, *self._given, "relu" if relu else "none", [], "")
        else:
            other, after = _with_pixels(residual, many), "relu" if relu else None
            found = convolve.binary(images, other, *self._given, "add", 1.0, after, [], None)
        return _with_pixels(found, 1 / many)


def _with_pixels(images: Tensor, many: float) -> Tensor:
    """Return a view of channels-last images (n, C, H, W) with `many` pixels of a row as the channels of one."""
    if many == 1:
        return images
    count, channels, height, width = images.shape
    channels, width, row = round(channels * many), round(width / many), channels * width
    return images.as_strided((count, channels, height, width), (height * row, 1, row, channels))


def _beside(images: Tensor) -> Tensor:
    """Return images (n, C, H, W) as rows of up to 16, each image followed by a column of zeros."""
    count, channels, height, width = images.shape
    many = math.gcd(count, BESIDE)
    rows = images.new_zeros(count // many, height, many, width + 1, channels)
    rows[:, :, :, :width].copy_(images.permute(0, 2, 3, 1).unflatten(0, (-1, many)).transpose(1, 2))
    return rows.flatten(2, 3).permute(0, 3, 1, 2)


def _apart(rows: Tensor, width: int) -> Tensor:
    """Undo `_beside`."""
    cut = rows.permute(0, 2, 3, 1).unflatten(2, (-1, width + 1))[:, :, :, :width]
    return cut.transpose(1, 2).flatten(0, 1).permute(0, 3, 1, 2)  # type: ignore[no-any-return]


def _masked(slope: Tensor, activation: Tensor) -> Tensor:
    """Zero a gradient, in place, where a ReLU is 0: a bf16 is positive exactly if its bits, as an int16, are."""
    bits = slope.view(torch.int16)
    torch.ops.aten.threshold_backward.grad_input(bits, activation.view(torch.int16), 0, grad_input=bits)
    return slope


def _of_blocks(weight: Tensor) -> Tensor:
    """Return weights that map a gradient after stride 2 to that of 2x2 input pixels, as the channels of one."""
    out, channels, kernel, _ = weight.shape
    found = weight.new_zeros(2, 2, channels, out, kernel, kernel)
    for down, right in itertools.product((0, 1), repeat=2):
        for (row, y), (column, x) in itertools.product(_TAPS[kernel][down], _TAPS[kernel][right]):
            found[down, right, :, :, row, column] = weight[:, :, y, x].T
    return found.flatten(0, 2)


def _out_of_blocks(blocks: Tensor) -> Tensor:
    """Return (n, C, 2 H, 2 W) from (n, 4 C, H, W)."""
    count, channels, height, width = blocks.shape
    pixels = blocks.permute(0, 2, 3, 1).unflatten(3, (2, -1)).view(torch.int64)  # moves four values at once
    found = pixels.transpose(2, 3).contiguous().view(torch.bfloat16)
    return found.view(count, 2 * height, 2 * width, channels // 4).permute(0, 3, 1, 2)  # type: ignore[no-any-return]


def _expect(fact: bool) -> None:
    if not fact:
        raise NotImplementedError


def _name(module: object) -> str:
    kind = type(module)
    return kind.__name__ if kind.__module__ == "timm.models.resnet" else ""

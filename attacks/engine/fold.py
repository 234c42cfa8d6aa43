"""Find the BatchNorms that follow a convolution, and fold them into its weights for eval mode."""

import copy
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Pair:
    """Names of a convolution and of the BatchNorm that is the only reader of its output."""

    convolution: str
    norm: str


def find_pairs(network: nn.Module, example: Tensor) -> list[Pair]:
    """Return the foldable pairs of `network`, or none if folding would change what it computes.

    A BatchNorm is paired with the convolution whose output tensor it receives in a forward pass of `example`. A
    convolution whose output is also read elsewhere, or that changes its own weights, is detected by comparing a folded
    and an unfolded copy, both with BatchNorm statistics far from the identity.
    """
    pairs = _watch(copy.deepcopy(network).eval(), example)
    network = copy.deepcopy(network).eval()
    for pair in pairs:
        norm = network.get_submodule(pair.norm)
        assert isinstance(norm, nn.BatchNorm2d)
        _scramble(norm)
    twin = copy.deepcopy(network)
    remove_norms(twin, pairs)
    refold(twin, network, pairs)
    with torch.no_grad():
        expected, got = network(example), twin(example)
    same = bool((got - expected).abs().max() <= 1e-3 * (1 + expected.abs().max()))
    return pairs if same else []


def _watch(network: nn.Module, example: Tensor) -> list[Pair]:
    makers: dict[int, tuple[str, Tensor]] = {}
    runs: Counter[str] = Counter()
    pairs: list[Pair] = []
    names = {module: name for name, module in network.named_modules()}

    def note_output(module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        makers[id(output)] = (names[module], output)
        runs[names[module]] += 1

    def note_input(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        runs[names[module]] += 1
        maker = makers.get(id(inputs[0]))
        if maker and maker[1] is inputs[0]:
            pairs.append(Pair(maker[0], names[module]))

    for module in names:
        if type(module) is nn.Conv2d:
            module.register_forward_hook(note_output)
        elif isinstance(module, nn.BatchNorm2d) and module.track_running_stats and _is_plain(module):
            module.register_forward_pre_hook(note_input)
    with torch.no_grad():
        network(example)
    return [pair for pair in pairs if runs[pair.convolution] == runs[pair.norm] == 1]


def _is_plain(norm: nn.BatchNorm2d) -> bool:
    """Return whether all parameters are BatchNorm's own, none of them of an activation that it includes."""
    return {name for name, _ in norm.named_parameters()} <= {"weight", "bias"}


@torch.no_grad()
def _scramble(norm: nn.BatchNorm2d) -> None:
    ramp = torch.linspace(0.5, 1.5, norm.num_features)
    for name, value in (("running_mean", ramp - 1), ("running_var", ramp), ("weight", 2 - ramp), ("bias", 1 - ramp)):
        if (tensor := getattr(norm, name)) is not None:
            tensor.copy_(value)


def remove_norms(twin: nn.Module, pairs: Iterable[Pair]) -> None:
    """Give each paired convolution of `twin` a bias, and replace its BatchNorm by any layers it includes."""
    for pair in pairs:
        convolution = twin.get_submodule(pair.convolution)
        assert isinstance(convolution, nn.Conv2d)
        convolution.bias = nn.Parameter(convolution.weight.new_zeros(convolution.out_channels), requires_grad=False)
        norm = twin.get_submodule(pair.norm)
        # timm's BatchNormAct2d includes the activation that follows it
        rest = [module for part in ("drop", "act") if isinstance(module := getattr(norm, part, None), nn.Module)]
        twin.set_submodule(pair.norm, nn.Sequential(*rest) if rest else nn.Identity())


@torch.no_grad()
def refold(twin: nn.Module, network: nn.Module, pairs: Iterable[Pair]) -> None:
    """Fold each pair of `network`, in eval mode, into the weights of the paired convolution of `twin`."""
    for pair in pairs:
        target = twin.get_submodule(pair.convolution)
        convolution, norm = network.get_submodule(pair.convolution), network.get_submodule(pair.norm)
        assert isinstance(target, nn.Conv2d)
        assert isinstance(convolution, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        mean, variance = norm.running_mean, norm.running_var
        assert mean is not None
        assert variance is not None
        assert target.bias is not None
        scale = (variance + norm.eps).rsqrt()
        if norm.weight is not None:
            scale = scale * norm.weight
        shift = -mean if convolution.bias is None else convolution.bias - mean
        target.weight.copy_(convolution.weight * scale[:, None, None, None])
        target.bias.copy_(shift * scale if norm.bias is None else shift * scale + norm.bias)

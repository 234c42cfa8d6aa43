"""How far a precision changes what attacks use of a gradient: its sign."""

from dataclasses import replace

from torch import Tensor, nn

from attacks.frozen import FrozenNetwork
from attacks.runtime import Runtime


def sign_agreement(network: nn.Module, images: Tensor, labels: Tensor, runtime: Runtime) -> float:
    """Return the percent of the entries of a gradient whose sign is the same in fp32.

    Args:
        network: placed on the runtime's device.
        images: (n, C, H, W) in [0, 1], where the derivative of the cross-entropy is taken.
        labels: int64 (n,).
        runtime: the precision that is compared, and the device.
    """
    given, single = (
        FrozenNetwork(network, images[:2], at).gradient(images, labels).sign()
        for at in (runtime, replace(runtime, precision="fp32"))
    )
    return 100 * (given == single).float().mean().item()

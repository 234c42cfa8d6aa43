"""The baseline of the benchmarks: a plain loop, as in the reference code.

fp32, NCHW, one view at a time, each image augmented on its own, BatchNorm unfolded, gradients computed for
every parameter.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from attacks.core.settings import NoiseSettings


def augment(images: Tensor, padding: int = 4) -> Tensor:
    """Flip and crop each image on its own."""
    side = images.shape[-1]
    views = []
    for image in images:
        if torch.rand(()) < 0.5:
            image = image.flip(2)  # noqa: PLW2901
        top, left = torch.randint(0, 2 * padding + 1, (2,)).tolist()
        views.append(functional.pad(image, [padding] * 4)[:, top : top + side, left : left + side])
    return torch.stack(views)


def attack(network: nn.Module, images: Tensor, labels: Tensor, settings: NoiseSettings) -> Tensor:
    """Return PGD adversarial images inside `rho_a`."""
    bound = settings.rho_a / 255
    adversarial = (images + torch.empty_like(images).uniform_(-bound, bound)).clamp(0, 1)
    for _ in range(settings.ascent.steps):
        adversarial = adversarial.detach().requires_grad_()
        functional.cross_entropy(network(adversarial), labels).backward()
        assert adversarial.grad is not None
        stepped = adversarial.detach() + settings.ascent.step * bound * adversarial.grad.sign()
        adversarial = torch.min(torch.max(stepped, images - bound), images + bound).clamp(0, 1)
    return adversarial.detach()


def noise_step(network: nn.Module, images: Tensor, labels: Tensor, settings: NoiseSettings, method: str) -> Tensor:
    """Return the noise of a batch: `rem-fu22` attacks each view, `sem-liu24` adds a uniform draw to it."""
    network.eval()
    bound, radius = settings.rho_u / 255, settings.rho_a / 255
    delta = torch.empty_like(images).uniform_(-bound, bound)
    for _ in range(settings.descent.steps):
        delta.requires_grad_()
        total = torch.zeros_like(images)
        for _ in range(settings.views):
            view = augment((images + delta).clamp(0, 1))
            seen = view.detach()
            if method == "rem-fu22":
                seen = attack(network, seen, labels, settings)
            else:
                seen = (seen + torch.empty_like(seen).uniform_(-radius, radius)).clamp(0, 1)
            seen.requires_grad_()
            (gradient,) = torch.autograd.grad(functional.cross_entropy(network(seen), labels), seen)
            (pulled,) = torch.autograd.grad(view, delta, gradient)
            total += pulled
        stepped = delta.detach() - settings.descent.step * bound * total.sign()
        delta = stepped.clamp(-bound, bound)
    return delta.detach()


def em_noise(network: nn.Module, images: Tensor, labels: Tensor, settings: NoiseSettings) -> Tensor:
    """Return EM's noise of a batch: sign steps down from the noisy images, kept in [0, 1]."""
    network.eval()
    bound = settings.rho_u / 255
    noisy = (images + torch.empty_like(images).uniform_(-bound, bound)).clamp(0, 1)
    for _ in range(settings.descent.steps):
        noisy = noisy.detach().requires_grad_()
        functional.cross_entropy(network(noisy), labels).backward()
        assert noisy.grad is not None
        stepped = noisy.detach() - settings.descent.step * bound * noisy.grad.sign()
        noisy = torch.min(torch.max(stepped, images - bound), images + bound).clamp(0, 1)
    return noisy.detach() - images


def generation_step(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    images: Tensor,
    labels: Tensor,
    settings: NoiseSettings,
    method: str,
) -> None:
    """Make the noise of a batch and update the surrogate on it."""
    if method == "em-fu22":
        images = augment(images)  # by the loader, in the released code
        delta = em_noise(network, images, labels, settings)
        train_step(network, optimiser, images + delta, labels)
        return
    noisy = (images + noise_step(network, images, labels, settings, method)).clamp(0, 1)
    train_step(network, optimiser, attack(network, augment(noisy), labels, settings), labels)


def train_step(network: nn.Module, optimiser: torch.optim.Optimizer, images: Tensor, labels: Tensor) -> float:
    """Take one SGD step; return the loss as a number, as the reference code does at every step."""
    network.train()
    loss = functional.cross_entropy(network(images), labels)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()

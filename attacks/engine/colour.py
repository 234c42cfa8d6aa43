"""The search for one colour shift per class: a particle swarm on the loss of several networks and on visibility."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from attacks.core.numbers import Colour
from attacks.core.state import State
from attacks.engine.frozen import FrozenNetwork
from attacks.task import Task, at_once

# the swarm in the released code: largest initial positions and velocities, and weights of the velocity update
REACH, SPEED = 0.1, 0.01
INERTIA, PULL = 0.5, 0.3
# thresholds below which a shifted image is penalised: PSNR in dB, and SSIM with its constants and window
LEAST_PSNR, LEAST_SSIM = 20.0, 0.8
C1, C2, WINDOW = 0.01**2, 0.03**2, 7


def judged(labels: Tensor, share: float) -> Tensor:
    """Return the indices of the first images of each class, a `share` of all, in proportion to the class sizes."""
    line = labels.argsort(stable=True)
    count = max(1, int(len(labels) * share))
    places = torch.arange(count, device=line.device) * len(line) // count
    numbers = torch.bincount(labels[line[places]], minlength=int(labels.max()) + 1).tolist()
    return torch.cat([(labels == label).nonzero()[:number, 0] for label, number in enumerate(numbers)])


def similarity(one: Tensor, other: Tensor) -> Tensor:
    """Return the SSIM (n,) of two batches of images (n, C, H, W) in [0, 1], over full windows, as in scikit-image."""
    size = min(WINDOW, *one.shape[2:])
    mean = partial(functional.avg_pool2d, kernel_size=size, stride=1)
    sample = size**2 / (size**2 - 1)
    x, y = mean(one), mean(other)
    var_x, var_y = (sample * (mean(image.square()) - m.square()) for image, m in ((one, x), (other, y)))
    both = sample * (mean(one * other) - x * y)
    found: Tensor = (2 * x * y + C1) * (2 * both + C2) / ((x.square() + y.square() + C1) * (var_x + var_y + C2))
    return found.mean((1, 2, 3))


def visibility_loss(shifted: Tensor, images: Tensor) -> Tensor:
    """Return by how much each shifted image (n, C, H, W) falls short of `LEAST_PSNR` and `LEAST_SSIM`, summed."""
    psnr = -10 * (shifted - images).square().mean((1, 2, 3)).log10()
    return (LEAST_PSNR - psnr).clamp(min=0) + (LEAST_SSIM - similarity(shifted, images)).clamp(min=0)


class Colours:
    """The colour shifts of all classes, each found in as many pieces as the swarm has rounds.

    Args:
        task: what the shifts are for.
        numbers: hyperparameters of the search.
        targets: (N,), the labels that the shifts make likelier.
        mean: (network -> tensor) -> its mean over several networks.
    """

    def __init__(
        self,
        task: Task,
        numbers: Colour,
        targets: Tensor,
        mean: Callable[[Callable[[FrozenNetwork], Tensor]], Tensor],
    ) -> None:
        self._task = task
        self._numbers = numbers
        self._targets = targets
        self._mean = mean
        self._judged = judged(task.labels, numbers.share)
        empty = torch.zeros(
            numbers.particles, task.images.shape[1], dtype=task.runtime.dtype, device=task.images.device
        )
        self._position, self._velocity, self._best = empty.clone(), empty.clone(), empty.clone()
        self._lowest = empty[:, 0].clone()
        self._found = empty.new_zeros(task.classes, task.images.shape[1])

    @property
    def pieces(self) -> int:
        """The number of pieces of the search."""
        return self._task.classes * self._numbers.rounds

    def search(self, number: int) -> None:
        """Do piece `number` of the search: evaluate the swarm of a class, and move it."""
        label, moved = divmod(number, self._numbers.rounds)
        index = self._judged[self._task.labels[self._judged] == label]
        if len(index) == 0:
            return
        if moved == 0:
            self._position, self._velocity = self._draw(REACH), self._draw(SPEED)
            self._lowest.fill_(torch.inf)
        loss = self._losses(index)
        better = loss < self._lowest
        self._lowest = torch.where(better, loss, self._lowest)
        self._best = torch.where(better[:, None], self._position, self._best)
        self._found[label] = leader = self._best[self._lowest.argmin()]
        pull = (self._best - self._position) + (leader - self._position)
        self._velocity = INERTIA * self._velocity + PULL * pull
        self._position = self._position + self._velocity

    def _draw(self, most: float) -> Tensor:
        drawn = torch.rand(
            self._position.shape,
            generator=self._task.generator,
            dtype=self._position.dtype,
            device=self._position.device,
        )
        return (2 * drawn - 1) * most

    def _losses(self, index: Tensor) -> Tensor:
        """Return the loss of each particle's shift, averaged over the images at `index` and over the networks."""
        parts = index.split(at_once(self._task.images, len(index)))
        return torch.stack([self._mean_losses(part) * (len(part) / len(index)) for part in parts]).sum(0)

    def _mean_losses(self, index: Tensor) -> Tensor:
        """Do the same for images that fit into memory together."""
        images, targets = self._task.pixels(index), self._targets[index]

        def losses(twin: FrozenNetwork) -> Tensor:
            shifted = ((images + shift[:, None, None]).clamp_(0, 1) for shift in self._position)
            return torch.stack([functional.cross_entropy(twin.logits(seen), targets) for seen in shifted])

        seen = ((images + shift[:, None, None]).clamp_(0, 1) for shift in self._position)
        return self._mean(losses) + torch.stack([visibility_loss(one, images).mean() for one in seen])

    def of(self, index: Tensor) -> Tensor:
        """Return the shifts (n, C, 1, 1) of the images at `index`."""
        return self._found[self._task.labels[index]][:, :, None, None]

    def state(self) -> State:
        """Return the swarm and the shifts found."""
        swarm = {"position": self._position, "velocity": self._velocity, "best": self._best, "lowest": self._lowest}
        return {**swarm, "found": self._found}

    def restore(self, state: State) -> None:
        """Resume from a state."""
        device = self._found.device
        self._position, self._velocity = state["position"].to(device), state["velocity"].to(device)
        self._best, self._lowest = state["best"].to(device), state["lowest"].to(device)
        self._found = state["found"].to(device)

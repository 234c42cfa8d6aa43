"""The rounds of BAIT: a generator learns noise that overrides what a network has just learnt about true labels."""

import torch
from torch import Tensor
from torch.nn import functional

from attacks.core.cost import Passes
from attacks.core.numbers import Bait, WrongLabel
from attacks.core.optimiser import DivergedError, Optimiser
from attacks.core.settings import AdamW
from attacks.core.state import State, nested, part
from attacks.engine.descent import clamped, parts
from attacks.engine.generator import Generator, draw_network
from attacks.engine.learner import Learner
from attacks.engine.stored import ClassNoise, class_sums, every_noise
from attacks.engine.views import draw
from attacks.task import NoiseResult, Task

# norm that the gradient of the surrogate, but not of its copies, is clipped to, in the released configurations
LARGEST_GRADIENT = 5.0


class BaitedRounds:
    """One run of the rounds on `task`, as described in `attacks.recipes.generator_rounds.GeneratorRounds`."""

    def __init__(self, task: Task, numbers: Bait) -> None:
        runtime = task.runtime
        self._task = task
        self._kinds = numbers.kinds
        self._learner = Learner(task, numbers.sgd, numbers.batch, largest_gradient=LARGEST_GRADIENT)
        self._copy, self._copied = self._learner.copy_network(numbers.sgd)
        channels = task.images.shape[1]
        made = draw_network(lambda: Generator(channels, width=numbers.width, blocks=numbers.blocks), task.generator)
        self._generator = runtime.place(made)
        self._optimiser = Optimiser(self._generator, AdamW(kind="adamw", lr=numbers.lr, weight_decay=0), runtime)
        self._stored = ClassNoise(task, min(numbers.batch, len(task.images)))
        self._steps = len(task.images) // self._stored.batch  # generator steps per round
        self._shown = task.images.new_empty(0, dtype=runtime.dtype)  # views that surrogate and copy learn
        self._index = self._order = self._stored.searched
        self._sums = runtime.empty((task.classes, *task.images.shape[1:]), runtime.dtype).zero_()
        self._done = 0
        if state := task.keeper.restored():
            self._restore(state)

    def run(self) -> NoiseResult:
        """Make the noise.

        Raises:
            DivergedError: if a network's loss stops being finite.
        """
        task, last = self._task, parts(self._task.images)
        each = self._steps + 2
        before = len(self._kinds) * each
        while self._done < before + len(last):
            if self._done < before:
                self._step(*divmod(self._done, each))
            else:
                self._add(last[self._done - before])
            self._done += 1
            task.report(self._done, before + len(last))
            task.keeper.offer(self._state)
        return self._learner.made(self._final())

    def _step(self, number: int, place: int) -> None:
        """Make step `place` of round `number`: the copy's, one of the generator's, or the surrogate's."""
        if place == 0:
            self._set_copy()
        elif place <= self._steps:
            index = self._order.split(self._stored.batch)[place - 1]
            self._move(self._view(index), index, self._kinds[number])
        else:
            self._learner.learn(self._shown + self._stored.of(self._index), self._task.labels[self._index])
            self._check()

    def _view(self, index: Tensor) -> Tensor:
        """Return random views of the images at `index`, (n, C, H, W) in [0, 1]."""
        task, whole = self._task, self._task.augment.model_copy(update={"size": None})
        return draw(whole, len(index), task.size, task.generator).apply(task.pixels(index))

    def _set_copy(self) -> None:
        """Set the copy to the surrogate after one more update, on the batch that the surrogate will learn."""
        self._index = self._learner.draw()
        self._shown = self._view(self._index)
        self._copied.restore(part("optimiser", self._learner.state()))
        self._copy.requires_grad_(requires_grad=True)
        self._copied.step(self._shown + self._stored.of(self._index), self._task.labels[self._index])
        self._copy.requires_grad_(requires_grad=False)
        self._learner.count(Passes(train=len(self._index)))
        self._order = self._stored.order()

    def _move(self, images: Tensor, index: Tensor, kind: WrongLabel) -> None:
        """Update the generator once on views of the images at `index`, and store the noise that it then makes."""
        labels, bound = self._task.labels[index], self._task.settings.rho_u / 255
        targets = self._targets(images, labels, kind)

        def loss() -> Tensor:
            found = self._generator(images).to(images.dtype)
            with torch.autocast(images.device.type, enabled=False):
                noisy = clamped(images + bound * self._mean(found, labels, targets))
            return functional.cross_entropy(self._copy(noisy).to(images.dtype), targets)

        self._optimiser.update(loss)
        self._stored.put(index, bound * self._noise(images))
        self._learner.count(Passes(attack=len(index), train=len(index)))

    def _targets(self, images: Tensor, labels: Tensor, kind: WrongLabel) -> Tensor:
        """Return the target labels (n,) of a batch of images."""
        task = self._task
        if kind is WrongLabel.ANY:
            shape, device = labels.shape, labels.device
            return (
                labels + torch.randint(1, task.classes, shape, generator=task.generator, device=device)
            ) % task.classes
        with torch.no_grad(), task.runtime.autocast():
            logits: Tensor = self._copy(images).to(images.dtype)
        self._learner.count(Passes(forward=len(images)))
        if kind is WrongLabel.UNLIKELIEST:
            return logits.argmin(1)
        return logits.scatter(1, labels[:, None], -torch.inf).argmax(1)

    def _mean(self, found: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
        """Return, for each target, the mean of `found` over images of that class; zero if there are none."""
        classes = self._task.classes
        counts = torch.bincount(labels, minlength=classes).clamp(min=1)[:, None]
        means = class_sums(found, labels, classes).flatten(1) / counts
        return (functional.one_hot(targets, classes).to(found.dtype) @ means).view(found.shape)

    @torch.no_grad()
    def _noise(self, images: Tensor) -> Tensor:
        """Return the generator's noise (n, C, H, W) in [-1, 1], in its current mode."""
        self._learner.count(Passes(forward=len(images)))
        with self._task.runtime.autocast():
            found: Tensor = self._generator(images).to(images.dtype)
        return found

    def _check(self) -> None:
        self._learner.check()
        if not all(kept.isfinite().all() for kept in self._generator.state_dict().values()):
            raise DivergedError("the noise generator diverged")

    def _add(self, index: Tensor) -> None:
        """Add the noise of the images at `index` to the sums of their classes."""
        self._generator.eval()
        found = self._noise(self._task.pixels(index))
        self._sums += class_sums(found, self._task.labels[index], self._task.classes)

    def _final(self) -> Tensor:
        """Return the noise of all images, int8 (N, C, H, W) in units of 1/255: the mean over their class."""
        task = self._task
        counts = torch.bincount(task.labels, minlength=task.classes).clamp(min=1)[:, None, None, None]
        means = task.settings.rho_u / 255 * self._sums / counts
        return every_noise(task, lambda index: means[task.labels[index]])

    def _state(self) -> State:
        return {
            **nested("learner", self._learner.state()),
            **nested("copied", self._copied.state()),
            **nested("generator", self._optimiser.state()),
            **nested("stored", self._stored.state()),
            "shown": self._shown,
            "index": self._index,
            "order": self._order,
            "sums": self._sums,
            "counts": torch.tensor([self._done]),
        }

    def _restore(self, state: State) -> None:
        self._learner.restore(part("learner", state))
        self._copied.restore(part("copied", state))
        self._copy.requires_grad_(requires_grad=False)
        self._optimiser.restore(part("generator", state))
        self._stored.restore(part("stored", state))
        device = self._task.images.device
        self._shown, self._index, self._order = (state[name].to(device) for name in ("shown", "index", "order"))
        self._sums.copy_(state["sums"])
        self._done = int(state["counts"][0])

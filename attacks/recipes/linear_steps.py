"""Sign steps on two linear layers that were trained on clean images, as PIL takes them."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from attacks.core.cost import Passes
from attacks.core.numbers import CosineSgd
from attacks.core.settings import Augment, OwnTable, Positive, Reads, SignSteps
from attacks.spec import Recipe
from attacks.task import NoiseResult, Task

if TYPE_CHECKING:
    from torch import Tensor, nn


class Pil(OwnTable):
    """The numbers of PIL; the defaults are those of the released code.

    Attributes:
        epochs: passes over the clean images in which the layers learn.
        batch: images in a step of that.
        sgd: its optimiser.
        descent: sign steps of the noise.
        shortcut: weight of the shortcut (the noise alone is of its class); the rest goes to the images without it.
    """

    table: ClassVar[str] = "pil"

    epochs: Positive = 30
    batch: Positive = 512
    sgd: CosineSgd = CosineSgd(lr=0.003, weight_decay=0, last=0)
    descent: SignSteps = SignSteps(steps=30, step=0.1)
    shortcut: Annotated[float, Field(ge=0, le=1)] = 0.9


@dataclass(frozen=True, kw_only=True)
class LinearSteps(Recipe):
    """Two linear layers f trained on clean images, then noise that is of its class and blurs that of its image.

    No image passes through a network, so none is counted. The arithmetic is that of single precision, or double where
    the protocol has it: it costs too little for a lower one.
    """

    reads: ClassVar[Reads] = ("noise", Pil)

    def make(self, task: Task) -> NoiseResult:
        """Train the layers and make the noise.

        Raises:
            DivergedError: where the loss of the layers stops being finite.
        """
        import torch

        from attacks.engine.descent import round_noise
        from attacks.engine.learner import over_epochs
        from attacks.engine.phases import Phases
        from attacks.engine.views import Same

        numbers = Pil.of(task.settings)
        runtime = replace(task.runtime, precision="fp64" if task.runtime.precision == "fp64" else "fp32")
        given = replace(task, runtime=runtime, network=lambda: layers(given), augment=Augment())
        learner, each = over_epochs(given, numbers.sgd, epochs=numbers.epochs, batch=numbers.batch, fixed=True)
        bound = task.settings.rho_u / 255

        def learn(index: "Tensor") -> None:
            learner.learn_clean(index, Same())

        def noise(index: "Tensor") -> "Tensor":
            twin, labels, images = learner.twin(), task.labels[index], runtime.pixels(task.images[index])
            even = images.new_full((len(index), task.classes), 1 / task.classes)
            delta = torch.empty_like(images).uniform_(-bound, bound, generator=task.generator)
            for _ in range(numbers.descent.steps):
                slope = twin.gradient(delta, labels).mul_(numbers.shortcut)
                slope -= twin.gradient(images - delta, even).mul_(1 - numbers.shortcut)
                delta = delta.sub_(slope.sign_(), alpha=numbers.descent.step * bound).clamp_(-bound, bound)
            return round_noise(-delta)

        made = Phases(given, learner, steps=numbers.epochs * each, step=learn, noise=noise).run()
        return replace(made, passes=Passes())


def layers(task: Task) -> "nn.Module":
    """Build two linear layers without bias, pixels -> classes -> classes, with PyTorch's own initial distribution."""
    from torch import nn

    fans = (task.images[0].numel(), task.classes)
    made = [nn.utils.skip_init(nn.Linear, fan, task.classes, bias=False) for fan in fans]
    for fan, layer in zip(fans, made, strict=True):
        start = layer.weight.detach().to(task.runtime.device, task.runtime.dtype)
        layer.weight = nn.Parameter(start.uniform_(-(fan**-0.5), fan**-0.5, generator=task.generator))
    return nn.Sequential(nn.Flatten(), *made)

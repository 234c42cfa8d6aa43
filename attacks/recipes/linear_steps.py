"""Sign steps on two linear layers trained on clean images, as in PIL."""

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
    """Hyperparameters of PIL; the defaults are those of the released code.

    Attributes:
        epochs: epochs of the layers' training on clean images.
        batch: batch size of that training.
        sgd: the layers' optimiser.
        descent: sign steps on the noise.
        shortcut: weight of the shortcut term (the noise alone); the rest is the weight of the image term.
    """

    table: ClassVar[str] = "pil"

    epochs: Positive = 30
    batch: Positive = 512
    sgd: CosineSgd = CosineSgd(lr=0.003, weight_decay=0, last=0)
    descent: SignSteps = SignSteps(steps=30, step=0.1)
    shortcut: Annotated[float, Field(ge=0, le=1)] = 0.9


@dataclass(frozen=True, kw_only=True)
class LinearSteps(Recipe):
    """Two linear layers trained on clean images, then sign steps on them, as described in `attacks.methods.pil_liu26`.

    No image passes through a network, so no image-passes are counted. Everything is computed in single precision, or
    in double if the protocol asks for it: the cost is too low for reduced precision to pay off.
    """

    reads: ClassVar[Reads] = ("noise", Pil)

    def make(self, task: Task) -> NoiseResult:
        """Train the layers and make the noise.

        Raises:
            DivergedError: if the loss of the layers stops being finite.
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
            twin, labels, images = learner.twin(), task.labels[index], given.pixels(index)
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
    """Build two linear layers without bias, pixels -> classes -> classes, with PyTorch's default initialisation."""
    from torch import nn

    fans = (task.images[0].numel(), task.classes)
    made = [nn.utils.skip_init(nn.Linear, fan, task.classes, bias=False) for fan in fans]
    for fan, layer in zip(fans, made, strict=True):
        start = layer.weight.detach().to(task.runtime.device, task.runtime.dtype)
        layer.weight = nn.Parameter(start.uniform_(-(fan**-0.5), fan**-0.5, generator=task.generator))
    return nn.Sequential(nn.Flatten(), *made)

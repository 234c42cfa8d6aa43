"""What a method is: a frozen spec whose recipe makes the noise."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

from attacks.cost import Passes
from attacks.settings import Alternating, Augment, NoiseSettings, Reads, Targeted

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from attacks.frozen import FrozenNetwork
    from attacks.runtime import Runtime
    from attacks.state import Keeper


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a recipe is given.

    Attributes:
        images: uint8 (N, C, H, W), on the runtime's device.
        labels: int64 (N,), likewise.
        classes: how many classes there are.
        dataset: the digest of the dataset that they are from.
        settings: the protocol's numbers.
        augment: the protocol's random view.
        network: builds the surrogate, freshly initialised; called at most once. It takes by name the `stem` and the
            `mean` of a surrogate that is not to have those of the protocol's networks.
        generator: every random draw comes from it; it lies on the runtime's device.
        runtime: device, precision, chunk size.
        report: called with (steps done, all steps).
        keeper: keeps the state of the work in case it is cut off.
    """

    images: "Tensor"
    labels: "Tensor"
    classes: int
    dataset: str
    settings: NoiseSettings
    augment: Augment
    network: "Callable[..., nn.Module]"
    generator: "torch.Generator"
    runtime: "Runtime"
    report: Callable[[int, int], None]
    keeper: "Keeper"


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a recipe gives.

    Attributes:
        noise: (N, C, H, W) in units of 1/255; int8, or int16 where an entry may lie outside -127 to 127.
        passes: image-passes that it took; None where that is not known.
        exhausted: whether a budget ended the work before its own stopping rule did.
        sign_agreement: percent of the entries of a gradient, on images with this noise, whose sign is the same in
            fp32; None where no precision below that was used.
        warm_up: seconds of the time it took that went into capturing CUDA graphs, which is no part of the work.
        eager: why CUDA graphs were not used on a GPU, in one line; None where nothing was wrong with them.
    """

    noise: "Tensor"
    passes: Passes | None = field(default_factory=Passes)
    exhausted: bool = False
    sign_agreement: float | None = None
    warm_up: float = 0.0
    eager: str | None = None


class Recipe(Protocol):
    """How a method makes its noise.

    Attributes:
        reads: the tables of a protocol whose numbers decide the noise; one that is not named must not be read, since
            the key of a noise knows nothing of it. With `network` among them, the noise also depends on the version of
            the engine.
    """

    @property
    def reads(self) -> Reads:
        """The tables that decide the noise."""

    def make(self, task: Task) -> Made:
        """Make the noise of a whole training set."""

    def passes(self, settings: NoiseSettings, images: int) -> Passes:
        """Count the image-passes that `make` needs for a set of `images`; the most, where it may end earlier."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """A named way to make noise.

    Attributes:
        name: as in records.
        aliases: other names that users may type for it.
        title: one line on the idea.
        year: of publication; None where there is none.
        bound: what limits the noise.
        bounded: whether that keeps every entry inside `rho_u`.
        protects: whether there is noise at all; the reference without any has none.
        source: paper and table or code that the algorithm is taken from.
        recipe: the algorithm.
        version: raised when a correction changes the noise; older records are then marked, and their cells due again.
            Of a noise from elsewhere, its digest.
    """

    name: str
    title: str
    year: int | None
    bound: str
    source: str
    recipe: Recipe
    aliases: tuple[str, ...] = ()
    bounded: bool = True
    protects: bool = True
    version: int | str = 1

    @property
    def identity(self) -> str:
        """Its name and version, for a cell's key."""
        return f"{self.name}/{self.version}"


@dataclass(frozen=True, kw_only=True)
class Disturb:
    """What is done to each view before the noise's gradient is taken there.

    Attributes:
        apply: (network, views (n, C, H, W), labels, settings, generator) -> views.
        passes: image-passes that it takes per view.
    """

    apply: "Callable[[FrozenNetwork, Tensor, Tensor, NoiseSettings, torch.Generator], Tensor]"
    passes: Callable[[NoiseSettings], int] = lambda _settings: 0


@dataclass(frozen=True, kw_only=True)
class SurrogateLoop:
    """A surrogate network and the noise that pleases it, made in turn (design of EM, REM and SEM).

    Attributes:
        views: sum the noise's gradient over J random views; otherwise take it at the image itself.
        disturb: what is done to each view; nothing where absent.
        robust_update: train the surrogate on attacked random views of the noisy images, not on the noisy images.
        augment_batch: draw one random view of each image first and make its noise for that view.
        in_range: keep image and noise in [0, 1] after each sign step, store the noise as float16 and train the
            surrogate on it unrounded, as the released EM generator does; otherwise a pixel that the noise takes out of
            [0, 1] gets no derivative, and the surrogate is trained on the rounded noise (released REM and SEM).
    """

    reads: ClassVar[Reads] = ("network", "augment", "noise")

    views: bool
    disturb: Disturb | None = None
    robust_update: bool
    augment_batch: bool = False
    in_range: bool = False

    def make(self, task: Task) -> Made:
        """Run the loop."""
        from attacks.surrogate import Loop

        return Loop(self, task).run()

    def passes(self, settings: NoiseSettings, images: int) -> Passes:
        """Count: M steps of noise, attack and update on a batch, then one noise step over all images."""
        batch = min(settings.batch, images)
        views = settings.views if self.views else 1
        inner = self.disturb.passes(settings) if self.disturb else 0
        noise = settings.descent.steps * views * (1 + inner)
        update = settings.ascent.steps if self.robust_update and settings.rho_a else 0
        return Passes(attack=settings.steps * batch * (noise + update) + images * noise, train=settings.steps * batch)


@dataclass(frozen=True, kw_only=True)
class AlternatingRounds:
    """Rounds of updates of a surrogate and of sign steps on stored noise, until the surrogate fits the noisy images.

    Attributes:
        classwise: make one noise per class, on a share of the images, rather than one per image.
    """

    reads: ClassVar[Reads] = ("network", "augment", "noise", Alternating)

    classwise: bool

    def make(self, task: Task) -> Made:
        """Run the rounds."""
        from attacks.alternating import Rounds

        return Rounds(self, task).run()

    def searched(self, settings: NoiseSettings, images: int) -> int:
        """Count the images that noise is made on and the surrogate's error is measured on."""
        return max(1, int(images * settings.alternating.class_share)) if self.classwise else images

    def updates(self, settings: NoiseSettings) -> int:
        """Count the surrogate's steps of a round."""
        numbers = settings.alternating
        return (numbers.class_updates if self.classwise else None) or numbers.updates

    def passes(self, settings: NoiseSettings, images: int) -> Passes:
        """Count the most: all rounds of updates, sign steps on the searched images and a look at their error."""
        numbers, searched = settings.alternating, self.searched(settings, images)
        steps = numbers.class_descent.steps if self.classwise else numbers.descent.steps
        return Passes(
            attack=numbers.rounds * searched * steps,
            train=numbers.rounds * self.updates(settings) * min(numbers.batch, images),
            forward=numbers.rounds * searched,
        )


@dataclass(frozen=True, kw_only=True)
class TargetedSteps:
    """A network trained on clean images, then sign steps towards another label on it.

    Attributes:
        target: (labels (n,), classes) -> the labels that the noise makes likelier.
    """

    reads: ClassVar[Reads] = ("network", "augment", "noise", Targeted)

    target: "Callable[[Tensor, int], Tensor]"

    def make(self, task: Task) -> Made:
        """Train the network and make the noise."""
        from attacks.targeted import Steps

        return Steps(self, task).run()

    def passes(self, settings: NoiseSettings, images: int) -> Passes:
        """Count the network's training, then the sign steps on all images."""
        numbers = settings.targeted
        return Passes(attack=images * numbers.descent.steps, train=numbers.pretraining * min(settings.batch, images))


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A noise that needs no network.

    Attributes:
        draw: task -> noise (N, C, H, W) in units of 1/255, int8 or int16.
        reads: the tables of a protocol that `draw` reads.
    """

    draw: Callable[[Task], "Tensor"]
    reads: Reads = ()

    def make(self, task: Task) -> Made:
        """Draw the noise."""
        task.report(1, 1)
        return Made(noise=self.draw(task))

    def passes(self, settings: NoiseSettings, images: int) -> Passes:  # noqa: ARG002
        """Count none."""
        return Passes()

"""EntF, after WenRuiUSTC/EntF (Wen et al., ICLR 2023)."""

from collections.abc import Callable
from types import SimpleNamespace

import torch
from common import CLASSES, COUNT, Found, Row, WithFeatures, images, labels, small

FOLDER = "."
STEPS = 10  # of their 300


def theirs(recipe: str) -> Callable[[str], Found]:
    """Return a function that optimises their poisons on a given network and its centroids."""

    def run(kind: str) -> Found:
        from village.materials.diff_data_augmentation import RandomTransform
        from village.materials.furnace import Furnace
        from village.shop import Forgemaster

        pixels = torch.from_numpy(images(kind)).permute(0, 3, 1, 2).double() / 255
        network, own = WithFeatures(small()).eval(), torch.from_numpy(labels())
        with torch.no_grad():
            features = network(pixels)[0]
        torch.save(torch.stack([features[own == label].mean(0) for label in range(CLASSES)]), "CIFAR10_eps_4.pt")
        args = SimpleNamespace(
            recipe=recipe,
            attackoptim="PGD",
            eps=8.0,
            tau=0.05,
            restarts=1,
            attackiter=STEPS,
            paugment=True,
            clean_grad=False,
            centroid_path=".",
            dataset="CIFAR10",
            robust_eps=4.0,
            ensemble=1,
            local_rank=None,
            init="randn",
        )
        view = RandomTransform(source_size=32, target_size=32, shift=8, fliplr=True, mode="bilinear")

        def augment(given: torch.Tensor, randgen: None = None) -> torch.Tensor:
            draws = torch.rand(len(given), 3)  # theirs draws a fourth number, which it does not use
            return view(given, torch.cat([draws, draws[:, :1]], 1))

        class Trainset(list):
            data_std = (1.0, 1.0, 1.0)

        furnace = SimpleNamespace(
            args=args,
            ds=torch.ones(1, 3, 1, 1),
            dm=torch.zeros(1, 3, 1, 1),
            poison_ids=list(range(COUNT)),
            poison_lookup={number: number for number in range(COUNT)},
            trainset=Trainset([(pixels[0], 0)]),
            trainloader=ForEver(pixels, own),
            augment=augment,
        )
        furnace.initialize_poison = lambda: Furnace.initialize_poison(furnace)
        forge = Forgemaster(args, {"device": torch.device("cpu"), "dtype": torch.float64})
        noise = forge.forge(network, furnace)
        return {"noise": (noise * 255).round().long().numpy()}

    return run


class ForEver:
    """A loader of one batch of all images."""

    def __init__(self, pixels: torch.Tensor, own: torch.Tensor) -> None:
        self.dataset = pixels
        self._batch = (pixels, own, torch.arange(len(own)))

    def __len__(self) -> int:
        return 1

    def __iter__(self):  # noqa: ANN204
        pixels, own, ids = self._batch
        yield pixels.clone(), own, ids


def ours(name: str) -> Callable[[str], Found]:
    """Return a function that runs our method without training the network."""

    def run(kind: str) -> Found:
        from ours import SGD, method

        from attacks.core.numbers import Entangled
        from attacks.core.settings import SignSteps

        steps = SignSteps(steps=STEPS, step=0.05)
        numbers = Entangled.model_construct(pretraining=0, sgd=SGD, attack=steps, descent=steps, mean=0.5)
        return method(name, weights=False, entf=numbers)(kind)

    return run


ROWS = tuple(
    Row(
        name=f"entf-{recipe}-wen23",
        ran=f"village.shop.Forgemaster({recipe!r}).forge",
        theirs=theirs(recipe),
        ours=ours(f"entf-{recipe}-wen23"),
        note=f"{STEPS} steps instead of 300; network and centroids given",
    )
    for recipe in ("push", "pull")
)

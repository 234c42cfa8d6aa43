"""GUE, after hong-xian/gue (Liu et al., AAAI 2024)."""

import importlib
from types import SimpleNamespace
from unittest.mock import MagicMock, patch

import numpy as np
import torch
from common import COUNT, Centred, Draws, Found, Replayed, Row, fill, images, repository, small, state

FOLDER = "."
EPOCHS = 2
ARGUMENTS = SimpleNamespace(num_classes=10, eps=8 / 255, lr_tmp=1e-4, lr_cls=0.01, lr_atk=0.1, eta=1.5, iterations=10)


def theirs(kind: str) -> Found:
    """Run their steps on one batch per epoch, then their code that protects images with the generator."""
    import standins
    from torchvision import transforms

    standins.module("tensorboardX", SummaryWriter=MagicMock())
    standins.module("attacks", __path__=[str(repository() / "attacks")])  # without __init__.py, ours would come first
    script, evaluation, models = (importlib.import_module(name) for name in ("gue", "evaluation", "models"))
    script.create_net = lambda _: Centred(small())
    generator, network = fill(models.UNet(3)), Centred(small())
    optimisers = [
        torch.optim.SGD(trained.parameters(), lr=rate)
        for trained, rate in ((network, ARGUMENTS.lr_cls), (generator, ARGUMENTS.lr_atk))
    ]
    loader = torch.utils.data.DataLoader(
        standins.Cifar10(transform=transforms.ToTensor()), batch_size=COUNT, shuffle=True
    )
    for epoch in range(EPOCHS):
        script.bome(ARGUMENTS, generator, network, *optimisers, loader, ARGUMENTS.iterations, epoch)
    found = []
    generator.register_forward_hook(lambda _network, _given, made: found.append(255 * ARGUMENTS.eps * made))
    in_order = torch.utils.data.DataLoader(loader.dataset, batch_size=COUNT)
    protected, _ = evaluation.poison_data(ARGUMENTS, generator, in_order)
    weights = torch.nn.ModuleList([network, generator])
    return {
        "noise": found[0].round().int().numpy(),
        "image": (255 * protected).round().int().numpy(),
        **state(weights),
    }


def ours(kind: str) -> Found:
    """Run our steps."""
    from ours import network, task

    from attacks.core.numbers import Gue
    from attacks.methods import METHODS

    built, made = network(), []

    def draw(build: object, _random: object) -> torch.nn.Module:
        made.append(fill(build().double()))
        return made[0]

    with patch("attacks.engine.game.draw_network", draw), Replayed(Draws()):
        noise = METHODS["gue-liu24"].recipe.make(task(kind, built, gue=Gue(epochs=EPOCHS, batch=COUNT))).noise.numpy()
    protected = np.clip(images(kind).transpose(0, 3, 1, 2).astype(int) + noise, 0, 255)
    return {"noise": noise, "image": protected, **state(torch.nn.ModuleList([built, *made]))}


ROWS = (
    Row(
        name="gue-liu24",
        ran="gue.bome, evaluation.poison_data",
        theirs=theirs,
        ours=ours,
        note="2 epochs of one batch; networks given; before truncation",
    ),
)

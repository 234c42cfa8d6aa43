"""PIL, after jinlinll/pil (Liu et al., ICLR 2026)."""

from dataclasses import replace
from typing import Any

import torch
from common import CLASSES, Draws, Found, Replayed, Row, images, labels

FOLDER = "."
EPOCHS, BATCH = 3, 8
AS_THE_SET = 0  # shuffles: their images come in the set's order


def theirs(kind: str) -> Found:
    """Train their linear model and make their images."""
    from models.linearmodel import LinearModel
    from trainer import train_model

    from attacks import PILAdversary

    pixels = torch.from_numpy(images(kind)).permute(0, 3, 1, 2) / 255
    batches = [
        (part, label) for part, label in zip(pixels.split(BATCH), torch.from_numpy(labels()).split(BATCH), strict=True)
    ]
    model = LinearModel(num_classes=CLASSES)
    for layer in (model.fc1, model.fc2):  # as PyTorch does, with replayed draws
        fan = layer.weight.shape[1]
        torch.Tensor.uniform_(layer.weight.data, -(fan**-0.5), fan**-0.5)
    train_model(model, batches, batches, num_epochs=EPOCHS, learning_rate=0.003, device="cpu", weight_decay=0)
    found = PILAdversary(model, num_classes=CLASSES, device="cpu").attack(pixels, torch.from_numpy(labels()))
    return {"protected": (found * 255).round().permute(0, 2, 3, 1).long().numpy(), **weights(model.fc1, model.fc2)}


def weights(*layers: torch.nn.Module) -> Found:
    """Return the weights of the layers."""
    return {f"weight {number}": layer.weight.detach().numpy().copy() for number, layer in enumerate(layers)}  # type: ignore[operator, union-attr]


def ours(kind: str) -> Found:
    """Make our noise and add it."""
    from ours import NUMBERS, network, task

    from attacks.methods import METHODS
    from attacks.recipes import linear_steps

    made, kept = linear_steps.layers, []
    numbers = NUMBERS.model_copy(update={"pil": {"epochs": EPOCHS, "batch": BATCH}})

    def layers(given: Any) -> torch.nn.Module:
        kept.append(made(given))
        return kept[-1]

    linear_steps.layers = layers
    try:
        with Replayed(Draws(shuffles=AS_THE_SET)):
            noise = METHODS["pil-liu26"].recipe.make(replace(task(kind, network()), settings=numbers)).noise
    finally:
        linear_steps.layers = made
    whole = images(kind).astype(int) + noise.permute(0, 2, 3, 1).numpy()
    return {"protected": whole.clip(0, 255), **weights(*kept[0][1:])}


ROWS = (
    Row(
        name="pil-liu26",
        ran="trainer.train_model, attacks.PILAdversary.attack",
        theirs=theirs,
        ours=ours,
        note=f"{EPOCHS} epochs of batches of {BATCH}; rounded, where `tools` truncates",
    ),
)

"""The state of work that can be interrupted and resumed bit-identically: tensors by name, and their keeper."""

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

State = dict[str, Tensor]


class Keeper(Protocol):
    """Keeps the state of one piece of work in case of interruption."""

    def restored(self) -> State | None:
        """Return the last kept state, or None if the work starts from the beginning."""

    def offer(self, capture: Callable[[], State]) -> None:
        """Keep the state if a checkpoint is due; called between any two steps.

        Raises:
            StoppedError: if the work should stop, after keeping the state.
        """


class NullKeeper:
    """A keeper that keeps nothing."""

    def restored(self) -> State | None:
        """Return None."""
        return None

    def offer(self, capture: Callable[[], State]) -> None:
        """Do nothing."""


def nested(name: str, state: State) -> State:
    """Prefix the keys of a state with a name."""
    return {f"{name}/{key}": value for key, value in state.items()}


def part(name: str, state: State) -> State:
    """Return the part of a state that `nested` put under a name."""
    return {key.removeprefix(f"{name}/"): value for key, value in state.items() if key.startswith(f"{name}/")}

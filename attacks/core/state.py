"""The state of work that can be interrupted and resumed to the same bytes: tensors by name, and who keeps them."""

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

State = dict[str, Tensor]


class Keeper(Protocol):
    """Keeps the state of one piece of work, in case it is interrupted."""

    def restored(self) -> State | None:
        """Return the state that was kept last, or None where the work begins."""

    def offer(self, capture: Callable[[], State]) -> None:
        """Take the state if it is time to; called between any two steps.

        Raises:
            StoppedError: after keeping it, where the work is to stop.
        """


class NullKeeper:
    """The keeper that keeps nothing."""

    def restored(self) -> State | None:
        """Return None."""
        return None

    def offer(self, capture: Callable[[], State]) -> None:
        """Do nothing."""


def nested(name: str, state: State) -> State:
    """Put a state under a name."""
    return {f"{name}/{key}": value for key, value in state.items()}


def part(name: str, state: State) -> State:
    """Take the state that is under a name."""
    return {key.removeprefix(f"{name}/"): value for key, value in state.items() if key.startswith(f"{name}/")}

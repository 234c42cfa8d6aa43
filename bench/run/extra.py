"""The extra `run` of this package: what only cells need, and reading and rendering records does not."""

from importlib.util import find_spec

from attacks.core.errors import RequestError

PACKAGES = frozenset({"torch", "torchvision", "timm", "kornia", "sklearn", "skimage", "PIL"})


def check_extra() -> None:
    """Check that the extra is installed, as far as a quick look shows.

    Raises:
        RequestError: where it is not.
    """
    if find_spec("torch") is None:
        raise missing_extra()


def missing_extra() -> RequestError:
    """Return the error of who needs the extra and has it not."""
    return RequestError("this command needs the extra `run`; run: pip install 'unlearnable-bench[run]'")

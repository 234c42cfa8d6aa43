"""Weights that timm names by a tag and loads from the Hugging Face Hub or its cache, e.g. `resnet18.a1_in1k`."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attacks.core.errors import RequestError, first_line, one_line, unknown
from victims.networks.stems.policy import BuildSpec, Stem
from victims.networks.weights.spec import Inputs, Weights, weights_digest

if TYPE_CHECKING:
    from torch import nn

FILE = "model.safetensors"
# why repositories cannot be fetched, remembered since each attempt takes half a minute
_out_of_reach: dict[str, str] = {}


@dataclass(frozen=True, kw_only=True)
class Hub(Weights):
    """Weights by timm's name; only their safetensors file is ever loaded.

    Attributes:
        repository: their repository on the Hub.
    """

    name: str
    repository: str
    inputs: Inputs

    @property
    def identity(self) -> str:
        """The digest of the file, which is fetched first if it is not in the Hub's cache."""
        return f"sha256/{weights_digest(self._path())}"

    def check(self) -> None:
        """Check that the file is in the cache, or fetch it."""
        self._path()

    def create(self, policy: Stem, spec: BuildSpec) -> "nn.Module":
        """Have timm build the network for images of the given size and load the file."""
        import timm

        del policy  # weights are for timm's own stem
        path = self._path()
        config: Any = timm.get_pretrained_cfg(self.name)
        sized: dict[str, Any] = {"img_size": spec.size} if config.fixed_input_size else {}
        try:
            network: nn.Module = timm.create_model(
                self.name,
                pretrained=True,
                pretrained_cfg_overlay={"file": str(path), "custom_load": False},  # True is for the .npz at its URL
                num_classes=spec.classes,
                in_chans=spec.channels,
                **sized,
            )
        except Exception as error:
            reason, advice = one_line(str(error))[:200], self.inputs.advice(spec.size)
            raise RequestError(f"timm cannot load {path} into {self.name} ({reason}){advice}") from error
        if spec.classes == config.num_classes:  # timm has kept the trained head
            network.reset_classifier(spec.classes)  # type: ignore[operator]
        return network

    def _path(self) -> Path:
        from huggingface_hub import hf_hub_download, try_to_load_from_cache

        found = try_to_load_from_cache(self.repository, FILE)
        if isinstance(found, str):
            return Path(found)
        if self.repository in _out_of_reach:
            raise self._refusal(_out_of_reach[self.repository])
        logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # it would log each retry
        try:
            return Path(hf_hub_download(self.repository, FILE))
        except Exception as error:
            _out_of_reach[self.repository] = reason = first_line(str(error)).rstrip(" .")
            raise self._refusal(reason) from error

    def _refusal(self, reason: str) -> RequestError:
        return RequestError(
            f"the weights {self.name} cannot be fetched ({reason}); on a machine with internet "
            f"access, run `hf download {self.repository} {FILE}` and copy the cache here"
        )


def on_hub(network: str, tag: str) -> Hub:
    """Return the weights that timm has for a network under a tag.

    Raises:
        RequestError: for an unknown tag, with the nearest that exists; or if the Hub has no safetensors.
    """
    import timm

    name = f"{network}.{tag}"
    known = timm.list_pretrained(f"{network}.*")
    if not known:
        raise RequestError(
            f"unknown weights {name!r}: timm has none for {network}; to start from weights trained on a dataset, "
            f"name it after the dot and put its folder into --data DIR"
        )
    if name not in known:
        raise unknown("weights", name, known)
    config: Any = timm.get_pretrained_cfg(name)
    if not config.hf_hub_id:
        raise RequestError(f"the weights {name} are not on the Hub as safetensors; choose others")
    return Hub(
        name=name,
        repository=config.hf_hub_id,
        inputs=Inputs(side=config.input_size[-1], mean=config.mean, std=config.std),
    )

"""What decides a cell's numbers: each thing used, with its version, and the protocol tables that it reads."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from attacks.core.errors import RequestError
from attacks.core.numbers import PretrainedSurrogate
from attacks.core.settings import ENGINE_VERSION, OwnTable, Reads, Section
from attacks.spec import Method, Recipe
from bench.config.models import NoiseCell, Protocol, Setup, VictimCell
from bench.config.validated import validated
from victims.countermeasures.spec import Countermeasure
from victims.networks.names import parse_victim, refuse_hub
from victims.networks.weights import Weights, weights_of
from victims.networks.weights.packaged import LITE0
from victims.recipes.spec import TrainingRecipe
from victims.settings import Pretrained

ABSENT = "absent"
NETWORKS = ("network", "surrogate")
"""Inputs that are stated from the second version of a network's family on; without them, it is the first.

A noise of an older surrogate is due again, but not marked as older."""
Numbers = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Versioned:
    """An input of a cell that has a version.

    Attributes:
        input: its name among the inputs.
        axis: the axis that it is a value of; None for the engine.
        implied: its version in cells that do not state it; None if it is unknown then.
    """

    input: str
    axis: str | None
    implied: str | None = None

    @property
    def column(self) -> str:
        """The column of its version in a frame."""
        return f"{self.axis or self.input}_version"


VERSIONED = (
    Versioned("method", "method"),
    Versioned("engine", None),
    Versioned("network", "victim", implied="1"),
    Versioned("recipe", "training"),
    Versioned("countermeasure", "countermeasure"),
)


def noise_cell(
    method: Method,
    *,
    dataset: str,
    identity: str,
    seed: int,
    protocol: Protocol,
    setup: Setup,
    inputs: Mapping[str, str] | None = None,
) -> NoiseCell:
    """Return the cell of a noise.

    Args:
        method: the method that makes it.
        dataset: the dataset's name in records.
        identity: what identifies the dataset's images.
        seed: the seed of every random draw.
        protocol: the protocol that gives the cell its name and salt.
        setup: the protocol's numbers for the dataset.
        inputs: further inputs that decide the noise.

    Raises:
        RequestError: if one of the method's own numbers, or the weights that it starts from, is missing or wrong.
    """
    recipe, read = method.recipe, method.recipe.reads
    used = {
        "dataset": identity,
        "method": method.identity,
        "precision": setup.precision,
        "stream": f"{dataset}/{protocol.salt}",
    }
    if uses_engine(recipe):
        used["engine"] = str(ENGINE_VERSION)
        surrogate = parse_victim(surrogate_of(recipe, setup))
        used |= stated("surrogate", surrogate.recorded, surrogate.policy.version)
    if recipe.pretrained:
        weights = weights_of_surrogate(method, setup)
        used["noise_weights"] = identity_of(weights)
        read += (PretrainedSurrogate,) if weights.inputs else ()
    return NoiseCell(
        dataset=dataset,
        method=method.name,
        seed=seed,
        protocol=protocol.name,
        inputs=used | dict(inputs or {}),
        numbers=numbers_of(read, setup, "noise"),
    )


def victim_cell(
    noise: NoiseCell,
    values: Mapping[str, Any],
    *,
    training: TrainingRecipe,
    countermeasure: Countermeasure,
    setup: Setup,
    version: int,
    weights: str | None,
    resized: bool,
) -> VictimCell:
    """Return the cell of a victim trained on the images that a noise protects.

    Args:
        noise: the noise's cell.
        values: the values of the axes that a noise lacks, by field.
        training, countermeasure: those named in `values`.
        setup: the protocol's numbers for the dataset.
        version: that of the network's family.
        weights: the identity of the weights that it starts from; None: from scratch.
        resized: whether the weights expect images of their own size.

    Raises:
        RequestError: if one of the recipe's or the countermeasure's own numbers is missing or wrong.
    """
    used = {"noise": noise.key, "recipe": training.identity, "countermeasure": countermeasure.identity}
    used |= stated("network", values["victim"], version)
    read = training.reads
    if weights:
        used["weights"] = weights
        read += (Pretrained,) if resized else ()
    return VictimCell(
        **(
            noise.model_dump(include={"dataset", "method", "seed", "protocol"})
            | dict(values)
            | {"training": training.name, "countermeasure": countermeasure.name}
        ),
        inputs=noise.inputs | used,
        numbers=numbers_of(read, setup, "victim") | numbers_of(countermeasure.reads, setup, "countermeasure"),
    )


def surrogate_of(recipe: Recipe, setup: Setup) -> str:
    """Return the network that a recipe trains, named like a victim."""
    return PretrainedSurrogate.of(setup.noise).network if recipe.pretrained else setup.noise.surrogate


def stated(role: str, name: str, version: int) -> dict[str, str]:
    """Return a network's identity as one of `NETWORKS`, unless its family is of the first version."""
    return {role: f"{name}/{version}"} if version > 1 else {}


def weights_of_surrogate(method: Method, setup: Setup) -> Weights:
    """Return the weights that a method starts from.

    Raises:
        RequestError: if the protocol names no weights, or unknown ones.
    """
    network = refuse_hub(surrogate_of(method.recipe, setup))
    if found := weights_of(network):
        return found
    raise RequestError(
        f"method {method.name!r} starts from weights, and setup.noise.pretrained.network is {network!r}; "
        f"name a network with weights, e.g. {LITE0.name} or NETWORK:FILE.safetensors"
    )


def identity_of(weights: Weights) -> str:
    """Return the name and identity of weights as in records, or `absent` where they are not on this machine.

    Nothing is run with absent weights: `bench.run.preflight` says what to install or where to put a file.
    """
    try:
        return f"{weights.name}/{weights.identity}"
    except RequestError:
        return ABSENT


def uses_engine(recipe: Recipe) -> bool:
    """Return whether a recipe trains a surrogate, so that its noise depends on the version of the engine."""
    return "network" in recipe.reads


def numbers_of(reads: Reads, setup: Setup, section: str) -> Numbers:
    """Return the numbers of the tables that a component reads, by the tables' names.

    Args:
        reads: the component's declaration.
        setup: the protocol's numbers.
        section: the section of its own tables: `noise`, `victim` or `countermeasure`.

    Raises:
        RequestError: if one of its own numbers is missing or wrong.
    """
    return {
        **{name: setup.shared(name).numbers() for name in reads if isinstance(name, str)},
        **{f"{section}.{own.table}": _own(own, setup, section) for own in own_tables(reads)},
    }


def own_tables(reads: Reads) -> Iterable[type[OwnTable]]:
    """Yield a component's own tables among those that it reads."""
    return (read for read in reads if not isinstance(read, str))


def _own(table: type[OwnTable], setup: Setup, section: str) -> dict[str, Any]:
    held: Section = getattr(setup, section)
    found = getattr(held, table.table, None)
    if not isinstance(found, table):  # not a field of the section, and maybe missing
        what = f"[setup.{section}.{table.table}] of the protocol"
        found = validated(table, held.tables.get(table.table, {}), what)
    return found.numbers()

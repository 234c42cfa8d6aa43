"""A protocol never changes once a record names it: a correction is a new version beside the old one.

`RELEASED` holds digests of the numbers that 0.1 had, in its form, so that they stay as they are and the records of 0.1
can be upgraded. `TABLES` holds digests of every table that a cell may read, without unset numbers: a new table needs a
new line, and no line changes.
"""

import pytest

from attacks.core.settings import OwnTable
from bench.config.load import load_protocol, read_toml, shipped
from bench.config.models import Setup, digest_of
from bench.records.former import former

# Digests of all numbers of each released protocol. Add a line for a new protocol; never change an existing line.
RELEASED = {
    "lite-v1+fp32": "df312d9925e2a1c2",
    "lite-v1": "b3a546a7d05afc32",
    "paper-v1": "b1b72a6b200ac0ee",
    "smoke-v1": "b9883716a69c8a13",
}


# Digests of each table of each setup: the setup for most datasets, then those for single datasets.
TABLES = {
    "lite-v1": {
        "": {
            "network": "d85c2e93",
            "augment": "f0469218",
            "noise": "641aeab9",
            "victim": "0d2446d9",
            "noise.alternating": "68c68950",
            "noise.targeted": "63b5ba8b",
            "noise.pil": "1becd148",
            "noise.aue": "651be335",
            "noise.aap": "79c6bfa3",
            "noise.asr": "e8bd9b12",
            "noise.mi-ue": "ae8c2997",
            "noise.entf": "e95901f8",
            "noise.sep": "d48c3437",
            "noise.dune": "e8eb806d",
            "noise.bait": "625ea461",
            "noise.gue": "18af654b",
            "noise.pretrained": "4240442e",
            "victim.pretrained": "cc2f4d50",
            "victim.fine-tune": "ae62c11d",
            "victim.linear-probe": "41dd9f14",
            "victim.contrastive-probe": "704c9671",
            "countermeasure.adversarial-noise": "6fbd0d4d",
            "countermeasure.d-vae": "6c56e44e",
            "countermeasure.leaked-pairs": "ccf46c82",
        },
    },
    "paper-v1": {
        "": {
            "network": "d85c2e93",
            "augment": "f0469218",
            "noise": "b222259a",
            "victim": "cc53175a",
            "noise.alternating": "06c3b523",
            "noise.targeted": "bc925811",
            "noise.pil": "1becd148",
            "noise.aue": "fbdbef67",
            "noise.aap": "b0cb1881",
            "noise.asr": "e8bd9b12",
            "noise.mi-ue": "88936275",
            "noise.entf": "f338d373",
            "noise.sep": "1ee28168",
            "noise.dune": "6c0719dc",
            "noise.bait": "25e35844",
            "noise.gue": "93196489",
            "noise.pretrained": "8e2a17aa",
            "victim.pretrained": "31711d89",
        },
        "cifar100": {
            "network": "d85c2e93",
            "augment": "f0469218",
            "noise": "b222259a",
            "victim": "cc53175a",
            "noise.alternating": "fbcb2bc7",
            "noise.targeted": "bc925811",
            "noise.pil": "1becd148",
            "noise.aue": "92c5a20f",
            "noise.aap": "08581c86",
            "noise.asr": "bfa10dff",
            "noise.mi-ue": "88936275",
            "noise.entf": "f338d373",
            "noise.sep": "1ee28168",
            "noise.dune": "6c0719dc",
            "noise.bait": "25e35844",
            "noise.gue": "93196489",
            "noise.pretrained": "8e2a17aa",
            "victim.pretrained": "31711d89",
        },
        "imagenet-100": {
            "network": "1c89fb04",
            "augment": "2a219d71",
            "noise": "32744e49",
            "victim": "a5b8bfd5",
            "noise.alternating": "e1a2a2d1",
            "noise.targeted": "efbb3bb9",
            "noise.pil": "1becd148",
            "noise.aue": "fbdbef67",
            "noise.aap": "b0cb1881",
            "noise.asr": "bfa10dff",
            "noise.mi-ue": "687991c1",
            "noise.entf": "f338d373",
            "noise.sep": "1ee28168",
            "noise.dune": "6c0719dc",
            "noise.bait": "25e35844",
            "noise.gue": "e1befa3d",
            "noise.pretrained": "4bb8675e",
            "victim.pretrained": "67f37de8",
        },
    },
    "smoke-v1": {
        "": {
            "network": "d85c2e93",
            "augment": "f0469218",
            "noise": "07481616",
            "victim": "53553bae",
            "noise.alternating": "14e7157d",
            "noise.targeted": "d547cf44",
            "noise.pil": "92e3ac18",
            "noise.aue": "fabede4e",
            "noise.aap": "32cedcdb",
            "noise.asr": "e8bd9b12",
            "noise.mi-ue": "b679b4a1",
            "noise.entf": "fce4e8ea",
            "noise.sep": "ba8d7766",
            "noise.dune": "76758a7f",
            "noise.bait": "42aefc07",
            "noise.gue": "b5807313",
            "noise.pretrained": "4240442e",
            "victim.pretrained": "4e2ed63f",
            "victim.fine-tune": "5a54f7e2",
            "victim.linear-probe": "7ba952ea",
            "victim.contrastive-probe": "80d133a5",
            "countermeasure.adversarial-noise": "3b193956",
            "countermeasure.d-vae": "577619f6",
            "countermeasure.leaked-pairs": "406cb729",
        },
    },
}

TABLES["lite-v1+fp32"] = TABLES["lite-v1"]


def digest(name: str) -> str:
    protocol = load_protocol(name)
    datasets = {dataset: former(setup) for dataset, setup in protocol.datasets.items()}
    return digest_of({"setup": former(protocol.setup), "datasets": datasets})[:16]


def tables(setup: Setup) -> dict[str, str]:
    """Return the digest of every table of a setup, by its name."""
    found = {name: setup.shared(name).numbers() for name in ("network", "augment", "noise", "victim")}
    for section in ("noise", "victim", "countermeasure"):
        held = getattr(setup, section)
        own = {name: value.numbers() for name, value in held if isinstance(value, OwnTable)} | dict(held.tables)
        found |= {f"{section}.{name}": numbers for name, numbers in own.items()}
    return {name: digest_of(numbers)[:8] for name, numbers in found.items()}


def test_every_shipped_protocol_is_released() -> None:
    assert shipped("protocols") == sorted(RELEASED)


@pytest.mark.parametrize("name", RELEASED)
def test_a_variant_is_named_after_its_base(name: str) -> None:
    """The suite and the page derive its base from its name."""
    base, plus, _ = name.partition("+")
    assert read_toml("protocols", name).get("base") == (base if plus else None)


@pytest.mark.parametrize("name", RELEASED)
def test_released_protocol_is_frozen(name: str) -> None:
    assert digest(name) == RELEASED[name], f"{name} is released and has changed: put the new numbers into a new version"


@pytest.mark.parametrize("name", RELEASED)
def test_no_table_of_a_released_protocol_changes(name: str) -> None:
    protocol = load_protocol(name)
    assert protocol.salt == ("lite-v1" if name == "lite-v1+fp32" else name)
    found = {"": tables(protocol.setup)} | {dataset: tables(setup) for dataset, setup in protocol.datasets.items()}
    assert found == TABLES[name], f"{name} is released: a table may be added, with a line here; none may change"

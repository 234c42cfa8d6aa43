"""A cell's share of a Ray node, from what the user asks for and what the cluster has."""

import pytest

from bench.run.executors.ray.share import count_fitting, options, share_of


@pytest.mark.parametrize(
    ("device", "resources", "gpus", "share"),
    [
        ("auto", {}, False, {"CPU": 1}),
        ("auto", {}, True, {"CPU": 1, "GPU": 1}),
        ("cuda", {"gpus": "0.5"}, True, {"CPU": 1, "GPU": 0.5}),
        ("cpu", {"cpus": "4"}, True, {"CPU": 4}),
        ("auto", {"fast": "2", "memory": "1e9", "CPU": "0.5"}, False, {"CPU": 0.5, "fast": 2, "memory": 1e9}),
    ],
)
def test_share(device: str, resources: dict[str, str], gpus: bool, share: dict[str, float]) -> None:
    assert share_of(device, resources, gpus=gpus) == share


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "1.5", ""])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"cpus={text} is not valid"):
        share_of("auto", {"cpus": text}, gpus=False)


def test_a_cell_takes_one_gpu_at_most() -> None:
    with pytest.raises(ValueError, match="a cell uses at most one GPU"):
        share_of("auto", {"gpus": "2"}, gpus=True)


def test_options_are_those_of_a_task() -> None:
    share = {"CPU": 4.0, "GPU": 0.5, "memory": 1e9, "fast": 1.0}
    assert options(share) == {"num_cpus": 4, "num_gpus": 0.5, "memory": 1e9, "resources": {"fast": 1}}


def test_room_is_that_of_the_scarcest_resource_of_each_node() -> None:
    nodes = [{"CPU": 8.0, "GPU": 2.0}, {"CPU": 3.0, "GPU": 4.0}, {"CPU": 8.0}]
    assert count_fitting({"CPU": 1, "GPU": 0.5}, nodes) == 4 + 3

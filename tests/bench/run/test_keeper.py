import logging
import time
from pathlib import Path

import pytest
import torch

from attacks.core.errors import StoppedError
from attacks.core.state import State
from attacks.core.tensors import write_tensors
from bench.run.keeper import FileKeeper

STATE: State = {"a/weights": torch.arange(6.0).reshape(2, 3), "noise": torch.tensor([-8, 8], dtype=torch.int8)}


def keep(path: Path) -> None:
    """Save a state as a run that is told to stop does."""
    with pytest.raises(StoppedError):
        FileKeeper(path, "cpu", stopping=lambda: True).offer(lambda: dict(STATE))


def test_state_comes_back_with_the_random_state_and_the_seconds(tmp_path: Path) -> None:
    torch.manual_seed(3)
    keep(tmp_path / "state")
    expected = torch.rand(4)
    keeper = FileKeeper(tmp_path / "state", "cpu", stopping=lambda: False)
    kept = keeper.restored()
    assert kept is not None
    assert kept.keys() == STATE.keys()
    assert all(torch.equal(kept[name], STATE[name]) for name in STATE)
    assert torch.equal(torch.rand(4), expected)
    assert keeper.seconds > 0
    keeper.forget()
    assert FileKeeper(tmp_path / "state", "cpu", stopping=lambda: False).restored() is None


@pytest.mark.parametrize("texts", [{}, {"inputs": "of other images"}])
def test_a_state_of_unknown_or_other_inputs_is_not_resumed(
    texts: dict[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_tensors(tmp_path / "state", STATE, texts)
    with caplog.at_level(logging.WARNING):
        assert FileKeeper(tmp_path / "state", "cpu", stopping=lambda: False).restored() is None
    assert "the cell starts over" in caplog.text


def test_the_other_places_that_worked_on_a_state_are_known(tmp_path: Path) -> None:
    def resumed_at(place: str) -> tuple[str, ...]:
        keeper = FileKeeper(tmp_path / "state", "cpu", stopping=lambda: True, place=place)
        keeper.restored()
        with pytest.raises(StoppedError):
            keeper.offer(lambda: dict(STATE))
        return keeper.resumed_from

    assert [resumed_at(place) for place in ("one", "one", "two", "one")] == [(), (), ("one",), ("two",)]


def test_state_is_saved_when_it_is_time_and_not_before(tmp_path: Path) -> None:
    captured: list[int] = []

    def capture() -> State:
        captured.append(1)
        return dict(STATE)

    never = FileKeeper(tmp_path / "state", "cpu", stopping=lambda: False)
    never.offer(capture)
    assert not captured
    always = FileKeeper(tmp_path / "state", "cpu", stopping=lambda: False, seconds_between=0)
    always.offer(capture)
    assert len(captured) == 1


def test_what_takes_long_to_save_is_saved_less_often(tmp_path: Path) -> None:
    captured: list[float] = []

    def capture() -> State:
        captured.append(time.monotonic())
        time.sleep(0.01)
        return dict(STATE)

    keeper = FileKeeper(tmp_path / "state", "cpu", stopping=lambda: False, seconds_between=0)
    while len(captured) < 2:
        keeper.offer(capture)
    assert captured[1] - captured[0] > 0.01 / 0.02


@pytest.mark.parametrize("place", [0, 8, 40, 200, -1])
def test_a_flipped_byte_is_noticed(tmp_path: Path, caplog: pytest.LogCaptureFixture, place: int) -> None:
    keep(tmp_path / "state")
    content = bytearray((tmp_path / "state").read_bytes())
    content[place] ^= 1
    (tmp_path / "state").write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert FileKeeper(tmp_path / "state", "cpu", stopping=lambda: False).restored() is None
    assert "starts over" in caplog.text
    assert [file.name for file in tmp_path.iterdir()] == ["state.corrupt"]


@pytest.mark.parametrize("length", [0, 10, 32, 100, -1])
def test_a_cut_file_is_noticed(tmp_path: Path, length: int) -> None:
    keep(tmp_path / "state")
    (tmp_path / "state").write_bytes((tmp_path / "state").read_bytes()[:length])
    assert FileKeeper(tmp_path / "state", "cpu", stopping=lambda: False).restored() is None
    assert (tmp_path / "state.corrupt").exists()


def test_a_tensor_may_be_in_a_state_twice(tmp_path: Path) -> None:
    twice = torch.arange(4.0)
    with pytest.raises(StoppedError):
        FileKeeper(tmp_path / "state", "cpu", stopping=lambda: True).offer(lambda: {"one": twice, "other": twice})
    kept = FileKeeper(tmp_path / "state", "cpu", stopping=lambda: False).restored()
    assert kept is not None
    assert torch.equal(kept["one"], kept["other"])

"""Where a grid's time goes, on tiny cells of a folder of images."""

import re
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import CodeType

import pytest

from attacks.core.errors import RequestError
from attacks.core.tensors import read_tensors
from bench.cli import main
from bench.config.load import load_grid
from bench.config.models import VictimCell
from bench.data import Places
from bench.profile import stretch
from bench.profile.sampler import Sampler
from bench.profile.whole import GridProfile, _can_be_measured, _kind, profile_grid
from bench.run.plan import make_plan
from bench.run.workplace import Workplace, state_file

TINY = (
    *("methods=[clean,rem-fu22,sem-liu24,tap-fowl21]", "victims=resnet18-w8", "radii=[0,4]", "seeds=[0,1]"),
    "trainings=[supervised,fine-tune]",  # the second needs weights
    'exclude=[{training="fine-tune",victim="resnet18-w8"},{method="clean",rho_a=4}]',
)


@pytest.fixture
def changes(tmp_path: Path, write_tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The `--set` texts that make a tiny grid of `smoke`; its stretches take as few steps as possible."""
    monkeypatch.setattr(stretch, "BUDGET", 0.0)
    monkeypatch.setattr(stretch, "BARE_BUDGET", 0.0)
    root = write_tree(tmp_path / "pets", {"train/cat": 9, "train/dog": 9, "test/cat": 3, "test/dog": 3}, size=(12, 12))
    return (*TINY, f"datasets=folder:{root}", "setup.noise.batch=4", "setup.victim.batch=4")


def test_time_belongs_to_the_innermost_function_that_is_sorted() -> None:
    took = dict[str, float]()  # on a busy machine, longer than asked

    def sleep(name: str, seconds: float) -> None:
        began = time.perf_counter()
        time.sleep(seconds)
        took[name] = time.perf_counter() - began

    def inner() -> None:
        sleep("inner", 0.1)

    def outer() -> None:
        inner()
        sleep("outer", 0.2)

    codes = {inner.__code__: "inner", outer.__code__: "outer"}
    with Sampler(lambda stack: next((name for code, name in codes.items() if code in stack), "rest")) as sampler:
        outer()
    assert {name: sampler.seconds[name] / took[name] for name in took} == pytest.approx(
        {"inner": 1, "outer": 1}, rel=0.5
    )
    assert sampler.seconds.get("rest", 0.0) < took["inner"]


def test_a_stack_is_read_only_by_its_own_thread() -> None:
    readers = set[int]()

    def sort(_codes: frozenset[CodeType]) -> str:
        readers.add(threading.get_ident())
        return "all"

    before = signal.getsignal(signal.SIGALRM)
    began = time.perf_counter()
    with Sampler(sort) as sampler:
        while not sampler.seconds:
            pass
    assert 0 < sampler.seconds["all"] <= time.perf_counter() - began
    assert readers == {threading.get_ident()}
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_time_before_the_first_sample_counts() -> None:
    with Sampler(lambda _codes: "all") as sampler:
        pass
    assert sampler.seconds["all"] > 0


def test_phases_make_the_passes_that_the_plan_counts(changes: tuple[str, ...], places: Places, tmp_path: Path) -> None:
    grid, protocol = load_grid("smoke", changes)
    place = Workplace(results=tmp_path / "results", places=places, device="cpu", threads=1, by="")
    told = list[str]()
    whole = profile_grid(grid, protocol, place, told.append)
    jobs = [job for job in make_plan(grid, protocol, places).jobs if "tap-fowl21/noise" not in job.cell.label]
    for kind in ("attack", "train", "forward"):
        found = sum(spent.passes for phase, spent in whole.phases.items() if phase.network == kind)
        assert found == sum(getattr(job.passes, kind) for job in jobs)
    assert sum(kind.count for kind in whole.kinds) == len(jobs)
    assert {kind.title for kind in whole.kinds} <= set(told)
    assert not any(kind.title.endswith("fine-tune") for kind in whole.kinds)
    assert whole.unmeasured == ("pets/tap-fowl21/noise/s0", "pets/tap-fowl21/noise/s1")
    _check_phases(whole)
    assert [path.name for path in places.cache.iterdir()] == ["datasets"]
    assert not (tmp_path / "results").exists()


def test_a_stretch_has_as_many_steps_as_it_counts(changes: tuple[str, ...], places: Places, tmp_path: Path) -> None:
    few = (*changes, "methods=[random,sem-liu24]", "radii=[0]", "seeds=[0]", "exclude=[]", "trainings=supervised")
    jobs = make_plan(*load_grid("smoke", few), places).jobs
    place = Workplace(results=tmp_path / "results", places=places, device="cpu", threads=1, by="")
    cells = {(job.cell.kind, job.cell.method): job for job in jobs}
    stretch.measure_whole(cells["noise", "random"], place)
    for kind, method, steps in (("noise", "sem-liu24", "progress"), ("victim", "random", "done")):
        job = cells[kind, method]
        counted = stretch.measure_stretch(job, place).amounts.steps
        state, _ = read_tensors(state_file(place, job.cell))
        assert state[steps].flatten()[0] == stretch.WARM_UP + counted == 3


def _check_phases(whole: GridProfile) -> None:
    """Check that every phase of such cells was seen, and that the phases add up to the whole."""
    found = {phase.title for phase, spent in whole.phases.items() if spent.seconds > 0}
    assert {"noise: gradients", "surrogate: attack", "surrogate: forward, backward", "visibility"} <= found
    assert {"victim: attack", "victim: forward, backward", "evaluation", "reporting"} <= found
    of_cells = sum(spent.seconds for phase, spent in whole.phases.items() if phase.basis != "once")
    assert of_cells == pytest.approx(sum(kind.spent.seconds for kind in whole.kinds))


def test_the_command_prints_shares_of_the_whole(
    changes: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["profile", "--grid", "smoke", "--device", "cpu", "--threads", "1", "--cache", str(tmp_path / "cache")]
    small = (*changes, "methods=[sem-liu24,tap-fowl21]", "radii=[0]", "seeds=[0]", "exclude=[]", "trainings=supervised")
    assert main([*words, *(word for change in small for word in ("--set", change))]) == 0
    printed = capsys.readouterr().out
    phases = printed.split("\n\n")[0].splitlines()[2:-1]
    shares = [float(re.split(r"  +", line)[2]) for line in phases]
    assert sum(shares) == pytest.approx(100, abs=0.1 * len(shares))
    gradients = next(line for line in phases if line.startswith("noise: gradients"))
    assert re.fullmatch(r"noise: gradients +\d+ (s|min|h) +[\d.]+ +[\d,.]+ +\d+", gradients)
    assert "pets/resnet18-w8/r0" in printed
    assert "left out, because their steps differ or only go forward: pets/tap-fowl21/noise/s0" in printed


def test_a_cell_that_fails_gives_no_profile(changes: tuple[str, ...], places: Places, tmp_path: Path) -> None:
    place = Workplace(results=tmp_path, places=places, device="cpu", threads=1, by="", time_limit=1e-9)
    with pytest.raises(RequestError, match="failed, so its phases cannot be measured: TimeLimitError"):
        profile_grid(*load_grid("smoke", changes), place, lambda _: None)


def test_only_cells_whose_steps_are_alike_are_measured(places: Places) -> None:
    trainings = "trainings=[fine-tune,fine-tune-head,linear-probe]"
    against = "countermeasures=[standard,ueraser-max,ueraser-plain,d-vae]"
    changes = (
        "methods=[clean,pil]",
        "victims=tf_efficientnet_lite0.in1k",
        "radii=[0]",
        "seeds=[0]",
        trainings,
        against,
    )
    jobs = make_plan(*load_grid("smoke", changes), places).jobs
    words = {job.cell.label.partition("r0-s0-")[2] for job in jobs if _can_be_measured(job)} - {""}
    assert words == {"fine-tune", "fine-tune-ueraser-max"}
    assert {_kind(job) for job in jobs if not isinstance(job.cell, VictimCell)} == {
        "photo-patches/noise without a network"
    }


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--set", "seeds=[0]"], "--set changes a grid; give --grid too"),
        (["--grid", "smoke", "--victim", "resnet18"], "--grid cannot be combined with --victim"),
        (["--grid", "smoke", "--out", "here"], "--grid cannot be combined with --out"),
        (["--grid", "smoke", "--set", "setup.noise.steps=2", "--set", "methods=sem-liu24"], "has only 2 steps"),
    ],
)
@pytest.mark.usefixtures("changes")
def test_what_cannot_be_measured_is_one_line(
    words: list[str], what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", *words, "--device", "cpu", "--cache", str(tmp_path / "cache")]) == 2
    error = capsys.readouterr().err
    assert what in error
    assert len(error.splitlines()) == 1

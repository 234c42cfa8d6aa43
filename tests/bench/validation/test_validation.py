"""One fault at a time in a folder of valid records."""

import errno
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from attacks.core.errors import RequestError
from bench.config.load import load_protocol
from bench.config.models import Grid
from bench.data import Places
from bench.records.schema import Record, VictimRecord, parse_record
from bench.records.store import Store
from bench.run.job import Job
from bench.run.plan import make_plan
from bench.seal import seal, unseal
from bench.validation.reference import limit
from bench.validation.validate import Validated, validate
from victims.networks.stems import STEMS
from victims.networks.stems.resnet import RESNET
from victims.networks.weights.hub import Hub
from victims.networks.weights.packaged import LITE0
from victims.recipes import TRAININGS
from victims.recipes.supervised import SUPERVISED

VICTIM = "records/cifar10/em-fu22/resnet18/r0-s0-*.json"
ROBUST = "records/cifar10/em-fu22/resnet18/r4-s0-*.json"
NOISE = "noise/cifar10/em-fu22/s0-*.json"
CLEAN = "noise/cifar10/clean/s0-*.json"
NONE = {"attack": 0, "train": 0, "forward": 0}


@pytest.fixture
def results(tmp_path: Path, write_records: Callable[[Path], Path]) -> Path:
    return write_records(tmp_path / "results")


def only(root: Path, pattern: str) -> Path:
    (path,) = root.glob(pattern)
    return path


def change(path: Path, keys: str, value: Any) -> None:
    """Set one value in a record's file; if its cell changes, the file then belongs elsewhere (`rename`)."""
    data = json.loads(path.read_text())
    *parents, last = keys.split(".")
    part = data
    for key in parents:
        part = part[int(key) if key.lstrip("-").isdigit() else key]
    part[last] = value
    path.write_bytes(seal(data))


def read(path: Path) -> Record:
    return parse_record(unseal(json.loads(path.read_text()), path.read_bytes()))


def reach(path: Path, accuracy: float) -> None:
    """Give a victim's record an accuracy."""
    record = read(path)
    assert isinstance(record, VictimRecord)
    change(path, "curve", [point.model_dump() | {"accuracy": accuracy} for point in record.curve])
    for name in ("accuracy_final", "accuracy_last_mean", "accuracy_peak"):
        change(path, f"metrics.{name}", accuracy)


def rename(path: Path) -> Path:
    """Move a record whose cell was changed to where that cell belongs, and return its path."""
    root = next(parent for parent in path.parents if parent.name in {"records", "noise"}).parent
    place = Store(root).path(read(path).cell)
    place.parent.mkdir(parents=True, exist_ok=True)
    return path.rename(place)


def problems(found: Validated, path: Path) -> str:
    return "\n".join(str(finding) for finding in found.findings if finding.path == path and not finding.warning)


def test_what_the_code_plans_is_right(results: Path) -> None:
    found = validate(results)
    assert [str(finding) for finding in found.findings] == []
    assert len(found.subjects) == 12


@pytest.mark.parametrize(
    ("pattern", "keys", "value", "said"),
    [
        (VICTIM, "metrics.accuracy_final", 100.5, "accuracy_final"),
        (VICTIM, "metrics.accuracy_final", "20", "valid number"),
        (VICTIM, "metrics.accuracy_final", True, "valid number"),
        (VICTIM, "metrics.accuracy_final", 19.5, "curve ends at 20.00"),
        (VICTIM, "metrics.accuracy_peak", 21.0, "peak"),
        (VICTIM, "metrics.accuracy_last_mean", 20.0, "mean of the last 3"),
        (VICTIM, "metrics.accuracy_robust", 20.0, "robust accuracy at radius 0"),
        (ROBUST, "metrics.accuracy_robust", None, "no robust accuracy"),
        (VICTIM, "curve.3.step", 121, "every 30 steps up to 300"),
        (VICTIM, "curve.3.step", 90, "do not increase"),
        (VICTIM, "curve", [], "no curve"),
        (VICTIM, "curve", 3, "schema: curve"),
        (VICTIM, "curve", [3, {"step": []}], "schema: curve.0"),
        (VICTIM, "costs.training.seconds", 0, "no time"),
        (VICTIM, "costs.training.passes.train", 1, "image-passes"),
        (NOISE, "costs.generation.passes.attack", 1, "image-passes"),
        (NOISE, "costs", {}, "image-passes are none"),
        (VICTIM, "costs", {}, "it lacks the cost of evaluation and of training"),
        (NOISE, "costs.training", {"seconds": 1, "passes": NONE}, "a cost of training, which a noise does not have"),
        (NOISE, "metrics.linf", 9.0, "largest entry is 9/255"),
        (NOISE, "bounded", False, "claims not to"),
        (NOISE, "metrics", None, "no results"),
        (VICTIM, "status", "failed", "failed but has results"),
        (VICTIM, "error", "out of memory", "states an error"),
        (VICTIM, "precision", "fp32", "its precision is fp32"),
        (VICTIM, "digests.noise", "f" * 64, "digest of its noise differs from"),
        (VICTIM, "digests.noise", "f", "not a SHA-256"),
        (VICTIM, "digests.dataset", "../../x", "the digest of its dataset is not a SHA-256"),
        (VICTIM, "digests.dataset", "f" * 64, "in most records"),
        (VICTIM, "digests", {}, "no digest of its dataset and of its noise"),
        (VICTIM, "environment.commit", "main", "full git hash"),
        (VICTIM, "finished", "2999-01-01T00:00:00Z", "future"),
        (VICTIM, "finished", "2026-01-01T00:00:00", "with a time zone"),
        (VICTIM, "finished", "soon", "not an ISO time"),
        (VICTIM, "extra", {"a": [{}]}, "schema: extra"),
        (VICTIM, "cell", 3, "schema"),
        (VICTIM, "by", "<script>alert(1)</script>", "markup"),
        (VICTIM, "by", "javascript:alert(1)", "script URL"),
        (VICTIM, "by", "=HYPERLINK(A1)", "the start of a spreadsheet formula"),
        (NOISE, "environment.device", " @SUM(A1)", "the start of a spreadsheet formula"),
        (NOISE, "environment.device", "<img src=x>", "markup"),
        (NOISE, "environment.versions", {"javascript:1": "1"}, "script URL"),
        (NOISE, "cell.method", "<script>", "markup"),
        (NOISE, "cell.method", "=1+1", "the start of"),
        (NOISE, "cell.method", "../up", "cell.method"),
        (VICTIM, "cell.dataset", "..", "cell.dataset"),
        (VICTIM, "by", "x" * 500, "500 characters"),
        (VICTIM, "by", "x" * 1_000_000, "1,000,000 characters"),
        (VICTIM, "by", "x" * 2_000_000, "larger than"),
        (VICTIM, "by", "a\u202eb", "control characters, 'a\\\\u202eb'"),
        (VICTIM, "by", "\ud800", "not UTF-8"),
        (VICTIM, "error", "a\x1b[2Jb", "control characters in `error`"),
        (VICTIM, "error", "x" * 20_001, "20,001 characters in `error`"),
        (VICTIM, "notes", ["fine", "a\x1b[2Jb"], "control characters in `notes`"),
        (VICTIM, "notes", ["x" * 50_001], "50,001 characters in `notes`"),
        (VICTIM, "notes", [{"by": "x" * 300}], "schema: notes.0"),
        (VICTIM, "cell.victim", "../../etc/passwd", "cell.victim"),
        (VICTIM, "cell.seed", 10**20, "too large"),
        (VICTIM, "curve.3.step", 10**20, "too large"),
        (VICTIM, "cell.seed", 2, "belongs at"),
    ],
)
def test_a_wrong_value_is_found(results: Path, pattern: str, keys: str, value: Any, said: str) -> None:
    path = only(results, pattern)
    change(path, keys, value)
    assert said in problems(validate(results), path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"a": 1, "a": 2}', "a duplicate key"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "digits"),
        (b'{"a": "\xff"}', "not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a": ' + b"[" * 200_000, "nested"),
        (b'{"a": ' + b"[" * 900 + b"]" * 900 + b"}", ""),
        (b"{}", "no schema version"),
    ],
)
def test_what_is_no_record_is_one_line(results: Path, content: bytes, said: str) -> None:
    path = only(results, VICTIM)
    path.write_bytes(content)
    line = problems(validate(results), path)
    assert said in line
    assert line.startswith(str(path))
    assert "\n" not in line


def test_the_remedy_for_a_file_that_cannot_be_read_fits(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer, damaged, secret = only(results, VICTIM), only(results, ROBUST), only(results, NOISE)
    change(newer, "schema_version", 99)
    damaged.write_text("{")
    read_bytes = Path.read_bytes

    def refused(path: Path) -> bytes:  # root may read all files
        if path == secret:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    found = validate(results)
    what = "was made by a newer version (schema 99, ours is 3); upgrade unlearnable-bench"
    assert problems(found, newer) == f"{newer}: {what}"
    assert problems(found, secret) == f"{secret}: cannot be read (Permission denied); check its permissions"
    assert problems(found, damaged).endswith("; restore the record that `run` wrote")


def test_other_files_are_found_and_not_followed(results: Path, tmp_path: Path) -> None:
    folder = only(results, VICTIM).parent
    (folder / "notes.txt").touch()
    (folder / "x.json.corrupt").touch()
    (folder / "x.json").mkdir()
    (folder / "link.json").symlink_to(only(results, VICTIM))
    (results / "records" / "loop").symlink_to(results, target_is_directory=True)
    os.mkfifo(folder / "pipe.json")
    (results / "noise" / "a\nb.json").touch()
    found = validate(results)
    assert {finding.path.name for finding in found.findings} == {
        *("notes.txt", "x.json.corrupt", "x.json", "link.json", "loop", "pipe.json", "a\nb.json")
    }
    assert len(found.subjects) == 12
    assert not any("\n" in str(finding) for finding in found.findings)


def test_a_second_record_of_a_cell_is_found(results: Path) -> None:
    path = only(results, VICTIM)
    copy = path.with_name("r0-s0-00000000.json")
    copy.write_bytes(path.read_bytes())
    said = problems(validate(results), copy) + problems(validate(results), path)
    assert "belongs at" in said
    assert "has the same cell as" in said


def test_a_victim_needs_the_record_of_its_noise(results: Path) -> None:
    only(results, NOISE).unlink()
    assert "record of its noise is missing" in problems(validate(results), only(results, VICTIM))


def test_a_victim_needs_the_record_of_the_network_that_its_weights_are_from(results: Path) -> None:
    source, path = only(results, "records/cifar10/clean/resnet18/r0-s0-*.json"), only(results, VICTIM)
    change(path, "cell.victim", "resnet18.cifar100")
    change(path, "cell.inputs.weights", f"victim/{read(source).cell.key}")
    path = rename(path)
    assert problems(validate(results), path) == ""
    source.unlink()
    what = "the record of the network that its weights are from is missing; publish it too"
    assert problems(validate(results), path) == f"{path}: {what}"


@pytest.mark.parametrize(
    ("pattern", "keys", "value", "said"),
    [
        (NOISE, "cell.method", "em-fu23", "unknown method 'em-fu23'; did you mean 'em-fu22'?"),
        (NOISE, "cell.method", "em", "unknown method 'em'"),
        (VICTIM, "cell.victim", "resnet19", "unknown victim 'resnet19'; did you mean"),
        (VICTIM, "cell.dataset", "cifar11", "unknown dataset 'cifar11'"),
        (VICTIM, "cell.protocol", "smoke-v1+abcdef", "smoke-v1 with numbers changed by --set"),
        (VICTIM, "cell.countermeasure", "prayer", "unknown countermeasure"),
        (VICTIM, "cell.part", "unprotected", "no grid can contain such a cell"),
        (VICTIM, "cell.training", "fine-tone", "unknown training recipe"),
        (VICTIM, "cell.numbers.victim.steps", 301, "its numbers (victim) are not those of protocol smoke-v1"),
        (VICTIM, "cell.numbers", {}, "its numbers (augment, network, victim) are not those of protocol smoke-v1"),
        (NOISE, "cell.numbers.other", {"a": 1}, "its numbers (other) are not those of protocol smoke-v1"),
        (NOISE, "cell.inputs.stream", "cifar10/mine", "its stream is not that of its protocol"),
        (NOISE, "cell.inputs.dataset", "md5:0", "not those of cifar10"),
        (NOISE, "cell.inputs.method", "em-fu22/99", "its method is em-fu22/99, but here it is"),
        (NOISE, "cell.inputs.method", "em-fu22/0", "its method is em-fu22/0, but here it is"),
        (NOISE, "cell.inputs.engine", "mine", "its engine is mine"),
        (NOISE, "cell.inputs.engine", "0", "its engine is 0, but here it is 1"),
        (NOISE, "cell.inputs.engine", "1/1", "its engine is 1/1, but here it is 1"),
        (VICTIM, "cell.inputs.recipe", "supervised/0", "its recipe is supervised/0, but here it is supervised/1"),
        (VICTIM, "cell.inputs.recipe", "1", "its recipe is 1, but here it is supervised/1"),
        (VICTIM, "cell.inputs", {"noise": "0"}, "its inputs are noise, not"),
    ],
)
def test_a_cell_of_other_code_is_found(results: Path, pattern: str, keys: str, value: Any, said: str) -> None:
    path = only(results, pattern)
    change(path, keys, value)
    path = rename(path)
    assert said in problems(validate(results), path)


@pytest.fixture
def newer_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise the versions of the training recipe and the engine; existing records then have the older ones."""
    monkeypatch.setitem(TRAININGS, "supervised", replace(SUPERVISED, version=2))
    monkeypatch.setattr("bench.config.cells.ENGINE_VERSION", 2)


@pytest.mark.usefixtures("newer_code")
def test_an_older_version_is_only_said_to_be_one(results: Path) -> None:
    paths = sorted(results.glob("records/**/clean/**/*.json"))
    found = validate(results)
    said = "its recipe is supervised/1, older than supervised/2; rerun it to compare it with newer ones"
    assert {str(finding) for finding in found.findings if finding.path in paths} == {
        f"{path}: warning: {said}" for path in paths
    }
    assert found.problems == 0


def test_a_network_of_the_first_version_need_not_say_so(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = tuple(replace(stem, version=stem.version + 1) if stem is RESNET else stem for stem in STEMS)
    monkeypatch.setattr("victims.networks.stems.STEMS", newer)
    found = validate(results)
    said = {str(finding).partition("warning: ")[2].partition(", older")[0] for finding in found.findings}
    assert said == {"its network is resnet18/1", "its surrogate is resnet18-w8/1"}
    assert found.problems == 0


@pytest.mark.parametrize(
    ("version", "said"),
    [(None, "warning: its network is mixer_s32_224-w32/1, older than"), (2, ""), (3, "but here it is")],
)
def test_a_corrected_family_of_networks_makes_its_own_victims_older(
    version: int | None, said: str, results: Path
) -> None:
    path = only(results, VICTIM)
    change(path, "cell.victim", "mixer_s32_224-w32")
    if version:
        change(path, "cell.inputs.network", f"mixer_s32_224-w32/{version}")
    path = rename(path)
    findings = [str(finding) for finding in validate(results).findings if finding.path == path]
    assert [said in finding for finding in findings] == [True] * bool(said)


@pytest.mark.usefixtures("newer_code")
def test_an_older_version_has_the_same_numbers_as_others(results: Path) -> None:
    path = only(results, VICTIM)
    change(path, "cell.numbers.victim.steps", 301)
    path = rename(path)
    assert "its numbers (victim) are not those of protocol smoke-v1" in problems(validate(results), path)


@pytest.mark.usefixtures("newer_code")
@pytest.mark.parametrize(
    ("keys", "value", "said"),
    [
        ("cell.inputs.dataset", "md5:0", "not those of cifar10"),
        ("precision", "fp32", "its precision is fp32"),
        ("cell.inputs.engine", "3", "its engine is 3, but here it is 2"),
    ],
)
def test_an_older_version_has_the_same_images_and_precision(results: Path, keys: str, value: str, said: str) -> None:
    path = only(results, NOISE)
    change(path, keys, value)
    path = rename(path)
    assert said in problems(validate(results), path)


def test_a_noise_from_a_file_needs_no_method_here(results: Path) -> None:
    """Its cost is not known; its victims are checked against their recipe like all others."""
    path = only(results, NOISE)
    change(path, "cell.method", "another")
    change(path, "cell.inputs.method", f"another/{'a' * 64}")
    change(path, "cell.numbers", {})
    change(path, "costs", {})
    noise = rename(path)
    key = read(noise).cell.key
    for pattern in (VICTIM, ROBUST):
        path = only(results, pattern)
        change(path, "cell.method", "another")
        change(path, "cell.inputs.noise", key)
        change(path, "cell.inputs.method", f"another/{'a' * 64}")
        path = rename(path)
    assert [str(finding) for finding in validate(results).findings] == []
    change(path, "costs.training.passes.train", 1)
    assert "image-passes" in problems(validate(results), path)


@pytest.mark.parametrize(
    ("identity", "tables"), [(f"sha256/{'a' * 64}", {"side": 48}), (f"file/{'a' * 64}", None)], ids=["hub", "file"]
)
def test_weights_need_not_be_here(identity: str, tables: dict[str, int] | None, results: Path) -> None:
    path = only(results, VICTIM)
    change(path, "cell.victim", "resnet18.a1_in1k" if tables else "resnet18.mine")
    change(path, "cell.inputs.weights", identity)
    if tables:
        change(path, "cell.numbers", read(path).cell.numbers | {"victim.pretrained": tables})
    path = rename(path)
    assert [str(finding) for finding in validate(results).findings if finding.path == path] == []


@pytest.mark.parametrize("file", ["another file", "the file"])
def test_weights_are_those_of_their_name(file: str, results: Path) -> None:
    digest = LITE0.sha256 if file == "the file" else "a" * 64
    path = only(results, VICTIM)
    change(path, "cell.victim", LITE0.name)
    change(path, "cell.inputs.weights", f"sha256/{digest}")
    change(path, "cell.numbers", read(path).cell.numbers | {"victim.pretrained": {"side": 48}})
    path = rename(path)
    said = problems(validate(results), path)
    assert ("its weights are not those that it names" in said) == (file == "another file")


@pytest.mark.parametrize("protocol", ["smoke-v1", "paper-v1"])
@pytest.mark.parametrize("file", ["another file", "the file"])
def test_a_noise_started_from_the_weights_of_its_protocol(
    protocol: str, file: str, results: Path, record_of: Callable[[Job], Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights that are not on this machine, such as those of a hub, cannot be told from others."""

    def path_on_hub(_weights: Hub) -> Path:
        raise RequestError("fetch them first")

    monkeypatch.setattr(Hub, "_path", path_on_hub)
    places = Places(data=results, cache=results)
    lists = {
        "datasets": ("cifar10",),
        "methods": ("bait-li26",),
        "victims": ("resnet18",),
        "radii": (0,),
        "seeds": (0,),
    }
    grid = Grid.model_validate({"name": "test", "protocol": protocol, **lists})
    job = make_plan(grid, load_protocol(protocol), places).jobs[0]
    Store(results).write(record_of(job))
    path = only(results, "noise/cifar10/bait-li26/s0-*.json")
    if file == "another file":
        change(path, "cell.inputs.noise_weights", f"{LITE0.name}/sha256/{'a' * 64}")
        path = rename(path)
    wrong = file == "another file" and protocol == "smoke-v1"
    assert ("its weights are not those that it names" in problems(validate(results), path)) == wrong


def test_a_failure_is_no_problem(results: Path) -> None:
    path = only(results, VICTIM)
    for key, value in {"status": "failed", "error": "boom\n\nTraceback", "metrics": None, "curve": []}.items():
        change(path, key, value)
    assert validate(results).findings == ()


def test_a_note_may_name_ten_long_paths(results: Path) -> None:
    root = "x" * 200
    for path in (only(results, VICTIM), only(results, NOISE)):
        change(
            path, "notes", [f"files skipped because of their format (.heic): 10 ({', '.join([f'{root}.heic'] * 10)})"]
        )
    assert validate(results).findings == ()


def test_better_than_clean_is_found_at_radius_0_alone(results: Path) -> None:
    """The clean seeds have 80 and 81, so the limit is 80.5 plus three points or four standard deviations, if more."""
    bound = limit([80, 81])
    assert bound == pytest.approx(80.5 + max(3, 4 * 0.5**0.5))
    for pattern in (VICTIM, ROBUST):
        for accuracy, believed in ((bound - 0.01, True), (bound + 0.01, False)):
            path = only(results, pattern)
            reach(path, accuracy)
            said = problems(validate(results), path)
            assert ("higher than the spread of seeds explains" in said) == (not believed and pattern == VICTIM)


def test_a_single_clean_seed_is_one_seed(results: Path) -> None:
    only(results, "records/cifar10/clean/resnet18/r0-s1-*.json").unlink()
    path = only(results, VICTIM)
    reach(path, 95)
    said = "80.00% on clean ones without a countermeasure (1 seed; at most 90.00%)"
    assert said in problems(validate(results), path)


def test_better_than_clean_images_of_another_version_of_the_network_is_no_problem(results: Path) -> None:
    path = only(results, VICTIM)
    reach(path, limit([80, 81]) + 0.01)
    change(path, "cell.inputs.network", "resnet18/2")
    path = rename(path)
    assert "higher than the spread of seeds explains" not in problems(validate(results), path)


@pytest.mark.parametrize("countermeasure", ["orthogonal-projection", "d-vae"])
def test_a_countermeasure_may_cost_clean_images_more(
    results: Path, tmp_path: Path, record_of: Callable[[Job], Record], countermeasure: str
) -> None:
    """The clean seeds have 80 and 81 without it, and less or more with it: the higher limit counts."""
    lists = {
        "datasets": ["cifar10"],
        "methods": ["clean", "em-fu22"],
        "victims": ["resnet18"],
        "radii": [0],
        "seeds": [0, 1],
        "countermeasures": [countermeasure],
    }
    grid = Grid.model_validate({"name": "test", "protocol": "smoke-v1", **lists})
    empty = tmp_path / "empty"
    for job in make_plan(grid, load_protocol("smoke-v1"), Places(data=empty, cache=empty)).jobs:
        Store(results).write(record_of(job))

    def of(path: Path) -> str:
        return str(json.loads(path.read_text())["cell"]["countermeasure"])

    def found(method: str, seed: int) -> Path:
        paths = results.glob(f"records/cifar10/{method}/resnet18/r0-s{seed}-*.json")
        (path,) = (path for path in paths if of(path) == countermeasure)
        return path

    def said(accuracy: float) -> str:
        reach(found("em-fu22", 0), accuracy)
        return problems(validate(results), found("em-fu22", 0))

    for accuracies, mean, where in (
        ((60, 61), "80.50", "without a countermeasure"),
        ((85, 86), "85.50", f"under {countermeasure}"),
    ):
        for seed, accuracy in enumerate(accuracies):
            reach(found("clean", seed), accuracy)
        bound = max(limit([80, 81]), limit(accuracies))
        assert "than the spread of seeds explains" not in said(bound - 0.01)
        assert f"higher than the spread of seeds explains: {mean}% on clean ones {where} (2 seeds" in said(bound + 0.01)
    for missing in ("standard", countermeasure):
        gone = [path for path in results.glob("records/cifar10/clean/resnet18/*.json") if of(path) == missing]
        kept = {path: path.read_bytes() for path in gone}
        for path in kept:
            path.unlink()
        assert "than the spread of seeds explains" not in said(99)
        for path, content in kept.items():
            path.write_bytes(content)
    assert "than the spread of seeds explains" in said(99)


def test_protocols_that_differ_in_the_victims_share_their_noises(
    results: Path, tmp_path: Path, record_of: Callable[[Job], Record]
) -> None:
    lists = {"datasets": ["cifar10"], "methods": ["em-fu22"], "victims": ["resnet18"], "radii": [0], "seeds": [0]}
    grid = Grid.model_validate({"name": "test", "protocol": "smoke-v1", **lists})
    longer = load_protocol("smoke-v1", ["setup.victim.steps=600"])
    empty = tmp_path / "empty"
    noise, victim = make_plan(grid, longer, Places(data=empty, cache=empty)).jobs
    assert read(only(results, NOISE)).cell.key == noise.cell.key
    Store(results).write(record_of(victim))
    found = problems(validate(results), Store(results).path(victim.cell))
    assert "unknown protocol 'smoke-v1+" in found
    assert "noise" not in found


def test_one_clean_seed_leaves_more_room() -> None:
    assert limit([80]) == 90
    assert limit([80, 80]) == 83


def test_an_adaptive_trainer_needs_records(results: Path) -> None:
    declared = """
[[break]]
method = "em-fu22"
victim = "{victim}"
rho_a = 0
by = "Ada"
date = 2026-01-01
how = "knows it"
link = "https://example.org"
"""
    (results / "breaks.toml").write_text(declared.format(victim="resnet18") + declared.format(victim="resnet50"))
    (found,) = [finding for finding in validate(results).findings if finding.path.name == "breaks.toml"]
    assert "a trainer of em-fu22 that has no record" in found.what

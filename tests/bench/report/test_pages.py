import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from attacks.core.errors import RequestError
from bench.records.schema import NoiseMetrics, NoiseRecord, VictimRecord
from bench.records.store import Store
from bench.report import leaderboard
from bench.report.text import MISSING
from bench.seal import seal

ROOT = Path(__file__).parents[3]
HEADLINE = "<!-- records: headline group=synthetic-test-v1-fp32 -->"
END = "<!-- records: end -->"
GENERATED = re.compile(r"^<!-- (\w+)(?::[^\n]*)?(?: begin| -->).*?^<!-- \1: end -->$", re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, results: Path) -> Path:
    """A copy of the synthetic records, in a folder of its own."""
    return shutil.copytree(results, tmp_path / "site" / "results")


def block(text: str) -> list[list[str]]:
    """Return the cells of the table between the first two markers."""
    lines = text.partition("-->\n")[2].partition(END)[0].splitlines()
    rows = [line for line in lines if line.startswith("|") and "---" not in line]
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows]


def filled(folder: Path, text: str) -> str:
    (folder / "page.md").write_text(text, encoding="utf-8")
    return leaderboard.render(folder)["page.md"]


def test_what_stands_between_markers_is_replaced_and_nothing_else(folder: Path) -> None:
    page = f"# Mine\n\n{HEADLINE}\nold\n{END}\n\nText with 12.34.\n"
    new = filled(folder, page)
    assert new.startswith(f"# Mine\n\n{HEADLINE}\n\n| method")
    assert new.endswith(f"{END}\n\nText with 12.34.\n")
    assert "old" not in new
    assert filled(folder, new) == new


def test_who_leads_at_each_trainer_of_the_suite(
    tmp_path: Path, make_noise: Callable[..., NoiseRecord], make_victim: Callable[..., VictimRecord]
) -> None:
    (tmp_path / "site").mkdir()
    store, place = Store(tmp_path / "site/results"), {"cell": {"protocol": "paper-v1"}}
    for method, accuracy in {"clean": 90.0, "em-fu22": 20.0, "sem-liu24": 15.5}.items():
        store.write(make_noise(method, 0, 39_000_000, **place))
        store.write(make_victim(method, "resnet18", 0.0, 0, accuracy, **place))
    page = f"<!-- records: leaders group=synthetic-paper-v1-fp32 -->\n{END}\n"
    head, *rows = block(filled(store.root, page))
    assert head == ["if the trainer uses", "method", "accuracy", "without noise", "how sure", "image-passes"]
    assert rows == [
        ["standard training", "sem-liu24", "15.50", "90.00", "undecided against the other, one seed in common", "39.0M"]
    ]


def test_the_headline_has_the_best_first_and_gaps_after_what_is_complete(folder: Path) -> None:
    head, *rows = block(filled(folder, f"{HEADLINE}\n{END}\n"))
    assert head[:4] == ["method", "strongest trainer", "which trainer", "without noise"]
    assert [row[0] for row in rows] == ["clean", "random", "sem-liu24", "rem-fu22", "em-fu22"]
    assert rows[2][1:6] == [
        "34.75 (34.00\N{EN DASH}35.50)",
        "vgg16_bn, rho_a 4",
        "89.95",
        "-55.20 \\[-55.22, -55.18\\]",
        "6/6",
    ]


def test_the_headline_has_seconds_as_a_range_over_hardware(
    folder: Path, make_noise: Callable[..., NoiseRecord], make_victim: Callable[..., VictimRecord]
) -> None:
    Store(folder).write(make_victim("sem-liu24", "resnet18", 0.0, 3, 20.25))
    made = make_noise("sem-liu24", 3, 39_000_000)
    slower = made.environment.model_copy(update={"device": "Slower GPU"})
    costs = {"generation": made.costs["generation"].model_copy(update={"seconds": 4000.0})}
    Store(folder).write(made.model_copy(update={"environment": slower, "costs": costs}))
    head, *rows = block(filled(folder, f"{HEADLINE}\n{END}\n"))
    assert head[-3:] == ["rank", "generation s", "image-passes"]
    assert rows[2][-2:] == ["391\N{EN DASH}4000", "39.0M"]


def test_values_are_listed_by_seed(folder: Path) -> None:
    options = "group=synthetic-test-v1-fp32 victims=resnet18 radii=0 methods=clean,sem-liu24"
    text = filled(folder, f"<!-- records: values {options} -->\n{END}\n")
    assert block(text) == [
        ["method", "resnet18, rho_a 0", "generation s", "image-passes", "device"],
        ["clean", "94.00, 94.75, 95.50", "0.0, 1.0, 2.0", "0", "Synthetic GPU"],
        ["sem-liu24", "18.00, 18.75, 19.50", "390.0, 391.0, 392.0", "39.0M", "Synthetic GPU"],
    ]
    assert "Seeds 0, 1, 2, in order, where measured." in text
    (_, clean) = block(filled(folder, f"<!-- records: values {options} seeds=1 -->\n{END}\n").replace("sem", "|"))[:2]
    assert clean[1] == "94.75"


def test_values_that_all_failed_are_refused(folder: Path) -> None:
    options = "group=synthetic-test-v1-fp32 victims=vgg16_bn radii=4 methods=em-fu22"
    with pytest.raises(RequestError, match="no record matches"):
        filled(folder, f"<!-- records: values {options} -->\n{END}\n")


def test_missing_seeds_are_dashes_up_to_the_last_that_was_measured(
    folder: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    store = Store(folder)
    store.write(make_victim("clean", "resnet50", 0.0, 2, 90.0))
    store.write(make_victim("sem-liu24", "resnet50", 0.0, 0, 60.0))
    options = "group=synthetic-test-v1-fp32 victims=resnet18,resnet50 radii=0,8 methods=clean,sem-liu24"
    rows = block(filled(folder, f"<!-- records: values {options} -->\n{END}\n"))
    assert [row[1:3] for row in rows[1:]] == [
        ["94.00, 94.75, 95.50", "\N{EN DASH}, \N{EN DASH}, 90.00"],
        ["18.00, 18.75, 19.50", "60.00"],
    ]


def test_values_along_an_axis_have_a_column_for_each_of_its_values(
    folder: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    store = Store(folder)
    for method, accuracy in (("clean", 90.0), ("sem-liu24", 60.0)):
        store.write(make_victim(method, "resnet18", 0.0, 0, accuracy, axes={"countermeasure": "jpeg-10"}))
        store.write(make_victim(method, "resnet18", 4.0, 0, 50.0, axes={"countermeasure": "jpeg-10"}))
    options = "group=synthetic-test-v1-fp32 along=countermeasure methods=clean,sem-liu24 victims=resnet18 seeds=0"
    assert block(filled(folder, f"<!-- records: values {options} radii=0 -->\n{END}\n")) == [
        ["method", "standard", "jpeg-10"],
        ["clean", "94.00", "90.00"],
        ["sem-liu24", "18.00", "60.00"],
    ]
    (head, *_) = block(filled(folder, f"<!-- records: values {options} radii=0,4 -->\n{END}\n"))
    assert head == [
        "method",
        "rho_a 0, standard",
        "rho_a 0, jpeg-10",
        "rho_a 4, standard",
        "rho_a 4, jpeg-10",
    ]


def test_differences_are_paired_with_clean_at_the_same_trainer(folder: Path) -> None:
    options = "group=synthetic-test-v1-fp32 victims=resnet18 radii=4"
    rows = block(filled(folder, f"<!-- records: differences {options} -->\n{END}\n"))
    assert rows[-1] == ["sem-liu24", "-59.20 [-59.22, -59.18] (n=3)"]


def test_differences_that_rest_on_older_records_are_marked(
    folder: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    newer = {"inputs": {"method": "sem-liu24/9"}}
    Store(folder).write(make_victim("sem-liu24", "resnet50", 4.0, 0, 40.0, cell=newer))
    options = "group=synthetic-test-v1-fp32 victims=resnet18 radii=4"
    rows = block(filled(folder, f"<!-- records: differences {options} -->\n{END}\n"))
    assert [row[1].count("\N{SECTION SIGN}") for row in rows[1:]] == [row[0] == "sem-liu24" for row in rows[1:]]


def test_how_visible_noises_are_where_that_was_measured(
    folder: Path, make_noise: Callable[..., NoiseRecord], rows_of: Callable[..., list[dict[str, Any]]]
) -> None:
    page = f"<!-- records: visibility group=synthetic-test-v1-fp32 -->\n{END}\n"
    assert "Not measured: the records here are older than these metrics." in filled(folder, page)
    metrics = {"linf": 8, "l2_mean": 300, "psnr_mean": 33.5, "ssim_mean": 0.9876, "detectability": 91.0}
    for seed in range(2):
        (path,) = (folder / "noise").glob(f"*/sem-liu24/s{seed}-*.json")
        path.unlink()
        Store(folder).write(make_noise("sem-liu24", seed, 39_000_000, metrics=NoiseMetrics(**metrics)))
    head, *rows = block(filled(folder, page))
    assert head[:4] == ["method", "noises", "psnr dB", "psnr worst dB"]
    assert rows == [["sem-liu24", "2", "33.50", MISSING, "0.988", MISSING, "91.00", MISSING, MISSING]]
    page = json.loads(re.search(r'id="data">(.*?)</script>', leaderboard.render(folder)["index.html"], re.DOTALL)[1])
    (group,) = page["groups"]
    noises = {method["name"]: method["noise"] for method in rows_of(group["methods"])}
    shown = dict(zip(page["noise_titles"], noises["sem-liu24"], strict=True))
    assert shown["noise: structural similarity of protected to original images, mean"] == "0.988"
    assert noises["rem-fu22"].count(None) == 3  # not measured
    assert None not in noises["clean"]


def test_counts_of_records_claims_and_predictions(folder: Path) -> None:
    shutil.copy(ROOT / "results/claims.toml", folder)
    kinds = ("measured", "verdicts", "predicted", "signs group=synthetic-test-v1-fp32")
    measured, verdicts, predicted, signs = (
        block(filled(folder, f"<!-- records: {kind} -->\n{END}\n")) for kind in kinds
    )
    assert measured[1][1:6] == ["87", "15", "5", "2", "0, 2, 4"]
    assert {row[0]: row[1] for row in verdicts}["Photo patches, smoke-v1"] == "0"
    assert predicted[1][1:] == ["0", "0", "\N{EN DASH}"]  # three seeds: with one left out, two predict nothing
    assert signs == [["method", "noises", "lowest %", "highest %"]]


def test_the_readme_beside_the_folder_is_filled_too_and_checked(
    folder: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    readme = folder.parent / "README.md"
    readme.write_text(f"{HEADLINE}\n{END}\n")
    leaderboard.write_leaderboard(folder, folder)
    assert "34.75" in readme.read_text()
    assert leaderboard.check_leaderboard(folder, folder) == ""
    changed = make_victim("sem-liu24", "vgg16_bn", 4.0, 0, 31.0)
    Store(folder).path(changed.cell).unlink()
    Store(folder).write(changed)
    assert "+++ ../README.md (from records)" in leaderboard.check_leaderboard(folder, folder)


def test_the_readme_beside_a_folder_of_another_name_is_left_alone(folder: Path) -> None:
    readme = folder.parent / "README.md"
    readme.write_text("<!-- records: headline group=of-other-records -->\n<!-- records: end -->\n")
    other = folder.rename(folder.with_name("results-of-mine"))
    assert "../README.md" not in leaderboard.render(other)


def test_pages_without_markers_are_left_alone(folder: Path) -> None:
    (folder / "other.md").write_bytes(b"caf\xe9 <!-- records -->")
    assert not {"other.md", "../README.md"} & leaderboard.render(folder).keys()


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("<!-- records: headlnie -->\nx\n" + END, r"page\.md, line 2: unknown kind of table 'headlnie'.*headline"),
        ("<!-- records:  -->\n" + END, r"page\.md, line 2: unknown kind of table ''"),
        (END, r"page\.md, line 2: the marker has no"),
        ("<!-- records: headline group=x -->\n" + END, r"page\.md, line 2: unknown group of records 'x'"),
        ("<!-- records: headline -->\n" + END, r"page\.md, line 2: unknown group of records ''"),
        (
            "<!-- records: verdicts group=x -->\n" + END,
            "'group=x' is not an option of the table verdicts, which",
        ),
        (f"{HEADLINE}\nno end", r"page\.md, line 2: the marker has no <!-- records: end --> to match it; add one"),
        (f"{HEADLINE}\n{HEADLINE}\n{END}", r"page\.md, line 2: the marker has no"),
        ("<!-- records: values group=synthetic-test-v1-fp32 methods=x -->\n" + END, "no record matches .*methods=x"),
        ("<!-- records: values group=synthetic-test-v1-fp32 measure=x -->\n" + END, "unknown measure 'x'"),
        ("<!-- records: values group=synthetic-test-v1-fp32 along=x -->\n" + END, "unknown axis 'x'"),
    ],
)
def test_a_wrong_marker_is_refused_and_nothing_written(folder: Path, page: str, message: str) -> None:
    (folder / "page.md").write_text(f"\n{page}\n")
    with pytest.raises(RequestError, match=message):
        leaderboard.write_leaderboard(folder, folder)
    assert not (folder / "leaderboard.md").exists()


def test_one_number_of_one_record_changes_every_page(tmp_path: Path) -> None:
    """One point more on clean images, with which the README, the claims and all tables compare."""
    results = shutil.copytree(ROOT / "results", tmp_path / "results", ignore=shutil.ignore_patterns("plots"))
    shutil.copy(ROOT / "README.md", tmp_path)
    assert leaderboard.check_leaderboard(results, results) == ""
    paths = (results / "records/cifar10-jpeg/clean/resnet18-w8").glob("r0-s0-*.json")
    found = [(path, json.loads(path.read_text(encoding="utf-8"))) for path in paths]
    usual = {"countermeasure": "standard", "training": "supervised"}
    ordinary = [one for one in found if usual.items() <= one[1]["cell"].items()]
    path, record = max(ordinary, key=lambda one: one[1]["finished"])
    record["metrics"]["accuracy_final"] += 1
    path.write_bytes(seal(record))
    changed = set(re.findall(r"^\+\+\+ (\S+)", leaderboard.check_leaderboard(results, results), flags=re.MULTILINE))
    tables = {f"leaderboard.{kind}" for kind in ("md", "csv", "json", "tex")}
    assert changed == {*tables, "index.html", "claims.md", "precision.md", "README.md", "../README.md"}


def prose(text: str) -> str:
    """Return a page without generated parts, code, comments and link targets."""
    text = GENERATED.sub("", text)
    text = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`|\]\([^)]*\)|<[^>]*>", "", text)


PAGES = [ROOT / "README.md", *sorted((ROOT / "results").glob("*.md"))]
WHOLE = {"leaderboard.md", "claims.md", "perf.md", "gpu.md"}  # generated as a whole, the last two by tox
MEASURED = re.compile(
    r"(?<![\w.])\d[\d,]*\.\d+(?![\w.]*[-.]\d)|(?<![\w.])(?!95%)\d+(?:\.\d+)?\s?%|"
    r"\d[\d,.]*\s(?:points|seconds|minutes|hours|s|min|h|GiB|MiB|times|image-passes)\b|\d[kMG]\b"
)


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in WHOLE], ids=lambda page: page.name)
def test_no_measured_number_is_typed_by_hand(page: Path) -> None:
    text = re.sub(r"Python 3\.\d+|version 0\.\d", "", prose(page.read_text(encoding="utf-8")))
    assert MEASURED.findall(text) == []


@pytest.mark.parametrize(
    "text",
    ["142 s", "takes 9 minutes", "from 70% to 40%", "16.9 points", "5.3", "29.1M image-passes", "120k"],
)
def test_a_measured_number_would_be_found(text: str) -> None:
    assert MEASURED.findall(prose(f"SEM {text} here\n"))


def test_budgets_are_shares_of_the_papers(
    tmp_path: Path, make_noise: Callable[..., NoiseRecord], make_victim: Callable[..., VictimRecord]
) -> None:
    """50,000 images, batches of 128; PIL trains no network and has no line."""
    cell = {"protocol": "lite-v1", "dataset": "cifar10"}
    for method in ("clean", "em-fu22", "pil-liu26"):
        Store(tmp_path).write(make_noise(method, 0, 1000, cell=cell))
        Store(tmp_path).write(make_victim(method, "resnet18-w8", 0.0, 0, 50.0, cell=cell))
    page = f"<!-- records: budgets group=cifar10-lite-v1-fp32 -->\n{END}\n"
    assert block(filled(tmp_path, page)) == [
        ["method", "lite-v1", "paper-v1", "share"],
        ["em-fu22", "1.79M", "7.54M", "24%"],
    ]

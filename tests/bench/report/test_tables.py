import csv
import hashlib
import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from bench.records.frame import load_records
from bench.records.schema import NoiseRecord, VictimRecord
from bench.records.store import Store
from bench.records.trust import FILE
from bench.report import leaderboard
from bench.report.notes import on_reported
from bench.report.reported.beside import PROTOCOL, Band
from bench.report.reported.published import published
from bench.report.summary import groups
from bench.report.tables import ScoreTable, build_tables
from bench.report.terminal import terminal
from bench.report.text import MISSING, score_text
from bench.report.venues import Format

Make = Callable[..., VictimRecord]


def texts(table: ScoreTable) -> dict[str, list[str]]:
    """Return the means of a table, or what is shown instead, by the name of their row; the best with a star."""
    return {
        row.label: [score_text(cell.score, len(table.seeds)).partition(" (")[0] + "*" * cell.best for cell in row.cells]
        for row in table.rows
    }


@pytest.fixture
def store(tmp_path: Path, make_victim: Make) -> Store:
    """Two references and two methods at one trainer, one seed each."""
    store = Store(tmp_path)
    for method, accuracy in (("clean", 90.0), ("random", 89.0), ("em-fu22", 20.0), ("sem-liu24", 15.0)):
        store.write(make_victim(method, "resnet18", 4.0, 0, accuracy))
    return store


@pytest.fixture
def three(store: Store, make_victim: Make) -> Store:
    """The same with three seeds, enough to decide."""
    for method, accuracy in (("clean", 90.0), ("random", 89.0), ("em-fu22", 20.0), ("sem-liu24", 15.0)):
        write(store, make_victim, method, accuracy, range(1, 3))
    return store


def write(
    store: Store, make_victim: Make, method: str, accuracy: float, seeds: Iterable[int] = range(3), **axes: Any
) -> None:
    """Write several seeds of one cell."""
    for seed in seeds:
        store.write(make_victim(method, "resnet18", 4.0, seed, accuracy, axes=axes))


def test_without_other_axes_there_is_one_table(store: Store) -> None:
    (table,) = build_tables(groups(load_records(store.root)))
    assert (table.title, table.columns) == ("", (("resnet18", "rho_a 4"),))
    assert [note.partition(":")[0] for note in table.notes] == ["Strongest trainer", "Rank", "Trust"]


def test_countermeasures_are_columns_of_a_table_of_their_own(three: Store, make_victim: Make) -> None:
    cells = [("em-fu22", "cutout", 30.0), ("clean", "cutout", 80.0), ("sem-liu24", "mixup", 40.0)]
    for method, name, accuracy in cells:
        write(three, make_victim, method, accuracy, countermeasure=name)
    main, table = build_tables(groups(load_records(three.root)))
    assert texts(main) == {"clean": ["90.00"], "random": ["89.00"], "em-fu22": ["20.00"], "sem-liu24": ["15.00*"]}
    assert table.title == "Countermeasures: resnet18, rho_a 4"
    assert table.columns == (("standard",), ("cutout",), ("mixup",))
    assert texts(table) == {
        "clean": ["90.00", "80.00", MISSING],
        "em-fu22": ["20.00", "30.00*", MISSING],
        "sem-liu24": ["15.00*", MISSING, "40.00"],  # clean was not measured there
    }
    assert table.costs == ()


def test_methods_without_a_countermeasure_are_left_out_but_count_for_the_lowest(
    three: Store, make_victim: Make
) -> None:
    write(three, make_victim, "em-fu22", 30.0, countermeasure="cutout")
    _, table = build_tables(groups(load_records(three.root)))
    assert texts(table) == {"clean": ["90.00", MISSING], "em-fu22": ["20.00", "30.00"]}  # SEM is lower: no star


def test_a_table_counts_the_seeds_of_the_lines_that_it_shows(three: Store, make_victim: Make) -> None:
    write(three, make_victim, "em-fu22", 30.0, countermeasure="cutout")
    write(three, make_victim, "sem-liu24", 15.0, [3])
    main, table = build_tables(groups(load_records(three.root)))
    assert (main.seeds, table.seeds) == ((0, 1, 2, 3), (0, 1, 2))


def test_shares_stand_beside_training_on_the_unprotected_part_alone(three: Store, make_victim: Make) -> None:
    for share, accuracy, alone in ((80, 60.0, 55.0), (20, 85.0, 88.0)):
        write(three, make_victim, "em-fu22", accuracy, share=share)
        write(three, make_victim, "clean", alone, share=share, part="unprotected")
    main, table = build_tables(groups(load_records(three.root)))
    assert texts(main)["clean"] == ["90.00"]
    assert table.columns == (("0%",), ("20%",), ("80%",), ("100%",))
    assert texts(table) == {
        "random": ["90.00", MISSING, MISSING, "89.00"],
        "em-fu22": ["90.00", "85.00*", "60.00", "20.00"],  # at 80% it is worse than the rest alone
        "sem-liu24": ["90.00", MISSING, MISSING, "15.00"],  # the main table marks it, beside clean
        "unprotected part alone": ["90.00", "88.00", "55.00", MISSING],
    }


def test_shares_under_a_countermeasure_are_apart(store: Store, make_victim: Make) -> None:
    store.write(make_victim("em-fu22", "resnet18", 4.0, 0, 70.0, axes={"share": 80, "countermeasure": "cutout"}))
    *_, table = build_tables(groups(load_records(store.root)))
    assert table.title.endswith("resnet18, rho_a 4, cutout")
    assert texts(table) == {"em-fu22": ["70.00"], "unprotected part alone": [MISSING]}


def test_noise_that_is_not_bounded_or_ran_out_is_marked(
    store: Store, make_noise: Callable[..., NoiseRecord], make_victim: Make
) -> None:
    store.write(make_noise("em-fu22", 0, 1000, status="budget_exhausted"))
    store.write(make_noise("ops-wu23", 0, 0, costs={}, bound="one | pixel", bounded=False))
    store.write(make_victim("ops-wu23", "resnet18", 4.0, 0, 30.0))
    store.write(make_victim("ops-wu23", "resnet18", 4.0, 0, 30.0, axes={"countermeasure": "cutout"}))
    main, other = build_tables(groups(load_records(store.root)))
    assert [row.label for row in main.rows][-2:] == ["ops-wu23\u2020", "sem-liu24"]
    assert [note[0] for note in main.notes if not note[0].isalpha()] == ["\u2020", "\u2021"]
    assert [note[0] for note in other.notes] == ["\u2020"]
    assert "never marked as lowest: ops-wu23 (one | pixel)." in other.notes[0]
    page = leaderboard.render(store.root)["leaderboard.md"]
    assert "ops-wu23 (one \\| pixel)" in page
    assert "0.01 \u2021" in page
    assert "ops-wu23 (one | pixel)" in " ".join(terminal(main).split())


def test_best_and_second_are_bounded_by_rho_u(
    three: Store, make_noise: Callable[..., NoiseRecord], make_victim: Make
) -> None:
    for method, bound in (("ops-wu23", "one pixel"), ("cuda-sadasivan23", "")):
        three.write(make_noise(method, 0, 0, costs={}, bound=bound, bounded=False))
        write(three, make_victim, method, 10.0)
        write(three, make_victim, method, 5.0, countermeasure="cutout")
    main, other = build_tables(groups(load_records(three.root)))
    marks = {row.label: (row.cells[0].best, row.cells[0].second) for row in main.rows if any(row.cells)}
    assert marks == {
        "clean": (False, False),
        "random": (False, False),
        "cuda-sadasivan23\u2020": (False, False),
        "em-fu22": (False, True),
        "ops-wu23\u2020": (False, False),
        "sem-liu24": (True, False),
    }
    assert not any(cell.best for row in other.rows for cell in row.cells[1:])
    assert "cuda-sadasivan23 (not stated), ops-wu23 (one pixel)" in "".join(main.notes)


@pytest.mark.parametrize(
    ("clean", "best", "second", "marks"),
    [
        ((90, 91, 92), (20, 21, 22), (40, 41, 42), (True, True)),
        ((90, 91, 92), (20, 21), (40, 41, 42), (False, False)),  # two seeds against three
        ((90, 91, 92), (20, 60, 22), (40, 41, 42), (False, False)),  # undecided between the two
        ((41, 42, 43), (20, 21, 22), (40.5, 41.5, 44), (True, False)),  # the second is not below clean beyond doubt
        ((19, 20, 21), (20, 21, 22), (40, 41, 42), (False, False)),  # the lowest is worse than clean
        ((), (20, 21, 22), (40, 41, 42), (False, False)),  # clean was not measured
    ],
)
def test_nothing_is_marked_that_is_undecided_or_worse_than_clean(
    tmp_path: Path,
    make_victim: Make,
    clean: tuple[float, ...],
    best: tuple[float, ...],
    second: tuple[float, ...],
    marks: tuple[bool, bool],
) -> None:
    for method, accuracies in (("clean", clean), ("em-fu22", best), ("sem-liu24", second), ("rem-fu22", (80, 82, 81))):
        for seed, accuracy in enumerate(accuracies):
            Store(tmp_path).write(make_victim(method, "resnet18", 4.0, seed, accuracy))
    (table,) = build_tables(groups(load_records(tmp_path)))
    rows = {row.name: row.cells[0] for row in table.rows}
    assert (rows["em-fu22"].best, rows["sem-liu24"].second) == marks
    assert sum(cell.best + cell.second for cell in rows.values()) == sum(marks)


def trust_of(store: Store, *records: VictimRecord) -> None:
    """Attest that some records were verified."""
    lines = []
    for record in records:
        path = store.path(record.cell)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        lines.append(f"{digest}  {path.relative_to(store.root).as_posix()}\n")
    claim = 'tier = "verified"\nby = "x"\ndate = 2026-01-01\nhow = "y"'
    (store.root / FILE).write_text(f'[[attestation]]\n{claim}\nrecords = """\n{"".join(lines)}"""\n')


def test_all_records_are_called_self_reported_only_where_they_are(store: Store, make_victim: Make) -> None:
    verified = make_victim("em-fu22", "resnet18", 4.0, 1, 20.0)
    store.write(verified)
    assert build_tables(groups(load_records(store.root)))[0].notes[-1] == "Trust: all records are self-reported."
    trust_of(store, verified)
    (table,) = build_tables(groups(load_records(store.root)))
    assert table.trust == ()
    assert table.notes[-1] == "Trust: every method has self-reported records; 1 of 5 are re-run or verified."


def test_a_method_is_trusted_alike_in_all_files(store: Store, make_victim: Make) -> None:
    """The lowest tier is that of a record with another countermeasure, which the main table does not show."""
    verified = make_victim("em-fu22", "resnet18", 4.0, 0, 20.0)
    store.write(make_victim("em-fu22", "resnet18", 4.0, 0, 30.0, axes={"countermeasure": "cutout"}))
    trust_of(store, verified, make_victim("sem-liu24", "resnet18", 4.0, 0, 15.0))
    shown = {row.name: row.trust for row in build_tables(groups(load_records(store.root)))[0].rows}
    assert (shown["em-fu22"], shown["sem-liu24"]) == ("self-reported", "verified")
    lines = csv.DictReader(io.StringIO(leaderboard.render(store.root)["leaderboard.csv"]))
    assert {line["method"]: line["trust"] for line in lines} == shown


def test_what_is_left_out_is_counted(store: Store, make_victim: Make) -> None:
    other = {"inputs": {"method": "em-fu22/9"}}
    store.write(make_victim("em-fu22", "resnet18", 4.0, 0, 30.0, cell=other, finished="2026-02-01T00:00:00Z"))
    (table,) = build_tables(groups(load_records(store.root, superseded=True)))
    assert texts(table)["em-fu22"] == ["30.00"]
    assert table.notes[-1].startswith("Left out: 1 record superseded")


def test_an_older_strongest_trainer_outside_the_columns_is_noted(store: Store, make_victim: Make) -> None:
    store.write(make_victim("em-fu22", "resnet18", 4.0, 0, 60.0, axes={"countermeasure": "jpeg-10"}))
    newer = make_victim("sem-liu24", "resnet18", 4.0, 0, 50.0, axes={"countermeasure": "jpeg-10"})
    inputs = newer.cell.inputs | {"countermeasure": "jpeg-10/9"}
    store.write(newer.model_copy(update={"cell": newer.cell.model_copy(update={"inputs": inputs})}))
    main, *_ = build_tables(groups(load_records(store.root)))
    assert any(note.startswith("\N{SECTION SIGN} Older: 1 record of an older version") for note in main.notes)


def test_an_older_version_is_marked_until_a_newer_one_is_there(store: Store, make_victim: Make) -> None:
    newer = {"inputs": {"method": "em-fu22/9"}}
    store.write(make_victim("em-fu22", "vgg16", 4.0, 0, 30.0, cell=newer))
    (table,) = build_tables(groups(load_records(store.root, superseded=True)))
    before, after = texts(table)["em-fu22"]
    assert before.rstrip("*").endswith(" \N{SECTION SIGN}")
    assert after.rstrip("*") == "30.00"
    assert table.notes[-1].startswith("\N{SECTION SIGN} Older: 1 record of an older version of the method")
    assert table.notes[-1].endswith("shown until a rerun of one of the cell's seeds succeeds.")
    lines = csv.DictReader(io.StringIO(leaderboard.render(store.root)["leaderboard.csv"]))
    assert {(line["victim"], line["older"]) for line in lines if line["method"] == "em-fu22"} == {
        ("resnet18", "1"),
        ("vgg16", "0"),
    }
    store.write(make_victim("em-fu22", "resnet18", 4.0, 0, 40.0, cell=newer))
    (table,) = build_tables(groups(load_records(store.root, superseded=True)))
    assert [text.rstrip("*") for text in texts(table)["em-fu22"]] == ["40.00", "30.00"]
    assert table.notes[-1].startswith("Left out: 1 record superseded")


@pytest.mark.parametrize(
    ("grades", "meanings"),
    [
        (("V",), "V: read in the paper."),
        (("V2", "C"), "V2: quoted by another paper; C: from released code."),
    ],
)
def test_only_the_grades_that_are_shown_are_explained(grades: tuple[Any, ...], meanings: str) -> None:
    first, *_ = published()
    cells = tuple(first.model_copy(update={"grade": grade}) for grade in grades)
    explanation, source = on_reported([Band(cells=cells)])
    assert explanation.endswith(f"each with its own paper's training, shown for protocol {PROTOCOL} only; {meanings}")
    assert source.startswith(f"{first.source} (")


def test_what_was_published_stands_beside_the_papers_protocol_alone(tmp_path: Path, make_victim: Make) -> None:
    pages = {}
    for protocol in ("paper-v1", "lite-v1"):
        store = Store(tmp_path / protocol)
        place = {"dataset": "cifar10", "protocol": protocol}
        for method, accuracy in (("rem-fu22", 41.25), ("sem-liu24", 30.5), ("random", 90.0)):
            store.write(make_victim(method, "resnet18", 4.0, 0, accuracy, cell=place))
        store.write(make_victim("sem-liu24", "resnet18", 0.0, 0, 9.0, cell=place, axes={"countermeasure": "jpeg-10"}))
        pages[protocol] = leaderboard.render(store.root)
    lines = pages["paper-v1"]["leaderboard.md"].partition("## Across")[0].splitlines()
    beside = {line.split()[1]: line for line in lines if "[reported" in line and line[2:8] != "method"}
    assert " 41.25 [reported 39.45\u201348.16, 2 sources]" in beside["rem-fu22"]
    assert "9.00 [reported 81.58]" in beside["sem-liu24"]
    assert len({len(line) for line in lines[:12] if line.startswith("|")}) == 1
    assert [line.split()[1] for line in lines if line.startswith("- ") and "(V" in line] == [
        "cuda-2023",
        "dune-2026",
        "mi-ue-2026",
    ]
    assert ",39.45,48.16,2\n" in pages["paper-v1"]["leaderboard.csv"]
    assert "[reported" not in pages["lite-v1"]["leaderboard.md"]
    assert r"30.50 {\scriptsize {[}29.77{]}}" in pages["paper-v1"]["leaderboard.tex"]
    assert "scriptsize" not in pages["lite-v1"]["leaderboard.tex"]
    brief = leaderboard.render(tmp_path / "paper-v1", form=Format("cvpr", "column"))["leaderboard.tex"]
    assert r"30.50& {\scriptsize {[}29.77{]}}" in brief.replace("$_1$", "").replace(r"$_{1}$", "")
    assert "Small: published values." in brief

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.records.schema import NoiseRecord, VictimRecord
from bench.records.store import Store
from bench.report import leaderboard
from bench.report.tex import escape_tex
from bench.report.venues import STYLES, WIDTHS, Format


def found(file: str) -> bool:
    """Return whether TeX has a file."""
    return subprocess.run(["kpsewhich", file], capture_output=True, check=False).returncode == 0


def tabulars(text: str) -> list[list[list[str]]]:
    """Return the cells of each tabular's rows, without rows whose heads span several columns."""
    bodies = re.findall(r"\\begin\{tabular\}\{@.*?@\{\}\}\n(.*?)\\end\{tabular\}", text, flags=re.DOTALL)
    rows = [
        [line for line in body.splitlines() if line.endswith(r"\\") and "multicolumn" not in line] for body in bodies
    ]
    return [[[cell.strip() for cell in line[:-2].split("&")] for line in lines] for lines in rows]


def test_the_best_is_bold_and_the_second_underlined(results: Path) -> None:
    text = leaderboard.render(results)["leaderboard.tex"]
    scores, _, beside, *_ = tabulars(text)
    assert scores[0][:4] == ["method", r"$\rho_a$ 0", r"$\rho_a$ 2", r"$\rho_a$ 4"]
    by_method = {row[0]: row[1:] for row in scores}
    assert by_method["em-fu22"][0] == r"\textbf{15.75 (15.00--16.50)}"
    assert by_method["sem-liu24"][0] == r"\underline{18.75 (18.00--19.50)}"
    assert by_method["clean"][0] == "94.75 (94.00--95.50)"
    assert beside[-1][0] == "sem-liu24"
    assert beside[-1][1:3] == ["34.75 (34.00--35.50)", r"vgg16\_bn, $\rho_a$ 4"]
    assert "Bold: lowest beyond doubt" in text


def test_the_brief_form_has_means_and_the_number_of_seeds(
    tmp_path: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    store = Store(tmp_path)
    for seed in (0, 1):
        store.write(make_victim("clean", "resnet18", 0, seed, 90.0 + seed))
    store.write(make_victim("em-fu22", "resnet18", 0, 0, 20.25))
    text = leaderboard.render(tmp_path, form=Format("cvpr", "column"))["leaderboard.tex"]
    scores = tabulars(text)[0]
    assert scores == [["clean", "90.50", ""], ["em-fu22", "20.25", "$_1$"]]
    assert "mean over 2 seeds, or over the number of seeds in the subscript" in text


def test_captions_are_in_words_and_labels_are_distinct(results: Path) -> None:
    text = leaderboard.render(results)["leaderboard.tex"]
    captions = re.findall(r"\\caption\{(.*)\}$", text, flags=re.MULTILINE)
    labels = re.findall(r"\\label\{(.*)\}$", text, flags=re.MULTILINE)
    assert len(captions) == len(labels) == len(set(labels)) > 1
    assert all("Images: synthetic; protocol test-v1, " in caption for caption in captions)
    assert not [caption for caption in captions if re.search(r"[0-9a-f]{8}", caption)]


@pytest.mark.parametrize(("width", "kind"), [("column", "table"), ("full", "table*")])
def test_what_spans_two_columns_is_a_float_of_both(results: Path, width: str, kind: str) -> None:
    text = leaderboard.render(results, form=Format("cvpr", width))["leaderboard.tex"]
    assert set(re.findall(r"\\begin\{(table\*?)\}", text)) == {kind}


def test_numbers_of_several_precisions_stand_at_their_point(results: Path) -> None:
    text = leaderboard.render(results)["leaderboard.tex"]
    assert r"S[table-format=" in text
    assert r"\usepackage{booktabs,siunitx}" in text


def test_what_does_not_fit_goes_into_another_part(tmp_path: Path, make_victim: Callable[..., VictimRecord]) -> None:
    store = Store(tmp_path)
    for number in range(30):
        store.write(make_victim("em-fu22", "resnet18", number, 0, 20.0))
    text = leaderboard.render(tmp_path)["leaderboard.tex"]
    heads = re.findall(r"\$\\rho_a\$ (\d+)", "".join(re.findall(r"^method.*$", text, flags=re.MULTILINE)))
    assert heads == [str(number) for number in range(30)]
    assert text.count(r"\label") > 2


def test_marks_are_explained_where_they_stand(
    tmp_path: Path, make_noise: Callable[..., NoiseRecord], make_victim: Callable[..., VictimRecord]
) -> None:
    store = Store(tmp_path)
    store.write(make_noise("ops-wu23", 0, 1000, bounded=False, bound="one pixel"))
    for number in range(60):
        newer = {"inputs": {"network": "resnet18/2"}} if number else {}
        store.write(make_victim("ops-wu23", "resnet18", number, 0, 20.0, cell=newer))
    text = leaderboard.render(tmp_path)["leaderboard.tex"]
    parts = re.split(r"\\begin\{table\*?\}", text)[1:]
    assert len(parts) > 3
    assert all(r"ops-wu23$\dagger$ &" in part and r"$\dagger$ Not bounded by" in part for part in parts)
    assert [r"20.00 $\mathsection$" in part for part in parts[:-1]] == [True] + [False] * (len(parts) - 2)
    explained = [r"$\mathsection$ Older: 1 record" in part for part in parts]
    assert explained == [True] + [False] * (len(parts) - 2) + [True]
    assert ["Strongest trainer: of the trainers" in part for part in parts] == [False] * (len(parts) - 1) + [True]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"a_b & 5% #$ {x}", r"a\_b \& 5\% \#\$ \{x\}"),
        (r"\input{/etc/passwd}", r"\textbackslash{}input\{/etc/passwd\}"),
        ("~^<>", r"\textasciitilde{}\textasciicircum{}\textless{}\textgreater{}"),
        ("Zo\u00eb \u2013 \u6a21 \x1b\n", r"Zo\"{e} -- ? ??"),
        ("rho_a 4", r"$\rho_a$ 4"),
        ("-7.51 [-9.90, -5.12]", "$-$7.51 {[}$-$9.90, $-$5.12{]}"),
        ("results-2026-11 resnet18-8 a - 4 1e-5 4-8", "results-2026-11 resnet18-8 a - 4 1e-5 4-8"),
    ],
)
def test_text_shows_as_it_is_and_runs_nothing(text: str, shown: str) -> None:
    assert escape_tex(text) == shown


CLASSES = {  # widths and fonts of the venues' own classes
    "default": (r"\documentclass[twocolumn]{article}", 6.8, 0.2),
    "iclr": (r"\documentclass{article}\usepackage{times}", 5.5, 0.0),
    "neurips": (r"\documentclass{article}\usepackage{times}", 5.5, 0.0),
    "cvpr": (r"\documentclass[10pt,twocolumn]{article}\usepackage{times}", 6.875, 0.3125),
    "icml": (r"\documentclass[twocolumn]{article}\usepackage{times}", 6.75, 0.25),
    "aaai": (r"\documentclass[twocolumn]{article}\usepackage{times}", 7.0, 0.375),
}


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex")
@pytest.mark.skipif(shutil.which("kpsewhich") is None or not found("siunitx.sty"), reason="no siunitx")
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("style", STYLES)
def test_latex_takes_whatever_a_record_says_and_it_fits(
    style: str,
    width: str,
    tmp_path: Path,
    results: Path,
    make_noise: Callable[..., NoiseRecord],
    make_victim: Callable[..., VictimRecord],
) -> None:
    shutil.copytree(results, tmp_path, dirs_exist_ok=True)
    noise = make_noise("ops-wu23", 0, 1000, bounded=False, bound=r"\input{x} [*\\ %$&_^~# x")
    environment = noise.environment.model_copy(update={"device": "[*\\GPU\\\\"})
    Store(tmp_path).write(noise.model_copy(update={"environment": environment}))
    Store(tmp_path).write(make_victim("ops-wu23", "resnet18", 0.0, 0, 20.0))
    Store(tmp_path).write(make_victim("a-name-that-is-longer-than-others-and-then-some", "resnet18", 0.0, 0, 20.0))
    (tmp_path / "tables.tex").write_bytes(
        leaderboard.render(tmp_path, form=Format(style, width))["leaderboard.tex"].encode()
    )
    start, inches, gap = CLASSES[style]
    lengths = rf"\setlength{{\textwidth}}{{{inches}in}}\setlength{{\columnsep}}{{{gap}in}}"
    log = compiled(tmp_path, rf"{start}\usepackage{{booktabs,siunitx}}{lengths}", r"\input{tables}")
    assert "Overfull" not in log


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex")
@pytest.mark.parametrize("encoding", ["OT1", "T1"])
def test_every_character_can_be_printed_in_either_encoding(encoding: str, tmp_path: Path) -> None:
    text = " ".join(escape_tex(chr(number)) for number in range(0x2100))
    packages = rf"\usepackage{{times}}\usepackage[{encoding}]{{fontenc}}"
    compiled(tmp_path, rf"\documentclass{{article}}{packages}", text)


def compiled(folder: Path, preamble: str, body: str) -> str:
    """Compile a document with pdflatex, check that it has no bitmap fonts, and return the log."""
    (folder / "paper.tex").write_text(rf"{preamble}\begin{{document}}{body}\end{{document}}", encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    log = done.stdout.decode(errors="replace")
    assert done.returncode == 0, log[-2000:]
    assert b"/Type3" not in (folder / "paper.pdf").read_bytes()
    return log

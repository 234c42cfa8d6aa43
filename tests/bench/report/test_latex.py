import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.records.schema import NoiseRecord, VictimRecord
from bench.records.store import Store
from bench.report import leaderboard
from bench.report.latex import WIDEST
from bench.report.tex import escape


def tabulars(text: str) -> list[list[list[str]]]:
    """The cells of each tabular's rows, multicolumn heads apart."""
    bodies = re.findall(r"\\begin\{tabular\}\{\w+\}(.*?)\\end\{tabular\}", text, flags=re.DOTALL)
    rows = [
        [line for line in body.splitlines() if line.endswith(r"\\") and "multicolumn" not in line] for body in bodies
    ]
    return [[[cell.strip() for cell in line[:-2].split(" & ")] for line in lines] for lines in rows]


def test_the_best_is_bold_and_the_second_underlined(results: Path) -> None:
    resnet, vgg, beside = tabulars(leaderboard.render(results)["leaderboard.tex"])
    assert resnet[0] == ["method", r"$\rho_a$ 0", r"$\rho_a$ 2", r"$\rho_a$ 4"]
    by_method = {row[0]: row[1:] for row in resnet}
    assert by_method["em-fu22"][0] == r"\textbf{15.75 (15.00--16.50)}"
    assert by_method["sem-liu24"][0] == r"\underline{18.75 (18.00--19.50)}"
    assert by_method["clean"][0] == "94.75 (94.00--95.50)"
    assert [row[3] for row in vgg[-3:]] == ["failed", "--", r"\textbf{34.75 (34.00--35.50)}"]
    assert beside[-1] == [
        "sem-liu24",
        "34.75 (34.00--35.50)",
        r"vgg16\_bn, $\rho_a$ 4",
        "89.95",
        "6/6",
        "1",
        "391",
        "39.0M",
        "0.50",
    ]


def test_no_part_is_wider_than_a_page(tmp_path: Path, make_victim: Callable[..., VictimRecord]) -> None:
    store = Store(tmp_path)
    for number in range(7):
        store.write(make_victim("em-fu22", "resnet18", number, 0, 20.0 + number))
        store.write(make_victim("em-fu22", "vgg16", number % 2, 0, 40.0 + number))
    *parts, _ = tabulars(leaderboard.render(tmp_path)["leaderboard.tex"])
    assert [len(rows[0]) - 1 for rows in parts] == [WIDEST, 7 - WIDEST + 2]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"a_b & 5% #$ {x}", r"a\_b \& 5\% \#\$ \{x\}"),
        (r"\input{/etc/passwd}", r"\textbackslash{}input\{/etc/passwd\}"),
        ("~^<>", r"\textasciitilde{}\textasciicircum{}\textless{}\textgreater{}"),
        ("Zo\u00eb \u2013 \u6a21 \x1b\n", r"Zo\"{e} -- ? ??"),
        ("rho_a 4", r"$\rho_a$ 4"),
    ],
)
def test_text_shows_as_it_is_and_runs_nothing(text: str, shown: str) -> None:
    assert escape(text) == shown


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex")
def test_latex_takes_whatever_a_record_says(
    tmp_path: Path, results: Path, make_noise: Callable[..., NoiseRecord], make_victim: Callable[..., VictimRecord]
) -> None:
    shutil.copytree(results, tmp_path, dirs_exist_ok=True)
    hostile = "".join(map(chr, range(1, 0x250)))
    noise = make_noise("ops-wu23", 0, 1000, bounded=False, bound=f"\\input{{x}} {hostile}")
    environment = noise.environment.model_copy(update={"device": "[*\\GPU\\\\"})
    Store(tmp_path).write(noise.model_copy(update={"environment": environment}))
    Store(tmp_path).write(make_victim("ops-wu23", "resnet18", 0.0, 0, 20.0))
    (tmp_path / "tables.tex").write_bytes(leaderboard.render(tmp_path)["leaderboard.tex"].encode())
    packages = r"\usepackage[T1]{fontenc}\usepackage{booktabs}"
    document = rf"\documentclass{{article}}{packages}\begin{{document}}\input{{tables}}\end{{document}}"
    (tmp_path / "paper.tex").write_text(document)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]

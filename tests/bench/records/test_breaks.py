from pathlib import Path

import pytest

from attacks.core.errors import RequestError
from bench.config.axes import place
from bench.records.breaks import FILE, load_breaks

BREAK = """[[break]]
method = "em-fu22"
victim = "resnet18-w8"
countermeasure = "mine"
rho_a = 2
by = "Ada Lovelace"
date = 2026-12-24
how = "it knows the method"
link = "https://example.org/paper"
"""


def test_a_break_is_of_a_method_at_a_trainer(tmp_path: Path) -> None:
    assert load_breaks(tmp_path) == frozenset()
    (tmp_path / FILE).write_text(BREAK + BREAK.replace("mine", "other"))
    common = {"method": "em-fu22", "victim": "resnet18-w8", "rho_a": 2.0}
    assert load_breaks(tmp_path) == {place(**common, countermeasure=name) for name in ("mine", "other")}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BREAK.replace("[[break]]", "[[breaks]]"), "unknown key 'breaks'; did you mean 'break'?"),
        (
            BREAK.replace("counterm", "countrem"),
            "break.0: unknown key 'countremeasure'; did you mean 'countermeasure'?",
        ),
        (BREAK.replace('victim = "resnet18-w8"', ""), "break.0.victim: is missing"),
        (BREAK.replace("[[break]]", "[break]"), "break: must be a list"),
        (BREAK.replace("]]", ""), "cannot read "),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(RequestError) as caught:
        load_breaks(tmp_path)
    assert said in str(caught.value)
    assert str(tmp_path / FILE) in str(caught.value)
    assert "\n" not in str(caught.value)

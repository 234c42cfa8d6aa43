import pytest

from attacks.core.errors import escaped, unknown


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain é 猫", "plain é 猫"),
        ("two\nlines", r"two\nlines"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("half \udcff", r"half \udcff"),
        ("\u202eback", r"\u202eback"),
    ],
)
def test_what_is_not_printable_is_escaped(text: str, safe: str) -> None:
    assert escaped(text) == safe


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("jpeg", "did you mean one of: jpeg-10, jpeg-50?"),
        ("jpeg-11", "did you mean 'jpeg-10'?"),
        ("cutou", "did you mean 'cutout'?"),
        ("x", "one of: cutout, jpeg-10, jpeg-50"),
        ("", "one of: cutout, jpeg-10, jpeg-50"),
    ],
)
def test_an_unknown_name_has_the_nearest_beside_it(name: str, hint: str) -> None:
    error = unknown("countermeasure", name, {"jpeg-50", "jpeg-10", "cutout"})
    assert str(error) == f"unknown countermeasure {name!r}; {hint}"

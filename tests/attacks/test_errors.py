import pytest

from attacks.core.errors import escaped


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

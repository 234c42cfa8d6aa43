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


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("tap", "did you mean 'tap-fowl21'?"),  # not 'aap', which is nearer
        ("EM", "did you mean 'em'?"),  # not the longer names, too
        ("Em-F", "did you mean 'em-fu22'?"),
    ],
)
def test_the_beginning_of_a_name_in_any_case_is_enough_to_find_it(name: str, hint: str) -> None:
    error = unknown("method", name, ("aap", "em", "em-fu22", "tap-fowl21"))
    assert str(error) == f"unknown method {name!r}; {hint}"


def test_where_nothing_has_a_name_no_name_is_suggested() -> None:
    assert str(unknown("group", "x", ())) == "unknown group 'x'; there are none"

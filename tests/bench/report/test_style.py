from attacks.methods import METHODS
from bench.report.plots.style import look

NAMES = (
    "clean",
    "random",
    "em-fu22",
    "em-fu22-aligned",
    "em-huang21",
    "em-huang21-classwise",
    "rem-fu22",
    "sem-liu24",
    "tap-fowl21",
    "lsp-yu22",
    "ar-sandoval22",
    "ops-wu23",
    "cuda-sadasivan23",
)


def test_every_method_has_a_colour_and_a_marker_of_its_own() -> None:
    looks = [look(name) for name in {*NAMES, *METHODS}]
    assert len({known.color for known in looks}) == len(looks)
    assert len({known.marker for known in looks}) == len(looks)


def test_other_names_take_colours_and_markers_that_are_left() -> None:
    listed = [look(name) for name in NAMES]
    for name in ("from-a-plugin", "noise-of-mine", "x"):
        assert look(name) == look(name)
        assert look(name).color not in {known.color for known in listed}
        assert look(name).marker not in {known.marker for known in listed}

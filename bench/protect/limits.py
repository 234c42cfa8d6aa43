"""What was published about how such noise holds up against those who work on it."""

from collections.abc import Mapping

from bench.report.reported.published import Published, published, sources

# the published rows that tell: source, countermeasure, and radius of adversarial training where it is stated
ROWS: Mapping[str, tuple[str, str, float | None]] = {
    "none": ("iss-2023", "standard", 0),
    "JPEG compression, quality 10": ("iss-2023", "jpeg-10", None),
    "grayscale": ("iss-2023", "iss-grayscale", None),
    "adversarial training, radius 8/255": ("entf-2023", "standard", 8),
}
COLUMNS = ("clean", "em (variant unknown)", "rem-fu22", "tap-fowl21")


def limits() -> tuple[list[str], list[list[str]], list[str]]:
    """Return a table of published accuracies under what undoes a noise (head, rows), and its sources.

    Only what was read in its source is shown: CIFAR-10, noise within 8/255.
    """
    known = [row for row in published() if row.grade == "V" and row.dataset == "cifar10" and row.share == 100]
    rows = [[what, *(_cell(known, method, *where) for method in COLUMNS)] for what, where in ROWS.items()]
    cited = dict.fromkeys(source for source, _, _ in ROWS.values())
    return ["countermeasure", *COLUMNS], rows, [sources()[name] for name in cited]


def _cell(known: list[Published], method: str, source: str, countermeasure: str, rho_a: float | None) -> str:
    found = [
        row.accuracy
        for row in known
        if (row.method, row.source, row.countermeasure) == (method, source, countermeasure)
        and (rho_a is None or row.rho_a == rho_a)
    ]
    return f"{found[0]:.2f}" if len(found) == 1 else "-"

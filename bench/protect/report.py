"""Say what was protected, how much protection to expect, and its known limits."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from attacks.core.errors import escaped, listed
from attacks.methods import method
from bench.data.tree import named
from bench.protect.measured import measured_protection
from bench.protect.protect import Protected
from bench.protect.request import ProtectRequest
from bench.report.reported.published import Published, published, sources
from bench.run.describe import table_text
from bench.run.progress import duration

# the published rows to show: source, countermeasure, and radius of adversarial training where it is stated
ROWS: Mapping[str, tuple[str, str, float | None]] = {
    "none": ("iss-2023", "standard", 0),
    "JPEG compression, quality 10": ("iss-2023", "jpeg-10", None),
    "grayscale": ("iss-2023", "iss-grayscale", None),
    "adversarial training, radius 8/255": ("entf-2023", "standard", 8),
}
COLUMNS = ("clean", "em (variant unknown)", "rem-fu22", "tap-fowl21")


def report(done: Protected, request: ProtectRequest, expected: str) -> str:
    """Return the report as plain text.

    Args:
        done: what was done.
        request: what was requested.
        expected: what `expected_protection` says of it.
    """
    return "\n\n".join([_done(done, request), expected, _limits(request)])


def _done(done: Protected, request: ProtectRequest) -> str:
    listing, rho_u = done.listing, request.protocol.setup.noise.rho_u
    how = f"{method(request.method).name}, {request.protocol.name}, seed {request.seed}, --fit {request.fit}"
    lines = [
        f"{len(listing.sources):,} images of {len(listing.classes)} classes protected in {escaped(str(request.out))}",
        f"  {how}: {done.tiles:,} training images of {request.size} pixels, {duration(done.seconds)}",
        f"  verified by reading back: sizes unchanged, largest difference {done.largest}/255 (bound {rho_u}/255)",
    ]
    if done.exhausted:
        lines.append(
            "  stopped by the step budget before its own criterion was met; the noise is that of the last step"
        )
    if done.unchanged:
        lines.append(f"  NOT changed by the noise, so not protected: {len(done.unchanged):,} ({named(done.unchanged)})")
    if done.turned:
        lines.append(f"  greyscale images written as RGB because others are in colour: {done.turned:,}")
    lines += [f"  {note}" for note in listing.notes]
    return "\n".join([*lines, *_metadata(done)])


def _metadata(done: Protected) -> Iterator[str]:
    """Yield what metadata of the images was not kept; `docs/metadata.md` says what is."""
    pictures = Counter(name for one in done.metadata for name in one.pictures)
    others = Counter(name for one in done.metadata for name in one.others)
    lost = [
        f"{source.name}: {name}"
        for source, one in zip(done.listing.sources, done.metadata, strict=True)
        for name in one.lost
    ]
    if pictures:
        yield f"  metadata dropped, as it shows or may show the original: {_counted(pictures)}"
    if others:
        yield f"  metadata dropped, as it concerns neither owner nor display: {_counted(others)}"
    if lost:
        yield f"  metadata on owner or display that could NOT be kept: {escaped(listed(lost))}"


def _counted(names: Counter[str]) -> str:
    return escaped(listed([f"{name} ({count:,} image{'s' * (count > 1)})" for name, count in names.most_common()]))


def expected_protection(request: ProtectRequest, results: Path | None) -> str:
    """Return what the records in a folder, if there is one, let one expect of the method, as text."""
    known = method(request.method)
    lines = ["Expected protection"]
    found = measured_protection(results, known, request.protocol.name) if results else []
    if found:
        lines.append(f"  measured with {known.name} and {request.protocol.name}, on other images than yours:")
        lines += [f"  {line}" for line in found]
    else:
        why = f"no such records in {escaped(str(results))}" if results else "there are none here; give --results"
        lines.append(f"  no measurement with {known.name} and {request.protocol.name} is available ({why})")
    lines.append("  nothing was measured on your images: a trainer may do better on them than these figures suggest")
    return "\n".join(lines)


def _limits(request: ProtectRequest) -> str:
    head, rows, cited = limits()
    name = method(request.method).name
    lines = [
        "Known limits",
        "  unprotected originals and copies train a network as well as ever",
        "  whether the noise survives shrinking, or crops larger or smaller than those of training, was not measured",
        "  separately",
        "  JPEG, greyscale and adversarial training can undo much or all of it. Published test accuracies in %,",
        "  CIFAR-10, noise within 8/255, from other implementations than ours"
        + ("" if name in COLUMNS else f", and none for {name} itself")
        + ":",
        *(f"    {line}" for line in table_text(head, rows).splitlines()),
        *(f"  source: {source}" for source in cited),
    ]
    return "\n".join(lines)


def limits() -> tuple[list[str], list[list[str]], list[str]]:
    """Return a table of published accuracies under countermeasures that undo a noise (head, rows), and its sources.

    Only numbers read in the source itself are shown: CIFAR-10, noise within 8/255.
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

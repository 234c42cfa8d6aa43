"""Say what was protected, how strong that is expected to be, and how strong it is not."""

from pathlib import Path

from attacks.core.errors import shown
from attacks.methods import method
from bench.protect.limits import COLUMNS, limits
from bench.protect.measured import measured
from bench.protect.protect import Protected
from bench.protect.request import Request
from bench.run.describe import table_text
from bench.run.progress import duration

MOST_NAMED = 5


def report(done: Protected, request: Request, results: Path) -> str:
    """Return the report, in plain words.

    Args:
        done: what was done.
        request: what was asked for.
        results: a folder of records, for what was measured of the method.
    """
    return "\n\n".join([_done(done, request), _expected(request, results), _limits(request)])


def _done(done: Protected, request: Request) -> str:
    listing, rho_u = done.listing, request.protocol.setup.noise.rho_u
    how = f"{method(request.method).name}, {request.protocol.name}, seed {request.seed}, --fit {request.fit}"
    lines = [
        f"{len(listing.sources):,} images of {len(listing.classes)} classes protected, {shown(str(request.out))}",
        f"  {how}: {done.tiles:,} training images of {request.size} pixels, {duration(done.seconds)}",
        f"  read again from the files: all sizes as before, largest difference {done.largest}/255 (bound {rho_u}/255)",
    ]
    if done.exhausted:
        lines.append("  the method's budget ended before its own stopping rule was met; the noise is what it had then")
    if done.turned:
        lines.append(f"  grey images written in colour, as others have colours: {done.turned:,}")
    if listing.passed_over:
        named = ", ".join(listing.passed_over[:MOST_NAMED]) + (", ..." if len(listing.passed_over) > MOST_NAMED else "")
        lines.append(
            f"  NOT protected and not copied, no images by their names: {len(listing.passed_over):,} ({shown(named)})"
        )
    return "\n".join(lines)


def _expected(request: Request, results: Path) -> str:
    known = method(request.method)
    lines = ["How strong it is expected to be"]
    found = measured(results, known, request.protocol.name) if results.is_dir() else []
    if found:
        lines.append(f"  measured with {known.name} and {request.protocol.name} on other images than yours:")
        lines += [f"  {line}" for line in found]
    else:
        lines.append(
            f"  nothing was measured with {known.name} and {request.protocol.name} (no record of it in "
            f"{shown(str(results))})"
        )
    lines.append("  on your images nothing was measured: whoever trains on them may do better than these figures say")
    return "\n".join(lines)


def _limits(request: Request) -> str:
    head, rows, cited = limits()
    name = method(request.method).name
    lines = [
        "How strong it is not",
        "  the originals, and copies without noise, teach a network as they always did",
        "  what resizing, cropping and pretrained weights do to it was not measured here",
        "  JPEG, grey values and adversarial training can undo much or all of it. Published test accuracies in %,",
        "  CIFAR-10, noise within 8/255, of other implementations than ours"
        + ("" if name in COLUMNS else f", and none of {name} itself")
        + ":",
        *(f"    {line}" for line in table_text(head, rows).splitlines()),
        *(f"  source: {source}" for source in cited),
    ]
    return "\n".join(lines)

"""One profile from end to end: set up, measure, report, and store the rate for plans."""

import sys
from collections.abc import Iterator
from pathlib import Path

from attacks.core.files import check_writable, write_atomically
from bench.config.models import Grid, Protocol
from bench.profile.measure import Profile, profile
from bench.profile.report import grid_text, profile_json, table, text
from bench.profile.subject import ProfileSubject
from bench.profile.whole import profile_grid
from bench.run.environment import environment
from bench.run.process import set_up
from bench.run.rates import Rates
from bench.run.workplace import Workplace
from victims.networks.build import check_network


def run_profile(subject: ProfileSubject, place: Workplace, out: Path | None) -> Iterator[str]:
    """Measure a subject at a workplace; yield what to print, ending with the paths of the files written to `out`.

    Raises:
        RequestError: if the network does not take the images, or `out` cannot be written.
    """
    check_network(subject.victim, size=subject.side, stem=subject.setup.stem)
    if out:
        check_writable(out)
    set_up(place.threads)
    described = environment(place.device, place.threads)
    found = profile(subject, place.device)
    yield text(found, described)
    rates = Rates(place)
    for measure in found.measures:
        if measure.kind == "frozen":
            setup = subject.setup.model_copy(update={"precision": measure.precision})
            rates.note(subject.victim, subject.side, setup, measure.passes_per_second)
    rates.save()
    if out:
        yield from map(str, _write(found, profile_json(found, described), out))


def run_grid_profile(grid: Grid, protocol: Protocol, place: Workplace) -> str:
    """Measure the phases of a grid's cells at a workplace, and return what to print; raises as `profile_grid`."""
    found = profile_grid(grid, protocol, place, lambda kind: print(f"measuring {kind}", file=sys.stderr))
    return grid_text(found, environment(place.device, place.threads))


def _write(found: Profile, text: str, out: Path) -> list[Path]:
    """Write `profile.json`, and the roofline plot with its data as CSV."""
    from bench.profile.roofline import roofline
    from bench.report.plots.save import save

    paths = save(roofline(found), table(found), out / "profile")
    return [write_atomically(out / "profile.json", text.encode()), *paths]

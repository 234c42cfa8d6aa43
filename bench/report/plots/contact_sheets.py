"""Contact sheets for each group of records whose noise is still in the cache: one of all methods, and one of each."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from attacks.errors import RequestError
from attacks.methods.clean import CLEAN
from attacks.noise import Images, Noise, load
from bench.data import NAMES, Places, entry
from bench.records.frame import load_records
from bench.records.schema import NoiseRecord
from bench.records.store import Store
from bench.report.plots.contact_sheet import contact_sheet, contact_sheet_table
from bench.report.plots.page import DEFAULT, Page
from bench.report.plots.save import save
from bench.report.summary import Group, groups, in_table_order
from bench.run.workplace import noise_file

SHOWN = 8

log = logging.getLogger(__name__)


def contact_sheets(
    results: Path, out: Path, formats: Sequence[str], places: Places, page: Page = DEFAULT
) -> list[Path]:
    """Draw the first noise of every method of a group on a few images, together and apart; return the paths written.

    Noise and images are not among the records: only what lies in the cache and comes by a dataset's name is drawn.
    """
    made = [record for record in Store(results).all() if isinstance(record, NoiseRecord)]
    written = []
    for group in groups(load_records(results)):
        noises = dict(_noises(group, _first(group, made), places))
        if not noises:
            continue
        try:
            numbers, images = _some_images(group, places)
        except RequestError as error:
            log.warning("no contact sheet of %s: %s", group.title, error)
            continue
        shown = {method: noise[numbers] for method, noise in noises.items()}
        sheets = {"contact_sheet": shown} | {f"noise/{method}": {method: noise} for method, noise in shown.items()}
        for name, part in sheets.items():
            table = contact_sheet_table(numbers, part)
            written += save(contact_sheet(images, part, page), table, out / group.name / name, formats, page)
    return written


def _first(group: Group, made: Sequence[NoiseRecord]) -> Mapping[str, NoiseRecord]:
    """Return for every method of a group the noise of its first seed among those that its victims learnt from."""
    used = set(zip(group.rows["method"], group.rows["noise_digest"], strict=True))
    found = [
        record
        for record in made
        if (record.cell.dataset, record.cell.protocol) == (group.dataset, group.protocol)
        and (record.cell.method, record.digests.get("noise", "")) in used
        and record.cell.method != CLEAN.name
    ]
    by_seed = sorted(found, key=lambda record: record.cell.seed, reverse=True)
    return {record.cell.method: record for record in by_seed}


def _noises(group: Group, records: Mapping[str, NoiseRecord], places: Places) -> Iterator[tuple[str, Noise]]:
    """Yield the noises that are still in the cache, by method, and tell in one line of those that are not."""
    files = {method: noise_file(places, records[method].cell) for method in in_table_order(records)}
    lost = [method for method, file in files.items() if not file.exists()]
    if lost:
        log.warning("contact sheet of %s without %s: not in %s", group.title, ", ".join(lost), places.cache / "noise")
    for method in (method for method in files if method not in lost):
        try:
            noise, _ = load(files[method])
        except RequestError as error:
            log.warning("contact sheet of %s without %s: %s", group.title, method, error)
            continue
        yield method, noise


def _some_images(group: Group, places: Places) -> tuple[npt.NDArray[np.int64], Images]:
    """Return a few of a group's training images, spread over the set, and their numbers in it.

    Raises:
        RequestError: where they are not here.
    """
    if group.dataset not in NAMES:
        raise RequestError("records do not say where its folder is")
    dataset = entry(group.dataset, places).load(places)
    if dataset.digest != group.digest:
        raise RequestError(f"the images here are others, of the digest {dataset.digest[:8]}")
    numbers = np.arange(SHOWN) * len(dataset.train.images) // SHOWN
    return numbers, dataset.train.images[numbers]

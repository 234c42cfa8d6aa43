"""A contact sheet for each dataset and protocol whose noise is still in the cache."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from attacks.errors import RequestError
from attacks.methods.clean import CLEAN
from attacks.noise import Images, Noise, load
from bench.data import NAMES, Places, entry
from bench.records.schema import NoiseRecord
from bench.records.store import Store
from bench.report.plots.contact_sheet import contact_sheet, contact_sheet_table
from bench.report.plots.page import DEFAULT, Page
from bench.report.plots.save import save
from bench.report.summary import in_table_order
from bench.run.workplace import noise_file

SHOWN = 8

log = logging.getLogger(__name__)


def contact_sheets(
    results: Path, out: Path, formats: Sequence[str], places: Places, page: Page = DEFAULT
) -> list[Path]:
    """Draw the first noise of every method on a few images, and return the paths written.

    Noise and images are not among the records: only what lies in the cache and comes by a dataset's name is drawn.
    """
    found: dict[tuple[str, str, str], dict[str, NoiseRecord]] = {}
    for record in Store(results).all():
        if isinstance(record, NoiseRecord) and record.status != "failed" and record.cell.method != CLEAN.name:
            group = (record.cell.dataset, record.cell.protocol, record.precision)
            found.setdefault(group, {}).setdefault(record.cell.method, record)
    written = []
    for (dataset, protocol, precision), records in sorted(found.items()):
        if dataset not in NAMES:
            log.warning("no contact sheet of %s: records do not say where its folder is", dataset)
            continue
        noises = _noises(records, places)
        if noises:
            numbers, images = _some_images(dataset, places)
            shown = {method: noise[numbers] for method, noise in noises.items()}
            stem = out / f"{dataset}-{protocol}-{precision}" / "contact_sheet"
            table = contact_sheet_table(numbers, shown)
            written += save(contact_sheet(images, shown, page), table, stem, formats, page)
    return written


def _noises(records: dict[str, NoiseRecord], places: Places) -> dict[str, Noise]:
    noises = {}
    for method in in_table_order(records):
        try:
            noise, _ = load(noise_file(places, records[method].cell))
        except (FileNotFoundError, RequestError) as error:
            log.warning("contact sheet without %s: %s", method, error)
            continue
        noises[method] = noise
    return noises


def _some_images(dataset: str, places: Places) -> tuple[npt.NDArray[np.int64], Images]:
    """Return a few training images, spread over the set, and their numbers in it."""
    images = entry(dataset, places).load(places).train.images
    numbers = np.arange(SHOWN) * len(images) // SHOWN
    return numbers, images[numbers]

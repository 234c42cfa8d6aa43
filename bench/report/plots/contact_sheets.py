"""A contact sheet for each dataset and protocol whose noise is still in the cache."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from attacks.errors import RequestError
from attacks.noise import Noise, load
from bench.data import NAMES, Places, entry
from bench.records.schema import NoiseRecord
from bench.records.store import Store
from bench.report.plots.contact_sheet import contact_sheet
from bench.report.plots.save import save
from bench.report.summary import in_table_order
from bench.run.workplace import noise_file

SHOWN = 8

log = logging.getLogger(__name__)


def contact_sheets(results: Path, out: Path, formats: Sequence[str], places: Places) -> list[Path]:
    """Draw the first noise of every method on a few images, and return the paths written.

    Noise and images are not among the records: only what lies in the cache and comes by a dataset's name is drawn.
    """
    found: dict[tuple[str, str, str], dict[str, NoiseRecord]] = {}
    for record in Store(results).all():
        if isinstance(record, NoiseRecord) and record.status != "failed":
            group = (record.cell.dataset, record.cell.protocol, record.precision)
            found.setdefault(group, {}).setdefault(record.cell.method, record)
    written = []
    for (dataset, protocol, precision), records in sorted(found.items()):
        if dataset not in NAMES:
            log.warning("no contact sheet of %s: records do not say where its folder is", dataset)
            continue
        noises = _noises(records, places)
        if noises:
            written += _draw(dataset, noises, out / f"{dataset}-{protocol}-{precision}", formats, places)
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


def _draw(dataset: str, noises: dict[str, Noise], folder: Path, formats: Sequence[str], places: Places) -> list[Path]:
    images = entry(dataset, places).load(places).train.images
    shown = np.arange(SHOWN) * len(images) // SHOWN
    figure = contact_sheet(images[shown], {method: noise[shown] for method, noise in noises.items()})
    return save(figure, folder / "contact_sheet", formats)

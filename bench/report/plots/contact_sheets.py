"""Contact sheets for each group of records whose noise is still in the cache: one for all methods, and one each."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from attacks.core.errors import RequestError
from attacks.core.packages import install_extras
from attacks.engine.noise import Images, Noise, load_noise, read_head
from attacks.methods.clean import CLEAN
from bench.config.axes import FIELDS
from bench.data import NAMES, Places, entry
from bench.records.noise_cache import find_noise
from bench.records.schema import NoiseRecord
from bench.records.store import Store
from bench.report.generations import of_newest_version
from bench.report.plots.cells import marks_of
from bench.report.plots.contact_sheet import contact_sheet, contact_sheet_table
from bench.report.plots.page import DEFAULT, Page
from bench.report.plots.save import save
from bench.report.sides import Sides
from bench.report.summary import Group, in_table_order

SHOWN = 8

log = logging.getLogger(__name__)


def contact_sheets(
    results: Path, groups: Sequence[Group], out: Path, formats: Sequence[str], places: Places, page: Page = DEFAULT
) -> list[Path]:
    """Draw one noise of every method of groups on a few images, jointly and separately; return the paths written.

    Records contain neither noise nor images: only cached noise is drawn, on images of datasets available by name.
    Of a method's noises of the newest version, it is that of the first seed whose cached noise is the recorded one.
    The joint sheet names the methods that have none.
    """
    if find_spec("torch") is None:
        log.warning("No contact sheets: they need the extra `run`; run: %s", install_extras("run"))
        return []
    made = list(Store(results).noises())
    written = []
    for group in groups:
        noises = dict(_noises(group, _made(group, made), places))
        if not noises:
            continue
        try:
            numbers, images = _some_images(group, places)
        except RequestError as error:
            log.warning("Contact sheet of %s skipped: %s", group.title, error)
            continue
        seeds = {method: seed for method, (seed, _) in noises.items()}
        shown = {method: noise[numbers] for method, (_, noise) in noises.items()}
        sheets = {"contact_sheet": shown} | {f"noise/{method}": {method: noise} for method, noise in shown.items()}
        marks = _marks(group)
        with_noise = group.rows.loc[group.rows["noise_digest"].notna(), "method"]
        lacking = in_table_order(set(with_noise) - {CLEAN.name, *shown})
        for name, part in sheets.items():
            table = contact_sheet_table(numbers, seeds, part)
            left_out = lacking if part is shown else ()
            figure = contact_sheet(images, part, page, marks=marks, left_out=left_out)
            written += save(figure, table, out / group.name / name, formats, page)
    return written


def _marks(group: Group) -> Mapping[str, str]:
    """Return the marks of a group's methods; one is older if all its noises are, whatever was trained on them."""
    rows, old = of_newest_version(group.rows), Sides(group).older_noises
    older = pd.Series([one in old for one in zip(rows["method"], rows["seed"], strict=True)], index=rows.index)
    return marks_of(rows.assign(older=older.groupby(rows["method"]).transform("all")), *FIELDS)


def _made(group: Group, made: Sequence[NoiseRecord]) -> Mapping[str, Sequence[NoiseRecord]]:
    """Return, for every method of a group, the records of the newest noises its victims were trained on, by seed."""
    rows = of_newest_version(group.rows)
    used = set(zip(rows["method"], rows["noise_digest"], strict=True))
    found: dict[str, list[NoiseRecord]] = {}
    for record in sorted(made, key=lambda record: record.cell.seed):
        cell = record.cell
        if (
            (cell.dataset, cell.protocol) == (group.dataset, group.protocol)
            and (cell.method, record.digests.get("noise", "")) in used
            and cell.method != CLEAN.name
        ):
            found.setdefault(cell.method, []).append(record)
    return found


def _noises(
    group: Group, records: Mapping[str, Sequence[NoiseRecord]], places: Places
) -> Iterator[tuple[str, tuple[int, Noise]]]:
    """Yield for each method the noise to show, with its seed, and log which methods have none."""
    lost = []
    for method in in_table_order(records):
        try:
            found = _first_whole(records[method], places)
        except RequestError as error:
            log.warning("%s omitted from the contact sheet of %s: %s", method, group.title, error)
            continue
        if found:
            yield method, found
        else:
            lost.append(method)
    if lost:
        log.warning(
            "%s omitted from the contact sheet of %s: noise not in the cache %s; run `noise make` or `run` first",
            ", ".join(lost),
            group.title,
            places.cached("noise"),
        )


def _first_whole(records: Sequence[NoiseRecord], places: Places) -> tuple[int, Noise] | None:
    """Return the first cached noise that is the recorded one, with its seed; None if none is cached.

    Raises:
        RequestError: for the first cached file, if all of them are damaged or hold other noises.
    """
    refusals = []
    for record in records:
        file = find_noise(places, record.cell)
        if not file.exists():
            continue
        try:
            return record.cell.seed, _as_recorded(record, file)
        except RequestError as error:
            refusals.append(error)
    if refusals:
        raise refusals[0]
    return None


def _as_recorded(record: NoiseRecord, file: Path) -> Noise:
    """Return the noise in a file.

    Raises:
        RequestError: where the file cannot be read, or holds a noise other than the recorded one.
    """
    if read_head(file).digest != record.digests["noise"]:
        raise RequestError(
            f"{file} is not the noise of the record; rerun the cell or give the --cache it was made with"
        )
    return load_noise(file)[0]


def _some_images(group: Group, places: Places) -> tuple[npt.NDArray[np.int64], Images]:
    """Return the indices of a few of a group's training images, spread over the set, and the images.

    Raises:
        RequestError: where the images are not available, or differ from those of the records.
    """
    if group.dataset not in NAMES:
        raise RequestError("records do not store the path of an image folder")
    dataset = entry(group.dataset, places).load(places)
    if dataset.digest != group.digest:
        raise RequestError(f"the images here differ from those of the records (digest {dataset.digest[:8]})")
    numbers = np.arange(SHOWN) * len(dataset.train.images) // SHOWN
    return numbers, dataset.train.images[numbers]

"""Tables shown between markers in pages: each kind of block, generated as Markdown from the records."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from statistics import fmean
from typing import Any

from attacks.core.errors import RequestError, unknown
from attacks.methods.clean import CLEAN
from bench.config.axes import AXIS, SCORED, Axis
from bench.records.metrics import OF_NOISES, OF_VICTIMS, RANKED, Visibility
from bench.report.answer import by_headline, certainty_text, leaders
from bench.report.budgets import budgets
from bench.report.claims_page import summary_table
from bench.report.columns import columns_in_brief
from bench.report.generations import newest_noises, of_newest_version
from bench.report.markdown import escape_markdown, layout, table_of
from bench.report.statistics import coverage, decimals
from bench.report.summary import Group, in_table_order, paired, scores, usual, usual_but
from bench.report.tables import ScoreTable
from bench.report.text import MISSING, OLDER, headline_text, interval_text, passes_text, shortened
from bench.report.verdicts import Answer

Columns = list[tuple[list[str], bool]]
Options = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Material:
    """What blocks are made from: all groups, their tables, and the answers to claims."""

    groups: Sequence[Group]
    tables: Sequence[ScoreTable]
    answers: Sequence[Answer]

    def group(self, options: Options) -> Group:
        """Return the group that a block's option `group` names.

        Raises:
            RequestError: where there is none of that name.
        """
        named = {group.name: group for group in self.groups}
        name = ",".join(options.get("group", ()))
        if name not in named:
            raise unknown("group of records", name, named)
        return named[name]

    def main_table(self, group: Group) -> ScoreTable:
        """Return the main table of a group."""
        return next(one for one in self.tables if one.group is group and not one.title)


def headline(material: Material, options: Options) -> str:
    """Return the methods by their strongest trainer, best first.

    References come first; methods that lack trainers, any of which may be their strongest, come last in their track.
    """
    table = material.main_table(material.group(options))
    order = [table.rows.index(row) for row in by_headline(table.rows)]
    columns: Columns = [(["method", *(escape_markdown(table.rows[place].label) for place in order)], False)]
    for column in columns_in_brief(table):
        columns.append(([column.name, *(escape_markdown(column.texts[place]) for place in order)], column.is_number))
    return "\n".join(layout(columns))


def leaders_table(material: Material, options: Options) -> str:
    """Return, for each trainer of the suite, the method bounded by `rho_u` that leaves the lowest accuracy."""
    group = material.group(options)
    table = material.main_table(group)
    made = {row.name: row.generation for row in table.rows}
    heads = ("if the trainer uses", "method", "accuracy", "without noise", "how sure", "image-passes")
    lines = [
        (
            leader.trainer.title,
            leader.score.method,
            headline_text(leader.score),
            headline_text(leader.clean),
            certainty_text(leader),
            passes_text(cost.passes) if (cost := made.get(leader.score.method)) else MISSING,
        )
        for leader in leaders(group, table)
    ]
    return table_of(heads, lines, {"accuracy", "without noise", "image-passes"})


def values(material: Material, options: Options) -> str:
    """Return the accuracy at every seed, or at those named, with what each seed's noise cost.

    The columns are the victims and radii or, with the option `along`, the values of the named axes.
    """
    group = material.group(options)
    measure = options.get("measure", (RANKED,))[0]
    if measure not in {metric.column for metric in OF_VICTIMS}:
        raise unknown("measure", measure, [metric.column for metric in OF_VICTIMS if metric.column])
    axes = _along(options)
    rows = usual_but(group.rows, *(axis.field for axis in axes))
    rows = _chosen(rows[rows["status"] == "ok"].dropna(subset=[measure]), options)
    seeds = sorted({int(seed) for seed in rows["seed"]})
    fields = ("victim", "rho_a", *(axis.field for axis in axes))
    at = {
        (row["method"], *(row[field] for field in fields), row["seed"]): decimals(row[measure])
        + f" {OLDER}" * row["older"]
        for row in rows.to_dict("records")
    }
    usual_first = [AXIS[field].usual for field in fields]
    places = sorted(
        {tuple(place) for _, *place, _ in at},
        key=lambda place: [(value != first, value) for value, first in zip(place, usual_first, strict=True)],
    )
    methods = in_table_order(rows["method"])
    columns: Columns = [(["method", *map(escape_markdown, methods)], False)]
    for place in places:
        texts = [_listed([at.get((method, *place, seed)) for seed in seeds]) for method in methods]
        columns.append(([_place_text(place, fields, places), *texts], True))
    columns += _generation(group, methods, seeds) if measure == RANKED and not axes else []
    order = f"Seed {seeds[0]}." if len(seeds) == 1 else f"Seeds {', '.join(map(str, seeds))}, in order, where measured."
    return "\n".join([*layout(columns), "", order])


def _along(options: Options) -> tuple[Axis, ...]:
    """Return the axes that a block's option `along` names.

    Raises:
        RequestError: where one has no tables of its own.
    """
    known = {axis.field: axis for axis in SCORED if axis.table}
    for name in options.get("along", ()):
        if name not in known:
            raise unknown("axis", name, known)
    return tuple(known[name] for name in options.get("along", ()))


def _place_text(place: Sequence[Any], fields: Sequence[str], places: Sequence[Sequence[Any]]) -> str:
    """Return a column's header: victim and radius or, along other axes, what distinguishes the columns."""
    if len(fields) > 2:
        last = len(fields) - 1
        varying = [index for index in range(last) if len({other[index] for other in places}) > 1] + [last]
        place, fields = [place[index] for index in varying], [fields[index] for index in varying]
    words = [AXIS[field].word(value) or AXIS[field].text(value) for field, value in zip(fields, place, strict=True)]
    return ", ".join(map(escape_markdown, words))


def _generation(group: Group, methods: Sequence[str], seeds: Sequence[int]) -> Columns:
    """Return the columns with the cost of each method's noise, by seed."""
    made = {(row["method"], int(row["seed"])): row for row in newest_noises(group.rows).to_dict("records")}
    columns: Columns = [(["generation s"], True), (["image-passes"], True), (["device"], False)]
    for method in methods:
        rows = [made.get((method, seed), {}) for seed in seeds]
        seconds = [_known(row.get("generation_seconds")) for row in rows]
        passes = [value for row in rows if (value := _known(row.get("generation_passes"))) is not None]
        texts = [
            _listed([None if value is None else decimals(value, 1) for value in seconds]),
            passes_text(fmean(passes)) if passes else MISSING,
            _devices(rows),
        ]
        for (column, _), text in zip(columns, texts, strict=True):
            column.append(text)
    return columns


def differences(material: Material, options: Options) -> str:
    """Return each method's difference from the clean reference, per trainer, paired by seed, with its interval."""
    group = material.group(options)
    found = (score for score in scores(_chosen(usual(group.rows), options)) if score.n)
    by = {(score.method, score.of["victim"], score.of["rho_a"]): score for score in found}
    places = sorted({(victim, rho_a) for method, victim, rho_a in by if method == CLEAN.name})
    methods = [name for name in in_table_order(method for method, _, _ in by) if name != CLEAN.name]
    columns: Columns = [(["method", *map(escape_markdown, methods)], False)]
    for victim, rho_a in places:
        clean = by[CLEAN.name, victim, rho_a]
        texts = []
        for method in methods:
            own = by.get((method, victim, rho_a))
            over = group.pool.difference(paired(own, clean) if own else [])
            mark = f" {OLDER}" * bool(own and own.older)
            texts.append(f"{interval_text(over)}{mark} (n={over.n})" if over.n else MISSING)
        columns.append(([escape_markdown(f"{victim}, {AXIS['rho_a'].word(rho_a)}"), *texts], True))
    return "\n".join(layout(columns))


def measured_table(material: Material, _: Options) -> str:
    """Return an overview of the records, a line per group."""
    heads = ("records of", "victims", "noises", "methods", "networks", "radii", "seeds", "devices", "commits")
    lines = []
    for group in material.groups:
        rows = group.rows
        counts = [len(rows), len(rows[["method", "seed"]].drop_duplicates())]
        counts += [rows[name].nunique() for name in ("method", "victim")]
        radii = ", ".join(f"{radius:g}" for radius in sorted(set(rows["rho_a"])))
        seeds = ", ".join(map(str, sorted(set(rows["seed"]))))
        devices = "; ".join(sorted({shortened(str(device)) for device in rows["device"].dropna()}))
        commits = ", ".join(sorted({str(commit)[:7] for commit in rows["commit"].dropna()}))
        lines.append([group.title, *map(str, counts), radii, seeds, devices, commits])
    return table_of(heads, lines, heads[1:5])


def verdicts(material: Material, _: Options) -> str:
    """Return how many claims have each verdict, per scale."""
    return summary_table(material.answers)


def predicted(material: Material, _: Options) -> str:
    """Return how many seeds lie in the prediction interval of the others in their cell, per group."""
    heads = ("records of", "seeds inside the others' 95% prediction interval", "of", "share")
    lines = []
    for group in material.groups:
        inside, total = coverage(list(score.seeds.values()) for score in group.scores)
        share = f"{decimals(100 * inside / total, 1)}%" if total else MISSING
        lines.append([group.title, str(inside), str(total), share])
    return table_of(heads, lines, heads[1:])


def signs(material: Material, options: Options) -> str:
    """Return the lowest and highest percentage of gradient signs that agree with fp32, per method."""
    rows = of_newest_version(material.group(options).rows).dropna(subset=["noise_sign_agreement"])
    noises = rows[["method", "seed", "noise_digest", "noise_sign_agreement"]].drop_duplicates()
    lines = []
    for method in in_table_order(noises["method"]):
        shares = noises.loc[noises["method"] == method, "noise_sign_agreement"].tolist()
        lines.append((method, str(len(shares)), decimals(min(shares)), decimals(max(shares))))
    heads = ("method", "noises", "lowest %", "highest %")
    return table_of(heads, lines, heads[1:])


def visibility_table(material: Material, options: Options) -> str:
    """Return the mean visibility of each method's noises; a sentence in its place if none was measured."""
    metrics = [metric for metric in OF_NOISES if metric.name in Visibility._fields]
    rows = of_newest_version(material.group(options).rows)
    noises = rows[["method", "seed", "noise_digest", *(str(metric.column) for metric in metrics)]].drop_duplicates()
    noises = noises.dropna(subset=[str(metric.column) for metric in metrics], how="all")
    if noises.empty:
        return "Not measured: the records here are older than these metrics."
    methods = in_table_order(noises["method"])
    parts = [noises[noises["method"] == method] for method in methods]
    columns: Columns = [(["method", *map(escape_markdown, methods)], False)]
    columns.append((["noises", *(str(len(part)) for part in parts)], True))
    for metric in metrics:
        known = [part[str(metric.column)].dropna().tolist() for part in parts]
        texts = [decimals(fmean(values), metric.digits) if values else MISSING for values in known]
        unit = f" {metric.unit}" if metric.unit else ""
        columns.append(([f"{metric.name.replace('_', ' ').replace(' mean', '')}{unit}", *texts], True))
    return "\n".join(layout(columns))


_FILTERS = {"methods": "method", "victims": "victim", "seeds": "seed", "radii": "rho_a"}
KINDS: Mapping[str, tuple[Callable[[Material, Options], str], tuple[str, ...]]] = {
    "headline": (headline, ("group",)),
    "leaders": (leaders_table, ("group",)),
    "values": (values, ("group", "measure", "along", *_FILTERS)),
    "differences": (differences, ("group", *_FILTERS)),
    "measured": (measured_table, ()),
    "verdicts": (verdicts, ()),
    "predicted": (predicted, ()),
    "signs": (signs, ("group",)),
    "visibility": (visibility_table, ("group",)),
    "budgets": (lambda material, options: budgets(material.group(options)), ("group",)),
}
"""Every kind of block: the function that makes it, and the options it takes."""


def _chosen(rows: Any, options: Options) -> Any:
    """Keep the rows that a block's options select.

    Raises:
        RequestError: where none is left.
    """
    for option, column in _FILTERS.items():
        if option in options:
            texts = rows[column].map(AXIS[column].text)
            rows = rows[texts.isin(options[option])]
    if rows.empty:
        asked = " ".join(f"{name}={','.join(values)}" for name, values in options.items())
        raise RequestError(f"no record matches {asked}")
    return rows


def _known(value: float | None) -> float | None:
    return None if value is None or isnan(value) else value


def _listed(found: Sequence[str | None]) -> str:
    """Return the texts of seeds up to the last known one, separated by commas, a dash for each that is missing."""
    known = max((count for count, text in enumerate(found, 1) if text), default=1)
    return ", ".join(text or MISSING for text in found[:known])


def _devices(found: Sequence[Mapping[Any, Any]]) -> str:
    names = [shortened(str(row["generation_device"])) for row in found if row.get("generation_device")]
    return escape_markdown(" / ".join(dict.fromkeys(names))) or MISSING

"""The answers to claims, as a page and as data."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from attacks.core.errors import several
from bench.config.axes import SIDE
from bench.report.claims import Claim, Side
from bench.report.markdown import escape_markdown, layout, table_of
from bench.report.statistics import decimals
from bench.report.text import MISSING, OLDER, interval_text
from bench.report.verdicts import MOST_SEEDS, VERDICTS, Answer, counts_by_scale

_HEAD = """# What the papers say, and what the records answer

Each claim compares two things at stated trainers and says by how much they must differ
([claims.toml](claims.toml)). The records answer it at each scale by the 95% interval of the difference, paired by
seed (details: [read-the-leaderboard.md](../docs/read-the-leaderboard.md#claims)): **confirmed** if the whole interval
lies where the claim says, **contradicted** if all of it lies elsewhere, **undecided** otherwise, and below three seeds.
If seeds are normally distributed, an answer is wrong by chance in at most 2.5% of cases; this is not corrected for the
number of claims. That rate holds for a number of seeds fixed in advance; seeds added because an answer was undecided
raise it. An answer at a small scale says nothing about the papers' size. A negative difference means that the first
side protects better. One method at two trainers is compared on the same noise. Where an effect is said to be lost,
given back or kept, only noises count that have one: *noises taking 20* are those that take at least 20 points under
standard training; in brackets is how many others were left out. § marks a difference or a ratio that
rests on records of older versions.
"""
_LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")


def claims_text(found: Sequence[Answer], *, linked: bool) -> str:
    """Return the page of claims; `linked`: it is meant for the folder of the records, from where its links lead."""
    parts = [_HEAD if linked else _LINK.sub(r"\1", _HEAD), summary_table(found), ""]
    for scale, here in groupby(found, key=lambda answer: answer.scale):
        answers = list(here)
        parts += [f"## {escape_markdown(scale.title)}", ""]
        measured = [answer for answer in answers if answer.verdict != "not measured"]
        if measured:
            parts += ["\n".join(layout(claims_table(measured))), ""]
        missing = [answer for answer in answers if answer.verdict == "not measured"]
        if missing:
            parts += ["Not measured:", "", *map(_missing, missing), ""]
    return "\n".join(parts)


def claims_table(found: Iterable[Answer]) -> list[tuple[list[str], bool]]:
    """Return the columns of a table of measured claims."""
    rows = [
        (
            escape_markdown(answer.claim.text),
            escape_markdown(f"{answer.claim.source} ({answer.claim.grade})"),
            escape_markdown(answer.victim) if not answer.claim.is_cost else MISSING,
            escape_markdown(compared_text(answer)),
            measured_text(answer),
            str(answer.over.n),
            verdict_text(answer),
        )
        for answer in found
    ]
    heads = ("claim", "source", "network", "compared", "measured", "n", "verdict")
    return [([head, *texts], head == "n") for head, texts in zip(heads, zip(*rows, strict=True), strict=True)]


def summary_table(found: Sequence[Answer]) -> str:
    """Return a table that counts verdicts per scale."""
    lines = [[scale, *map(str, numbers)] for scale, numbers in counts_by_scale(found)]
    return table_of(("scale", *VERDICTS), lines, VERDICTS)


def criterion_text(claim: Claim) -> str:
    """Describe what a claim compares and the difference that it states."""
    by = f"{claim.by:g}"
    second = _side(claim.second) if claim.second else f"{claim.value:g}"
    if claim.says == "times":
        return f"{_side(claim.first)} / {second}: at least {by}"
    return (
        f"{_side(claim.first)} - {second}: "
        + {
            "lower": f"below {'-' if claim.by else ''}{by}",
            "higher": f"above {by}",
            "within": f"from -{by} to {by}",
        }[claim.says].strip()
        + (f", noises taking {claim.works_by:g}" if claim.works_by else "")
    )


def compared_text(answer: Answer) -> str:
    """Describe what was compared, and how many noises were left out since they are not known to work."""
    return criterion_text(answer.claim) + (f" ({len(answer.left_out)} left out)" if answer.left_out else "")


def _side(side: Side) -> str:
    """Describe one side of a claim; usual values are left out."""
    words = [side.method] + ([side.measure] if side.measure != "accuracy" else [])
    if side.measure in {"accuracy", "peak"}:
        words += filter(None, (axis.word(getattr(side, axis.field)) for axis in SIDE if axis.field != "method"))
    return " ".join([words[0], f"({', '.join(words[1:])})"] if words[1:] else words)


def measured_text(answer: Answer) -> str:
    """Format the measured difference or ratio with its interval, marked if it rests on records of older versions."""
    over, mark = answer.over, f" {OLDER}" * bool(answer.older)
    if not answer.claim.is_cost or over.mean is None:
        return interval_text(over) + mark
    text = f"{decimals(over.mean)} times"
    if over.low is None or over.high is None or decimals(over.low) == decimals(over.high):
        return text + mark
    return f"{text} [{decimals(over.low)}, {decimals(over.high)}]{mark}"


def verdict_text(answer: Answer) -> str:
    """Format a verdict; an undecided one with the number of further seeds that would decide it, if any can."""
    if answer.verdict != "undecided" or answer.claim.is_count:
        return answer.verdict
    if answer.more:
        return f"undecided: about {answer.more} more seed{'s' * (answer.more > 1)}"
    return f"undecided: more than {MOST_SEEDS} further seeds"


def _missing(answer: Answer) -> str:
    """Return the line of an unmeasured claim, with the command that would measure it or what this benchmark lacks."""
    claim = answer.claim
    network = "" if claim.is_cost else f", {answer.victim}"
    how = f"needs {escape_markdown(claim.lacks)}" if claim.lacks else f"`{answer.command}`"
    if answer.left_out:
        how += f" (left out: {several(len(answer.left_out), 'noise')} not known to work)"
    text, source = claim.text.rstrip("."), f"{claim.source}{network}"
    return f"- {escape_markdown(text)} ({escape_markdown(source)}): {how}"


def claims_data(found: Iterable[Answer]) -> list[dict[str, Any]]:
    """Return the claims as data, each with its answers."""
    by_claim: dict[str, tuple[Claim, list[dict[str, Any]]]] = {}
    for answer in found:
        by_claim.setdefault(answer.claim.name, (answer.claim, []))[1].append(_answer(answer))
    unsaid = {"victims", "scales"}
    return [
        _without_none(claim.model_dump(mode="json", exclude=unsaid)) | {"answers": given}
        for claim, given in by_claim.values()
    ]


def _answer(answer: Answer) -> dict[str, Any]:
    over = answer.over
    place = {"dataset": answer.scale.dataset, "protocol": answer.scale.protocol, "victim": answer.victim}
    left_out = {"left_out": answer.left_out} if answer.claim.proof else {}
    if answer.verdict == "not measured":
        return place | left_out | {"verdict": answer.verdict, "command": answer.command or None}
    numbers = {"n": over.n, "mean": over.mean, "low": over.low, "high": over.high, "seeds_needed": answer.more}
    return place | {
        "group": answer.group,
        "verdict": answer.verdict,
        "seeds": answer.seeds,
        "older": answer.older,
        **left_out,
        **numbers,
    }


def _without_none(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value is not None}

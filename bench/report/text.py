"""The text of single numbers, the same in every renderer and on every machine."""

from collections.abc import Sequence

from bench.report.reported.beside import Band
from bench.report.standing import Standing
from bench.report.statistics import Interval
from bench.report.summary import Generation, Score

MISSING = "\N{EN DASH}"
UNBOUNDED = "\N{DAGGER}"
EXHAUSTED = "\N{DOUBLE DAGGER}"
OLDER = "\N{SECTION SIGN}"

LONGEST = 120  # characters
_SCALES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def percent(value: float) -> str:
    """Write an accuracy, or a difference of two; the last digit is one image of a test set of 10,000."""
    return f"{round(value, 2) + 0:.2f}"  # no minus before a zero


def interval_text(over: Interval | Score) -> str:
    """Write a mean and how far its interval reaches to either side, where it has one; a dash of nothing."""
    if over.mean is None:
        return MISSING
    return percent(over.mean) + (f" ± {percent(over.high - over.mean)}" if over.high is not None else "")


def score_text(score: Score, seeds: int) -> str:
    """Write a score; `n` is shown where it is not the table's number of seeds, and failures where there are any.

    `25.30 ± 1.20`, `25.30 (n=1, 2 failed)`, `failed`, `budget exhausted` or a dash where there is no record; marked
    where a record of it is of an older version.
    """
    mark = f" {OLDER}" if score.older else ""
    troubles = [("failed", score.failed), ("budget exhausted", score.exhausted)]
    if score.mean is None:
        return next((name for name, count in troubles if count), MISSING) + mark
    text = interval_text(score) + mark
    notes = [f"n={score.n}"] if score.n != seeds else []
    notes += [f"{count} {name}" for name, count in troubles if count]
    return f"{text} ({', '.join(notes)})" if notes else text


def protection_text(standing: Standing | None, seeds: int) -> str:
    """Write a protection score; seeds and victims are counted where some are missing."""
    if standing is None or standing.protection.mean is None:
        return MISSING
    notes = [f"n={standing.protection.n}"] if standing.protection.n != seeds else []
    notes += [f"{standing.victims}/{standing.of_victims} victims"] if standing.victims < standing.of_victims else []
    text = interval_text(standing.protection)
    return f"{text} ({', '.join(notes)})" if notes else text


def rank_text(standing: Standing | None) -> str:
    """Write the ranks that a method may have, e.g. `1` or `2` to `4`."""
    if standing is None or standing.best_rank is None:
        return MISSING
    best, worst = standing.best_rank, standing.worst_rank
    return str(best) if best == worst else f"{best}\N{EN DASH}{worst}"


def band_text(band: Band | None) -> str:
    """Write what was published, e.g. `[reported 48.16]`, or the lowest and highest of several sources, or nothing."""
    if band is None:
        return ""
    if len(band.cells) == 1:
        return f"[reported {range_text(band)}]"
    return f"[reported {range_text(band)}, {len(band.cells)} sources]"


def range_text(band: Band) -> str:
    """Write the lowest and highest published value, or the only one."""
    low, high = percent(band.low), percent(band.high)
    return low if len(band.cells) == 1 else f"{low}\N{EN DASH}{high}"


def with_bands(scores: Sequence[str], bands: Sequence[Band | None]) -> list[str]:
    """Put what was published beside the scores of one column, both aligned; where nothing was, the scores stay."""
    texts = [band_text(band) for band in bands]
    if not any(texts):
        return list(scores)
    left, right = max(map(len, scores)), max(map(len, texts))
    return [f"{score.rjust(left)} {text.ljust(right)}" for score, text in zip(scores, texts, strict=True)]


def seconds_text(generation: Generation) -> str:
    """Write the seconds of generation, one number per device in the order of `devices_text`.

    They are marked where a budget ended the work.
    """
    text = " / ".join(_short(value) for value in generation.seconds.values()) or MISSING
    return f"{text} {EXHAUSTED}" if generation.exhausted else text


def devices_text(generation: Generation) -> str:
    """Write the devices that the seconds belong to."""
    return " / ".join(shortened(device) for device in generation.seconds) or MISSING


def printable(text: str) -> str:
    """Put a blank in place of every character that does not print: ends of lines, and what turns the text around."""
    return "".join(character if character.isprintable() else " " for character in text)


def shortened(text: str, longest: int = LONGEST) -> str:
    """Cut free text of a record, which may be of any length, to what a table can hold, and make it printable."""
    return printable(text if len(text) <= longest else f"{text[: longest - 1]}\N{HORIZONTAL ELLIPSIS}")


def memory_text(generation: Generation) -> str:
    """Write the peaks of memory in GiB, one per device in the order of `devices_text`."""
    values = [MISSING if value is None else _short(value / 2**30) for value in generation.memory.values()]
    return " / ".join(values) or MISSING


def passes_text(passes: float | None) -> str:
    """Write a number of image-passes to three digits, e.g. `39.0M`."""
    if passes is None:
        return MISSING
    for scale, suffix in _SCALES:
        if passes >= scale * 0.9995:
            return f"{passes / scale:#.3g}".rstrip(".") + suffix
    return f"{passes:.0f}"


def _short(value: float) -> str:
    """Write a number with a sensible number of digits."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"

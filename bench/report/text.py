"""Single numbers as text, the same in every renderer and on every machine."""

import re
from collections.abc import Iterable, Sequence

from bench.report.generations import Generation
from bench.report.reported.beside import Band
from bench.report.standing import Standing
from bench.report.statistics import Interval, decimals
from bench.report.summary import Score

MISSING = "\N{EN DASH}"
UNBOUNDED = "\N{DAGGER}"
EXHAUSTED = "\N{DOUBLE DAGGER}"
OLDER = "\N{SECTION SIGN}"

LONGEST = 120  # characters
_TRADE_WORDS = re.compile(r"\((?:R|TM|C)\)| (?:Processor|CPU)\b")
_MODEL = re.compile(r" \((?:family \d+, )?(model \d+)(?:, stepping \d+)?\)")  # how records state it
_SCALES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def percent(value: float | None) -> str:
    """Format an accuracy in percent, or a dash if there is none."""
    return MISSING if value is None else decimals(value)


def interval_text(over: Interval) -> str:
    """Format a difference in points with its sign and its interval, e.g. `-7.51 [-9.90, -5.12]`, or a dash."""
    if over.mean is None:
        return MISSING
    text = signed(over.mean)
    return text if over.low is None or over.high is None else f"{text} [{signed(over.low)}, {signed(over.high)}]"


def minus_clean_text(standing: Standing | None) -> str:
    """Format a method's difference from the clean reference, with the seeds in common if either has others besides."""
    if standing is None:
        return MISSING
    text, clean = interval_text(standing.over), standing.clean
    counts = {standing.strongest.n, clean.n} if clean else set()
    return f"{text} (n={standing.over.n})" if standing.over.n and counts != {standing.over.n} else text


def signed(value: float) -> str:
    """Format a difference in points with its sign; zero has none."""
    text = decimals(value)
    return f"+{text}" if float(text) > 0 else text


def score_text(score: Score, seeds: int | None) -> str:
    """Format a score; `n` is shown unless it is the table's number of seeds, and failures if there are any.

    `25.30 ± 1.20 (worst 26.90)` if the mean has an interval, `25.30 (24.10-26.90)`, the lowest and the worst seed, if
    there are too few seeds for that, `25.30 (n=1, 2 failed)`, `failed`, `budget exhausted`, or a dash if there is no
    record; marked if one of its records is of an older version.
    """
    over, mark = score.over, f" {OLDER}" if score.older else ""
    troubles = [("failed", score.failed), ("budget exhausted", score.exhausted)]
    if over.mean is None:
        return next((name for name, count in troubles if count), MISSING) + mark
    text = percent(over.mean)
    if over.high is not None:
        text += f" ± {percent(over.high - over.mean)}"
        notes = [f"worst {percent(over.worst)}"]
    else:
        notes = [f"{percent(over.lowest)}\N{EN DASH}{percent(over.worst)}"] if over.n > 1 else []
    notes += [f"n={over.n}"] if over.n != seeds else []
    notes += [f"{count} {name}" for name, count in troubles if count]
    return f"{text}{mark} ({', '.join(notes)})" if notes else f"{text}{mark}"


def headline_text(score: Score | None) -> str:
    """Format only the mean of a score, marked if one of its records is of an older version; a dash without a score."""
    if score is None:
        return MISSING
    return percent(score.mean) + f" {OLDER}" * bool(score.older)


def seeds_text(score: Score) -> str:
    """Format the number of seeds of a score, with the lowest and the worst if there are several."""
    over = score.over
    return f"{over.n} ({percent(over.lowest)}\N{EN DASH}{percent(over.worst)})" if over.n > 1 else str(over.n)


def brief_text(score: Score, seeds: int) -> str:
    """Format only a score's mean, with its number of seeds as a subscript if that differs from the table's."""
    if score.over.mean is None:
        return score_text(score, seeds)
    low = "".join(chr(ord("\N{SUBSCRIPT ZERO}") + int(digit)) for digit in str(score.n))
    mark = f" {OLDER}" if score.older else ""
    return percent(score.over.mean) + (low if score.n != seeds else "") + mark


def trainers_text(standing: Standing | None) -> str:
    """Format how many of the trainers a method was measured against."""
    return MISSING if standing is None else f"{standing.trainers}/{standing.of_trainers}"


def rank_text(standing: Standing | None) -> str:
    """Format the range of ranks that a method may have, e.g. `1` or `2` to `4`."""
    if standing is None or standing.best_rank is None:
        return MISSING
    best, worst = standing.best_rank, standing.worst_rank
    return str(best) if best == worst else f"{best}\N{EN DASH}{worst}"


def band_text(band: Band | None) -> str:
    """Format published values, e.g. `[reported 48.16]`, or the lowest and highest of several; empty without any."""
    if band is None:
        return ""
    if len(band.cells) == 1:
        return f"[reported {range_text(band)}]"
    return f"[reported {range_text(band)}, {len(band.cells)} sources]"


def range_text(band: Band) -> str:
    """Format the lowest and highest published value, or the only one."""
    low, high = percent(band.low), percent(band.high)
    return low if len(band.cells) == 1 else f"{low}\N{EN DASH}{high}"


def with_bands(scores: Sequence[str], bands: Sequence[Band | None]) -> list[str]:
    """Append published values to the scores of one column, both aligned; without any, return the scores as they are."""
    texts = [band_text(band) for band in bands]
    if not any(texts):
        return list(scores)
    left, right = max(map(len, scores)), max(map(len, texts))
    return [f"{score.rjust(left)} {text.ljust(right)}" for score, text in zip(scores, texts, strict=True)]


def seconds_text(generation: Generation) -> str:
    """Format the seconds of generation, one number per device in the order of `devices_text`.

    They are marked if a budget ended the work.
    """
    return _marked(" / ".join(map(_short, generation.seconds.values())), generation)


def seconds_range_text(generation: Generation) -> str:
    """Format the seconds of generation on the fastest and the slowest device, marked likewise, e.g. `19.7` to `405`."""
    return _marked("\N{EN DASH}".join(_short(value) for value, _ in _extremes(generation)), generation)


def _extremes(generation: Generation) -> list[tuple[float, str]]:
    """Return the seconds and name of the fastest and the slowest device, once if they are the same."""
    times = sorted((value, device) for device, value in generation.seconds.items())
    return times[:1] + times[1:][-1:]


def _marked(seconds: str, generation: Generation) -> str:
    return f"{seconds or MISSING}{f' {EXHAUSTED}' * bool(generation.exhausted)}"


def devices_text(generation: Generation) -> str:
    """Format the devices that the seconds belong to."""
    return " / ".join(shortened(device) for device in generation.seconds) or MISSING


def times_text(generation: Generation) -> str:
    """Format the seconds of generation for a sentence; of several devices, the fastest and the slowest.

    For example, `19.7 s on NVIDIA H200 to 405 s on AMD EPYC`.
    """
    return " to ".join(f"{_short(value)} s on {device_words(device)}" for value, device in _extremes(generation))


def device_words(device: str) -> str:
    """Return the name of a device without trademarks and filler words, e.g. `Intel Xeon model 143, 2 threads`."""
    return shortened(_TRADE_WORDS.sub("", _MODEL.sub(r" \1", device)))


def runs_text(counts: Iterable[int]) -> str:
    """Format the number of runs (one seed each) behind scores, e.g. `one run each` or `2` to `6 runs each`."""
    numbers = list(counts)
    return _counted(numbers, "run") + " each" * (len(numbers) > 1)


def common_text(counts: Iterable[int]) -> str:
    """Format how many seeds pairs of methods have in common, e.g. `one` or `0` to `3 seeds in common`."""
    return f"{_counted(list(counts), 'seed')} in common"


def _counted(numbers: Sequence[int], what: str) -> str:
    """Format the lowest and the highest of some numbers of things."""
    low, high = min(numbers), max(numbers)
    if low < high:
        return f"{low}\N{EN DASH}{high} {what}s"
    return f"{ {0: 'no', 1: 'one'}.get(high, high) } {what}{'s' * (high > 1)}"


def printable(text: str) -> str:
    """Replace every character that does not print, e.g. line breaks and bidirectional controls, with a space."""
    return "".join(character if character.isprintable() else " " for character in text)


def shortened(text: str, longest: int = LONGEST) -> str:
    """Truncate free text of a record, which may be of any length, to fit a table, and make it printable."""
    return printable(text if len(text) <= longest else f"{text[: longest - 1]}\N{HORIZONTAL ELLIPSIS}")


def memory_text(generation: Generation) -> str:
    """Format the peak memory in GiB, one number per device in the order of `devices_text`."""
    values = [MISSING if value is None else _short(value / 2**30) for value in generation.memory.values()]
    return " / ".join(values) or MISSING


def passes_text(passes: float | None) -> str:
    """Format a number of image-passes to three significant digits, e.g. `39.0M`."""
    if passes is None:
        return MISSING
    for scale, suffix in _SCALES:
        if passes >= scale * 0.9995:
            return f"{passes / scale:#.3g}".rstrip(".") + suffix
    return f"{passes:.0f}"


def _short(value: float) -> str:
    """Format a number with a sensible number of digits."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"

"""The text of single numbers, the same in every renderer and on every machine."""

from bench.report.summary import Generation, Score

MISSING = "\N{EN DASH}"

_SCALES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def percent(value: float) -> str:
    """Write an accuracy; the last digit is one image of a test set of 10,000."""
    return f"{value:.2f}"


def score_text(score: Score, seeds: int) -> str:
    """Write a score; `n` is shown where it is not the table's number of seeds, and failures where there are any.

    `25.30 ± 1.20`, `25.30 (n=1, 2 failed)`, `failed`, `budget exhausted` or a dash where there is no record.
    """
    troubles = [("failed", score.failed), ("budget exhausted", score.exhausted)]
    if score.mean is None:
        return next((name for name, count in troubles if count), MISSING)
    text = percent(score.mean) + (f" ± {percent(score.sd)}" if score.sd is not None else "")
    notes = [f"n={score.n}"] if score.n != seeds else []
    notes += [f"{count} {name}" for name, count in troubles if count]
    return f"{text} ({', '.join(notes)})" if notes else text


def seconds_text(generation: Generation) -> str:
    """Write the seconds of generation, one number per device in the order of `devices_text`."""
    return " / ".join(_seconds(value) for value in generation.seconds.values()) or MISSING


def devices_text(generation: Generation) -> str:
    """Write the devices that the seconds belong to."""
    return " / ".join(generation.seconds) or MISSING


def passes_text(passes: float | None) -> str:
    """Write a number of image-passes to three digits, e.g. `39.0M`."""
    if passes is None:
        return MISSING
    for scale, suffix in _SCALES:
        if passes >= scale * 0.9995:
            return f"{passes / scale:#.3g}".rstrip(".") + suffix
    return f"{passes:.0f}"


def _seconds(value: float) -> str:
    """Write seconds with a sensible number of digits."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"

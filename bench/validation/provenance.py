"""Where a record comes from: a known commit, unchanged code, and a time that has been."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from bench.validation.finding import Finding, Subject

_AHEAD = timedelta(hours=1)  # by which another machine's clock may be wrong
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def check_provenance(subject: Subject) -> Iterator[Finding]:
    """Yield what is not known of a record's origin; what the lowest tier of trust may lack, the others may not."""
    ran, warning = subject.record.environment, subject.tier == "self-reported"
    fix = "rerun from a clean, published commit" + ("" if warning else f", or do not claim {subject.tier}")
    if ran.commit is None:
        yield Finding(path=subject.path, what="its commit is unknown", fix=fix, warning=warning)
    elif not _COMMIT.fullmatch(ran.commit):
        yield Finding(path=subject.path, what="its commit is not a full git hash", fix=fix)
    elif ran.dirty is not False:
        what = "made from a modified working tree"
        yield Finding(path=subject.path, what=what, fix=fix, warning=warning)
    if wrong := _wrong_time(subject.record.finished):
        yield Finding(path=subject.path, what=wrong, fix="set the clock and rerun the cell")


def _wrong_time(finished: str) -> str | None:
    try:
        time = datetime.fromisoformat(finished)
        ahead = time - datetime.now(UTC)
    except (TypeError, ValueError, OverflowError):  # a TypeError is a time without a zone
        return "its finishing time is not an ISO time with a time zone"
    return "its finishing time is in the future" if ahead > _AHEAD else None

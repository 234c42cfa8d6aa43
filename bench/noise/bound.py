"""The bound that a noise file of one of our methods states."""

from attacks.engine.noise import Head
from attacks.methods import methods
from bench.records.schema import NoiseRecord, parse_record
from bench.records.upgrades import Upgrader


def stated_record(head: Head) -> NoiseRecord | None:
    """Return the record of the method that made a noise; None for noise that was imported, or of a newer version."""
    try:
        record = parse_record(Upgrader().upgrade(head.provenance.origin))
    except ValueError:
        return None
    said = (record.cell.method, record.digests.get("noise"))
    return record if isinstance(record, NoiseRecord) and said == (head.provenance.name, head.digest) else None


def stated_bound(head: Head) -> int | str | None:
    """Return the bound of a method's noise: `rho_u` in 1/255, or in words if it is another; None if none is stated."""
    record = stated_record(head)
    known = methods().get(head.provenance.name)
    if record is None or known is None:
        return None
    if not known.bounded:
        return known.bound
    found = record.cell.numbers.get("noise", {}).get("rho_u")
    return found if isinstance(found, int) else None

"""Published values as claims: a source states the accuracy of a victim, and the records answer."""

from collections.abc import Iterator, Mapping

from attacks.core.errors import RequestError
from attacks.methods import METHODS
from bench.config.axes import SIDE
from bench.report.claims import Claim, Claims, Scale, Side
from bench.report.reported.beside import PROTOCOL
from bench.report.reported.published import Published, published, sources
from victims.countermeasures import COUNTERMEASURES

PREFIX = "published-"
"""Begins the names of these claims, and of no others."""
CLOSE = 5.0
"""Percentage points by which a measured mean may differ from a published value; papers differ by more."""


def with_published(claims: Claims) -> Claims:
    """Return claims plus one for every published value at a scale of the papers' protocol.

    A value counts once, for the source that measured it, and only if its radius is stated and its network is one of the
    scale's.

    Raises:
        RequestError: if a claim has a name that is kept for these.
    """
    if taken := next((claim.name for claim in claims.claim if claim.name.startswith(PREFIX)), None):
        raise RequestError(f"claims.toml: the name {taken} is kept for published values; choose another")
    cited = sources()
    found = []
    for scale in claims.scale:
        if scale.protocol == PROTOCOL:
            roles = {victim: role for role, victim in scale.victims.items()}
            found += [_claim(number, cell, scale, roles, cited) for number, cell in _cells(scale)]
    return Claims(scale=claims.scale, claim=(*claims.claim, *found))


def _cells(scale: Scale) -> Iterator[tuple[int, Published]]:
    """Yield the published cells of a scale with their line numbers in `cells.csv`."""
    known = set(scale.victims.values())
    for number, cell in enumerate(published(), 2):
        if cell.dataset == scale.dataset and cell.victim in known and cell.rho_a is not None and not cell.copy_of:
            yield number, cell


def _claim(number: int, cell: Published, scale: Scale, roles: Mapping[str, str], cited: Mapping[str, str]) -> Claim:
    lacks = [
        *([] if cell.method in METHODS else [f"the method {cell.method}"]),
        *([] if cell.countermeasure in COUNTERMEASURES else [f"the countermeasure {cell.countermeasure}"]),
    ]
    choices = {axis.field: getattr(cell, axis.field) for axis in SIDE if hasattr(cell, axis.field)}
    return Claim(
        name=f"{PREFIX}{scale.name}-{number}",
        source=cited[cell.source],
        grade=cell.grade,
        text=f"{cell.method} leaves {cell.accuracy:g}%.",
        first=Side.model_validate(choices),
        value=cell.accuracy,
        says="within",
        by=CLOSE,
        victims=(roles[str(cell.victim)],),
        scales=(scale.name,),
        lacks=" and ".join(lacks) or None,
    )

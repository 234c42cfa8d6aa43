"""SEM, after liuyixin-louis/Stable-Unlearnable-Example (Liu et al., AAAI 2024)."""

import fshp971
from common import Row

FOLDER = "."
ROWS = (
    Row(
        name="sem-liu24",
        ran="generate_stable_em.main",
        theirs=fshp971.generator("generate_stable_em"),
        ours=fshp971.ours("sem-liu24"),
    ),
)

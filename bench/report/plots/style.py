"""One fixed look per method."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Linestyle = Literal["-"] | tuple[float, tuple[float, ...]]


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a method is drawn; its colour or its marker alone tells a listed one apart."""

    color: str
    marker: str
    linestyle: Linestyle


_DOTS = (0.0, (1.0, 1.2))
_DASH_DOT = (0.0, (4.0, 1.2, 1.0, 1.2))
_DASHES = (0.0, (4.0, 1.5))
_LONG_DASHES = (0.0, (8.0, 1.5))

# Colours of Okabe and Ito, then of Tol, which colour-blind readers can tell apart; names not listed take what is left.
_LOOKS: Mapping[str, Look] = {
    "clean": Look(color="#000000", marker="o", linestyle="-"),
    "random": Look(color="#7f7f7f", marker="x", linestyle=_DOTS),
    "em-fu22": Look(color="#0072b2", marker="s", linestyle=_DASHES),
    "em-fu22-aligned": Look(color="#56b4e9", marker="P", linestyle=_LONG_DASHES),
    "em-huang21": Look(color="#332288", marker="v", linestyle="-"),
    "em-huang21-classwise": Look(color="#88ccee", marker="X", linestyle=_DOTS),
    "rem-fu22": Look(color="#d55e00", marker="^", linestyle=_DASH_DOT),
    "sem-liu24": Look(color="#009e73", marker="D", linestyle="-"),
    "tap-fowl21": Look(color="#e69f00", marker="<", linestyle=_DASHES),
    "lsp-yu22": Look(color="#cc79a7", marker="p", linestyle=_DOTS),
    "ar-sandoval22": Look(color="#882255", marker=">", linestyle=_DASH_DOT),
    "ops-wu23": Look(color="#999933", marker="*", linestyle=_LONG_DASHES),
    "cuda-sadasivan23": Look(color="#117733", marker="d", linestyle=_DASHES),
    "pil-liu26": Look(color="#cc6677", marker="h", linestyle="-"),
    "aue-wang24": Look(color="#44aa99", marker="8", linestyle=_DASHES),
    "aue-wang24-classwise": Look(color="#aa4499", marker="H", linestyle=_DOTS),
    "aap-wang24": Look(color="#ddcc77", marker="1", linestyle=_LONG_DASHES),
    "aap-wang24-untargeted": Look(color="#6699cc", marker="2", linestyle=_DASH_DOT),
    "mi-ue-zhu26": Look(color="#004488", marker="3", linestyle="-"),
    "mi-ue-zhu26-code": Look(color="#eecc66", marker="4", linestyle=_DOTS),
    "asr-fang24": Look(color="#994455", marker="+", linestyle=_DASHES),
    "entf-push-wen23": Look(color="#997700", marker="|", linestyle=_LONG_DASHES),
    "entf-pull-wen23": Look(color="#ee99aa", marker="_", linestyle=_DASH_DOT),
    "sep-chen23": Look(color="#222255", marker=".", linestyle=_DASHES),
    "dune-wang26-without-lpips": Look(color="#225522", marker=r"$\infty$", linestyle="-"),
}
_COLORS = ("#225555", "#666633", "#663333", "#555555")
_MARKERS = ("$a$", "$b$", "$c$", "$e$", "$f$", "$g$")
_LINESTYLES: tuple[Linestyle, ...] = ("-", _DASHES, _DASH_DOT, _DOTS, _LONG_DASHES)


def look(method: str) -> Look:
    """Return a method's look, which depends on its name alone, so that it is the same in every plot."""
    if method in _LOOKS:
        return _LOOKS[method]
    number = int.from_bytes(hashlib.sha256(method.encode()).digest()[:8], "big")
    number, color = divmod(number, len(_COLORS))
    number, marker = divmod(number, len(_MARKERS))
    return Look(color=_COLORS[color], marker=_MARKERS[marker], linestyle=_LINESTYLES[number % len(_LINESTYLES)])

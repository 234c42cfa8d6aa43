"""One fixed look per method."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a method is drawn; a listed one is recognisable by its colour or its marker alone."""

    color: str
    marker: str


# Every two colours differ by at least 7.5 (CIEDE2000), those of the methods measured first by 14, both in normal vision
# and without any one of the three cone types. The next method takes one of `_COLORS`, which are as far from these.
_LOOKS: Mapping[str, Look] = {
    "clean": Look(color="#000000", marker="o"),
    "random": Look(color="#808080", marker="x"),
    "em-fu22": Look(color="#0000b4", marker="s"),
    "em-fu22-aligned": Look(color="#872dff", marker="P"),
    "em-huang21": Look(color="#5a004b", marker="v"),
    "em-huang21-classwise": Look(color="#b487ff", marker="X"),
    "rem-fu22": Look(color="#690000", marker="^"),
    "sem-liu24": Look(color="#87b487", marker="D"),
    "tap-fowl21": Look(color="#d20000", marker="<"),
    "lsp-yu22": Look(color="#f096c3", marker="p"),
    "ar-sandoval22": Look(color="#a52d4b", marker=">"),
    "ops-wu23": Look(color="#a5b400", marker="*"),
    "cuda-sadasivan23": Look(color="#785a87", marker="d"),
    "pil-liu26": Look(color="#e15a87", marker="h"),
    "aue-wang24": Look(color="#00b4a5", marker="8"),
    "aue-wang24-classwise": Look(color="#781e78", marker="H"),
    "aap-wang24": Look(color="#c3b469", marker="$A$"),
    "aap-wang24-untargeted": Look(color="#96b4f0", marker="$a$"),
    "mi-ue-zhu26": Look(color="#2d4bb4", marker="$M$"),
    "mi-ue-zhu26-code": Look(color="#a5965a", marker="$m$"),
    "asr-fang24": Look(color="#c33c69", marker="$R$"),
    "entf-push-wen23": Look(color="#a58700", marker="$E$"),
    "entf-pull-wen23": Look(color="#d278c3", marker="$e$"),
    "sep-chen23": Look(color="#0f00f0", marker="$S$"),
    "dune-wang26-without-lpips": Look(color="#0f4b2d", marker="$D$"),
}
_COLORS = ("#2d96a5", "#4b782d", "#b4695a", "#00695a", "#9669f0", "#960f00", "#7869b4")
_MARKERS = ("$u$", "$v$", "$w$", "$x$", "$y$", "$z$")


def look(method: str) -> Look:
    """Return a method's look, which depends on its name alone, so that it is the same in every plot."""
    if method in _LOOKS:
        return _LOOKS[method]
    number = int.from_bytes(hashlib.sha256(method.encode()).digest()[:8], "big")
    number, color = divmod(number, len(_COLORS))
    return Look(color=_COLORS[color], marker=_MARKERS[number % len(_MARKERS)])

"""Noise methods, one file each, and the table of them all."""

from attacks.core.errors import unknown
from attacks.core.packages import with_packages
from attacks.methods.aap_wang24 import AAP_WANG24
from attacks.methods.aap_wang24_untargeted import AAP_WANG24_UNTARGETED
from attacks.methods.ar_sandoval22 import AR_SANDOVAL22
from attacks.methods.asr_fang24 import ASR_FANG24
from attacks.methods.aue_wang24 import AUE_WANG24
from attacks.methods.aue_wang24_classwise import AUE_WANG24_CLASSWISE
from attacks.methods.bait_li26 import BAIT_LI26
from attacks.methods.clean import CLEAN
from attacks.methods.cuda_sadasivan23 import CUDA_SADASIVAN23
from attacks.methods.dune_wang26_without_lpips import DUNE_WANG26_WITHOUT_LPIPS
from attacks.methods.em_fu22 import EM_FU22
from attacks.methods.em_fu22_aligned import EM_FU22_ALIGNED
from attacks.methods.em_huang21 import EM_HUANG21
from attacks.methods.em_huang21_classwise import EM_HUANG21_CLASSWISE
from attacks.methods.entf_pull_wen23 import ENTF_PULL_WEN23
from attacks.methods.entf_push_wen23 import ENTF_PUSH_WEN23
from attacks.methods.gue_liu24 import GUE_LIU24
from attacks.methods.lsp_yu22 import LSP_YU22
from attacks.methods.mi_ue_zhu26 import MI_UE_ZHU26
from attacks.methods.mi_ue_zhu26_code import MI_UE_ZHU26_CODE
from attacks.methods.ops_wu23 import OPS_WU23
from attacks.methods.pil_liu26 import PIL_LIU26
from attacks.methods.random import RANDOM
from attacks.methods.rem_fu22 import REM_FU22
from attacks.methods.sem_liu24 import SEM_LIU24
from attacks.methods.sep_chen23 import SEP_CHEN23
from attacks.methods.tap_fowl21 import TAP_FOWL21
from attacks.recipes.from_file import PREFIX, method_from_file
from attacks.spec import Method

METHODS = {
    method.name: method
    for method in (
        CLEAN,
        RANDOM,
        EM_FU22,
        EM_FU22_ALIGNED,
        EM_HUANG21,
        EM_HUANG21_CLASSWISE,
        REM_FU22,
        SEM_LIU24,
        ASR_FANG24,
        MI_UE_ZHU26,
        MI_UE_ZHU26_CODE,
        ENTF_PUSH_WEN23,
        ENTF_PULL_WEN23,
        SEP_CHEN23,
        TAP_FOWL21,
        LSP_YU22,
        AR_SANDOVAL22,
        OPS_WU23,
        CUDA_SADASIVAN23,
        DUNE_WANG26_WITHOUT_LPIPS,
        PIL_LIU26,
        AUE_WANG24,
        AUE_WANG24_CLASSWISE,
        AAP_WANG24,
        AAP_WANG24_UNTARGETED,
        BAIT_LI26,
        GUE_LIU24,
    )
}
ENTRY_POINTS = "unlearnable_bench.methods"


def methods() -> dict[str, Method]:
    """Return every method by name: ours, then those of installed packages (entry points that name a `Method`).

    Raises:
        RequestError: if a package's entry point does not load as a `Method`, or has a name or alias that is taken or
            cannot stand in records.
    """
    return with_packages(
        METHODS,
        group=ENTRY_POINTS,
        kind="method",
        expected=Method,
        names=lambda found: (found.name, *found.aliases),
    )


def method(name: str) -> Method:
    """Return a method by its name or alias, or by `noise:PATH` the one whose noise is in a file.

    Raises:
        RequestError: for an unknown name, with the nearest valid one; or if the file cannot be used.
    """
    known = methods()
    if name.startswith(PREFIX):
        return method_from_file(name, method_names(known))
    for found in known.values():
        if name == found.name or name in found.aliases:
            return found
    raise unknown("method", name, method_names(known))


def method_names(known: dict[str, Method]) -> list[str]:
    """Return the names and aliases of methods."""
    return [*known, *(alias for found in known.values() for alias in found.aliases)]

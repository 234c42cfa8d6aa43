"""Each training image is compressed as JPEG, with quality 10, 30, 50 or 70.

Image Shortcut Squeezing (ISS), Liu et al., ICML 2023, uses quality 10: Pillow's encoder with its default chroma
subsampling (4:2:0), on the protected image before augmentation, as in the released code. The other qualities show how
much of the noise, and of the image, each preserves. Test images are unchanged.
"""

import io
from functools import partial
from typing import TYPE_CHECKING

from attacks.spec import Paper
from victims.countermeasures.spec import Countermeasure, stateless

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


LIU23 = Paper(
    key="liu2023image",
    title="Image Shortcut Squeezing: Countering Perturbative Availability Poisons with Compression",
    authors=("Zhuoran Liu", "Zhengyu Zhao", "Martha Larson"),
    year=2023,
    venue="ICML 2023",
    identifier="arXiv:2301.13838",
    code="liuzrcc/ImageShortcutSqueezing",
)


def compress(images: "Tensor", qualities: "int | list[int]") -> "Tensor":
    """Compress and decode uint8 images (N, C, H, W), grey or RGB, at one quality for all or one for each."""
    import numpy as np
    import torch

    each = [qualities] * len(images) if isinstance(qualities, int) else qualities
    pixels = images.permute(0, 2, 3, 1).cpu().numpy()
    decoded = np.stack([_compress(image, quality) for image, quality in zip(pixels, each, strict=True)])
    return torch.from_numpy(decoded).permute(0, 3, 1, 2).contiguous().to(images.device)


def _compress(image: "np.ndarray", quality: int) -> "np.ndarray":
    import numpy as np
    from PIL import Image

    grey = image.shape[2] == 1
    file = io.BytesIO()
    Image.fromarray(image[:, :, 0] if grey else image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file)).reshape(image.shape)


def _of_quality(quality: int) -> Countermeasure:
    return Countermeasure(
        name=f"jpeg-{quality}",
        title=f"JPEG compression, quality {quality}",
        paper=LIU23,
        source="ISS, Liu et al., ICML 2023",
        prepare=stateless(partial(compress, qualities=quality)),
    )


JPEG_10, JPEG_30, JPEG_50, JPEG_70 = map(_of_quality, (10, 30, 50, 70))

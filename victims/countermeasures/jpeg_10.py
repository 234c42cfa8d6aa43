"""Each training image is compressed as a JPEG file of quality 10.

Image Shortcut Squeezing (ISS), Liu et al., ICML 2023: Pillow's encoder with its own chroma subsampling (4:2:0), on the
protected image before augmentation, as in the released code. Test images stay as they are.
"""

import io
from typing import TYPE_CHECKING

from victims.countermeasures.spec import Countermeasure, stateless

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

QUALITY = 10


def compress(images: "Tensor") -> "Tensor":
    """Compress and decode uint8 images (N, C, H, W), grey or RGB."""
    import numpy as np
    import torch

    pixels = images.permute(0, 2, 3, 1).cpu().numpy()
    decoded = np.stack([_compress(image) for image in pixels])
    return torch.from_numpy(decoded).permute(0, 3, 1, 2).contiguous().to(images.device)


def _compress(image: "np.ndarray") -> "np.ndarray":
    import numpy as np
    from PIL import Image

    grey = image.shape[2] == 1
    file = io.BytesIO()
    Image.fromarray(image[:, :, 0] if grey else image).save(file, "JPEG", quality=QUALITY)
    return np.asarray(Image.open(file)).reshape(image.shape)


JPEG_10 = Countermeasure(
    name="jpeg-10",
    title="JPEG compression, quality 10",
    source="ISS, Liu et al., ICML 2023",
    prepare=stateless(compress),
)

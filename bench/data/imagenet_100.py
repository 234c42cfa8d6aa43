"""The first hundred classes of ImageNet (ILSVRC2012), the papers' ImageNet subset.

As in the released code of REM and SEM, every image is squashed to 256 x 256 pixels, whatever its shape, and networks
see crops of 224 x 224: random ones in training and the middle in testing. In that code, however, victims of clean
images see crops of the original image. Images are rotated upright according to their EXIF data, unlike there.
"""

from pathlib import Path

from attacks.spec import Paper
from bench.data.local_tree import LocalTree

CLASSES = 100
SIDE = 256

RUSSAKOVSKY15 = Paper(
    key="russakovsky2015imagenet",
    title="ImageNet Large Scale Visual Recognition Challenge",
    authors=(
        *("Olga Russakovsky", "Jia Deng", "Hao Su", "Jonathan Krause", "Sanjeev Satheesh", "Sean Ma", "Zhiheng Huang"),
        *("Andrej Karpathy", "Aditya Khosla", "Michael Bernstein", "Alexander C. Berg", "Li Fei-Fei"),
    ),
    year=2015,
    venue="International Journal of Computer Vision",
    identifier="doi:10.1007/s11263-015-0816-y",
    kind="article",
)


def imagenet_100(data: Path | None) -> LocalTree:
    """Return the entry for an ImageNet tree in a data folder, of which the first hundred classes are used."""
    return LocalTree(
        root=data / "imagenet" if data else None,
        name="imagenet-100",
        title="the first 100 classes of ImageNet, resized to 256x256 pixels, 224 crops",
        source="image-net.org, ILSVRC2012",
        fetch="download ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar from image-net.org and unpack them there as"
        " train/<wnid>/*.JPEG and val/<wnid>/*.JPEG",
        paper=RUSSAKOVSKY15,
        shape=(3, SIDE, SIDE),
        view=224,
        classes=CLASSES,
        whole=(129_395, 50 * CLASSES),
        first=CLASSES,
        side=SIDE,
        resize="whole",
    )

"""Each training image is compressed as JPEG with quality 10, then turned grey.

The two filters of Image Shortcut Squeezing (ISS, Liu et al., ICML 2023) in the order of `jpeggray` in DUNE's released
code (ICML 2026), which applies them to each random view and leaves test images in colour. Here they are applied before
the random view, and test images are turned grey but not compressed, as in `jpeg-10` and `grayscale`, which this
combines.
"""

from victims.countermeasures.grayscale import drain
from victims.countermeasures.jpeg import LIU23, compress
from victims.countermeasures.spec import Countermeasure, Preparation, Prepared, by_parts

QUALITY = 10


def prepare(given: Preparation) -> Prepared:
    """Compress the training images and turn them grey; turn the test images grey."""
    images = by_parts(lambda part: drain(compress(given.images[part], QUALITY)), given.images, given.runtime)
    test = by_parts(lambda part: drain(given.test[part]), given.test, given.runtime)
    return Prepared(images=images, test=test)


JPEG_GRAYSCALE = Countermeasure(
    name="jpeg-grayscale",
    title="JPEG compression, quality 10, then greyscale; test images greyscale too",
    paper=LIU23,
    source="jpeggray in DUNE's code, ICML 2026, of the filters of ISS, Liu et al., ICML 2023",
    prepare=prepare,
)

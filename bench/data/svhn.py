"""Street View House Numbers, cropped digits, without the extra split (Netzer et al., 2011)."""

from pathlib import Path

import numpy as np

from attacks.spec import Paper
from bench.data.dataset import Dataset, Split
from bench.data.download import Download
from bench.data.torchvision_set import TorchvisionSet


def _read(root: Path) -> Dataset:
    import torchvision

    def split(part: str) -> Split:
        digits = torchvision.datasets.SVHN(root, split=part)
        return Split(images=np.ascontiguousarray(digits.data), labels=digits.labels.astype(np.int64))

    digits = tuple(str(digit) for digit in range(10))
    return Dataset(name="svhn", classes=digits, train=split("train"), test=split("test"))


SVHN = TorchvisionSet(
    name="svhn",
    title="SVHN, house numbers: ten classes of 32x32 digits",
    source="ufldl.stanford.edu/housenumbers",
    classes=10,
    train=73_257,
    test=26_032,
    downloads=(
        Download(
            url="http://ufldl.stanford.edu/housenumbers/train_32x32.mat",
            md5="e26dedcc434d2e4c54c9b2d4a06d8373",
        ),
        Download(
            url="http://ufldl.stanford.edu/housenumbers/test_32x32.mat",
            md5="eb5a983be6a315427106f1b164d9cef3",
        ),
    ),
    unpacked=(),
    read=_read,
    paper=Paper(
        key="netzer2011reading",
        title="Reading Digits in Natural Images with Unsupervised Feature Learning",
        authors=("Yuval Netzer", "Tao Wang", "Adam Coates", "Alessandro Bissacco", "Bo Wu", "Andrew Y. Ng"),
        year=2011,
        venue="NIPS Workshop on Deep Learning and Unsupervised Feature Learning",
        identifier="http://ufldl.stanford.edu/housenumbers/nips2011_housenumbers.pdf",
    ),
)

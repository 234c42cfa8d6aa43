"""Cache decoded datasets as safetensors, checked by digest when read."""

import json
import logging
from pathlib import Path

from attacks.core.errors import RequestError
from attacks.core.files import set_aside, write_whole
from bench.data.dataset import Dataset, Split

ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")

logger = logging.getLogger(__name__)


def write_dataset(path: Path, dataset: Dataset) -> None:
    """Write a dataset, completely or not at all.

    Raises:
        RequestError: if the disk is full or the folder cannot be written to.
    """
    from safetensors.numpy import save_file

    splits = (dataset.train, dataset.test)
    arrays = dict(zip(ARRAYS, (array for split in splits for array in (split.images, split.labels)), strict=True))
    metadata = {"classes": json.dumps(dataset.classes), "digest": dataset.digest}
    write_whole(path, lambda temporary: save_file(arrays, temporary, metadata))


def read_dataset(path: Path, name: str, files: tuple[str, ...]) -> Dataset | None:
    """Return a cached dataset under a name, with training images from `files`; None if there is none.

    Its images are read from the file as they are used, so that they may exceed the memory. A damaged file is set aside,
    with a warning in the log.
    """
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:  # unlike NumPy's, copies nothing
            arrays = {name: file.get_tensor(name).numpy() for name in ARRAYS}
            metadata = file.metadata() or {}
            dataset = Dataset(
                name=name,
                classes=tuple(json.loads(metadata["classes"])),
                files=files,
                train=Split(images=arrays["train_images"], labels=arrays["train_labels"]),
                test=Split(images=arrays["test_images"], labels=arrays["test_labels"]),
            )
        if dataset.digest == metadata["digest"]:
            return dataset
        why = "its digest does not match"
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror or error}; check its permissions") from error
    except (KeyError, ValueError, SafetensorError) as error:
        why = str(error)
    logger.warning("%s is damaged (%s); set aside as %s and rebuilt", path, why, set_aside(path).name)
    return None

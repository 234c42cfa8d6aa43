"""Decoded datasets kept as safetensors, checked by digest when read."""

import json
import logging
from pathlib import Path

from attacks.core.errors import RequestError
from attacks.core.files import part_of, set_aside
from bench.data.dataset import Dataset, Split

logger = logging.getLogger(__name__)


def write_dataset(path: Path, dataset: Dataset) -> None:
    """Keep a dataset, whole or not at all.

    Raises:
        RequestError: where the disk is full or the folder cannot be written to.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    arrays = {
        "train_images": dataset.train.images,
        "train_labels": dataset.train.labels,
        "test_images": dataset.test.images,
        "test_labels": dataset.test.labels,
    }
    metadata = {"classes": json.dumps(dataset.classes), "digest": dataset.digest}
    try:
        with part_of(path) as temporary:
            save_file(arrays, temporary, metadata=metadata)
    except (OSError, SafetensorError) as error:
        raise RequestError(
            f"cannot write {path} ({error}); free some space or choose another folder with --cache"
        ) from error


def read_dataset(path: Path, name: str, files: tuple[str, ...]) -> Dataset | None:
    """Return a kept dataset under a name, its training images those of `files`; or None where there is none.

    A damaged file is set aside, with a warning in the log.
    """
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        return None
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            dataset = Dataset(
                name=name,
                classes=tuple(json.loads(metadata["classes"])),
                files=files,
                train=Split(images=file.get_tensor("train_images"), labels=file.get_tensor("train_labels")),
                test=Split(images=file.get_tensor("test_images"), labels=file.get_tensor("test_labels")),
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

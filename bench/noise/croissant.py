"""Croissant metadata of a noise file."""

import os
from pathlib import Path
from urllib.parse import quote

from attacks.core.files import file_digest, write_atomically
from attacks.engine.noise import read_head
from bench.data import dataset_words
from bench.noise.exchange import check_new
from bench.records.texts import encodable
from bench.report.croissant import document, file_object


def write_croissant(path: Path) -> Path:
    """Write the metadata of a noise file next to it, as `NAME.croissant.json`; return its path.

    It states which images the noise is for, its shape, and its digest. No licence is stated, since the file has none.

    Raises:
        RequestError: if the file is not a noise file, its metadata exists, or something cannot be read or written.
    """
    out = path.with_suffix(".croissant.json")
    check_new(out)
    head = read_head(path)
    made = head.provenance
    shape = " x ".join(map(str, head.shape))
    description = (
        f"Noise {made.name} for the training images of {dataset_words(made.dataset)} (digest {made.dataset_digest}): "
        f"one safetensors tensor `noise` of integers in units of 1/255, {shape} (images, channels, height, width), at "
        f"most {head.largest}/255. A protected image is clip(image + noise, 0, 255)."
    )
    file = file_object(encodable(path.name), file_digest(path), "application/octet-stream")
    file["contentUrl"] = quote(os.fsencode(path.name))
    return write_atomically(out, document(made.name, description, [file]).encode())

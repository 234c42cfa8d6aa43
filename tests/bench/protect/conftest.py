"""Folders of small images of all kinds, and the command that protects them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

TINY = {"steps": "2", "batch": "8", "descent.steps": "1", "views": "1"}
ORIENTATION, IMAGE_DESCRIPTION = 0x0112, 0x010E
Ended = Any  # what the fixture `command` returns
Protect = Callable[..., Ended]


@pytest.fixture
def protect(tmp_path: Path, command: Callable[[list[str]], Ended]) -> Protect:
    """Run the command with few steps on tiles of 8 pixels, into `out` unless another folder is given."""
    no_records = tmp_path.with_name(f"{tmp_path.name}-results")
    no_records.mkdir()

    def run(images: Path, *more: str, out: Path | None = None, method: str = "random") -> Ended:
        changes = [word for key, value in TINY.items() for word in ("--set", f"setup.noise.{key}={value}")]
        words = [str(images), str(out or tmp_path / "out"), "--method", method, "--size", "8", "--device", "cpu"]
        words += ["--cache", str(tmp_path / "cache"), "--results", str(no_records)]
        return command(["protect", *words, *changes, *more])

    return run


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Two classes of images of many sizes, file types and modes."""
    root, random = tmp_path / "mixed", np.random.default_rng(0)
    for name in ("ant", "bee/young"):
        (root / name).mkdir(parents=True)
    exif = Image.Exif()
    exif[ORIENTATION], exif[IMAGE_DESCRIPTION] = 6, "an ant"
    texts = PngInfo()
    texts.add_text("Author", "a bee")

    def image(width: int, height: int, mode: str = "RGB") -> Image.Image:
        return Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8)).convert(mode)

    image(20, 9).save(root / "ant/1.jpg", exif=exif, dpi=(300, 300))
    image(8, 8).save(root / "ant/2.png", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    image(3, 17).save(root / "ant/3.JPEG", comment=b"a remark")
    alpha = image(19, 11, "RGBA")
    alpha.putalpha(Image.fromarray(random.integers(0, 256, (11, 19), dtype=np.uint8)))
    alpha.save(root / "bee/young/1.png", pnginfo=texts)
    image(16, 16, "L").save(root / "bee/young/2.jpg")
    image(10, 30, "P").save(root / "bee/young/3.gif")
    (root / "ant/no\ntes.txt").write_text("no image")
    return root

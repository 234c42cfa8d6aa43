"""What `protect` refuses before any noise is made: damaged images and images that are too large."""

import errno
import os
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

Protect = Any  # the fixture in conftest.py


def test_damaged_images_are_named_at_once_before_any_noise_is_made(
    mixed: Path, protect: Protect, tmp_path: Path
) -> None:
    cut = mixed / "ant/1.jpg"
    cut.write_bytes(cut.read_bytes()[:400])  # its header is intact
    run = protect(mixed)
    assert run.status == 2
    assert str(cut) in run.err
    Image.new("CMYK", (8, 8)).save(mixed / "bee/cmyk.jpg")
    for number in range(25):
        (mixed / f"bee/{number:02}.png").write_bytes(b"damaged")
    run = protect(mixed)
    assert run.status == 2
    assert len(run.err.splitlines()) == 1
    assert f"cannot read 27 of the 32 images in {mixed}; repair, convert or remove them: ant/1.jpg (" in run.err
    assert all(f"bee/{number:02}.png (not an image in a supported format)" in run.err for number in range(19))
    assert "bee/19.png" not in run.err
    assert run.err.endswith(" and 7 more\n")
    assert {path.name for path in tmp_path.iterdir()} == {"mixed"}


def test_images_that_must_not_be_read_are_not_to_be_removed(
    mixed: Path, protect: Protect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:  # as for anyone but root
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Image, "open", refuse)
    run = protect(mixed)
    assert run.status == 2
    assert re.search(
        r"cannot read \d+ of the \d+ images in .*; check their permissions: .* \(Permission denied\)", run.err
    )


def test_more_than_fits_in_memory_is_refused(mixed: Path, protect: Protect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", lambda _name: 10)
    run = protect(mixed)
    assert run.status == 2
    assert "28 training images of 8 pixels" in run.err
    assert "--fit resize" in run.err


def test_a_folder_of_records_that_is_not_there_is_refused(mixed: Path, protect: Protect, tmp_path: Path) -> None:
    run = protect(mixed, "--results", str(tmp_path / "nowhere"))
    assert run.status == 2
    assert f"--results {tmp_path}/nowhere is not a folder; check the path" in run.err
    assert not (tmp_path / "out").exists()


def test_large_images_are_refused_with_the_limit_and_a_way_forward(mixed: Path, protect: Protect) -> None:
    before = Image.MAX_IMAGE_PIXELS
    whole = (mixed / "ant/2.png").read_bytes()
    head = b"IHDR" + struct.pack(">IIBBBBB", 15_000, 15_000, 8, 2, 0, 0, 0)
    (mixed / "ant/scan.png").write_bytes(whole[:12] + head + struct.pack(">I", zlib.crc32(head)) + whole[33:])
    run = protect(mixed)
    assert run.status == 2
    assert (
        "ant/scan.png (225,000,000 pixels; at most 178,956,970 are read, a guard against decompression bombs)"
        in run.err
    )
    assert run.err.endswith("; shrink it or cut it into parts, or give --max-pixels 225000000\n")
    (mixed / "ant/scan.png").unlink()
    run = protect(mixed, "--max-pixels", "200")
    assert run.status == 2
    assert "cannot read 3 of the 6 images" in run.err
    assert ", or give --max-pixels 300: " in run.err
    assert "bee/young/3.gif (300 pixels; at most 200 are read" in run.err
    assert protect(mixed, "--max-pixels", "300").status == 0
    assert before == Image.MAX_IMAGE_PIXELS


def test_one_image_that_does_not_fit_in_memory_is_refused(
    mixed: Path, protect: Protect, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("1", (1000, 900)).save(mixed / "ant/scan.png")
    monkeypatch.setattr(os, "sysconf", lambda name: {"SC_PAGE_SIZE": 4096}.get(name, 5000))  # 20 MB
    run = protect(mixed, "--fit", "resize")
    assert run.status == 2
    assert "of up to 1,000 x 900 pixels at once would need 0.0 GB; this machine has 0.0 GB: shrink them" in run.err


def test_warnings_of_pillow_are_not_printed(mixed: Path, protect: Protect, recwarn: pytest.WarningsRecorder) -> None:
    damaged = b"Exif\0\0MM\0*\0\0\0\x08\0\x09\x01\x12"
    Image.new("RGB", (8, 8)).save(mixed / "ant/4.jpg", exif=damaged)
    run = protect(mixed, "--max-pixels", "300")  # the largest has that many; Pillow warns from half of it
    assert run.status == 0
    assert "could NOT be kept: ant/4.jpg: EXIF tags (main) (damaged)" in run.out
    assert [str(one.message) for one in recwarn] == []

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

Protect = Any  # the fixture in conftest.py
BOUND = 8


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def differences(images: Path, out: Path) -> dict[str, int]:
    """Return the largest difference of each image from its PNG, with nothing but Pillow and NumPy."""
    found = {}
    for path in sorted(images.rglob("*")):
        if not path.is_file() or path.suffix == ".txt":
            continue
        name = path.relative_to(images).with_suffix(".png")
        with Image.open(path) as before, Image.open(out / name) as after:
            assert after.format == "PNG"
            pair = [np.asarray(image.convert(after.mode), dtype=np.int16) for image in (before, after)]
        assert pair[0].shape == pair[1].shape
        found[name.as_posix()] = int(np.abs(pair[0] - pair[1]).max())
    return found


@pytest.mark.parametrize("fit", ["tile", "resize"])
def test_every_image_gets_noise_within_the_bound_and_the_same_bytes_twice(
    mixed: Path, protect: Protect, tmp_path: Path, fit: str
) -> None:
    first = protect(mixed, "--fit", fit, method="em-fu22-aligned")
    assert first.status == 0, first.err
    found = differences(mixed, tmp_path / "out")
    assert files(tmp_path / "out").keys() == found.keys()
    assert len(found) == 6
    assert all(0 < difference <= BOUND for difference in found.values()), found
    assert f"largest difference {max(found.values())}/255 (bound 8/255)" in first.out
    assert "6 images of 2 classes" in first.out
    assert "greyscale images written as RGB because others are in colour: 1" in first.out
    assert "NOT protected" in first.out
    assert r"ant/no\ntes.txt" in first.out

    again = protect(mixed, "--fit", fit, method="em-fu22-aligned", out=tmp_path / "again")
    assert again.status == 0
    assert files(tmp_path / "again") == files(tmp_path / "out")
    assert not list((tmp_path / "cache/unfinished").glob("*"))
    assert not list(tmp_path.glob(".*"))


def test_seed_changes_the_noise(mixed: Path, protect: Protect, tmp_path: Path) -> None:
    assert protect(mixed).status == protect(mixed, "--seed", "1", out=tmp_path / "other").status == 0
    one, other = files(tmp_path / "out"), files(tmp_path / "other")
    assert all(one[name] != other[name] for name in one)


def test_a_table_of_labels_gives_what_folders_give(mixed: Path, protect: Protect, tmp_path: Path) -> None:
    assert protect(mixed, method="em-fu22-aligned").status == 0
    names = [path.relative_to(mixed).as_posix() for path in mixed.rglob("*") if path.suffix not in {"", ".txt"}]
    table = mixed / "labels.csv"
    table.write_text("file,label\n" + "".join(f"{name},{name.partition('/')[0]}\n" for name in names))
    run = protect(mixed, "--labels", str(table), method="em-fu22-aligned", out=tmp_path / "other")
    assert run.status == 0, run.err
    assert files(tmp_path / "other") == files(tmp_path / "out")
    assert "labels.csv" not in run.out


def test_grey_images_alone_stay_grey(protect: Protect, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "grey" / name).mkdir(parents=True)
        Image.linear_gradient("L").resize((12, 9)).save(tmp_path / "grey" / name / "1.png")
    run = protect(tmp_path / "grey", method="em-fu22-aligned")
    assert run.status == 0, run.err
    assert "in colour" not in run.out.partition("Expected protection")[0]
    assert set(differences(tmp_path / "grey", tmp_path / "out").values()) <= set(range(1, BOUND + 1))
    with Image.open(tmp_path / "out/a/1.png") as image:
        assert image.mode == "L"


def test_report_tells_what_is_not_known_and_what_undoes_it(mixed: Path, protect: Protect) -> None:
    run = protect(mixed)
    assert "no measurement with random and lite-v1+" in run.out
    for words in ("JPEG compression, quality 10", "81.50", "adversarial training", "Image Shortcut Squeezing"):
        assert words in run.out


def test_full_disk_leaves_nothing_half_written(
    mixed: Path, protect: Protect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ImageFile, "_save", full)
    run = protect(mixed)
    assert run.status == 2
    assert "No space left" in run.err
    assert "Traceback" not in run.err
    assert {path.name for path in tmp_path.iterdir()} == {"mixed", "cache"}


def test_an_interrupted_run_writes_nothing_and_goes_on_to_the_same_bytes(
    mixed: Path, protect: Protect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.protect import protect as module

    restored = []

    class Hasty(module.FileKeeper):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, seconds_between=0)

        def restored(self) -> Any:
            restored.append(super().restored())
            return restored[-1]

    def interrupt(*_arguments: Any) -> None:
        raise KeyboardInterrupt

    assert protect(mixed, method="em-fu22-aligned", out=tmp_path / "uncut").status == 0
    monkeypatch.setattr(module, "FileKeeper", Hasty)
    with monkeypatch.context() as patch:
        patch.setattr(module, "write_picture", interrupt)
        cut = protect(mixed, method="em-fu22-aligned")
    assert cut.status == 130
    assert "nothing was written" in cut.err
    assert {path.name for path in tmp_path.iterdir()} == {"mixed", "cache", "uncut"}
    assert protect(mixed, method="em-fu22-aligned").status == 0
    assert [state is None for state in restored] == [True, False]
    assert files(tmp_path / "out") == files(tmp_path / "uncut")
    assert not list((tmp_path / "cache/unfinished").glob("*"))


def test_a_damaged_image_is_named_before_any_noise_is_made(mixed: Path, protect: Protect, tmp_path: Path) -> None:
    damaged = mixed / "ant/1.jpg"
    damaged.write_bytes(damaged.read_bytes()[:400])
    run = protect(mixed)
    assert run.status == 2
    assert str(damaged) in run.err
    assert {path.name for path in tmp_path.iterdir()} == {"mixed"}


def test_more_than_fits_in_memory_is_refused(mixed: Path, protect: Protect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", lambda _name: 10)
    run = protect(mixed)
    assert run.status == 2
    assert "28 training images of 8 pixels" in run.err
    assert "--fit resize" in run.err


def test_images_changed_meanwhile_are_refused(
    mixed: Path, protect: Protect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.protect import protect as module

    make = module.make_noise

    def change(*arguments: Any) -> Any:
        made = make(*arguments)
        Image.new("RGB", (8, 8)).save(mixed / "ant/2.png")
        return made

    monkeypatch.setattr(module, "make_noise", change)
    run = protect(mixed)
    assert run.status == 2
    assert "ant/2.png changed" in run.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--method", "emm"], ["unknown method 'emm'", "'em'"]),
        (["--method", "clean"], ["makes no noise"]),
        (["--protocol", "lite"], ["unknown protocol 'lite'", "'lite-v1'"]),
        (["--set", "setup.noise.stepz=1"], ["unknown key 'stepz'", "'steps'"]),
        (["--set", "setup.noise.surrogate=resnt18", "--method", "em"], ["unknown victim 'resnt18'", "'resnet18'"]),
        (["--size", "4"], ["--size 4", "at least 5"]),
        (["--size", f"1{'0' * 30}"], ["too large", "at most 65535"]),
        (["--seed", "-1"], ["--seed", "-1"]),
        (["--seed", "9007199254740993"], ["--seed", "9007199254740993"]),
        (["--fit", "crop"], ["--fit", "'crop'", "--help"]),
        (["--device", "tpu"], ["no device 'tpu'"]),
        (["--labels", "none.csv"], ["cannot read none.csv"]),
    ],
    ids=lambda value: " ".join(value[:2]) if value and value[0].startswith("--") else "",
)
def test_wrong_requests_are_refused_in_one_line(
    more: list[str], words: list[str], mixed: Path, protect: Protect, tmp_path: Path
) -> None:
    run = protect(mixed, *more)
    assert run.status == 2
    assert run.out == ""
    assert run.err.startswith("error: ")
    assert len(run.err.splitlines()) == 1, run.err
    assert all(word in run.err for word in words), run.err
    assert not (tmp_path / "out").exists()


def test_output_is_never_mixed_with_what_is_there(mixed: Path, protect: Protect, tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used/mine.txt").write_text("mine")
    for out, why in (
        (tmp_path / "used", "is not empty"),
        (tmp_path / "used/mine.txt", "is a file"),
        (mixed / "out", "is inside the image folder"),
        (mixed, "is inside the image folder"),
        (tmp_path / "used/mine.txt/out", "cannot write"),
    ):
        run = protect(mixed, out=out)
        assert run.status == 2
        assert why in run.err
    assert files(tmp_path / "used") == {"mine.txt": b"mine"}
    (tmp_path / "out").mkdir()
    assert protect(mixed).status == 0


def test_warnings_of_pillow_are_not_printed(
    mixed: Path, protect: Protect, recwarn: pytest.WarningsRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = b"Exif\0\0MM\0*\0\0\0\x08\0\x09\x01\x12"
    Image.new("RGB", (8, 8)).save(mixed / "ant/4.jpg", exif=damaged)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    run = protect(mixed)
    assert run.status == 2
    assert "exceeds limit" in run.err, run.err
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 200)
    assert protect(mixed).status == 0
    assert [str(one.message) for one in recwarn] == []


def test_unbounded_method_is_refused(mixed: Path, protect: Protect, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from attacks import methods

    loud = replace(methods.METHODS["random"], name="loud", bounded=False, bound="none")
    monkeypatch.setitem(methods.METHODS, "loud", loud)
    run = protect(mixed, method="loud")
    assert run.status == 2
    assert "loud is not bounded by 8/255 (none)" in run.err

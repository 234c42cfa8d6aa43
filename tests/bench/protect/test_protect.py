import errno
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile
from PIL.PngImagePlugin import PngInfo

from attacks.core.optimiser import DivergedError

Protect = Any  # the fixture in conftest.py
BOUND = 8


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def differences(images: Path, out: Path) -> dict[str, int]:
    """Return the largest difference between each image and its PNG, using only Pillow and NumPy."""
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


def test_images_that_the_noise_leaves_as_they_are_are_named(
    mixed: Path, protect: Protect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "NOT changed by the noise" not in protect(mixed).out
    monkeypatch.setattr("attacks.engine.noise.apply_noise", lambda images, _noise: images)
    done = protect(mixed, out=tmp_path / "same")
    assert "NOT changed by the noise, so not protected: 6 (ant/1.jpg, ant/2.png" in done.out


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


def test_the_cost_is_stated_before_the_work(mixed: Path, protect: Protect) -> None:
    run = protect(mixed, method="em-fu22-aligned")
    line = next(line for line in run.err.splitlines() if "image-passes" in line)
    # 2 steps on batches of 8 and a final pass over all tiles: 1 sign step each, and the surrogate's updates
    tiles = int(re.findall(r"for ([\d,]+) tiles of", line)[0].replace(",", ""))
    passes, images = 2 * 8 + 2 * 8 + tiles, len([path for path in mixed.rglob("*.*") if path.suffix != ".txt"])
    assert line.startswith(
        f"em-fu22-aligned: at most {passes:,} image-passes for {tiles:,} tiles of {images:,} images; "
    )
    assert "progress will show the time" in line
    assert run.err.index(line) < run.err.index("start  images")
    assert (
        "NOT protected and not copied (not in a supported image format, judging by their names): 1 (ant/no\\ntes.txt)"
        in run.err
    )


def test_report_tells_what_is_not_known_and_what_undoes_it(mixed: Path, protect: Protect) -> None:
    run = protect(mixed)
    assert "no measurement with random and lite-v1+" in run.out
    assert (
        "  whether the noise survives shrinking, or crops larger or smaller than those of training, was not" in run.out
    )
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


@pytest.mark.parametrize(
    ("step", "error", "says"),
    [
        ("placed", torch.OutOfMemoryError("CUDA out of memory"), "memory of cpu; use --device cpu, --fit resize or a"),
        ("make_noise", torch.OutOfMemoryError("CUDA out of memory"), "or protect the folder in parts"),
        ("make_noise", DivergedError("it diverged"), "it diverged; try another --seed, or a lower learning rate"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_method_that_fails_is_said_to_in_one_line(
    step: str,
    error: Exception,
    says: str,
    mixed: Path,
    protect: Protect,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_arguments: Any) -> None:
        raise error

    monkeypatch.setattr(f"bench.protect.protect.{step}", fail)
    run = protect(mixed)
    assert run.status == 2
    assert says in run.err.splitlines()[-1]
    assert "Traceback" not in run.err
    assert not (tmp_path / "out").exists()


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
        (["--protocol", "lite"], ["unknown protocol 'lite'", "one of: lite-v1, lite-v1+fp32?"]),
        (["--set", "setup.noise.stepz=1"], ["unknown key 'stepz'", "'steps'"]),
        (["--set", "setup.noise.surrogate=resnt18", "--method", "em"], ["unknown victim 'resnt18'", "'resnet18'"]),
        (["--size", "4"], ["--size 4", "at least 5"]),
        (["--size", f"1{'0' * 30}"], ["too large", "at most 65535"]),
        (["--seed", "-1"], ["--seed", "-1"]),
        (["--seed", "9007199254740993"], ["--seed", "9007199254740993"]),
        (["--max-pixels", "0"], ["--max-pixels 0", "at least 1"]),
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
        (mixed, "is the image folder itself"),
        (tmp_path / "used/mine.txt/out", "cannot write"),
    ):
        run = protect(mixed, out=out)
        assert run.status == 2
        assert why in run.err
    assert files(tmp_path / "used") == {"mine.txt": b"mine"}
    (tmp_path / "out").mkdir()
    assert protect(mixed).status == 0


def test_what_was_dropped_and_lost_is_reported(mixed: Path, protect: Protect, tmp_path: Path) -> None:
    texts = PngInfo()
    texts.add_text("Author", "Zoe")
    texts.add_text("workflow", "x" * 2_000_000, zip=True)
    texts.add_text("prompt", "a cat")
    texts.add_text("Copyright", "(c) " * 1000)
    for name in ("4", "5"):
        Image.new("RGB", (8, 8)).save(mixed / f"ant/{name}.png", pnginfo=texts)
    run = protect(mixed)
    assert run.status == 0, run.err
    lines = run.out.splitlines()
    (pictures,) = (line for line in lines if "shows or may show the original" in line)
    assert "PNG text 'workflow' of over 1 MB (2 images)" in pictures
    (others,) = (line for line in lines if "concerns neither owner nor display" in line)
    assert "PNG text 'prompt' (2 images)" in others
    assert "EXIF ImageDescription (1 image)" in others
    (lost,) = (line for line in lines if "could NOT be kept" in line)
    assert "ant/4.png: PNG text 'Copyright' (3,999 characters, at most 2,000), ant/5.png" in lost
    with Image.open(tmp_path / "out/ant/4.png") as image:
        assert image.text == {"Author": "Zoe"}


def test_a_png_that_would_give_the_original_away_is_not_kept(
    mixed: Path, protect: Protect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.protect import protect as module

    write = module.write_picture

    def careless(path: Path, *others: Any) -> None:
        write(path, *others)
        path.write_bytes(path.read_bytes() + b"a small copy")

    monkeypatch.setattr(module, "write_picture", careless)
    run = protect(mixed)
    assert run.status == 2
    assert "is not ant/1.jpg plus its noise; nothing was kept" in run.err
    assert not (tmp_path / "out").exists()


def test_unbounded_method_is_refused(mixed: Path, protect: Protect, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from attacks import methods

    loud = replace(methods.METHODS["random"], name="loud", bounded=False, bound="none")
    monkeypatch.setitem(methods.METHODS, "loud", loud)
    run = protect(mixed, method="loud")
    assert run.status == 2
    assert "loud is not bounded by 8/255 (its bound: none); choose a method that is: " in run.err


def test_published_records_are_found_from_anywhere(
    mixed: Path, command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.protect import protect as module

    def diverge(*_arguments: Any) -> None:
        raise DivergedError("the surrogate diverged")

    monkeypatch.chdir(tmp_path)
    words = ["protect", str(mixed), "out", "--device", "cpu", "--cache", str(tmp_path / "cache"), "--method"]
    with monkeypatch.context() as patch:
        patch.setattr(module, "make_noise", diverge)  # the cost is stated before
        costs = [re.findall(r"image-passes for .*", command([*words, method]).err) for method in ("sem", "pil-liu26")]
    assert re.search(r"; about \d.*, at the (mean )?speed of (an)?other machine", *costs[0])
    assert costs[1][0].endswith("; progress will show the time")
    done = command([*words, "random"])
    assert (done.status, "measured with random and lite-v1, on other images than yours" in done.out) == (0, True)

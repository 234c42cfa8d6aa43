import torch
from torch.nn import functional

from bench.profile.count import count

BYTES = 4


def test_a_matrix_product_is_two_operations_per_multiply_add_and_reads_and_writes_its_matrices() -> None:
    one, other = torch.ones(3, 5), torch.ones(5, 7)
    work = count(lambda: one @ other)
    assert work.flops == 2 * 3 * 5 * 7
    assert work.traffic == BYTES * (3 * 5 + 5 * 7 + 3 * 7)
    assert work.intensity == work.flops / work.traffic


def test_views_move_nothing() -> None:
    block = torch.ones(4, 6)
    assert count(lambda: block.view(24)[2:].view(2, 11).transpose(0, 1)).traffic == 0


def test_the_backward_pass_counts_too() -> None:
    weight = torch.ones(8, 3, 3, 3)
    images = torch.ones(2, 3, 6, 6, requires_grad=True)
    forward = 2 * 2 * 8 * 3 * 9 * 16  # two per multiply-add, images, channels, kernel, pixels

    def passes() -> None:
        torch.autograd.grad(functional.conv2d(images, weight).sum(), images)

    assert count(passes).flops == 2 * forward  # the gradient of the images alone costs another forward

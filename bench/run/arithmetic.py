"""Set up this process's arithmetic, so that the same request gives the same bytes, and soon."""

from bench.run import heap


def set_up(threads: int) -> None:
    """Choose the threads of torch on a CPU, and the kernels that repeat.

    Args:
        threads: how many, on a CPU.
    """
    import torch

    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)  # error-minimising losses push gradients into denormals, slow on x86
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False  # fp32 means fp32; bf16 is a precision of its own
    heap.keep_freed()

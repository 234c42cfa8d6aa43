"""Measure a network and a method: the bare passes, the method's own step, and this machine's limits."""

from dataclasses import dataclass, replace
from statistics import median
from typing import Literal

import torch
from torch import Tensor

from attacks.core.optimiser import Optimiser
from attacks.core.runtime import Runtime
from attacks.core.settings import Precision
from attacks.engine.frozen import FrozenNetwork, sign_agreement
from bench.profile.count import Work, count
from bench.profile.step import passes_of, shorten, time_step
from bench.profile.stopwatch import repeat, spread
from bench.profile.subject import Subject

Kind = Literal["frozen", "training", "step"]
BUDGET = 4.0  # seconds of each bare measurement
STEP_BUDGET = 15.0  # seconds of a method's step
_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp64": torch.float64}
_SIDES = {"cpu": 1536, "cuda": 8192}  # of the matrices
_BYTES = {"cpu": 2**27, "cuda": 2**30}  # of the copied block, far above any cache
LIMITS_BUDGET = 0.5  # seconds of each of the machine's limits


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Floating-point operations and bytes (read and written) per second."""

    flops: float
    bandwidth: float

    def at(self, intensity: float) -> float:
        """Return the floating-point operations per second that are possible at so many per byte."""
        return min(self.flops, intensity * self.bandwidth)


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One kind of work in one precision.

    Attributes:
        precision: of the arithmetic.
        kind: passes of the frozen network, training passes, or a step of the method.
        work: that in words.
        images: at once.
        rounds: how many were timed.
        passes_per_second: image-passes, by the median round.
        spread: distance between the quartiles of the rounds, in percent of the median; nan for a single round.
        flops_per_second: floating-point operations per second that this comes to.
        intensity: floating-point operations per byte of traffic.
        of_limit: percent of what the machine could do at this intensity.
        in_network: percent of the time that the network's own passes need; 100 for bare passes.
    """

    precision: Precision
    kind: Kind
    work: str
    images: int
    rounds: int
    passes_per_second: float
    spread: float
    flops_per_second: float
    intensity: float
    of_limit: float
    in_network: float


@dataclass(frozen=True, kw_only=True)
class Profile:
    """All measures of a subject.

    Attributes:
        subject: what was measured.
        measures: by precision and work.
        limits: of the machine, by precision.
        sign_agreement: percent of the entries of a gradient whose sign is the same in fp32 and in bf16.
    """

    subject: Subject
    measures: tuple[Measure, ...]
    limits: dict[Precision, Limits]
    sign_agreement: float


def profile(subject: Subject, device: str) -> Profile:
    """Measure a subject on a device (`cpu` or `cuda:N`) in fp32, bf16 and the protocol's precision."""
    precisions: tuple[Precision, ...] = tuple(dict.fromkeys(("fp32", "bf16", subject.setup.precision)))
    sides = [_Side(subject, subject.runtime(device, precision)) for precision in precisions]
    ceilings = {side.precision: limits(side.runtime, _TYPES[side.precision]) for side in sides}
    measures = [measure for side in sides for measure in side.measures(ceilings[side.precision])]
    agreement = sides[precisions.index("bf16")].agreement()
    return Profile(subject=subject, measures=tuple(measures), limits=ceilings, sign_agreement=agreement)


class _Side:
    """A subject in one precision, with the images that its bare passes go over."""

    def __init__(self, subject: Subject, runtime: Runtime) -> None:
        self.runtime = runtime
        self.precision = runtime.precision
        self._subject = subject
        generator = torch.Generator().manual_seed(0)
        shape = (runtime.chunk, subject.channels, subject.side, subject.side)
        images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
        self._images = runtime.pixels(images.to(runtime.device))
        self._labels = torch.arange(runtime.chunk, device=runtime.device) % subject.classes
        self._network = runtime.place(subject.build())
        self._frozen = FrozenNetwork(self._network, self._images[:2], runtime)

    def agreement(self) -> float:
        """Return the percent of the entries of a fresh network's gradient that have the same sign in fp32."""
        network = self.runtime.place(self._subject.build())
        return sign_agreement(network, self._images, self._labels, self.runtime)

    def measures(self, ceiling: Limits) -> list[Measure]:
        """Measure frozen passes, training passes and the method's step; counting their work warms them up."""
        noise = self._subject.setup.noise
        optimiser = Optimiser(self._network, noise.sgd, self.runtime)
        images, labels = self._images[: noise.batch], self._labels[: noise.batch]

        def learn() -> Tensor:
            return optimiser.step(images, labels)

        attack_work, train_work = count(self._gradient), count(learn)
        attack = repeat(self._gradient, self.runtime, budget=BUDGET)
        train = repeat(learn, self.runtime, budget=BUDGET)
        bare = (
            self._measure("frozen", "frozen passes", len(self._images), None, attack, attack_work, ceiling),
            self._measure("training", "training passes", len(images), None, train, train_work, ceiling),
        )
        return [*bare, self._step(bare, (attack_work, train_work), ceiling)]

    def _gradient(self) -> Tensor:
        return self._frozen.gradient(self._images, self._labels)

    def _step(self, bare: tuple[Measure, Measure], works: tuple[Work, Work], ceiling: Limits) -> Measure:
        attack, train = bare
        settings = shorten(self._subject, attack.passes_per_second, train.passes_per_second, budget=STEP_BUDGET)
        passes = passes_of(self._subject.recipe, settings)
        seconds = time_step(self._subject, settings, self.runtime)
        shares = (passes.attack / attack.images, passes.train / train.images)
        work = Work(
            flops=int(sum(share * one.flops for share, one in zip(shares, works, strict=True))),
            traffic=int(sum(share * one.traffic for share, one in zip(shares, works, strict=True))),
        )
        name = f"{self._subject.method} step, K {settings.descent.steps} of {self._subject.setup.noise.descent.steps}"
        made = self._measure("step", name, settings.batch, passes.attack + passes.train, seconds, work, ceiling)
        needed = passes.attack / attack.passes_per_second + passes.train / train.passes_per_second
        return replace(made, in_network=100 * needed / median(seconds))

    def _measure(
        self, kind: Kind, name: str, images: int, passes: int | None, seconds: list[float], work: Work, ceiling: Limits
    ) -> Measure:
        typical = median(seconds)
        rate = work.flops / typical
        return Measure(
            precision=self.precision,
            kind=kind,
            work=name,
            images=images,
            rounds=len(seconds),
            passes_per_second=(passes or images) / typical,
            spread=100 * spread(seconds) / typical,
            flops_per_second=rate,
            intensity=work.intensity,
            of_limit=100 * rate / ceiling.at(work.intensity),
            in_network=100.0,
        )


def limits(runtime: Runtime, dtype: torch.dtype) -> Limits:
    """Measure a device in one type; the best of some rounds counts."""
    kind = runtime.device.type
    side = _SIDES[kind]
    one = torch.rand(side, side, device=runtime.device).to(dtype)
    product = torch.empty_like(one)
    block = torch.zeros(_BYTES[kind] // one.element_size(), dtype=dtype, device=runtime.device)
    copy = torch.zeros_like(block)
    multiply = min(repeat(lambda: torch.matmul(one, one, out=product), runtime, budget=LIMITS_BUDGET))
    move = min(repeat(lambda: copy.copy_(block), runtime, budget=LIMITS_BUDGET))
    return Limits(flops=2 * side**3 / multiply, bandwidth=2 * _BYTES[kind] / move)

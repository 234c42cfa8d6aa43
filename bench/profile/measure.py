"""Measure a network and a method: the bare passes, the method's own step, and this machine's limits."""

from collections.abc import Callable
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
from bench.profile.step import fit_to_budget, passes_of, time_step
from bench.profile.stopwatch import LEAST, interquartile_range, once
from bench.profile.subject import ProfileSubject

WorkKind = Literal["frozen", "training", "step"]
BUDGET = 4.0  # seconds of each bare measurement
STEP_BUDGET = 15.0  # seconds of a method's step
_SIDES = {"cpu": 1536, "cuda": 8192}  # of the matrices
_BYTES = {"cpu": 2**27, "cuda": 2**30}  # of the copied block, far above any cache


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Floating-point operations and bytes (read and written) per second."""

    flops: float
    bandwidth: float

    def at(self, intensity: float) -> float:
        """Return the floating-point operations per second that are possible at an intensity (operations per byte)."""
        return min(self.flops, intensity * self.bandwidth)


class Machine:
    """A device's limits in the data type of its products, measured just before each round: they vary with its load."""

    def __init__(self, runtime: Runtime) -> None:
        kind, dtype = runtime.device.type, runtime.products
        self._runtime, self._side, self._bytes = runtime, _SIDES[kind], _BYTES[kind]
        self._one = torch.rand(self._side, self._side, device=runtime.device).to(dtype)
        self._product = torch.empty_like(self._one)
        self._block = torch.zeros(self._bytes // self._one.element_size(), dtype=dtype, device=runtime.device)
        self._copy = torch.zeros_like(self._block)
        self._seen: list[Limits] = []
        self.look()  # warms up
        self._seen.clear()

    def look(self) -> Limits:
        """Measure the limits now, by a matrix product and a copy in memory."""
        multiply = once(lambda: torch.matmul(self._one, self._one, out=self._product), self._runtime)
        move = once(lambda: self._copy.copy_(self._block), self._runtime)
        self._seen.append(Limits(flops=2 * self._side**3 / multiply, bandwidth=2 * self._bytes / move))
        return self._seen[-1]

    @property
    def best(self) -> Limits:
        """The highest limits seen."""
        return Limits(flops=max(one.flops for one in self._seen), bandwidth=max(one.bandwidth for one in self._seen))

    def beside(self, action: Callable[[], object], *, budget: float) -> "TimedRounds":
        """Time rounds of `action`: at least two, then as many as fit into `budget` seconds."""
        found: TimedRounds = []
        while len(found) < LEAST or sum(seconds for seconds, _ in found) < budget:
            limits = self.look()
            found.append((once(action, self._runtime), limits))
        return found


TimedRounds = list[tuple[float, Limits]]
"""The seconds of each round, and the machine's limits just before it."""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One kind of work in one precision.

    Attributes:
        precision: of the arithmetic.
        kind: passes of the frozen network, training passes, or a step of the method.
        work: the kind in words.
        images: per batch.
        rounds: how many were timed.
        passes_per_second: image-passes, by the median round.
        spread: distance between the quartiles of the rounds, in percent of the median; nan for a single round.
        flops_per_second: floating-point operations per second at that rate.
        intensity: floating-point operations per byte of traffic.
        of_limit: percent of the machine's limit at this intensity just before each round, by the median round.
        of_limit_spread: distance between the quartiles of that percentage over the rounds; nan for a single round.
        in_network: percent of the time that the network's own passes need; 100 for bare passes.
    """

    precision: Precision
    kind: WorkKind
    work: str
    images: int
    rounds: int
    passes_per_second: float
    spread: float
    flops_per_second: float
    intensity: float
    of_limit: float
    of_limit_spread: float
    in_network: float


@dataclass(frozen=True, kw_only=True)
class Profile:
    """All measurements of a subject.

    Attributes:
        subject: what was measured.
        measures: by precision and work.
        limits: of the machine, by precision; the highest seen.
        sign_agreement: percent of the entries of a gradient whose sign is the same in fp32 and in bf16.
    """

    subject: ProfileSubject
    measures: tuple[Measurement, ...]
    limits: dict[Precision, Limits]
    sign_agreement: float


def profile(subject: ProfileSubject, device: str) -> Profile:
    """Measure a subject on a device (`cpu` or `cuda:N`) in fp32, bf16 and the protocol's precision."""
    precisions: tuple[Precision, ...] = tuple(dict.fromkeys(("fp32", "bf16", subject.setup.precision)))
    sides = [_Side(subject, subject.runtime(device, precision)) for precision in precisions]
    measures = [measure for side in sides for measure in side.measures()]
    ceilings = {side.precision: side.machine.best for side in sides}
    agreement = sides[precisions.index("bf16")].agreement()
    return Profile(subject=subject, measures=tuple(measures), limits=ceilings, sign_agreement=agreement)


class _Side:
    """A subject in one precision, with the images for its bare passes."""

    def __init__(self, subject: ProfileSubject, runtime: Runtime) -> None:
        self.runtime = runtime
        self.precision = runtime.precision
        self.machine = Machine(runtime)
        self._subject = subject
        generator = torch.Generator().manual_seed(0)
        shape = (runtime.chunk, subject.channels, subject.side, subject.side)
        images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
        self._images = runtime.pixels(images.to(runtime.device))
        self._labels = torch.arange(runtime.chunk, device=runtime.device) % subject.classes
        self._network = runtime.place(subject.build())
        self._frozen = FrozenNetwork(self._network, self._images[:2], runtime)

    def agreement(self) -> float:
        """Return the percentage of entries of a fresh network's gradient that have the same sign in fp32."""
        network = self.runtime.place(self._subject.build())
        return sign_agreement(network, self._images, self._labels, self.runtime)

    def measures(self) -> list[Measurement]:
        """Measure frozen passes, training passes and the method's step; counting their work warms them up."""
        noise = self._subject.setup.noise
        optimiser = Optimiser(self._network, noise.sgd, self.runtime)
        images, labels = self._images[: noise.batch], self._labels[: noise.batch]

        def learn() -> Tensor:
            return optimiser.step(images, labels)

        attack_work, train_work = count(self._gradient), count(learn)
        attack = self.machine.beside(self._gradient, budget=BUDGET)
        train = self.machine.beside(learn, budget=BUDGET)
        bare = (
            self._measure("frozen", "frozen passes", len(self._images), None, attack, attack_work),
            self._measure("training", "training passes", len(images), None, train, train_work),
        )
        return [*bare, self._step(bare, (attack_work, train_work))]

    def _gradient(self) -> Tensor:
        return self._frozen.gradient(self._images, self._labels)

    def _step(self, bare: tuple[Measurement, Measurement], works: tuple[Work, Work]) -> Measurement:
        attack, train = bare
        settings = fit_to_budget(self._subject, attack.passes_per_second, train.passes_per_second, budget=STEP_BUDGET)
        passes = passes_of(self._subject.recipe, settings)
        limits = self.machine.look()
        seconds = time_step(self._subject, settings, self.runtime)
        shares = (passes.attack / attack.images, passes.train / train.images)
        work = Work(
            flops=int(sum(share * one.flops for share, one in zip(shares, works, strict=True))),
            traffic=int(sum(share * one.traffic for share, one in zip(shares, works, strict=True))),
        )
        name = f"{self._subject.method} step, K {settings.descent.steps} of {self._subject.setup.noise.descent.steps}"
        made = self._measure("step", name, settings.batch, passes.full, [(one, limits) for one in seconds], work)
        needed = passes.attack / attack.passes_per_second + passes.train / train.passes_per_second
        return replace(made, in_network=100 * needed / median(seconds))

    def _measure(
        self, kind: WorkKind, name: str, images: int, passes: int | None, rounds: TimedRounds, work: Work
    ) -> Measurement:
        seconds = [one for one, _ in rounds]
        shares = [100 * work.flops / one / limits.at(work.intensity) for one, limits in rounds]
        typical = median(seconds)
        return Measurement(
            precision=self.precision,
            kind=kind,
            work=name,
            images=images,
            rounds=len(seconds),
            passes_per_second=(passes or images) / typical,
            spread=100 * interquartile_range(seconds) / typical,
            flops_per_second=work.flops / typical,
            intensity=work.intensity,
            of_limit=median(shares),
            of_limit_spread=interquartile_range(shares),
            in_network=100.0,
        )

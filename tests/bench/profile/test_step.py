from collections.abc import Callable
from types import SimpleNamespace

import pytest

from attacks.core.cost import Passes
from attacks.core.settings import SignSteps
from attacks.engine.learner import Learner
from bench.profile import stopwatch
from bench.profile.step import STEPS, fit_to_budget, passes_of, time_step
from bench.profile.subject import ProfileSubject

MakeSubject = Callable[..., ProfileSubject]


def test_a_step_makes_the_passes_that_the_algorithm_says(make_subject: MakeSubject) -> None:
    made = make_subject(protocol="paper-v1")
    assert passes_of(made.recipe, made.setup.noise) == Passes(attack=128 * (10 * 5 + 10), train=128)
    rem = make_subject(method="rem", protocol="paper-v1")
    assert passes_of(rem.recipe, rem.setup.noise) == Passes(attack=128 * (10 * 5 * 11 + 10), train=128)


@pytest.mark.parametrize(("budget", "steps", "inner"), [(1e9, 10, 10), (0.0, 1, 1), (25 * 128 + 128, 4, 4)])
def test_steps_are_cut_to_the_budget(budget: float, steps: int, inner: int, make_subject: MakeSubject) -> None:
    short = fit_to_budget(make_subject(protocol="paper-v1"), 1.0, 1.0, budget=budget)
    assert (short.descent.steps, short.ascent.steps) == (steps, inner)
    assert short.descent.step == make_subject(protocol="paper-v1").setup.noise.descent.step


@pytest.mark.parametrize(("steps", "timed"), [(1, [1.0]), (3, [1.0, 1.0])])  # the first of several is a warm-up
def test_the_steps_themselves_are_timed_and_nothing_after_them(
    steps: int, timed: list[float], make_subject: MakeSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock here counts the surrogate's updates, of which each step has one."""
    updates, learn = list[object](), Learner.learn

    def counted(learner: Learner, *given: object) -> None:
        updates.append(learner)
        learn(learner, *given)

    monkeypatch.setattr(Learner, "learn", counted)
    monkeypatch.setattr(stopwatch, "time", SimpleNamespace(perf_counter=lambda: float(len(updates))))
    monkeypatch.setitem(STEPS, "cpu", steps)
    made = make_subject()
    short = made.setup.noise.model_copy(
        update={"batch": 4, "views": 1, "descent": SignSteps(steps=1, step=1), "ascent": SignSteps(steps=1, step=1)}
    )
    assert time_step(made, short, made.runtime("cpu", "fp32")) == timed
    assert len(updates) == steps

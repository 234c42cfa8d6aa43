"""Break the code on purpose, one line at a time, and check that the tests notice: `python tests/mutants.py [WORD ...]`.

Given words, only mutants with one of them in their names are tried. Each mutant is a copy of the source tree in which
some text is replaced. Its tests must fail there, after passing on an unchanged copy. The exit status is 1 if a mutant
survives.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("attacks", "victims", "bench", "tests", "pyproject.toml")
PASSED, FAILED = 0, 1  # pytest's exit status if tests ran; any other means that they did not
ASSERTION = re.compile(r":\d+: (assert |AssertionError|Failed: DID NOT )")

NOISE = "tests/attacks/test_oracles.py::test_noise_is_that_of_the_literal_algorithm"
ROUNDS = "tests/attacks/test_oracles.py::test_rounds_are_the_literal_ones"
ASKED = "tests/attacks/test_oracles.py::test_some_ask_for_a_surrogate_of_their_own"
TARGETED = "tests/attacks/test_oracles.py::test_targeted_noise_is_the_literal_one"
DESCENT = "tests/attacks/test_descent.py"
STEEP = "tests/attacks/test_oracles.py::test_rounds_clip_a_large_gradient"
HALF = "tests/attacks/test_oracles.py::test_targeted_noise_is_rounded_from_float16"
DRAWS = "tests/attacks/test_oracles.py::test_the_other_draw_of_sem"
TRAINING = "tests/victims/test_train.py::test_training_is_the_literal_one"
MIXED = "tests/victims/test_countermeasures.py::test_apbenchs_box_is_the_literal_one"
LOSSES = "tests/victims/test_train.py::test_a_loss_over_draws_is_the_literal_one"
PARTS = "tests/victims/recipes/test_stages.py::test_only_the_named_parts_learn"
STAGES = "tests/victims/recipes/test_stages.py::test_the_whole_network_learns_again_after_a_part_of_it"
STAGES_IN_PIECES = "tests/victims/recipes/test_stages.py::test_stages_in_pieces_are_the_same"
LEARNT = "tests/bench/run/test_preparing.py"
INTERPOLATED = "tests/victims/test_augmentations.py::test_coin_reads_each_pixel_at_the_place_that_it_draws"
SHARPENED = "tests/victims/test_augmentations.py::test_rsk_ff_sharpens_then_keeps_low_frequencies"
WORST = "tests/victims/test_augmentations.py::test_uerasers_but_the_lite_one_learn_the_largest_of_five_losses"
PURIFIED = "tests/victims/test_learnt_countermeasures.py"
HOOKS = "tests/victims/test_train.py::test_hooks_are_called_in_their_places"
PROGRESS = "tests/bench/run/test_cell.py::test_progress_follows_the_image_passes"
PIECES = "tests/attacks/test_resume.py::test_noise_made_in_pieces_is_the_same"
GRAPHS = "tests/attacks/test_captured.py"
FUSED = "tests/attacks/test_fused.py"
EMULATED = "tests/attacks/test_emulated.py"
FAULTS = "tests/attacks/test_cpu_faults.py"
EXACT = f"{FUSED}::test_without_rounding_the_fused_way_gives_what_the_plain_one_does"
FUSED_PIECES = "tests/attacks/test_resume.py::test_fused_noise_made_in_pieces_is_the_same"
CONTRASTIVE = "tests/attacks/test_contrastive.py::test_noise_on_contrastive_views_is_the_literal_one"
PIL = "tests/attacks/test_contrastive.py::test_pil_is_the_literal_algorithm"
PIL_SINGLE = "tests/attacks/test_contrastive.py::test_pil_in_bf16_computes_in_single_precision"
LOOK = "tests/attacks/test_contrastive.py::test_a_view_is_the_literal_one_and_its_adjoint_the_derivative"
SIMPLE = "tests/attacks/test_simple_methods.py"
PAIRS = "tests/bench/run/test_cell.py::test_methods_are_compared_in_pairs"
READER = "tests/bench/data/test_imagenet_100.py"
GREY = "tests/bench/data/test_image_tree.py::test_the_identity_of_grey_files_is_not_what_it_was_in_three_channels"
LISTED = "tests/bench/data/test_tree.py::test_order_is_that_of_torchvisions_image_folder"
OWNED = "tests/bench/protect/metadata/test_carriers.py::test_a_picture_is_no_owner"
CARRIED = "tests/bench/protect/metadata/test_carriers.py"
LOOKED = "tests/bench/protect/test_protect.py::test_a_png_that_would_give_the_original_away_is_not_kept"
VIEWED = "tests/bench/run/test_cell.py::test_a_victim_sees_views_of_its_own_where_it_has_them"
SHARES = "tests/bench/run/test_cell.py::test_the_unprotected_part_is_what_a_share_leaves"
KEYS = "tests/bench/config/test_models.py"
TABLE = f"{KEYS}::test_a_tables_numbers_are_those_that_are_set_without_tables_inside_it"
NAMES = f"{KEYS}::test_a_name_decides_nothing_but_by_what_it_stands_for"
COPIES = f"{KEYS}::test_a_copy_with_another_field_has_another_key"
VERSIONS = "tests/bench/report/test_summary.py::test_of_two_versions_of_a_cell_only_the_newer_counts"
RERUNS = "tests/bench/report/test_summary.py::test_of_several_records_of_a_seed_the_last_with_a_result_counts"
ATTACK = "tests/attacks/test_pgd.py"
METHODS = "tests/attacks/test_methods.py::test_noise_is_bounded_and_its_cost_known"
ADJOINT = "tests/attacks/test_views.py::test_adjoint"
BOXES = "tests/attacks/test_views.py::test_boxes_are_the_literal_ones"
CROPS = "tests/attacks/test_views.py"
SHIFT = "tests/attacks/test_views.py::test_shift_is_flip_pad_and_slice"

ORACLES = "tests/attacks/test_feature_oracles.py"
TOGETHER = f"{ORACLES}::test_features_are_drawn_together_as_literally"
ENTANGLED = f"{ORACLES}::test_features_are_entangled_as_literally"
ENSEMBLE = f"{ORACLES}::test_checkpoints_agree_as_literally"
SEARCH = f"{ORACLES}::test_a_longer_search_on_dark_images_where_shifts_are_seen"
SEEN = "tests/attacks/test_colour.py"
BAIT = "tests/attacks/test_generator.py::test_bait_is_the_literal_algorithm"
PAINTER = "tests/attacks/test_generator.py::test_a_generator_is_the_literal_one_at_any_side"
GUE = "tests/attacks/test_game.py::test_gue_is_the_literal_algorithm"
DRAWER = "tests/attacks/test_game.py::test_a_u_net_is_the_literal_one_at_any_side"

# for the mutant whose final pass returns the noise of the steps, and zero for an image that was in none
STORE = """
    def _store(self, index, noise):
        self._stored |= dict(zip(index.tolist(), noise, strict=True))

    def _stored_of(self, index):
        nothing = torch.zeros(self._task.images.shape[1:])
        return torch.stack([self._stored.get(number, nothing).to(nothing.dtype) for number in index.tolist()])
"""


@dataclass(frozen=True)
class Edit:
    """Text that must occur exactly once in a file, and its replacement."""

    path: str
    old: str
    new: str

    def apply(self, root: Path) -> None:
        """Edit the copy.

        Raises:
            ValueError: if the text does not occur exactly once, so that the mutant has to be rewritten.
        """
        file = root / self.path
        text = file.read_text()
        if text.count(self.old) != 1:
            raise ValueError(f"{self.path} holds {text.count(self.old)} times, not once: {self.old}")
        file.write_text(text.replace(self.old, self.new))


@dataclass(frozen=True)
class Mutant:
    """What is broken, how, and the tests that must notice."""

    name: str
    tests: tuple[str, ...]
    edits: tuple[Edit, ...]


def mutants() -> list[Mutant]:
    """Return all mutants."""
    return [
        *_of_the_noise_step(),
        *_of_the_loop(),
        *_of_the_other_methods(),
        *_of_features(),
        *_of_checkpoints(),
        *_of_bait(),
        *_of_gue(),
        *_of_the_simple_methods(),
        *_of_pil(),
        *_of_contrastive_noise(),
        *_of_contrastive_views(),
        *_of_attacks_and_updates(),
        *_of_views_and_training(),
        *_of_going_on(),
        *_of_cells(),
        *_of_preparations(),
        *_of_graphs(),
        *_of_fused_passes(),
        *_of_progress(),
        *_of_emulated_bf16(),
        *_of_keys(),
        *_of_weights_of_noise(),
        *_of_metadata(),
        *_of_statistics(),
        *_of_trainings(),
    ]


def _of_graphs() -> list[Mutant]:
    captured = "attacks/core/captured.py"
    other, stay = "images.flip(0), labels.flip(0)", "            if isinstance(error, WrongGraphError):\n"
    return [
        _mutant("a graph is used unseen", GRAPHS, captured, "if not far <= ", "if far < 0 and not far <= "),
        _mutant("a graph is checked on what it was captured with", GRAPHS, captured, other, "images, labels"),
        _mutant("the graphs beside a wrong one stay", GRAPHS, captured, stay, "            if self._step is None:\n"),
        _mutant(
            "a capture changes statistics",
            GRAPHS,
            captured,
            "            tensor.copy_(kept)",
            "            tensor.copy_(tensor)",
        ),
        _mutant(
            "a captured slope is not used",
            GRAPHS,
            "attacks/core/optimiser.py",
            "weight.grad = slope",
            "slope = weight.grad",
        ),
    ]


def _of_fused_passes() -> list[Mutant]:
    fused, learner, runtime = "attacks/engine/fused.py", "attacks/engine/learner.py", "attacks/core/runtime.py"
    nan, new = f"{FUSED}::test_a_network_that_diverged_does_not_look_finite", "self._many = many = self._pixels("
    follows, tiles = (
        f"{FUSED}::test_a_{one}"
        for one in ("fused_network_follows_the_one_that_learns", "cpu_without_tiles_stays_plain")
    )
    others, column = f"{FUSED}::test_other_networks_stay_plain", "images[..., self.out[1] :: self.out[1] + 1].zero_()"
    masked, entering = "_masked(found, kept.pop())", "residual if convolution is self._chain[-1] else None"
    weights, packed = "weight.transpose(0, 1).flip(2, 3)", 'if hasattr(self, "_given"):\n            return\n        '
    behind = '["warm_up"])\n        self._behind = True'
    return [
        _mutant("fused: logits too", nan, fused, "images.requires_grad and images.shape", "images.shape"),
        _mutant("fused: weights are packed once", follows, fused, new, f"{packed}{new}"),
        _mutant("fused: images side by side meet", EXACT, fused, column, "pass"),
        _mutant(
            "fused: the column behind an image is not 0",
            EXACT,
            fused,
            "images.new_zeros(count",
            "images.new_ones(count",
        ),
        _mutant("fused: no ReLU behind the stem", EXACT, fused, "channels_last), relu=True)", "channels_last))"),
        _mutant("fused: no ReLU in a block", EXACT, fused, "(images, relu=True, residual", "(images, residual"),
        _mutant("fused: no mask behind the stem", EXACT, fused, f"back({masked})", "back(found)"),
        _mutant(
            "fused: no mask behind a block",
            EXACT,
            fused,
            f"block.backward({masked}",
            "block.backward((found, kept.pop())[0]",
        ),
        _mutant("fused: no mask in a block", EXACT, fused, f"    found = {masked}", "    kept.pop()"),
        _mutant(
            "fused: what is 0 passes a ReLU",
            EXACT,
            fused,
            "activation.view(torch.int16), 0,",
            "activation.view(torch.int16), -1,",
        ),
        _mutant("fused: no residual", EXACT, fused, entering, "None"),
        _mutant("fused: no derivative past a block", EXACT, fused, "None if number or sparse else straight", "None"),
        _mutant("fused: none past a block of stride 2", EXACT, fused, "found[:, :, ::2, ::2].add_(straight)", "pass"),
        _mutant("fused: weights are not turned round", EXACT, fused, weights, "weight.transpose(0, 1)"),
        _mutant("fused: other weights meet a pixel of a block", EXACT, fused, "((1, 2), (2, 0))", "((1, 0), (2, 2))"),
        _mutant("fused: blocks are laid down across", EXACT, fused, "found[down, right", "found[right, down"),
        _mutant(
            "fused: each pixel has another's bias", EXACT, fused, "bias.repeat(many)", "bias.repeat_interleave(many)"
        ),
        _mutant(
            "fused: excitation is left out",
            others,
            fused,
            "block.se is block.drop_path is None",
            "block.drop_path is None",
        ),
        _mutant("fused: on every CPU", tiles, runtime, 'bool(capabilities.get("amx_bf16"))', "True"),
        _mutant("fused: goes on with first weights", FUSED_PIECES, learner, behind, behind.partition("\n")[0]),
    ]


def _of_emulated_bf16() -> list[Mutant]:
    emulated, products = "attacks/core/emulated.py", f"{EMULATED}::test_products_are_computed_in_fp32"
    rounds, outside = f"{EMULATED}::test_results_are_rounded_once", f"{EMULATED}::test_what_autocast_leaves_stays"
    runtime, faults, padding = (
        "attacks/core/runtime.py",
        "attacks/core/cpu_faults.py",
        'layer.padding in {(0, 0), "valid"}',
    )
    asked, rounding = 'not torch.is_autocast_enabled("cpu")', "operand.to(torch.bfloat16).to(torch.float32)"
    return [
        _mutant("emulated: never", products, runtime, "if self.emulated and is_bf16", "if False"),
        _mutant("emulated: no bmm", products, emulated, "torch.bmm, ", ""),
        _mutant("emulated: operands are not rounded", rounds, emulated, rounding, "operand.to(torch.float32)"),
        _mutant("emulated: named operands are not", rounds, emulated, "name: _round(one)", "name: one"),
        _mutant("emulated: outside autocast too", outside, emulated, asked, "False"),
        _mutant(
            "strided: every pixel",
            f"{FAULTS}::test_results_without_strides_stay_the_same",
            faults,
            "::down, ::right",
            "::1, ::1",
        ),
        _mutant(
            "strided: with padding",
            f"{FAULTS}::test_only_strides_that_the_fault_concerns_are_taken_out",
            faults,
            padding,
            "True",
        ),
        _mutant(
            "layers are normalised in bf16",
            f"{FAULTS}::test_bf16_changes_gradients_by_rounding_only",
            runtime,
            "normalise_in_fp32(network)",
            "pass",
        ),
        _mutant("emulated: doubles too", outside, emulated, " and operand.dtype != torch.float64", ""),
    ]


def _of_the_noise_step() -> list[Mutant]:
    step, shake = "attacks/engine/descent.py", "attacks/methods/sem_liu24.py"
    start, clip = "uniform_(-radius / 255, radius / 255, generator=generator)", ".clamp_(-bound, bound)\n"
    valid = "delta.sub_(sign, alpha=steps.step * bound).clamp_(-bound, bound))"
    return [
        _mutant("descent goes up", NOISE, step, "delta = delta.sub_(sign", "delta = delta.add_(sign"),
        _mutant("descent by the derivative, not its sign", NOISE, step, "gradient(seen).sign_()", "gradient(seen)"),
        _mutant("valid descent goes up", ENTANGLED, step, valid, valid.replace("sub_", "add_")),
        _mutant("valid descent is not bounded", ENTANGLED, step, valid, valid.replace(".clamp_(-bound, bound)", "")),
        _mutant("noise starts at zero", NOISE, step, start, f"{start}.zero_()"),
        _mutant("noise is not bounded", METHODS, step, clip, "\n"),
        _mutant("noise is bounded at twice the radius", METHODS, step, clip, ".clamp_(-2 * bound, 2 * bound)\n"),
        _mutant("noise is not rounded", NOISE, step, "delta.mul(255).round_()", "delta.mul(255)"),
        _mutant("noise is rounded down", NOISE, step, ".round_()", ".floor_()"),
        _mutant("gaussian draws of half the size", DRAWS, shake, "normal_(0, size", "normal_(0, size / 2"),
        _mutant("a clipped pixel gets the derivative", NOISE, step, "sign.mul_(noisy == seen)", "pass"),
        _mutant("a clipped pixel gets it in TAP", TARGETED, step, "sign.mul_(noisy == seen)", "pass"),
        _mutant("a pixel at 0 or 1 gets none", DESCENT, step, "noisy == seen", "(seen > 0) & (seen < 1)"),
        _mutant(
            "EM's noise leaves the range", NOISE, step, "            delta = cut(images, delta)", "            pass"
        ),
        _mutant(
            "EM's rounds leave the range", ROUNDS, step, "            delta = cut(images, delta)", "            pass"
        ),
    ]


def _of_the_loop() -> list[Mutant]:
    loop, learner = "attacks/engine/surrogate.py", "attacks/engine/learner.py"
    make, final = "self._noise(images, labels)", "self._noise(self._batch(index), self._task.labels[index])"
    built, back = "self._learner = Learner(task, task.settings.sgd, task.settings.batch)", "twin.gradient(seen, target)"
    noisy, in_range = (
        f"noisy = self._noisy(images, {make})",
        "noise if self._in_range else ",
    )
    kept = f"made = {make}\n        self._store(index, round_noise(made))\n        noisy = self._noisy(images, made)"
    stored = (
        Edit(loop, built, f"{built}\n        self._stored = {{}}"),
        Edit(loop, noisy, kept),
        Edit(loop, f"return round_noise({final})", f"{final}\n        return self._stored_of(index)"),
        Edit(loop, "    def _draw(", f"{STORE}\n    def _draw("),
    )
    train = "self._passes += Passes(train=images)"
    behind = "\n        self._behind = True"
    return [
        _mutant("one view, not J", NOISE, loop, "task.settings.views if views else 0", "1 if views else 0"),
        _mutant("derivative at the undisturbed view", NOISE, loop, "seen = self._disturb(", "_ = self._disturb("),
        _mutant("derivative not straight through", NOISE, loop, back, f"{back} * ((seen > 0) & (seen < 1))"),
        _mutant("update on the unattacked view", NOISE, loop, "noisy = ascend(", "_ = ascend("),
        _mutant("the twin lags behind the surrogate", NOISE, learner, f"{train}{behind}", train),
        Mutant("final pass takes the stored noise", (NOISE,), stored),
        _mutant("EM learns from rounded noise", NOISE, loop, in_range, ""),
        _mutant("EM's last step leaves the range", NOISE, loop, "cut(images, noise).half()", "noise.half()"),
        _mutant("EM's noise is not float16", NOISE, loop, ".half() if", " if"),
    ]


def _of_progress() -> list[Mutant]:
    methods = "tests/attacks/test_methods.py"
    evaluated = "tests/victims/test_train.py::test_the_last_step_is_always_evaluated"
    learner, whole = "attacks/engine/learner.py", "self._passes += passes"
    made, trained = "self._task.report(self._learner.passes.work, of)", "+ self._evaluation.passes).work, self._work)"
    return [
        _mutant(
            "progress in steps",
            f"{methods}::test_progress_is_that_of_the_work",
            "attacks/engine/phases.py",
            made,
            "self._task.report(done, every)",
        ),
        _mutant(
            "passes beside a surrogate are lost", f"{methods}::test_progress_reaches_the_end", learner, whole, "pass"
        ),
        _mutant("a noise's work is unknown", PROGRESS, "bench/run/making.py", "        passes=job.passes,\n", ""),
        _mutant("evaluations are no work", evaluated, "victims/train.py", trained, ").work, self._work)"),
    ]


def _of_the_other_methods() -> list[Mutant]:
    rounds, stored, tap = "attacks/engine/rounds.py", "attacks/engine/stored.py", "attacks/engine/targeted.py"
    alternating = "attacks/recipes/alternating_rounds.py"
    start, noisy = "descend(images, stored.of(index)", "+ self._stored.of(index)"
    mean = "(class_sums(found, labels, classes) / counts.clamp(min=1))"
    absent = "torch.where(counts > 0, means, self._noise)"
    line, wrong = "shuffled[self._task.labels[shuffled].argsort(stable=True)]", "twin.logits(self._noisy(index))"
    updates, asked = (
        "(numbers.class_updates if self.classwise else None) or numbers.updates",
        'given.model_dump(include={"stem", "mean"})',
    )
    view = "            view = self._draw(len(noisy))\n"
    gradient = "        def gradient(noisy: Tensor) -> Tensor:\n"
    target = "attacks/methods/tap_fowl21.py"
    return [
        _mutant("rounds start anew", ROUNDS, alternating, start, "descend(images, 0 * stored.of(index)"),
        _mutant(
            "rounds go on from rounded noise",
            ROUNDS,
            alternating,
            start,
            "descend(images, stored.of(index).mul(255).round() / 255",
        ),
        _mutant("rounds show rounded noise", ROUNDS, rounds, noisy, f"+ round_noise({noisy[2:]}) / 255"),
        _mutant("rounds clip no gradient", STEEP, alternating, "LARGEST_GRADIENT = 5.0", "LARGEST_GRADIENT = 500.0"),
        _mutant("rounds never fit", ROUNDS, rounds, "< self._plan.train_error", "< 0"),
        _mutant("rounds fit at once", ROUNDS, rounds, "< self._plan.train_error", "<= 1"),
        _mutant("rounds look at clean images", ROUNDS, rounds, wrong, "twin.logits(task.pixels(index))"),
        _mutant("rounds have milestones", ROUNDS, alternating, '{"milestones": ()}', "{}"),
        _mutant("rounds share the others' optimiser", ROUNDS, alternating, "given.sgd or task", "task"),
        _mutant(
            "as many updates for class noise",
            ROUNDS,
            alternating,
            updates,
            "numbers.updates",
        ),
        _mutant("rounds share the others' network", ASKED, alternating, asked, "{}"),
        _mutant("class noise is a sum, not a mean", ROUNDS, stored, mean, "class_sums(found, labels, classes)"),
        _mutant("a class not in a batch loses its noise", ROUNDS, stored, absent, "means"),
        _mutant("the share ignores the classes", ROUNDS, stored, line, "shuffled"),
        _mutant("towards the own label", TARGETED, target, "(labels + 1) % classes", "labels"),
        _mutant(
            "no label after the last", TARGETED, target, "(labels + 1) % classes", "(labels + 1).clamp(max=classes - 1)"
        ),
        _mutant(
            "one view for all steps",
            TARGETED,
            tap,
            f"{gradient}{view}",
            f"{view[4:]}\n{gradient}".replace("noisy))", "index))"),
        ),
        _mutant("TAP's noise is not float16", HALF, "attacks/recipes/targeted_steps.py", ".half()", ""),
        _mutant(
            "learns the images, not their views",
            TARGETED,
            "attacks/engine/learner.py",
            "self.learn(view.apply(",
            "self.learn(view.adjoint(",
        ),
    ]


def _of_features() -> list[Mutant]:
    mi, code, learner = (
        "attacks/methods/mi_ue_zhu26.py",
        "attacks/methods/mi_ue_zhu26_code.py",
        "attacks/engine/learner.py",
    )
    frozen, stored, step = "attacks/engine/frozen.py", "attacks/engine/stored.py", "attacks/engine/descent.py"
    entf, push, pull = (
        "attacks/engine/entangled.py",
        "attacks/methods/entf_push_wen23.py",
        "attacks/methods/entf_pull_wen23.py",
    )
    asr, loop, views = "attacks/methods/asr_fang24.py", "attacks/engine/surrogate.py", "attacks/engine/views.py"
    squared = "tests/attacks/test_oracles.py::test_asr_squares_the_distance_where_a_protocol_says_so"
    zeta, cutting = "zeta=0.1, own_class_repels=False", "cut(images, delta.sub_(sign, alpha=steps.step * bound)"
    clean, view = (
        "self._draw(len(images)).apply(images), self._clean_loss",
        "view.apply(task.pixels(index))",
    )
    return [
        _mutant("MI-UE without its distance", TOGETHER, mi, zeta, zeta.replace("0.1", "0")),
        _mutant("MI-UE's own class repels in the paper", TOGETHER, mi, zeta, zeta.replace("False", "True")),
        _mutant("MI-UE's own class does not repel as released", TOGETHER, code, "repels=True", "repels=False"),
        _mutant(
            "MI-UE's features keep their length", TOGETHER, mi, "functional.normalize(features, eps=TINY)", "features"
        ),
        _mutant("MI-UE without temperature", TOGETHER, mi, "/ numbers.temperature", ""),
        _mutant("MI-UE's distance is not per feature", TOGETHER, mi, "/ features.shape[1]", ""),
        _mutant("MI-UE's steps do not grow", TOGETHER, code, "        steps=growing,\n", ""),
        _mutant(
            "MI-UE's steps grow a round early",
            TOGETHER,
            mi,
            "(numbers.rounds - number)",
            "(numbers.rounds - number - 1)",
        ),
        _mutant("MI-UE flips nothing", TOGETHER, code, "        view=Augment(padding=0),\n", ""),
        _mutant("MI-UE's rate is constant", TOGETHER, learner, "rate=rate, whole", "rate=None, whole"),
        _mutant(
            "MI-UE's epochs leave images out", TOGETHER, learner, "rate=rate, whole=True", "rate=rate, whole=False"
        ),
        _mutant("MI-UE in the set's order", TOGETHER, stored, "if not self._shuffled", "if self._shuffled"),
        _mutant("a batch's features are cut into chunks", TOGETHER, frozen, "if loss.together else", "if False else"),
        _mutant("carried noise leaves the range", TOGETHER, step, cutting, cutting.replace("cut(images, ", "(")),
        _mutant("ASR without clean images", NOISE, asr, "return numbers.weight", "return 0 * numbers.weight"),
        _mutant("ASR pushed to nought", NOISE, asr, "logits.softmax(1) - 1 / logits.shape[1]", "logits.softmax(1)"),
        _mutant("ASR never squares", squared, asr, ".pow(numbers.power)", ""),
        _mutant("ASR on the images, not their views", NOISE, loop, clean, "images, self._clean_loss"),
        _mutant("ASR's views are noisy", NOISE, loop, clean, clean.replace("apply(images)", "apply(noisy)")),
        _mutant("EntF pushes to the centroid", ENTANGLED, push, "return -(", "return ("),
        _mutant("EntF pulls to the own class", ENTANGLED, pull, "own | distances", "distances"),
        _mutant("EntF pulls to the farthest", ENTANGLED, pull, "torch.inf).argmin(1)", "0).argmax(1)"),
        _mutant(
            "EntF on a network that is not robust",
            ENTANGLED,
            entf,
            "self._learner.learn(attacked, labels)",
            "self._learner.learn(task.pixels(index), labels)",
        ),
        _mutant("EntF's network learns no views", ENTANGLED, entf, view, "task.pixels(index)"),
        _mutant(
            "EntF's centroids are sums",
            ENTANGLED,
            entf,
            "self._sums / torch.bincount",
            "self._sums + 0 * torch.bincount",
        ),
        _mutant("EntF starts at zero", ENTANGLED, entf, "start.mul_(bound)", "start.mul_(0)"),
        _mutant("EntF sees the image itself", ENTANGLED, entf, "view.apply(noisy)", "noisy"),
        _mutant(
            "EntF's views flip the wrong way",
            ENTANGLED,
            views,
            "side - 1 - seen, seen)",
            "side - 1 - pixel + shift[:, None], seen)",
        ),
        _mutant("EntF's views move right as far as down", ENTANGLED, views, "(2 * right - 1)", "(2 * down - 1)"),
    ]


def _of_checkpoints() -> list[Mutant]:
    engine, colour, spec = "attacks/engine/ensemble.py", "attacks/engine/colour.py", "attacks/recipes/self_ensemble.py"
    resumed = "tests/attacks/test_resume.py::test_noise_made_in_pieces_is_the_same"
    return [
        _mutant("only the first checkpoint counts", ENSEMBLE, engine, "total + found", "total"),
        _mutant("the last checkpoint is the only one", ENSEMBLE, engine, "self._learner.put_back(weights)", ""),
        _mutant("checkpoints start with the first step", ENSEMBLE, engine, "range(1, count + 1)", "range(1, count)"),
        _mutant(
            "checkpoints agree on the own label", ENSEMBLE, engine, "target(task.labels, task.classes)", "task.labels"
        ),
        _mutant("three places on is the label itself", ENSEMBLE, spec, "by if by % classes else 1", "by"),
        _mutant(
            "colours are lost when work goes on",
            resumed,
            engine,
            'self._colours.restore(part("colours", state))',
            "pass",
        ),
        _mutant(
            "checkpoints are lost when work goes on",
            resumed,
            engine,
            "self._kept = [part(str(number), state) for number in numbers]",
            "self._kept = [self._learner.weights()]",
        ),
        _mutant("no colour", ENSEMBLE, engine, "(images + delta + self._colours.of(index))", "(images + delta)"),
        _mutant("colours lead out of the range", ENSEMBLE, engine, ".clamp_(0, 1).sub_(images)", ".sub_(images)"),
        _mutant(
            "how a shift looks does not count",
            SEARCH,
            colour,
            " + torch.stack([visibility_loss(one, images).mean() for one in seen])",
            "",
        ),
        _mutant(
            "what networks say of a shift does not count",
            ENSEMBLE,
            colour,
            "self._mean(losses) +",
            "0 * self._mean(losses) +",
        ),
        _mutant("the worst place of the swarm", SEARCH, colour, "self._lowest.argmin()", "self._lowest.argmax()"),
        _mutant("a swarm without inertia", SEARCH, colour, "INERTIA * self._velocity", "0 * self._velocity"),
        _mutant("a particle forgets its own best", SEARCH, colour, "(self._best - self._position) + ", ""),
        _mutant("the leader is not followed", SEARCH, colour, " + (leader - self._position)", ""),
        _mutant("a swarm goes on from class to class", ENSEMBLE, colour, "self._lowest.fill_(torch.inf)", "pass"),
        _mutant("SSIM without the sample's correction", SEEN, colour, "size**2 / (size**2 - 1)", "1.0"),
        _mutant("PSNR does not count", SEEN, colour, "(LEAST_PSNR - psnr).clamp(min=0) + ", ""),
    ]


def _of_bait() -> list[Mutant]:
    rounds, network = "attacks/engine/baited.py", "attacks/engine/generator.py"
    copied, learnt = (
        "self._copied.step(self._shown + self._stored.of(self._index), ",
        "self._learner.learn(self._shown + self._stored.of(self._index), ",
    )
    update = "self._stored.put(index, bound * self._noise(images))"
    return [
        _mutant("BAIT's copy learns clean images", BAIT, rounds, copied, "self._copied.step(self._shown, "),
        _mutant("BAIT's surrogate learns clean images", BAIT, rounds, learnt, "self._learner.learn(self._shown, "),
        _mutant("BAIT's copy is the surrogate as it is", BAIT, rounds, f"{copied}self._task.labels[self._index])", ""),
        _mutant(
            "BAIT's copy has no momentum",
            BAIT,
            rounds,
            'part("optimiser", self._learner.state())',
            '{k: v for k, v in part("optimiser", self._learner.state()).items() if not k.startswith("kept")}',
        ),
        _mutant(
            "BAIT's copy goes on from the last one",
            BAIT,
            rounds,
            '        self._copied.restore(part("optimiser", self._learner.state()))\n',
            "",
        ),
        _mutant(
            "BAIT's copy is clipped",
            BAIT,
            "attacks/engine/learner.py",
            "Optimiser(copied, settings, self._task.runtime)",
            "Optimiser(copied, settings, self._task.runtime, 5.0)",
        ),
        _mutant(
            "BAIT's surrogate is not clipped", BAIT, rounds, "largest_gradient=LARGEST_GRADIENT", "largest_gradient=1e9"
        ),
        _mutant(
            "BAIT's surrogate learns another batch",
            BAIT,
            rounds,
            "        else:\n            self._learner",
            "        else:\n            self._index = self._index.flip(0)\n            self._learner",
        ),
        _mutant(
            "BAIT's noise lends itself to the own class",
            BAIT,
            rounds,
            "_mean(found, labels, targets)",
            "_mean(found, labels, labels)",
        ),
        _mutant(
            "BAIT's loss is of the own class", BAIT, rounds, ".to(images.dtype), targets)", ".to(images.dtype), labels)"
        ),
        _mutant("BAIT's means are sums", BAIT, rounds, ".flatten(1) / counts", ".flatten(1)"),
        *(
            _mutant(
                f"{name}'s noisy images are not cut off",
                tests,
                "attacks/engine/descent.py",
                "torch.where((images < 0) | (images > 1), images.detach().clamp(0, 1), images)",
                "images",
            )
            for name, tests in (("BAIT", BAIT), ("GUE", GUE))
        ),
        _mutant(
            "BAIT's copy is in eval mode",
            BAIT,
            rounds,
            "        self._copy.requires_grad_(requires_grad=False)\n        self._learner.count",
            "        self._copy.requires_grad_(requires_grad=False).eval()\n        self._learner.count",
        ),
        _mutant(
            "BAIT carries the noise before the update",
            BAIT,
            rounds,
            f"        self._optimiser.update(loss)\n        {update}",
            f"        {update}\n        self._optimiser.update(loss)",
        ),
        _mutant(
            "BAIT carries the sum, not the mean, of rounds",
            BAIT,
            rounds,
            update,
            f"{update[:-1]} + self._stored.of(index))",
        ),
        _mutant("BAIT's second labels may be the own", BAIT, rounds, "torch.randint(1, task", "torch.randint(0, task"),
        _mutant(
            "BAIT's likeliest label may be the own",
            BAIT,
            rounds,
            "logits.scatter(1, labels[:, None], -torch.inf).argmax(1)",
            "logits.argmax(1)",
        ),
        _mutant(
            "BAIT begins with the unlikeliest label", BAIT, rounds, "WrongLabel.UNLIKELIEST:", "WrongLabel.LIKELIEST:"
        ),
        _mutant("BAIT's stages are halves", BAIT, "attacks/core/numbers.py", "len(kinds) * number", "2 * number"),
        _mutant(
            "BAIT sees no views",
            BAIT,
            rounds,
            "task.generator).apply(task.pixels(index))",
            "task.generator).apply(task.pixels(index)) * 0 + task.pixels(index)",
        ),
        _mutant(
            "BAIT's passes keep the order",
            BAIT,
            rounds,
            "self._order = self._stored.order()",
            "self._order = self._stored.order().sort().values",
        ),
        _mutant("BAIT's last noise is in train mode", BAIT, rounds, "        self._generator.eval()\n", ""),
        _mutant(
            "BAIT's last noise is of views",
            BAIT,
            rounds,
            "self._noise(self._task.pixels(index))",
            "self._noise(self._view(index))",
        ),
        _mutant("BAIT's last noise is a sum", BAIT, rounds, "self._sums / counts", "self._sums + 0 * counts"),
        _mutant("BAIT's generator decays", BAIT, rounds, "weight_decay=0", "weight_decay=0.5"),
        _mutant(
            "a generator's blocks forget what they see", PAINTER, network, "return maps + changed", "return changed"
        ),
        _mutant("a generator's noise is not bounded", PAINTER, network, "last, nn.Tanh())", "last)"),
        _mutant("a generator cuts the wrong end", PAINTER, network, "(0, right, 0, below)", "(right, 0, below, 0)"),
        _mutant(
            "what BAIT's copy has learnt is lost",
            PIECES,
            rounds,
            '        self._copied.restore(part("copied", state))\n',
            "",
        ),
        _mutant(
            "BAIT's generator is lost",
            PIECES,
            rounds,
            '        self._optimiser.restore(part("generator", state))\n',
            "",
        ),
        _mutant(
            "BAIT's views are lost", PIECES, rounds, '"shown": self._shown,', '"shown": torch.zeros_like(self._shown),'
        ),
        _mutant("BAIT's sums are lost", PIECES, rounds, '        self._sums.copy_(state["sums"])\n', ""),
    ]


def _of_gue() -> list[Mutant]:
    game, network, recipe = (
        "attacks/engine/game.py",
        "attacks/engine/generator.py",
        "attacks/recipes/game_steps.py",
    )
    least = "logits.scatter(1, labels[:, None], torch.inf).min(1).values"
    return [
        _mutant("GUE's copy is not ahead", GUE, game, "self._copied.step(noisy, labels)", "pass"),
        _mutant(
            "GUE's copy goes on from the last one",
            GUE,
            game,
            'nested("network", self._network.state_dict())',
            'nested("network", self._copy.state_dict())',
        ),
        _mutant("GUE's copy learns clean images", GUE, game, "(noisy.detach(), labels)", "(images, labels)"),
        _mutant(
            "GUE's copy keeps its optimiser",
            GUE,
            "attacks/core/optimiser.py",
            "        self._optimiser.state.clear()\n",
            "",
        ),
        _mutant(
            "GUE's copy is judged in eval mode",
            GUE,
            game,
            "self._copy.requires_grad_(requires_grad=False)",
            "self._copy.requires_grad_(requires_grad=False).eval()",
        ),
        _mutant("GUE's gap is all that there is to learn", GUE, game, "grad(learnt - best, [", "grad(learnt, ["),
        _mutant("GUE's aim is the true label", GUE, game, least, "logits.gather(1, labels[:, None])[:, 0]"),
        _mutant("GUE's aim may be the true label", GUE, game, least, "logits.min(1).values"),
        _mutant(
            "GUE's aim is the nearest wrong label",
            GUE,
            game,
            least,
            "logits.scatter(1, labels[:, None], -torch.inf).max(1).values",
        ),
        _mutant(
            "GUE's aim is at noisy images",
            GUE,
            game,
            "wrong_loss(self._network(images)",
            "wrong_loss(self._network(noisy.detach())",
        ),
        _mutant(
            "GUE's generator does not count in the norm",
            GUE,
            game,
            ".square().sum() for slope in slopes",
            ".square().sum() for slope in own",
        ),
        _mutant("GUE's weight may be negative", GUE, game, "(square + TINY)).clamp(min=0)", "(square + TINY))"),
        _mutant("GUE has no eta", GUE, game, "self._numbers.eta * square", "square"),
        _mutant(
            "GUE's weight leaves the aim out",
            GUE,
            game,
            "self._numbers.eta * square - along",
            "self._numbers.eta * square",
        ),
        _mutant("GUE's surrogate has no aim", GUE, game, "[aim + weight * slope", "[weight * slope"),
        _mutant("GUE's surrogate is not weighed", GUE, game, "[aim + weight * slope", "[aim + slope"),
        _mutant("GUE's generator is not weighed", GUE, game, "[weight * slope for", "[slope for"),
        _mutant("GUE's statistics move once", GUE, game, "1 - (1 - MOMENTUM) ** (numbers.updates + 2)", "MOMENTUM"),
        _mutant("GUE's statistics move once too little", GUE, game, "(numbers.updates + 2)", "(numbers.updates + 1)"),
        _mutant("GUE leaves incomplete batches out", GUE, game, "whole=True", "whole=False"),
        _mutant("GUE's last noise is in train mode", GUE, game, "        self._generator.eval()\n", ""),
        _mutant("GUE's players have momentum", GUE, game, "momentum=0,", "momentum=0.9,"),
        _mutant("GUE's players decay", GUE, game, "momentum=0, weight_decay=0", "momentum=0, weight_decay=0.1"),
        _mutant("GUE's players are as fast", GUE, game, '{"lr": numbers.generator_lr}', "{}"),
        _mutant("GUE's copy costs nothing", METHODS, recipe, "own.updates + 3", "3"),
        _mutant(
            "a U-Net's corners lie apart",
            DRAWER,
            network,
            "linspace(0, side - 1, 2 * side",
            "linspace(0, side, 2 * side",
        ),
        _mutant("a U-Net takes the largest", DRAWER, network, "functional.avg_pool2d", "functional.max_pool2d"),
        _mutant(
            "a U-Net sees the level above first",
            DRAWER,
            network,
            "[self._doubled(found), seen.pop()]",
            "[self._doubled(found), seen.pop()][::-1]",
        ),
        _mutant(
            "a U-Net's noise is not bounded",
            DRAWER,
            network,
            "nn.BatchNorm2d(channels), nn.Tanh())",
            "nn.BatchNorm2d(channels))",
        ),
        _mutant(
            "GUE's generator is lost",
            PIECES,
            game,
            '        self._optimiser.restore(part("generator", state))\n',
            "",
        ),
        _mutant(
            "GUE's passes are lost",
            PIECES,
            "attacks/engine/learner.py",
            "Passes(attack=attack, train=train, forward=forward)",
            "Passes()",
        ),
    ]


def _of_the_simple_methods() -> list[Mutant]:
    lsp, ar, ops = (f"attacks/methods/{name}.py" for name in ("lsp_yu22", "ar_sandoval22", "ops_wu23"))
    cuda, last = "attacks/methods/cuda_sadasivan23.py", "found[-1, :, 2, 2] = -1"
    return [
        _mutant("patches of clusters nearer together", SIMPLE, lsp, "SEPARATION = 10.0", "SEPARATION = 3.0"),
        _mutant(
            "patches as wide at any view", SIMPLE, lsp, "task.augment.size or min(height, width)", "min(height, width)"
        ),
        _mutant("responses leave out the pixel itself", SIMPLE, ar, last, f"{last[:-2]}0"),
        _mutant(
            "signals of large images lose 4 rows", SIMPLE, ar, "CUT, CUT_OF_LARGE = 4, 2", "CUT, CUT_OF_LARGE = 4, 4"
        ),
        _mutant("convolved images keep their range", SIMPLE, cuda, ".div_(largest).mul_(255)", ".mul_(255)"),
        _mutant("convolved images are rounded", SIMPLE, cuda, ".trunc_()", ".round_()"),
        _mutant(
            "two classes share a pixel", SIMPLE, ops, "taken.view(-1)[found] = True", "taken.view(-1)[found] = False"
        ),
    ]


def _of_pil() -> list[Mutant]:
    steps, numbers = "attacks/recipes/linear_steps.py", "attacks/core/numbers.py"
    cosine = "self.last + (self.lr - self.last) * (1 + math.cos(math.pi * part)) / 2"
    return [
        _mutant("PIL has no shortcut", PIL, steps, ".mul_(numbers.shortcut)", ".mul_(0)"),
        _mutant("PIL blurs no image", PIL, steps, ".mul_(1 - numbers.shortcut)", ".mul_(0)"),
        _mutant("PIL blurs the sum", PIL, steps, "images - delta, even", "images + delta, even"),
        _mutant("PIL sharpens images", PIL, steps, "slope -= ", "slope += "),
        _mutant("PIL publishes the sum", PIL, steps, "round_noise(-delta)", "round_noise(delta)"),
        _mutant(
            "PIL starts at zero",
            PIL,
            steps,
            "generator=task.generator)\n            for",
            "generator=task.generator).zero_()\n            for",
        ),
        _mutant("PIL shuffles every epoch", PIL, steps, "fixed=True", "fixed=False"),
        _mutant("PIL has one layer", PIL, steps, "nn.Flatten(), *made)", "nn.Flatten(), *made[:1])"),
        _mutant("PIL starts from smaller weights", PIL, steps, "-(fan**-0.5), fan**-0.5", "-(fan**-0.7), fan**-0.7"),
        _mutant("PIL's noise is not bounded", PIL, steps, ".clamp_(-bound, bound)", ""),
        _mutant(
            "PIL computes in bf16",
            PIL_SINGLE,
            steps,
            '"fp64" if task.runtime.precision == "fp64" else "fp32"',
            "task.runtime.precision",
        ),
        _mutant("an epoch's last batch is left out", PIL, "attacks/engine/learner.py", "whole=True", "whole=False"),
        _mutant("the rate stays", PIL, numbers, cosine, "self.lr"),
        _mutant("the rate falls in a line", PIL, numbers, "(1 + math.cos(math.pi * part)) / 2", "(1 - part)"),
    ]


def _of_contrastive_noise() -> list[Mutant]:
    rounds, stored, steps = "attacks/engine/rounds.py", "attacks/engine/stored.py", "attacks/engine/targeted.py"
    epochs, learnt = "attacks/recipes/contrastive_epochs.py", "+ self._stored.of(index)"
    gradient = "        def gradient(noisy: Tensor) -> Tensor:\n"
    view = "            view = self._plan.after(len(noisy))\n"
    summed = "gradient(images + self.of(index))"
    shuffled = "torch.randperm(count, generator=generator, device=generator.device)"
    return [
        _mutant("AUE learns clean images", CONTRASTIVE, rounds, learnt, f"+ 0 * {learnt[2:]}"),
        _mutant("AUE learns rounded noise", CONTRASTIVE, rounds, learnt, f"+ round_noise({learnt[2:]}) / 255"),
        _mutant(
            "AUE learns no views",
            CONTRASTIVE,
            rounds,
            "self._plan.after(len(index)).apply(noisy)",
            "self._plan.after(len(index)) and noisy",
        ),
        _mutant("AUE's steps see no views", CONTRASTIVE, rounds, view, view.replace("\n", " and Same()\n")),
        _mutant(
            "AUE has one view for all steps",
            CONTRASTIVE,
            rounds,
            f"{gradient}{view}",
            f"{view[4:]}\n{gradient}".replace("noisy))", "index))"),
        ),
        _mutant(
            "AUE's noise starts anew",
            CONTRASTIVE,
            epochs,
            "descend(images, stored.of(index)",
            "descend(images, 0 * stored.of(index)",
        ),
        _mutant("AUE's noise leaves the range", CONTRASTIVE, epochs, "cut(images, found))", "found)"),
        _mutant("AUE's classes count by signs", CONTRASTIVE, stored, summed, f"{summed}.sign()"),
        _mutant(
            "AUE's classes are not bounded",
            CONTRASTIVE,
            stored,
            "alpha=steps.step * bound).clamp_(-bound, bound)",
            "alpha=steps.step * bound)",
        ),
        _mutant("AUE's classes are not shuffled", CONTRASTIVE, stored, shuffled, f"{shuffled}.sort().values"),
        _mutant("no warm-up", CONTRASTIVE, "attacks/core/numbers.py", "if epoch < self.warm_up:", "if epoch < 0:"),
        _mutant(
            "AAP's noise leaves the range",
            CONTRASTIVE,
            "attacks/recipes/contrastive_steps.py",
            "cut(images, found)",
            "found",
        ),
        _mutant("untargeted AAP goes down", CONTRASTIVE, steps, "-1 if away else 1", "1"),
        _mutant(
            "AAP takes the own label for a target",
            CONTRASTIVE,
            "attacks/methods/tap_fowl21.py",
            "(labels + 1) % classes",
            "labels",
        ),
    ]


def _of_contrastive_views() -> list[Mutant]:
    view = "attacks/engine/contrastive.py"
    return [
        _mutant("boxes by their edges", LOOK, view, "corners=True", "corners=False"),
        _mutant("boxes of any size", LOOK, view, "1 - 0.9 * strength", "0.05"),
        _mutant("the hue turns the other way", LOOK, view, "+ 6 * turn", "- 6 * turn"),
        _mutant("the first three change alike", LOOK, view, "[0.4, 0.4, 0.4, 0.1]", "[0.4, 0.4, 0.3, 0.1]"),
        _mutant("contrast around each pixel's grey", LOOK, view, ".mean((2, 3), keepdim=True)", ""),
        _mutant(
            "the order of changes is fixed",
            LOOK,
            view,
            ".argsort().tolist()",
            ".sort().values.argsort().tolist()",
        ),
        _mutant("all images are jittered", LOOK, view, "chance[0] <", "-chance[0] <"),
        _mutant("none is grey", LOOK, view, "chance[1] <", "1 + chance[1] <"),
        _mutant("grey is the mean", LOOK, view, "(0.299, 0.587, 0.114)", "(1 / 3, 1 / 3, 1 / 3)"),
        _mutant(
            "no derivative at 0 and 1",
            CONTRASTIVE,
            "attacks/engine/descent.py",
            "(images < 0) | (images > 1)",
            "(images <= 0) | (images >= 1)",
        ),
        _mutant(
            "a derivative beyond 0 and 1",
            LOOK,
            "attacks/engine/descent.py",
            "images.detach().clamp(0, 1), images)",
            "images + (images.clamp(0, 1) - images).detach(), images)",
        ),
        _mutant(
            "the last of equal channels is the largest",
            CONTRASTIVE,
            view,
            "_one_hot(images, torch.ge)",
            "_one_hot(images, torch.gt)",
        ),
    ]


def _of_attacks_and_updates() -> list[Mutant]:
    pgd, twin, update = "attacks/engine/pgd.py", "attacks/engine/frozen.py", "attacks/core/optimiser.py"
    weight_decay = "weight_decay=settings.weight_decay, fused"
    return [
        _mutant("ascent goes down", ATTACK, pgd, "(adversarial + sign", "(adversarial - sign"),
        _mutant("ascent starts at the image", ATTACK, pgd, "start.add_(images)", "start.zero_().add_(images)"),
        _mutant("ascent leaves the ball", ATTACK, pgd, ".clamp_(low, high)", ".clamp_(0, 1)"),
        _mutant("ascent leaves the range", ATTACK, pgd, ".clamp_(max=1)", ""),
        _mutant("the twin is in train mode", NOISE, twin, "(network).eval()", "(network).train()"),
        _mutant("no weight decay", TRAINING, update, weight_decay, "weight_decay=0.0, fused"),
        _mutant("no momentum", TRAINING, update, "momentum=settings.momentum", "momentum=0.0"),
        _mutant("no milestones", TRAINING, update, "settings.gamma ** sum(", "1 ** sum("),
    ]


def _of_views_and_training() -> list[Mutant]:
    views, victim, loop = "attacks/engine/views.py", "victims/train.py", "attacks/engine/surrogate.py"
    back = "torch.where(flip, width - 1 - columns, columns) - dx"
    against = "victims/countermeasures"
    boxes = f"{against}/mixing.py"
    cut = "apply(noisy).clamp_(0, 1)"
    offsets, flips = "(count, 2), generator=generator, device=device)", "torch.rand(count, generator=generator"
    return [
        _mutant("the adjoint ignores the flip", ADJOINT, views, back, "columns - dx"),
        _mutant("the adjoint shifts the wrong way", ADJOINT, views, "rows - dy", "rows + dy"),
        _mutant("one crop for the batch", SHIFT, views, offsets, f"{offsets}[:1].expand(count, 2)"),
        _mutant("one flip for the batch", SHIFT, views, flips, "torch.rand(1, generator=generator"),
        _mutant("no zeros around the image", SHIFT, views, ".mul_(self._inside)", ""),
        _mutant("boxes as far down as right", BOXES, views, "(down, right), strict", "(down, down), strict"),
        _mutant("boxes that do not fit are taken", BOXES, views, "fits[0] & fits[1]", "fits[0] | True"),
        _mutant(
            "the last box that fits is taken", BOXES, views, "fitting.int().argmax(", "fitting.flip(0).int().argmax("
        ),
        _mutant("pixels beside a box are seen", CROPS, views, ".mul_(inside)", ""),
        _mutant("smaller views are not smoothed", CROPS, views, "if antialias else", "if False else"),
        _mutant("an image is cut off before its view", NOISE, loop, cut, "apply(noisy.clamp(0, 1))"),
        _mutant("the victim learns unattacked views", TRAINING, victim, "images = ascend(", "_ = ascend("),
        _mutant(
            "the draws of one image are another's",
            LOSSES,
            victim,
            "losses.view(self._draws, -1)",
            "losses.view(-1, self._draws).T",
        ),
        _mutant("the mean of draws where the largest counts", LOSSES, victim, "if reduce is None", "if reduce"),
        _mutant("all parts learn", PARTS, victim, "parts=parts", "parts=None"),
        _mutant(
            "a stage goes on with the optimiser of the one before",
            STAGES,
            victim,
            "self._begin(self._number + 1)",
            "self._number += 1",
        ),
        _mutant(
            "a cut stage begins a new epoch",
            STAGES_IN_PIECES,
            victim,
            'self._batches.restore(part("batches", state))',
            "",
        ),
        _mutant("no countermeasure on views", HOOKS, victim, "if against.augment", "if not against.augment"),
        _mutant("no countermeasure on labels", HOOKS, victim, "if against.mix", "if not against.mix"),
        _mutant("boxes of CutMix at the edge too", MIXED, boxes, "(side - length - 1)", "(side - length)"),
        _mutant(
            "COIN repeats after a whole image", INTERPOLATED, f"{against}/coin.py", "places % period", "places % size"
        ),
        _mutant("one frequency more is kept", SHARPENED, f"{against}/rsk_ff.py", "KEPT // 100,", "KEPT // 100 + 1,"),
        _mutant(
            "a linear classifier learns a class at a time",
            "tests/victims/test_countermeasures.py::"
            "test_projection_is_the_literal_one_in_an_order_that_mixes_the_classes",
            f"{against}/orthogonal_projection.py",
            "torch.randperm(len(images), generator=given.generator, device=images.device)",
            "torch.arange(len(images), device=images.device)",
        ),
        _mutant("neighbours are added", SHARPENED, f"{against}/rsk_ff.py", "-((centre - 1)", "((centre - 1)"),
        _mutant("UEraser-max learns the mean", WORST, f"{against}/ueraser.py", "losses.amax(0)", "losses.mean(0)"),
    ]


def _of_going_on() -> list[Mutant]:
    learner, draws = "attacks/engine/learner.py", 'self._task.generator.set_state(state["generator"])'
    return [
        _mutant("goes on with other draws", PIECES, learner, draws, ""),
        _mutant(
            "resumes on another noise",
            "tests/bench/run/test_cell.py::test_a_victim_does_not_resume_on_another_noise",
            "bench/run/keeper.py",
            'if texts.get("inputs") != self._inputs',
            "if False",
        ),
        _mutant("goes on with a new epoch", PIECES, learner, 'self._batches.restore(part("batches", state))', ""),
    ]


def _of_preparations() -> list[Mutant]:
    prepare, keeper = "bench/run/preparing.py", f"{LEARNT}::test_it_resumes_to_the_same_result"
    once = f"{LEARNT}::test_it_is_learnt_once_for_a_noise_and_counted_in_each_record"
    leaks, cuts = f"{LEARNT}::test_only_the_pairs_that_leak_are_shown", f"{PURIFIED}::test_in_pieces_it_is_the_same"
    purified = f"{PURIFIED}::test_d_vae_takes_away_what_tells_the_classes"
    attacked, optimiser = f"{PURIFIED}::test_adversarial_noise_is_the_literal_one", "attacks/core/optimiser.py"
    lessons, vae, noise = (f"victims/countermeasures/{name}.py" for name in ("learning", "d_vae", "adversarial_noise"))
    test, own = f"{LEARNT}::test_test_images_are_changed_where_it_says", f"{LEARNT}::test_its_own_numbers_decide_it"
    return [
        _mutant(
            "a preparation is made anew for each victim", once, prepare, '"share": cell.share,', '"share": cell.key,'
        ),
        _mutant(
            "its draws are the victim's",
            once,
            prepare,
            'purpose = f"preparation/{against.name}"',
            "purpose = job.cell.key",
        ),
        _mutant("its numbers are in no key", own, prepare, "numbers_of(against.reads,", "numbers_of((),"),
        _mutant("its state is not kept", keeper, prepare, "make(keeper)", "make(NullKeeper())"),
        _mutant(
            "test images stay as they are", test, prepare, "if made.test is None else replace", "if True else replace"
        ),
        _mutant("all clean images leak", leaks, prepare, "order[: against.pairs(job.setup.countermeasure)]", "order"),
        _mutant("an image leaks beside another's", leaks, prepare, "clean[index]", "clean[index[::-1].copy()]"),
        _mutant(
            "a second training goes on from the first's state", cuts, lessons, 'int(state["number"]) == number', "True"
        ),
        _mutant("the rate of a step is another's after a cut", cuts, optimiser, 'int(state["steps"])', "0"),
        _mutant("noise is added once more", purified, vae, "(shown - network(", "(shown + network("),
        _mutant(
            "adversarial noise of another class",
            attacked,
            noise,
            ", given.labels[part], own.noise)",
            ", 0 * given.labels[part], own.noise)",
        ),
    ]


def _of_cells() -> list[Mutant]:
    cell, making, own = "bench/run/cell.py", "bench/run/making.py", "job.cell.method"
    tree, resize, order = (
        "bench/data/image_tree.py",
        'self.resize if self.resize != "middle" else ""',
        "posixpath.split(",
    )
    rest, weights = "np.flatnonzero(~chosen)", "purpose, parse_victim(name)"
    draws, everywhere = "stream(job.cell, _purpose(", '"global", _purpose('
    return [
        _mutant("ImageNet's middle squares", READER, "bench/data/imagenet_100.py", '"whole"', '"middle"'),
        _mutant("how images are resized is in no key", READER, tree, resize, '""'),
        _mutant("one channel has the key of three", GREY, tree, '"grey" if self._grey else ""', '""'),
        _mutant("files are sorted by their whole paths", LISTED, "bench/data/tree.py", order, "("),
        _mutant("victims see the noise's views", VIEWED, cell, "job.setup.victim.augment or ", ""),
        _mutant("the protected part is left", SHARES, cell, rest, rest.replace("~", "")),
        _mutant("each method has its own draws", PAIRS, making, draws, draws.replace("_purpose", f"{own}, _purpose")),
        _mutant("each method has its own dropout", PAIRS, making, everywhere, f"{own}, {everywhere}"),
        _mutant("each method has its own weights", PAIRS, making, weights, f"{own}, {weights}"),
    ]


def _of_keys() -> list[Mutant]:
    settings, models, older = "attacks/core/settings.py", "bench/config/models.py", "bench/records/older.py"
    newest = "newest[slot] = max(newest"
    return [
        _mutant(
            "what is not set is in the key", TABLE, settings, "exclude=inside, exclude_none=True", "exclude=inside"
        ),
        _mutant("tables of others are in the key", TABLE, settings, "exclude=inside, ", ""),
        _mutant("a protocol's name is in the key", NAMES, models, '"protocol", "method"}', '"method"}'),
        _mutant("a copied cell keeps its key", COPIES, models, 'copied.__dict__.pop("key", None)', ""),
        _mutant("the older record is shown", RERUNS, older, newest, newest.replace("max", "min")),
        _mutant("a failed rerun is shown", RERUNS, older, 'row["status"] == "ok", ', "True, "),
        _mutant("a mean mixes versions", VERSIONS, older, "own >= newest.get(cell, own)", "own is not None"),
    ]


def _of_weights_of_noise() -> list[Mutant]:
    tests, cells, making = "tests/bench/run/test_noise_weights.py", "bench/config/cells.py", "bench/run/making.py"
    known, resized = (
        f"{tests}::test_the_key_knows_the_weights_and_not_where_they_are",
        f"{tests}::test_weights_of_a_package_are_resized_to_a_side_that_the_key_knows",
    )
    used = f"{tests}::test_the_noise_is_made_with_the_weights"
    changed = f"{tests}::test_a_file_that_changes_after_the_plan_makes_no_noise"
    compared = "tests/bench/validation/test_validation.py::test_a_noise_started_from_the_weights_of_its_protocol"
    side = "PretrainedSurrogate.of(self.setup.noise).side"
    return [
        _mutant("a noise's key knows no weights", known, cells, "{weights.name}/{weights.identity}", "{weights.name}"),
        _mutant(
            "a side for weights of a file",
            known,
            cells,
            "(PretrainedSurrogate,) if weights.inputs else ()",
            "(PretrainedSurrogate,)",
        ),
        _mutant("a noise's key holds a path", resized, "attacks/core/numbers.py", 'if name != "network"', "if name"),
        _mutant(
            "a noise's weights have the victims' side", resized, "bench/run/job.py", side, "self.setup.weights_side"
        ),
        _mutant(
            "a noise starts from scratch",
            used,
            making,
            "surrogate_of(known.recipe, job.setup)",
            "job.setup.noise.surrogate",
        ),
        _mutant(
            "a noise starts from a changed file",
            changed,
            "bench/run/unchanged.py",
            "if known.recipe.pretrained and",
            "if False and",
        ),
        _mutant(
            "a noise of other weights is valid",
            compared,
            "bench/validation/inputs.py",
            '{"weights", "noise_weights"}',
            '{"weights"}',
        ),
    ]


def _of_metadata() -> list[Mutant]:
    folder, looked = "bench/protect/metadata", "return png.chunks == original.chunks and not ("
    unknown = "if not allowed and not (name == LANGUAGE"
    return [
        _mutant(
            "metadata: a text of any length", OWNED, f"{folder}/draft.py", "_CHARACTERS = 2000", "_CHARACTERS = 10**7"
        ),
        _mutant("metadata: encoded texts", OWNED, f"{folder}/draft.py", "if _ENCODED.search(text)", "if not text"),
        _mutant(
            "metadata: attributes of XMP", CARRIED, f"{folder}/xmp.py", unknown, unknown.replace("allowed", "True")
        ),
        _mutant("metadata: tags of a profile", CARRIED, f"{folder}/icc.py", "and _fits(body, _TAGS[name])", ""),
        _mutant("metadata: nobody looks at the PNG", LOOKED, "bench/protect/protect.py", looked, "return True or ("),
    ]


def _of_trainings() -> list[Mutant]:
    folder, tests = "victims/recipes", "tests/victims/recipes"
    tune, contrast = f"{tests}/test_fine_tune.py", f"{tests}/test_contrastive.py"
    weights = "tests/victims/networks/test_weights.py"
    return [
        _mutant("late fine-tuning frees every stage", tune, f"{folder}/fine_tune.py", "[first:]", ""),
        _mutant("a head is tuned with its network", tune, f"{folder}/fine_tune.py", "parts=head, ", ""),
        _mutant("a rate stays", tune, f"{folder}/fine_tune.py", "own.sgd.rate(step, own.steps)", "own.sgd.lr"),
        _mutant("a probe sees random views", tune, f"{folder}/linear_probe.py", "            view=Plain,\n", ""),
        _mutant("a view is like itself", contrast, f"{folder}/contrastive_probe.py", ".fill_diagonal_(-torch.inf)", ""),
        _mutant("a wrong pair", contrast, f"{folder}/contrastive_probe.py", "roll(len(images) // 2)", "roll(1)"),
        _mutant(
            "weights are changed",
            weights,
            "victims/networks/weights/packaged.py",
            "zip(names, state.values(), strict=True)",
            "zip(names, (weight + 1 for weight in state.values()), strict=True)",
        ),
        _mutant("a changed file is loaded", weights, "victims/networks/weights/packaged.py", "!= self.sha256", "== ''"),
    ]


def _of_statistics() -> list[Mutant]:
    report, path = "tests/bench/report", "bench/report"
    pool, standing, marks = f"{path}/pool.py", f"{path}/standing.py", f"{report}/test_tables.py"
    cap, gaps = "min(self.freedom + count - 1, self.most)", "shareable(loser) <= shareable(winner)"
    verdict = "low <= over.low and over.high <= high"
    return [
        _mutant("two seeds decide", f"{report}/test_pool.py", pool, "DECIDING = 3", "DECIDING = 2"),
        _mutant("a pool has more than its records", f"{report}/test_pool.py", pool, cap, "self.freedom + count - 1"),
        _mutant("missing trainers are forgiven", f"{report}/test_standing.py", standing, gaps, "one != other"),
        _mutant("clean does not matter to marks", marks, standing, "(clean, *others)", "others"),
        _mutant(
            "an interval leaves what is possible",
            f"{report}/test_statistics.py",
            f"{path}/statistics.py",
            " or low < 0 or high > 100",
            "",
        ),
        _mutant(
            "halves are rounded as binary fractions",
            f"{report}/test_statistics.py",
            f"{path}/statistics.py",
            "Decimal(repr(round(float(value), _NOISE)))",
            "Decimal(value)",
        ),
        _mutant(
            "a mean confirms a claim",
            f"{report}/test_claims.py::test_the_interval_gives_the_verdict",
            f"{path}/verdicts.py",
            verdict,
            "low <= (over.low + over.high) / 2 <= high",
        ),
        _mutant(
            "a claim compares two noises of one method",
            f"{report}/test_claims.py::test_one_method_is_compared_with_itself_on_the_same_noise_only",
            f"{path}/verdicts.py",
            "first[seed].noise == second[seed].noise",
            "first[seed].value != second[seed].value",
        ),
    ]


def _mutant(name: str, tests: str, path: str, old: str, new: str) -> Mutant:
    return Mutant(name, (tests,), (Edit(path, old, new),))


def run_tests(tests: tuple[str, ...], edits: tuple[Edit, ...]) -> bool:
    """Run tests on a copy of the source tree with edits, and return whether they pass.

    Raises:
        RuntimeError: if the tests could not be run, or fail other than by an assertion: such a mutant computes nothing
            rather than something else.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in COPIED:
            source, target = ROOT / name, root / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        for edit in edits:
            edit.apply(root)
        # the copy takes precedence over the installed packages
        environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--tb=line", *tests]
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != PASSED and (done.returncode != FAILED or not ASSERTION.search(done.stdout)):
        raise RuntimeError(f"{' '.join(tests)} came to no assertion:\n{done.stdout}{done.stderr}")
    return done.returncode == PASSED


def main() -> int:
    """Try every requested mutant, print a table and return the exit status."""
    words = sys.argv[1:] or [""]
    tried = [mutant for mutant in mutants() if any(word in mutant.name for word in words)]
    if not tried:
        print(f"no mutant's name contains {' or '.join(words)}")
        return 2
    everything = tuple(dict.fromkeys(test for mutant in tried for test in mutant.tests))
    if not run_tests(everything, ()):
        print("the tests fail on the unchanged source; fix that first")
        return 1
    survivors = 0
    print(f"{'mutant':<38} {'':<8} seconds")
    for mutant in tried:
        start = time.perf_counter()
        survived = run_tests(mutant.tests, mutant.edits)
        survivors += survived
        print(
            f"{mutant.name:<38} {'SURVIVED' if survived else 'killed':<8} {time.perf_counter() - start:7.1f}",
            flush=True,
        )
    print(f"{len(tried) - survivors} of {len(tried)} mutants killed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())

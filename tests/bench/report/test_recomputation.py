"""The committed headline, ranks, claims and ratings, computed again from the records with json and numpy alone.

Nothing here imports the benchmark or scipy: the formulas are those of docs/read-the-leaderboard.md.
"""

import json
import math
import tomllib
from collections.abc import Callable, Container, Sequence
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

RESULTS = Path(__file__).parents[3] / "results"
SUITE = tomllib.loads((RESULTS.parent / "bench/config/suites/strong-v1.toml").read_text(encoding="utf-8"))
REFERENCES = {"clean", "random"}
INPUTS = ("method", "engine", "network", "recipe", "countermeasure")
USUAL = {
    "training": "supervised",
    "rho_a": 0.0,
    "countermeasure": "standard",
    "share": 100,
    "part": "all",
    "measure": "accuracy",
}
Cell = dict[str, Any]
Run = tuple[int, str, int]  # its seed, network and version of the network
Seeds = dict[Run, float]


@cache
def t_quantile(freedom: float) -> float:
    """Return the 97.5% quantile of Student's t, by integrating the density on a grid."""
    if math.isinf(freedom):
        return 1.959963984540054
    grid = np.linspace(0, 200, 2_000_001)
    constant = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom * math.pi)
    density = constant * (1 + grid**2 / freedom) ** (-(freedom + 1) / 2)
    below = 0.5 + np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2 * (grid[1] - grid[0]))])
    return float(np.interp(0.975, below, grid))


def digamma(x: float) -> float:
    steps = 0.0
    while x < 12:
        steps, x = steps - 1 / x, x + 1
    return steps + math.log(x) - 1 / (2 * x) - 1 / (12 * x**2) + 1 / (120 * x**4) - 1 / (252 * x**6)


def trigamma(x: float) -> float:
    steps = 0.0
    while x < 12:
        steps, x = steps + 1 / x**2, x + 1
    return steps + 1 / x + 1 / (2 * x**2) + 1 / (6 * x**3) - 1 / (30 * x**5) + 1 / (42 * x**7)


def read(folder: str) -> list[Cell]:
    files = sorted((RESULTS / folder).rglob("*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) | {"file": path.name.rpartition("-")[2]} for path in files]


def version(record: Cell, name: str) -> int:
    text = record["cell"]["inputs"].get(name)
    last = "" if text is None else text.rpartition("/")[2]
    return -1 if text is None else int(last) if last.isdecimal() else 0


class Group:
    """The records of one dataset, protocol and precision: of each cell, those of its newest version with a result."""

    def __init__(self, victims: Sequence[Cell], noises: dict[str, Cell]) -> None:
        ages = [[version(record, name) for name in INPUTS] for record in victims]
        places = [(record["cell"]["method"], *trainer(record["cell"])) for record in victims]
        last: dict[tuple[Any, ...], list[int]] = {}
        for record, place, age in zip(victims, places, ages, strict=True):
            if record["status"] == "ok":
                last[place] = max(last.get(place, age), age)
        kept: dict[tuple[Any, ...], tuple[Any, Cell]] = {}
        for record, place, age in zip(victims, places, ages, strict=True):
            slot = (*place, record["cell"]["seed"])
            order = (record["status"] == "ok", age, record["finished"], record["file"])
            if age >= last.get(place, age) and (slot not in kept or order > kept[slot][0]):
                kept[slot] = (order, record)
        self.records = [record for _, record in kept.values()]
        self.noises = noises
        self.cells = self.measured("accuracy_final")
        self.variance, self.freedom, self.most = self.pool()

    def measured(self, name: str) -> dict[tuple[str, tuple[Any, ...]], Seeds]:
        """Return accuracies by method and trainer, then by run."""
        return {key: {seed: of[0] for seed, of in seeds.items()} for key, seeds in self.on_noises(name).items()}

    def on_noises(self, name: str) -> dict[tuple[str, tuple[Any, ...]], dict[Run, tuple[float, str | None]]]:
        """Return the same accuracies, each with the digest of the noise."""
        found: dict[tuple[str, tuple[Any, ...]], dict[Run, tuple[float, str | None]]] = {}
        for record in self.records:
            if record["status"] == "ok" and record["metrics"][name] is not None:
                key = record["cell"]["method"], trainer(record["cell"])
                value = record["metrics"][name], record["digests"].get("noise")
                run = record["cell"]["seed"], record["cell"]["victim"], max(1, version(record, "network"))
                found.setdefault(key, {})[run] = value
        return found

    def costs(self, method: str, measure: str) -> dict[tuple[int, str], float]:
        """Return the costs of a method's noises of the newest version, by seed and, for seconds, hardware."""
        own = [record for record in self.records if (record["cell"]["method"], record["status"]) == (method, "ok")]
        newest = max(([version(record, name) for name in INPUTS[:2]] for record in own), default=[])
        found = {}
        for record in own:
            noise = self.noises.get(record["cell"]["inputs"]["noise"])
            if noise and [version(record, name) for name in INPUTS[:2]] == newest:
                cost = noise["costs"]["generation"]
                seconds = measure == "seconds"
                passes = cost["passes"]["attack"] + cost["passes"]["train"]
                place = noise["environment"]
                parts = [place["device"], place.get("processor"), *([] if place["driver"] else [place["threads"]])]
                key = record["cell"]["seed"], str(parts) if seconds else ""
                found[key] = cost["seconds"] if seconds else passes
        return found

    def pool(self) -> tuple[float, float, float]:
        """Return Smyth's prior for the variance of a difference, from every pair of methods at every trainer."""
        noises = {(method, seed) for (method, _), runs in self.cells.items() for seed, *_ in runs}
        most = len(noises) - len({method for method, _ in noises}) - len({seed for _, seed in noises}) + 1
        if most < 10:
            return 0.0, 0.0, 0.0
        logs, spreads = [], []
        trainers: dict[Any, dict[str, Seeds]] = {}  # a network of two versions makes two
        for (method, place), runs in self.cells.items():
            for run, value in runs.items():
                trainers.setdefault((place, run[2]), {}).setdefault(method, {})[run] = value
        for _, by_method in sorted(trainers.items(), key=str):
            for one, other in combinations(sorted(by_method), 2):
                pairs = differences(by_method[one], by_method[other])
                if len(pairs) < 2:
                    continue
                half = (len(pairs) - 1) / 2
                logs.append(math.log(max(float(np.var(pairs, ddof=1)), 1e-4)) - digamma(half) + math.log(half))
                spreads.append(trigamma(half))
        beyond = float(np.var(logs, ddof=1)) - float(np.mean(spreads))
        if beyond <= 0:
            return math.exp(float(np.mean(logs))), math.inf, most
        half = bisect(trigamma, beyond)
        return math.exp(float(np.mean(logs)) + digamma(half) - math.log(half)), half, most

    def interval(self, values: Sequence[float], *, pooled: bool = True) -> tuple[float | None, float | None]:
        count = len(values)
        if count < 3:
            return None, None
        freedom, most = (self.freedom, self.most) if pooled else (0.0, 0.0)
        own = max(float(np.var(values, ddof=1)), 1e-4)
        weight = 1.0 if math.isinf(freedom) else freedom / (freedom + count - 1)
        spread = math.sqrt((weight * self.variance if pooled else 0.0) + (1 - weight) * own)
        reach = t_quantile(max(count - 1, min(freedom + count - 1, most))) * spread / math.sqrt(count)
        return float(np.mean(values)) - reach, float(np.mean(values)) + reach


def bisect(falling: Callable[[float], float], value: float) -> float:
    low, high = 1e-6, 1e9
    for _ in range(200):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if falling(middle) > value else (low, middle)
    return low


def trainer(cell: Cell) -> tuple[Any, ...]:
    return tuple(cell[name] for name in ("victim", "training", "rho_a", "countermeasure", "share", "part"))


def differences(one: Seeds, other: Seeds) -> list[float]:
    """Return the differences at each seed, where one network does not have two versions."""
    pairs = [(mine, theirs) for mine in sorted(one) for theirs in other if mine[0] == theirs[0]]
    return [one[mine] - other[theirs] for mine, theirs in pairs if mine[1] != theirs[1] or mine[2] == theirs[2]]


@pytest.fixture(scope="module")
def groups() -> dict[tuple[str, str, str], Group]:
    noises = {identity(record): record for record in read("noise")}
    keys, by = {}, dict[tuple[str, str, str], list[Cell]]()
    for record in read("records"):
        cell = record["cell"]
        by.setdefault((cell["dataset"], cell["protocol"], record["precision"]), []).append(record)
        if identity(record) in noises:
            keys[cell["inputs"]["noise"]] = noises[identity(record)]
    return {name: Group(records, keys) for name, records in by.items()}


def identity(record: Cell) -> tuple[Any, ...]:
    """Return what a noise and its victims have in common."""
    cell = record["cell"]
    names = tuple(cell[name] for name in ("method", "dataset", "seed", "protocol"))
    return *names, cell["inputs"]["method"], record["digests"].get("noise")


@pytest.fixture(scope="module")
def board() -> Cell:
    found: Cell = json.loads((RESULTS / "leaderboard.json").read_text(encoding="utf-8"))
    return found


def of_suite(protocol: str) -> set[tuple[Any, ...]]:
    """Return the trainers of the suite under a protocol."""
    victims = SUITE["casts"][protocol.partition("+")[0]]["victims"]
    usual = {"training": "supervised", "countermeasure": "standard", "share": 100, "part": "all"}
    return {trainer(usual | one | {"victim": victims[one["victim"]]}) for one in SUITE["trainer"]}


def full(group: Group, wanted: Container[tuple[Any, ...]]) -> dict[str, dict[tuple[Any, ...], Seeds]]:
    """Return the cells of the wanted trainers in which all images are protected, by method."""
    found: dict[str, dict[tuple[Any, ...], Seeds]] = {}
    for (method, place), seeds in group.cells.items():
        if place[4:] == (100, "all") and place in wanted:
            found.setdefault(method, {})[place] = seeds
    return found


def test_headlines(groups: dict[tuple[str, str, str], Group], board: Cell) -> None:
    seen = decided = 0
    for table in (one for one in board["tables"] if not one["title"]):
        group, wanted = groups[table["dataset"], table["protocol"], table["precision"]], of_suite(table["protocol"])
        measured = full(group, wanted)
        for row in table["rows"]:
            means = {place: float(np.mean(list(seeds.values()))) for place, seeds in measured[row["name"]].items()}
            place = max(means, key=lambda one: means[one])
            standing = row["standing"]
            assert standing["strongest"]["mean"] == pytest.approx(means[place], abs=1e-4)
            assert standing["strongest"]["worst"] == max(measured[row["name"]][place].values())
            assert trainer(standing["strongest"]["of"]) == place
            assert (standing["suite"], standing["trainers"]) == (SUITE["name"], len(means))
            assert standing["of_trainers"] == len(wanted) == len(SUITE["trainer"])
            clean = measured.get("clean", {}).get(place, {})
            mean = float(np.mean(list(clean.values()))) if clean else None
            assert (standing["clean"] or {}).get("mean") == pytest.approx(mean, abs=1e-4)
            pairs = differences(measured[row["name"]][place], clean) if row["name"] != "clean" else []
            over = standing["minus_clean"]
            assert over["mean"] == pytest.approx(float(np.mean(pairs)) if pairs else None, abs=1e-4)
            limits = (None, None) if (limit := group.interval(pairs)) == (None, None) else np.clip(limit, -100, 100)
            assert (over["low"], over["high"]) == pytest.approx(tuple(limits), abs=1e-3)
            seen += 1
            decided += limits[1] is not None and limits[1] < 0
    assert seen > 20
    assert decided >= 2


def test_ranks(groups: dict[tuple[str, str, str], Group], board: Cell) -> None:
    decided = 0
    for table in (one for one in board["tables"] if not one["title"]):
        group = groups[table["dataset"], table["protocol"], table["precision"]]
        measured = full(group, of_suite(table["protocol"]))
        names = sorted(set(measured) - REFERENCES)
        better, worse = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
        for one, other in combinations(names, 2):
            winner = won(group, measured[one], measured[other])
            if winner:
                decided += 1
                first, second = (one, other) if winner < 0 else (other, one)
                worse[first] += 1
                better[second] += 1
        for row in table["rows"]:
            ranks = (row["standing"]["best_rank"], row["standing"]["worst_rank"])
            name = row["name"]
            unranked = name in REFERENCES or len(names) == 1
            assert ranks == ((None, None) if unranked else (1 + better[name], len(names) - worse[name])), name
    assert decided >= 2


def won(group: Group, one: dict[tuple[Any, ...], Seeds], other: dict[tuple[Any, ...], Seeds]) -> int:
    """Return -1 where the first ranks before the second, 1 where the second does, and 0 where it is undecided."""
    common = one.keys() & other.keys()
    if not common:
        return 0

    def strongest(own: dict[tuple[Any, ...], Seeds]) -> Seeds:
        return own[max(common, key=lambda place: float(np.mean(list(own[place].values()))))]

    low, high = group.interval(differences(strongest(one), strongest(other)))
    if low is None or high is None or low <= 0 <= high:
        return 0
    winner, loser = (one, other) if high < 0 else (other, one)
    return (-1 if high < 0 else 1) if loser.keys() <= winner.keys() else 0


def test_claims(groups: dict[tuple[str, str, str], Group], board: Cell) -> None:
    counts: dict[str, int] = {}
    for claim in board["claims"]:
        for answer in claim["answers"]:
            here = [group for name, group in groups.items() if name[:2] == (answer["dataset"], answer["protocol"])]
            verdict, mean = judged(here[0], claim, answer["victim"]) if here else ("not measured", None)
            assert answer["verdict"] == verdict, (claim["name"], answer)
            if mean is not None:
                assert answer["mean"] == pytest.approx(mean, abs=1e-3)
            counts[verdict] = counts.get(verdict, 0) + 1
    assert counts.keys() <= {"confirmed", "contradicted", "undecided", "not measured"}
    assert sum(counts.values()) - counts["not measured"] > 30


def judged(group: Group, claim: Cell, victim: str) -> tuple[str, float | None]:
    first, second, by = claim["first"], claim.get("second"), claim["by"]
    names = {"accuracy": "accuracy_final", "peak": "accuracy_peak"}

    def runs(side: Cell) -> dict[Run, tuple[float, str | None]]:
        return group.on_noises(names[side["measure"]]).get((side["method"], trainer(side | {"victim": victim})), {})

    if claim["says"] == "times":
        costs = [group.costs(side["method"], side["measure"]) for side in (first, second)]
        common = [key for key in costs[0] if costs[0][key] and costs[1].get(key)]
        values = [math.log(costs[0][key] / costs[1][key]) for key in common]
        low, high = group.interval(values, pooled=False)
        if values and first["measure"] == "image-passes":
            low, high = min(values), max(values)
        target, shown = (math.log(by), math.inf), math.exp(float(np.mean(values))) if values else None
    else:
        here, there = runs(first), runs(second) if second else {}
        if second and first["method"] == second["method"]:
            there = {seed: run for seed, run in there.items() if seed in here and here[seed][1] == run[1]}
        seeds = sorted(here.keys() & there.keys()) if second else sorted(here)
        if "works_by" in claim:
            clean = runs(USUAL | {"method": "clean"})
            working = {  # seed and digest of the noises that take enough under standard training
                (run[0], noise)
                for run, (accuracy, noise) in runs(USUAL | {"method": first["method"]}).items()
                if (without := [value for other, (value, _) in clean.items() if other[2] == run[2]])
                and np.mean(without) - accuracy >= claim["works_by"]
            }
            seeds = [run for run in seeds if (run[0], here[run][1]) in working]
        values = [here[seed][0] - (there[seed][0] if second else claim["value"]) for seed in seeds]
        sides = [side for side in (first, second) if side]
        pooled = len({side["method"] for side in sides}) == 2 and {side["measure"] for side in sides} == {"accuracy"}
        low, high = group.interval(values, pooled=pooled and group.freedom > 0)
        target = {"lower": (-math.inf, -by), "higher": (by, math.inf), "within": (-by, by)}[claim["says"]]
        shown = float(np.mean(values)) if values else None
    if not values:
        return "not measured", None
    if low is None or high is None:
        return "undecided", shown
    if target[0] <= low and high <= target[1]:
        return "confirmed", shown
    return ("contradicted" if high < target[0] or low > target[1] else "undecided"), shown


def test_ratings_and_wins(groups: dict[tuple[str, str, str], Group], board: Cell) -> None:
    ages: dict[Any, dict[tuple[int, ...], dict[str, float]]] = {}  # by task, then by the versions of its trainer
    for name, group in groups.items():
        of_cells = {
            (record["cell"]["method"], trainer(record["cell"])): (
                max(1, version(record, "network")),
                version(record, "recipe"),
                version(record, "countermeasure"),
            )
            for record in group.records
            if record["status"] == "ok"
        }
        for method, places in full(group, {place for _, place in group.cells}).items():
            for place, seeds in places.items():
                mean = round(float(np.mean(list(seeds.values()))), 4)
                ages.setdefault((name, place), {}).setdefault(of_cells[method, place], {})[method] = mean
    assert any(len(versions) > 1 for versions in ages.values())
    tasks = {task: versions[max(versions)] for task, versions in ages.items()}
    names = [one["method"] for one in board["ratings"]]
    assert set(names) == {method for task in tasks.values() for method in task}
    wins = np.zeros((len(names), len(names)))
    for task in tasks.values():
        for one, other in combinations(task, 2):
            share = 0.5 + 0.5 * np.sign(task[other] - task[one])
            wins[names.index(one), names.index(other)] += share
            wins[names.index(other), names.index(one)] += 1 - share
    strength = np.ones(len(names))
    for _ in range(20_000):  # MM iterations, with one tie against an average player
        played = (wins + wins.T) / (strength[:, None] + strength[None, :])
        strength = (wins.sum(axis=1) + 0.5) / (played.sum(axis=1) + 1 / (strength + 1))
    points = 400 * np.log10(strength)
    points += 1000 - points[names.index("clean")]
    for place, one in enumerate(board["ratings"]):
        assert one["rating"] == pytest.approx(points[place], abs=0.6)
        assert (one["tasks"], one["of_tasks"]) == (sum(one["method"] in task for task in tasks.values()), len(tasks))
        if one["method"] == "clean" or one["tasks"] < 5:
            assert (one["low"], one["high"]) == (None, None)
        else:
            assert one["low"] <= one["rating"] <= one["high"]
        for other, against in one["wins"].items():
            there = names.index(other)
            total = wins[place, there] + wins[there, place]
            assert against == {"share": pytest.approx(wins[place, there] / total, abs=1e-4), "tasks": total}

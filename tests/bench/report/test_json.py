import json
from pathlib import Path

from bench.report import leaderboard


def test_the_json_holds_the_same_numbers(results: Path) -> None:
    data = json.loads(leaderboard.render(results)["leaderboard.json"])
    (table,) = data["tables"]
    assert [table[name] for name in ("dataset", "protocol", "precision", "seeds")] == [
        "synthetic",
        "test-v1",
        "fp32",
        [0, 1, 2],
    ]
    rows = {row["name"]: row for row in table["rows"]}
    best = rows["sem-liu24"]["cells"][-1]
    assert best["of"] | {"method": "sem-liu24", "victim": "vgg16_bn", "rho_a": 4} == best["of"]
    names = ("n", "mean", "sd", "low", "high", "lowest", "worst", "next_low", "next_high", "best")
    assert [best[name] for name in names] == [3, 34.75, 0.75, None, None, 34, 35.5, 31.0238, 38.4762, True]
    assert best["seeds"] == {"0": 34, "1": 34.75, "2": 35.5}
    failed = rows["em-fu22"]["cells"][-1]
    assert [failed[name] for name in ("n", "mean", "failed")] == [0, None, 3]
    standing = rows["sem-liu24"]["standing"]
    assert standing["strongest"] == {"of": best["of"], "mean": 34.75, "worst": 35.5}
    assert standing["clean"] == {"mean": 89.95, "worst": 90.7}
    assert standing["minus_clean"] | {"n": 3, "mean": -55.2} == standing["minus_clean"]
    assert [standing[name] for name in ("suite", "trainers", "of_trainers", "best_rank", "worst_rank")] == [
        None,
        6,
        6,
        1,
        1,
    ]
    assert rows["clean"]["standing"]["best_rank"] is None
    assert rows["sem-liu24"]["generation"]["devices"] == {"Synthetic GPU": {"seconds": 391, "peak_memory": 2**29}}
    assert [one["method"] for one in data["ratings"]] == ["sem-liu24", "em-fu22", "rem-fu22", "random", "clean"]
    assert data["ratings"][0]["wins"]["em-fu22"] == {"share": 0.6, "tasks": 5}
    assert data["claims"] == []

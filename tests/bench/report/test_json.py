import json
from pathlib import Path

from bench.report import leaderboard


def test_the_json_holds_the_same_numbers(results: Path) -> None:
    (table,) = json.loads(leaderboard.render(results)["leaderboard.json"])["tables"]
    assert [table[name] for name in ("dataset", "protocol", "precision", "seeds")] == [
        "synthetic",
        "test-v1",
        "fp32",
        [0, 1, 2],
    ]
    rows = {row["name"]: row for row in table["rows"]}
    best = rows["sem-liu24"]["cells"][-1]
    assert best["of"] | {"method": "sem-liu24", "victim": "vgg16_bn", "rho_a": 4} == best["of"]
    assert [best[name] for name in ("n", "mean", "sd", "low", "high", "best")] == [
        3,
        34.75,
        0.75,
        32.8869,
        36.6131,
        True,
    ]
    failed = rows["em-fu22"]["cells"][-1]
    assert [failed[name] for name in ("n", "mean", "failed")] == [0, None, 3]
    standing = rows["sem-liu24"]["standing"]
    assert (standing["protection"]["mean"], standing["best_rank"], standing["worst_rank"]) == (-62, 1, 1)
    assert rows["clean"]["standing"] is None
    assert rows["sem-liu24"]["generation"]["devices"] == {"Synthetic GPU": {"seconds": 391, "peak_memory": 2**29}}

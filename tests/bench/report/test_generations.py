import pandas as pd

from bench.report.generations import of_newest_version


def test_the_newest_version_is_the_highest_with_a_result_or_of_all_if_there_is_none() -> None:
    found = [("a", "ok", "1"), ("a", "ok", "2"), ("a", "failed", "2"), ("a", "failed", "10")]
    found += [("b", "failed", "9"), ("b", "failed", "10"), ("b", "failed", "10")]
    rows = pd.DataFrame(found, columns=["method", "status", "method_version"]).assign(engine_version="1")
    assert of_newest_version(rows).index.tolist() == [1, 2, 5, 6]

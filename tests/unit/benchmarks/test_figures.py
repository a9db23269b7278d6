"""The arithmetic of the benchmarks."""

import pytest

from benchmarks.figures import Ceiling, Limit, Load, Spread, in_turn, percentile, ratios


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.001, 1), (0.5, 50), (0.501, 51), (0.99, 99), (0.991, 100), (1.0, 100)],
)
def test_percentile_is_the_smallest_value_that_covers_the_share(share: float, expected: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], share) == expected


def test_the_percentiles_of_one_value_are_that_value() -> None:
    load = Load(seconds=2.0, latencies_ms=[7.0], others=3, all_answers=5, asked=5, cpu_seconds=0.1)
    assert (load.p50_ms, load.p99_ms, load.per_second) == (7.0, 7.0, 0.5)


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 0.0), ([1.0], 1.1)])
def test_a_percentile_of_nothing_is_refused(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="percentile"):
        percentile(values, share)


def test_two_turns_at_equal_rates_are_half_as_fast() -> None:
    assert in_turn(100.0, 100.0) == pytest.approx(50.0)
    assert in_turn(300.0, 150.0) == pytest.approx(100.0)


def test_a_ratio_is_of_two_values_of_one_round() -> None:
    assert ratios([100.0, 900.0, 300.0], [50.0, 300.0, 300.0]) == Spread(2.0, 1.0, 3.0)
    with pytest.raises(ValueError, match="zip"):
        ratios([1.0], [1.0, 2.0])


def test_a_spread_shows_its_ends_where_there_are_any() -> None:
    assert Spread.of([1018.4, 990.0, 1100.0]).text() == "1,018 (990-1,100)"
    assert Spread.of([1.25]).text(1) == "1.2"


@pytest.mark.parametrize(("median", "said"), [(3.0, "≥ 3.0: reached"), (2.9, "≥ 3.0: not reached")])
def test_a_limit_is_reached_by_the_median(median: float, said: str) -> None:
    assert Limit(3, 1).verdict(Spread(median, 0.0, 9.0)) == said


@pytest.mark.parametrize(("median", "said"), [(50.0, "≤ 50: kept"), (50.1, "≤ 50: not kept")])
def test_a_ceiling_is_kept_by_the_median(median: float, said: str) -> None:
    assert Ceiling(50).verdict(Spread(median, 0.0, 90.0)) == said

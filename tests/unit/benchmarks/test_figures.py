"""The arithmetic of the benchmarks, and what the generator and the reference send."""

import datetime as dt
import itertools
import json
import re
from collections import Counter

import pytest

from benchmarks.figures import Load, in_turn, percentile
from benchmarks.load import Orders, bookings
from benchmarks.reference import availability_script, booking_script, statement


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.001, 1), (0.5, 50), (0.501, 51), (0.99, 99), (0.991, 100), (1.0, 100)],
)
def test_percentile_is_the_smallest_value_that_covers_the_share(share: float, expected: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], share) == expected


def test_the_percentiles_of_one_value_are_that_value() -> None:
    load = Load(seconds=2.0, latencies_ms=[7.0], others=3, all_answers=5)
    assert (load.p50_ms, load.p99_ms, load.per_second) == (7.0, 7.0, 0.5)


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 0.0), ([1.0], 1.1)])
def test_a_percentile_of_nothing_is_refused(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="percentile"):
        percentile(values, share)


def test_two_turns_at_equal_rates_are_half_as_fast() -> None:
    assert in_turn(100.0, 100.0) == pytest.approx(50.0)
    assert in_turn(300.0, 150.0) == pytest.approx(100.0)


def test_the_generator_asks_for_each_place_once() -> None:
    orders = Orders(8000, 1, 1.0, 0.0, ["d1", "d2"], ["p1", "p2", "p3"], places_a_day=10)
    parts = [one.partition(b"\r\n\r\n") for one in itertools.islice(bookings(orders, dt.date(2030, 1, 31)), 40)]
    assert all(head.endswith(b"Content-Length: %d" % len(body)) for head, _, body in parts)
    asked = Counter((one["doctor_id"], one["date"]) for one in (json.loads(body) for _, _, body in parts))
    assert asked == dict.fromkeys(itertools.product(("d1", "d2"), ("2030-01-31", "2030-02-01")), 10)


def test_every_parameter_of_a_statement_gets_its_value() -> None:
    values = [f"v{n}" for n in range(1, 12)]
    assert statement("SELECT $1, $11, $2 ", *values) == "SELECT v1, v11, v2"
    assert not re.search(r"\$\d", availability_script() + booking_script())

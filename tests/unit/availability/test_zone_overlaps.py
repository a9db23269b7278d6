"""Weekly hours of different zones are compared pair by pair: as a comparison of every day finds them, and in few instants."""

import datetime as dt
import random
from collections import Counter
from itertools import combinations
from zoneinfo import ZoneInfo

import pytest

from services.availability.domain import zone_overlaps
from services.availability.domain.calendar import Hours, Weekly, instant
from services.availability.domain.zone_overlaps import COMPARED_DAYS, ZoneOverlaps

TODAY = dt.date(2026, 6, 1)
DAY = dt.timedelta(days=1)
ZONES = ("Europe/London", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Africa/Casablanca")
"""Of clocks that change together and apart, of quarters of an hour, and of 25 hours between two of them."""


def every_day(rules: dict[int, Weekly], zones: dict[int, str]) -> set[tuple[int, int]]:
    """What a comparison of all dates finds, from when both of a pair count: slow, and plain."""
    found = set()
    for i, j in combinations(rules, 2):
        begin = max(rule.valid_from or TODAY for rule in (rules[i], rules[j], rules[i]._replace(valid_from=TODAY)))
        days = [begin + number * DAY for number in range(-2, COMPARED_DAYS)]
        one, other = spans(rules[i], zones[i], days), spans(rules[j], zones[j], [*days, days[-1] + DAY, days[-1] + 2 * DAY])
        if zones[i] != zones[j] and any(a < d and c < b for a, b in one for c, d in other):
            found.add((i, j))
    return found


def spans(rule: Weekly, name: str, days: list[dt.date]) -> list[tuple[dt.datetime, dt.datetime]]:
    zone, hours = ZoneInfo(name), rule.hours
    return [(instant(day, hours.start_minute, zone), instant(day, hours.end_minute, zone)) for day in days if rule.is_on(day)]


def some(chance: random.Random, number: int) -> tuple[dict[int, Weekly], dict[int, str]]:
    """Entries with hours of any weekday, which begin and end within a few years, or now and never, and begin near a change."""
    rules, zones = {}, {}
    for index in range(number):
        start = chance.randrange(0, 1440, 15)
        first = chance.choice([None, TODAY + chance.randrange(1200) * DAY, dt.date(2026, 10, 20) + chance.randrange(12) * DAY])
        last = chance.choice(
            [None, (first or TODAY) + chance.randrange(20) * DAY, (first or TODAY) + chance.randrange(400) * DAY]
        )
        end = min(1440, start + chance.randrange(15, 300, 15))
        rules[index] = Weekly(Hours(start, end, 15), chance.randint(1, 7), first, last)
        zones[index] = chance.choice(ZONES)
    return rules, zones


@pytest.mark.parametrize("seed", range(12))
def test_it_finds_what_a_comparison_of_every_day_finds(seed: int) -> None:
    rules, zones = some(random.Random(seed), 24)
    assert ZoneOverlaps(rules, zones, TODAY).pairs() == every_day(rules, zones)


def test_hours_that_meet_only_while_one_clock_has_changed_and_the_other_not_are_found() -> None:
    """In autumn of 2026 the clocks of London go back on 25 October, those of New York on 1 November."""
    zones = {0: "Europe/London", 1: "America/New_York"}
    rules = {0: Weekly(Hours(13 * 60, 14 * 60, 15), 3), 1: Weekly(Hours(9 * 60, 10 * 60, 15), 3)}
    assert ZoneOverlaps(rules, zones, TODAY).pairs() == {(0, 1)}
    for first, last, met in (
        (dt.date(2026, 10, 26), dt.date(2026, 10, 31), {(0, 1)}),
        (dt.date(2026, 11, 2), dt.date(2027, 3, 1), set()),
    ):
        short = {index: rule._replace(valid_from=first, valid_to=last) for index, rule in rules.items()}
        assert ZoneOverlaps(short, zones, TODAY).pairs() == met


def test_as_many_entries_as_a_schedule_may_have_take_few_instants(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each begins at another time, so no two have the same period."""
    counted = Counter[str]()

    def counting(day: dt.date, minute: int, zone: ZoneInfo) -> dt.datetime:
        counted["instants"] += 1
        return instant(day, minute, zone)

    monkeypatch.setattr(zone_overlaps, "instant", counting)
    rules = {
        index: Weekly(Hours(index // 7 % 22 * 60, index // 7 % 22 * 60 + 60, 15), index % 7 + 1, TODAY + index * 17 * DAY)
        for index in range(200)
    }
    zones = {index: ZONES[index % 2] for index in rules}
    assert ZoneOverlaps(rules, zones, TODAY).pairs()
    assert counted["instants"] < 20_000, "no more than there are pairs; a comparison of every day takes 110,000"

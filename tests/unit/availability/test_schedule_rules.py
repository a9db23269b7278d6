"""What may be written into a calendar: overlaps are found within one wall clock and between several, all at once."""

import datetime as dt
from uuid import UUID

from services.availability.domain.calendar import Calendar, Closed, Extra, Hours, Weekly
from services.availability.domain.schedules import exception_errors, schedule_errors

TODAY = dt.date(2026, 6, 1)
HERE, THERE, NOWHERE = UUID(int=1), UUID(int=2), UUID(int=3)
ZONES = {HERE: "Europe/London", THERE: "America/New_York"}
NEW_YEAR = dt.date(2027, 1, 1)
DAY = dt.timedelta(days=1)


def entry(weekday: int, start: int, end: int, place: UUID | None = None, **valid: dt.date) -> Weekly:
    """Hours from one full hour to another."""
    return Weekly(Hours(start * 60, end * 60, 15, place), weekday, **valid)


def errors(*rules: Weekly, zone: str = "Europe/London") -> dict[str, str]:
    return {error.field: error.reason for error in schedule_errors(Calendar(zone, weekly=rules, zones=ZONES), TODAY)}


def test_entries_that_touch_or_are_on_other_days_or_dates_do_not_meet() -> None:
    assert errors(entry(1, 9, 12), entry(1, 12, 13), entry(2, 9, 12)) == {}
    assert errors(entry(1, 9, 12, valid_to=NEW_YEAR - DAY), entry(1, 9, 12, valid_from=NEW_YEAR)) == {}


def test_an_overlap_is_named_at_the_later_entry() -> None:
    assert errors(entry(1, 9, 12), entry(1, 14, 15), entry(1, 11, 13)) == {"entries.2": "overlaps entries.0"}
    assert errors(entry(5, 9, 12, valid_to=NEW_YEAR), entry(5, 9, 12, valid_from=NEW_YEAR)) == {"entries.1": "overlaps entries.0"}


def test_entries_that_share_dates_but_none_of_their_weekday_do_not_meet() -> None:
    """New Year of 2027 is a Friday."""
    for weekday in (1, 2, 3, 4, 6, 7):
        assert errors(entry(weekday, 9, 12, valid_to=NEW_YEAR), entry(weekday, 9, 12, valid_from=NEW_YEAR)) == {}
    six_days = {"valid_from": NEW_YEAR, "valid_to": NEW_YEAR + 5 * DAY}
    assert errors(entry(4, 9, 12), entry(4, 9, 12, None, **six_days)) == {}
    assert errors(entry(3, 9, 12), entry(3, 9, 12, None, **six_days)) == {"entries.1": "overlaps entries.0"}


def test_two_places_of_one_zone_have_one_wall_clock() -> None:
    """Also where no place is named: then the clock is the doctor's."""
    assert errors(entry(1, 9, 12, HERE), entry(1, 11, 13)) == {"entries.1": "overlaps entries.0"}


def test_entries_of_different_zones_meet_in_time_not_on_the_wall() -> None:
    assert errors(entry(1, 9, 12, HERE), entry(1, 9, 12, THERE)) == {}
    assert errors(entry(1, 14, 16, HERE), entry(1, 9, 12, THERE)) == {"entries.1": "overlaps entries.0"}
    assert errors(entry(2, 1, 4, HERE), entry(1, 21, 24, THERE)) == {"entries.1": "overlaps entries.0"}, "of another weekday"


def test_an_overlap_of_the_weeks_between_two_changes_of_clocks_is_found() -> None:
    """New York is five hours behind London, but four from 8 to 29 March 2026, and for a week in autumn."""
    assert errors(entry(7, 13, 14, HERE), entry(7, 9, 10, THERE)) == {"entries.1": "overlaps entries.0"}
    short = {"valid_from": dt.date(2026, 6, 1), "valid_to": dt.date(2026, 9, 1)}
    assert errors(entry(7, 13, 14, HERE, **short), entry(7, 9, 10, THERE, **short)) == {}


def test_entries_that_begin_later_are_compared_from_then_on() -> None:
    later = {"valid_from": dt.date(2029, 1, 1)}
    assert errors(entry(1, 14, 16, HERE), entry(1, 9, 12, THERE, **later)) == {"entries.1": "overlaps entries.0"}
    never = {"valid_from": dt.date(9999, 12, 30)}
    assert errors(entry(1, 14, 16, HERE), entry(1, 9, 12, THERE, **never)) == {}, "nobody knows the clocks of then"


def test_every_bad_entry_is_named_at_once() -> None:
    reversed_validity = {"valid_from": NEW_YEAR, "valid_to": TODAY}
    found = errors(entry(1, 9, 9), entry(1, 10, 9), entry(2, 9, 10, NOWHERE), entry(3, 9, 10, None, **reversed_validity),
                   entry(4, 9, 11), entry(4, 10, 12))  # fmt: skip
    assert found.keys() == {"entries.0.end", "entries.1.end", "entries.2.location_id", "entries.3.valid_to", "entries.5"}


def test_exceptions_are_judged_too() -> None:
    assert exception_errors(Closed(TODAY, TODAY + 730 * DAY), ZONES) == []
    assert [error.field for error in exception_errors(Closed(TODAY, TODAY + 731 * DAY), ZONES)] == ["to"]
    assert [error.field for error in exception_errors(Closed(TODAY, TODAY - DAY), ZONES)] == ["to"]
    wrong = Extra(Hours(600, 600, 15, NOWHERE), TODAY)
    assert {error.field for error in exception_errors(wrong, ZONES)} == {"end", "location_id"}

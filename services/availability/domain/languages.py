"""Which of an address's languages a reader gets: RFC 9110's `Accept-Language`, chosen by RFC 4647's lookup.

A header cannot be wrong: what is no range with a weight is ignored, and a reader who asks for nothing we have gets the first
language. Used by `doctors/views.py`.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

MAX_RANGES = 50
"""More than any reader knows; the rest of a longer header is ignored."""
_RANGE = re.compile(r"([a-z]{1,8}(?:-[a-z0-9]{1,8})*|\*)(?:[ \t]*;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?", re.ASCII)
_ANY = "*"


class LanguageRange(NamedTuple):
    """One range of the header in lower case, and how much it is wanted: 0 is not at all."""

    range: str
    weight: float


def parse_accept_language(header: str | None) -> tuple[LanguageRange, ...]:
    """What the header asks for, most wanted first; equals in the order of the header."""
    parts = [part.strip(" \t") for part in (header or "").lower().split(",")[:MAX_RANGES]]
    found = [LanguageRange(match[1], float(match[2] or 1)) for match in map(_RANGE.fullmatch, parts) if match]
    return tuple(sorted(found, key=lambda one: -one.weight))


def choose_language(tags: Sequence[str], wanted: Sequence[LanguageRange]) -> str:
    """The tag (of one at least) that a reader who wants this gets; the first if none is wanted, or all are unwanted."""
    unwanted = [one.range for one in wanted if one.weight == 0]
    allowed = [tag for tag in tags if not any(covers(range_, tag) for range_ in unwanted)] or tags
    for one in wanted:
        if one.weight > 0 and (found := _look_up(one.range, allowed)) is not None:
            return found
    return allowed[0]


def covers(range_: str, tag: str) -> bool:
    """Whether a tag is what the range names, or a kind of it: `en` covers `en-GB`."""
    return f"{tag}-".lower().startswith(f"{range_}-".lower())


def _look_up(range_: str, tags: Sequence[str]) -> str | None:
    """The tag itself, or what is left of the range without its last parts; else a tag that is a kind of the range."""
    if range_ == _ANY:
        return tags[0]
    by_name = {tag.lower(): tag for tag in reversed(tags)}
    exact = next((by_name[part] for part in _shortened(range_) if part in by_name), None)
    return exact or next((tag for tag in tags if covers(range_, tag)), None)


def _shortened(range_: str) -> Iterable[str]:
    """`zh-hant-hk`, `zh-hant`, `zh`; a single letter goes with what stood behind it."""
    parts = range_.split("-")
    while parts:
        yield "-".join(parts)
        parts.pop()
        if parts and len(parts[-1]) == 1:
            parts.pop()

"""A CSV file of invented patients, the same for the same seed: good lines, and a bad one in a hundred, each bad in its own way.

Written line by line, so a file of any size costs no memory. Used by the tests of `frontdesk import`.
"""

import csv
import datetime as dt
import io
from collections.abc import Callable
from pathlib import Path
from random import Random

COLUMNS = ("external_id", "name", "phone", "email", "date_of_birth", "nhs_number", "postcode", "address")
EVERY = 100
"""One line in so many is bad. With the good line before it it is in one call: the lines of a call are a multiple of this."""
FIRST_BAD = 50
WEIGHTS = range(10, 1, -1)
GIVEN = ("Maya", "Tom", "Zoë", "Íñigo", "Aïcha", "Wei", "Olu", "Søren", "Ann-Marie", "Ngozi")
FAMILY = ("Lind", "Adeyemi", "O’Neill", "García López", "Müller", "Wang", "Okafor", "van der Berg", "Smith, jr", 'Jones "JJ"')
POSTCODES = ("EC1A 1BB", "w1a0ax", "M1 1AE", "b33 8th", "CR2 6XH", "DN551PT")

Fields = dict[str, str]


def write(path: Path, people: int, seed: int) -> dict[int, str]:
    """Writes so many below a header; the numbers of the bad lines, with what is bad."""
    random, bad = Random(seed), dict[int, str]()
    base, before, number = random.randrange(10**8), Fields(), 2
    with path.open("wb") as file:
        file.write(",".join(COLUMNS).encode() + b"\n")
        for index in range(people):
            person = _person(random, seed, base, index)
            line = _line(person)
            if index % EVERY == FIRST_BAD:
                bad[number] = tuple(BROKEN)[index // EVERY % len(BROKEN)]
                line = BROKEN[bad[number]](person | {"name": "Ann Smith", "address": ""}, before)
            file.write(line)
            before, number = person, number + line.count(b"\n")
    return bad


def _person(random: Random, seed: int, base: int, index: int) -> Fields:
    """Everything about one, some of it left out as in real files. Numbers are unique for a seed."""
    number = (base + index) % 10**8
    return {
        "external_id": f"{seed}-{index}" if index % 2 else "",
        "name": f"{random.choice(GIVEN)} {random.choice(FAMILY)}",
        "phone": random.choice((f"+4478{number:08d}", f"078{number:08d}", f"(078) {number:08d}"[:14])),
        "email": random.choice(("", f"p{index}.s{seed}@example.org")),
        "date_of_birth": (dt.date(1930, 1, 1) + dt.timedelta(days=random.randrange(33_000))).isoformat(),
        "nhs_number": _nhs(number) if index % 3 == 0 else "",
        "postcode": random.choice(POSTCODES),
        "address": random.choice(("", "1 High Street", "Flat 2\n3 Low Street\nLeeds")),
    }


def _nhs(number: int) -> str:
    """Ten digits with a right check digit, or none where the sum allows none."""
    digits = f"4{number:08d}"
    check = 11 - sum(weight * int(digit) for weight, digit in zip(WEIGHTS, digits, strict=True)) % 11
    return "" if check == 10 else f"{digits[:3]} {digits[3:6]} {digits[6:]}{check % 11}"


def _line(person: Fields) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(person[name] for name in COLUMNS)
    return text.getvalue().encode()


def _with(**changes: str) -> Callable[[Fields, Fields], bytes]:
    return lambda person, _: _line(person | changes)


BROKEN: dict[str, Callable[[Fields, Fields], bytes]] = {
    "phone": _with(phone="12"),
    "no phone": _with(phone=""),
    "no name": _with(name=""),
    "nhs_number": _with(nhs_number="943 476 5910"),
    "date_of_birth": _with(date_of_birth="2999-01-01"),
    "no date": _with(date_of_birth="31/02/1990"),
    "postcode": _with(postcode="ZZ99Z 9ZZ"),
    "email": _with(email="nobody"),
    "family": lambda person, before: _line(person | {"external_id": "", "phone": before["phone"], "name": "Somebody Else"}),
    "too many fields": lambda person, _: _line(person)[:-1] + b",more,and more\n",
    "no text": lambda person, _: b"\xff\xfe" + _line(person),
    "NUL": lambda person, _: b"\0" + _line(person),
    "open quote": lambda person, _: b'"' + _line(person),
}
"""A bad line by what is bad of it, out of a good one and the good one before it. Each is one line."""

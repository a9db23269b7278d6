"""Importing patients, some lines of a file at a time: new ones are made, known ones stay, the others are told why not.

A patient is known by `external_id`, or by phone, name and date of birth: so a second run changes nothing. Who was merged into
another is known, too. One transaction and the same number of statements for any number of lines. Called by `routes/patients.py`.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.booking.identifiers import Codec, Place
from services.booking.repository import imports, patients
from services.booking.repository.imports import Found
from services.booking.repository.patients import Patient
from services.booking.schemas import LineForm
from services.booking.service.patients.records import EXTERNAL, NHS, PHONE, Details, announce, index_of, new_row
from shared.contracts.imports import ImportIn, ImportReport, RejectedLine
from shared.contracts.problems import Code
from shared.contracts.shapes import Active, name_key
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.forms import parse
from shared.infra.ids import new_id
from shared.infra.lines import Rejected, read_line
from shared.infra.unit import RegistryUnit

BREATH_LINES = 20
"""After so many lines other work of the process has its turn: judging a whole call takes longer than a booking may wait."""

Person = tuple[bytes, str, str | None]
"""Index of the phone, name as names are compared, date of birth."""


@dataclass(frozen=True)
class Line:
    """A line that has passed, and by what it is found."""

    number: int
    details: Details
    phone: bytes
    nhs: bytes | None
    external: bytes | None

    @property
    def person(self) -> Person:
        born = self.details.date_of_birth
        return self.phone, name_key(self.details.name), None if born is None else born.isoformat()


@dataclass(frozen=True)
class Lines:
    """What was sent, judged by itself."""

    good: list[Line]
    rejected: list[RejectedLine]


async def read_lines(codec: Codec, caller: Caller, data: object, context: dict[str, Any]) -> Lines:
    """Judges each line by the rules of the clinic, before any transaction begins."""
    read = Lines([], [])
    for place, sent in enumerate(parse(ImportIn, data).lines):
        try:
            read.good.append(_line(codec, caller, sent.line, read_line(LineForm, sent, context)))
        except Rejected as error:
            read.rejected.append(error.of_line(sent.line))
        if place % BREATH_LINES == 0:
            await asyncio.sleep(0)
    return read


def _line(codec: Codec, caller: Caller, number: int, form: LineForm) -> Line:
    found_by = (NHS, form.nhs_number), (EXTERNAL, form.external_id)
    indexes = (index_of(codec, caller.clinic_id, *value) for value in found_by)
    return Line(number, Details.of_form(form), codec.blind_index(caller.clinic_id, PHONE, form.phone), *indexes)


async def import_patients(
    unit: RegistryUnit, codec: Codec, caller: Caller, lines: Lines, *, dry_run: bool, create_duplicate: bool
) -> ImportReport:
    """Imports the lines in their order; the second of two equal ones is known. A dry run tells the same and changes nothing."""
    await patients.serialise_clinic(unit.connection, caller.clinic_id)
    register = Register(codec, caller, create_duplicate, await _look(unit, caller, lines.good))
    created: list[Line] = []
    rejected = list(lines.rejected)
    for line in lines.good:
        try:
            if not register.knows(line):
                register.enter(line)
                created.append(line)
        except Rejected as error:
            rejected.append(error.of_line(line.number))
    if created and not dry_run:
        await _write(unit, codec, caller, created)
    known = len(lines.good) + len(lines.rejected) - len(created) - len(rejected)
    return ImportReport(created=len(created), known=known, rejected=sorted(rejected, key=lambda one: one.line))


async def _look(unit: RegistryUnit, caller: Caller, lines: Sequence[Line]) -> list[Found]:
    numbers = {line.nhs for line in lines if line.nhs}
    externals = {line.external for line in lines if line.external}
    return await imports.look(unit.connection, caller.clinic_id, {line.phone for line in lines}, numbers, externals)


class Register:
    """Who is there: found in the database, or made by a line before."""

    def __init__(self, codec: Codec, caller: Caller, create_duplicate: bool, found: Iterable[Found]) -> None:
        self._create_duplicate = create_duplicate
        self._people: set[Person] = set()
        self._externals: set[bytes] = set()
        self._phones: set[bytes] = set()
        self._numbers: set[bytes] = set()
        for one in found:
            sealed = one.date_of_birth
            born = None if sealed is None else codec.open(Place(caller.clinic_id, "date_of_birth", one.id), sealed)
            self._add((one.phone_index, one.name_key, born), one.external_index)
            if one.status is Active.ACTIVE:
                self._occupy(one.phone_index, one.nhs_index)

    def knows(self, line: Line) -> bool:
        """Whether the line's patient is there already."""
        return line.external in self._externals or line.person in self._people

    def enter(self, line: Line) -> None:
        """Adds a new patient. Raises `Rejected` if it is another who has the phone or the NHS number."""
        if line.phone in self._phones and not self._create_duplicate:
            raise Rejected("phone", f"another patient has it ({Code.POSSIBLE_DUPLICATE})")
        if line.nhs in self._numbers:
            raise Rejected("nhs_number", f"another patient has it ({Code.NHS_NUMBER_TAKEN})")
        self._add(line.person, line.external)
        self._occupy(line.phone, line.nhs)

    def _add(self, person: Person, external: bytes | None) -> None:
        self._people.add(person)
        if external:
            self._externals.add(external)

    def _occupy(self, phone: bytes, number: bytes | None) -> None:
        self._phones.add(phone)
        if number:
            self._numbers.add(number)


async def _write(unit: RegistryUnit, codec: Codec, caller: Caller, created: Sequence[Line]) -> None:
    rows = [_row(unit, codec, caller, line) for line in created]
    await patients.add(unit.connection, rows)
    for row in rows:
        announce(unit, caller, row.id, row.status, row.version)
        unit.record(caller, Action.PATIENT_REGISTERED, row.id, version=row.version)


def _row(unit: RegistryUnit, codec: Codec, caller: Caller, line: Line) -> Patient:
    return replace(new_row(codec, caller.clinic_id, new_id(), line.details, unit.now), external_index=line.external)

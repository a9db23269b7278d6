"""Importing doctors, some lines of a file at a time: new ones are made, known ones stay as they are, the others are told why not.

A doctor is known by `external_id`, without one by `code`, without both by name: so a second run changes nothing. One transaction
and the same number of statements for any number of lines. Called by `routes/doctors.py`.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.availability.domain.codes import free_code, slug
from services.availability.models import categories, price_ranges
from services.availability.repository import directory
from services.availability.repository.doctors import doctor_rows, locations
from services.availability.repository.doctors import known as known_doctors
from services.availability.repository.doctors.locations import Location
from services.availability.service.doctors.codes import serialise_codes
from services.availability.service.doctors.events import emit_changed
from shared.contracts.directory import DoctorLine, code_key
from shared.contracts.imports import ImportIn, ImportReport, RejectedLine
from shared.contracts.shapes import Active, name_key
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.forms import parse
from shared.infra.lines import LINES_PER_TURN, Rejected, read_line
from shared.infra.unit import RegistryUnit


@dataclass(frozen=True)
class JudgedDoctors:
    """The lines of a call, each judged by itself: by its number, or why it is rejected."""

    lines: list[tuple[int, DoctorLine]] = field(default_factory=list)
    rejected: list[RejectedLine] = field(default_factory=list)


async def judge_doctors(data: object) -> JudgedDoctors:
    """Judges each line, before any transaction begins. Others get their turn meanwhile."""
    judged = JudgedDoctors()
    for place, sent in enumerate(parse(ImportIn, data).lines, 1):
        try:
            judged.lines.append((sent.line, read_line(DoctorLine, sent)))
        except Rejected as error:
            judged.rejected.append(error.of_line(sent.line))
        if place % LINES_PER_TURN == 0:
            await asyncio.sleep(0)
    return judged


async def import_doctors(unit: RegistryUnit, caller: Caller, judged: JudgedDoctors, *, dry_run: bool) -> ImportReport:
    """Imports the lines in their order; the second of two equal ones is known. A dry run tells the same and changes nothing."""
    await serialise_codes(unit, caller)
    rejected = list(judged.rejected)
    doctors = await _read(unit, caller, [line for _, line in judged.lines])
    for number, line in judged.lines:
        try:
            doctors.add(line)
        except Rejected as error:
            rejected.append(error.of_line(number))
    if doctors.rows and not dry_run:
        await _write(unit, caller, doctors)
    return ImportReport(created=len(doctors.rows), known=doctors.known, rejected=sorted(rejected, key=lambda one: one.line))


@dataclass
class DoctorImport:
    """The doctors that an import finds, and the rows that it adds to them."""

    active: set[tuple[str, str]]
    """What active doctors are known by: the kind of key, and the key."""
    code_keys: set[str]
    """Of deleted doctors too."""
    categories: Mapping[str, UUID]
    price_ranges: Mapping[str, UUID]
    new_id: Callable[[], UUID]
    known: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)
    locations: dict[UUID, list[Location]] = field(default_factory=dict)

    def add(self, line: DoctorLine) -> None:
        """Counts a doctor who is known, or adds the rows of a new one. Raises `Rejected`."""
        keys = _keys(line.external_id, line.code, line.name)
        if keys[0] in self.active:
            self.known += 1
        elif line.code and code_key(line.code) in self.code_keys:
            raise Rejected("code", "is taken")
        else:
            self._add_rows(line, line.code or free_code(slug(line.name), self.code_keys))

    def _add_rows(self, line: DoctorLine, code: str) -> None:
        doctor_id = self.new_id()
        self.rows.append({
            "id": doctor_id,
            "code": code,
            "name": line.name,
            "external_id": line.external_id,
            "languages": [tag for part in (line.languages or "").split(";") if (tag := part.strip())],
            "category_id": _id_of(self.categories, "category", line.category),
            "price_range_id": _id_of(self.price_ranges, "price_range", line.price_range),
        })  # fmt: skip
        if line.address:
            self.locations[doctor_id] = [Location(self.new_id(), line.location, line.address, line.time_zone)]
        self.code_keys.add(code_key(code))
        self.active.update(_keys(line.external_id, code, line.name))


def _keys(external_id: str | None, code: str | None, name: str) -> list[tuple[str, str]]:
    """What a doctor is known by, the strongest first."""
    keys = {"external_id": external_id, "code": code and code_key(code), "name": name_key(name)}
    return [(kind, key) for kind, key in keys.items() if key]


def _id_of(known: Mapping[str, UUID], column: str, name: str | None) -> UUID | None:
    """The category or price range that a line names."""
    if name is not None and name_key(name) not in known:
        raise Rejected(column, "is not known")
    return None if name is None else known[name_key(name)]


async def _read(unit: RegistryUnit, caller: Caller, lines: Sequence[DoctorLine]) -> DoctorImport:
    """What is there already; the categories and price ranges that lines name stay until the commit."""
    known = await known_doctors.doctors_met(
        unit.connection,
        caller.clinic_id,
        {line.external_id for line in lines if line.external_id},
        {code_key(line.code) for line in lines if line.code},
        {slug(line.name) for line in lines if not line.code},
        {name_key(line.name) for line in lines if not (line.external_id or line.code)},
    )
    return DoctorImport(
        active={key for one in known if one.status == Active.ACTIVE for key in _keys(one.external_id, one.code, one.name)},
        code_keys={code_key(one.code) for one in known},
        categories=await directory.keep_named(
            unit.sql, categories, caller.clinic_id, {name_key(line.category) for line in lines if line.category}
        ),
        price_ranges=await directory.keep_named(
            unit.sql, price_ranges, caller.clinic_id, {name_key(line.price_range) for line in lines if line.price_range}
        ),
        new_id=unit.new_id,
    )


async def _write(unit: RegistryUnit, caller: Caller, doctors: DoctorImport) -> None:
    await doctor_rows.add(unit.sql, caller.clinic_id, doctors.rows, unit.now)
    await locations.write(unit.sql, caller.clinic_id, doctors.locations)
    for row in doctors.rows:
        emit_changed(unit, caller, row["id"], Active.ACTIVE, 1)
        unit.record(caller, Action.DOCTOR_REGISTERED, row["id"], version=1)

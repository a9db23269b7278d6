"""Importing patients, some lines of a file at a time: new ones are created, known ones stay, others are rejected with a reason.

A patient is known by `external_id`, or by phone, name and date of birth: so a second run changes nothing. Who was merged into
another is known, too. One transaction and the same number of statements for any number of lines. Called by `routes/patients.py`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.booking.domain.patients import Identity, KnownPatients
from services.booking.identifiers import Codec
from services.booking.repository import patient_locks, patient_lookup, patients
from services.booking.repository.patient_lookup import FoundPatient
from services.booking.repository.patients import Patient
from services.booking.schemas import LineForm
from services.booking.service.patients.details import PatientDetails
from services.booking.service.patients.events import emit_changed
from services.booking.service.patients.sealing import EXTERNAL, NHS, identity_of, identity_of_row, index_of, new_row
from shared.contracts.imports import ImportIn, ImportReport, RejectedLine
from shared.contracts.problems import Code
from shared.contracts.shapes import Active
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.forms import parse
from shared.infra.lines import LINES_PER_TURN, Rejected, read_line
from shared.infra.unit import RegistryUnit

FIELD_IN_CONFLICT = {Code.POSSIBLE_DUPLICATE: "phone", Code.NHS_NUMBER_TAKEN: "nhs_number"}


@dataclass(frozen=True)
class AcceptedLine:
    """A line that has passed its form, and by what its patient is found."""

    number: int
    details: PatientDetails
    identity: Identity
    nhs_index: bytes | None
    external_index: bytes | None


@dataclass(frozen=True)
class JudgedLines:
    """The lines of a call, each judged by itself."""

    accepted: list[AcceptedLine]
    rejected: list[RejectedLine]


async def judge_lines(codec: Codec, caller: Caller, data: object, rules: dict[str, Any]) -> JudgedLines:
    """Judges each line by the form rules of the clinic, before any transaction begins."""
    judged = JudgedLines([], [])
    for place, sent in enumerate(parse(ImportIn, data).lines):
        try:
            judged.accepted.append(_accepted(codec, caller, sent.line, read_line(LineForm, sent, rules)))
        except Rejected as error:
            judged.rejected.append(error.of_line(sent.line))
        if place % LINES_PER_TURN == 0:
            await asyncio.sleep(0)
    return judged


def _accepted(codec: Codec, caller: Caller, number: int, form: LineForm) -> AcceptedLine:
    clinic_id, details = caller.clinic_id, PatientDetails.of_form(form)
    nhs, external = index_of(codec, clinic_id, NHS, form.nhs_number), index_of(codec, clinic_id, EXTERNAL, form.external_id)
    return AcceptedLine(number, details, identity_of(codec, clinic_id, details), nhs, external)


async def import_patients(
    unit: RegistryUnit, codec: Codec, caller: Caller, lines: JudgedLines, *, dry_run: bool, create_duplicate: bool
) -> ImportReport:
    """Imports the lines in their order; the second of two equal ones is known. A dry run reports the same and changes nothing."""
    await patient_locks.lock_clinic(unit.connection, caller.clinic_id)
    known = KnownPatients(may_share_phones=create_duplicate)
    for found in await _find(unit, caller, lines.accepted):
        identity = identity_of_row(codec, caller.clinic_id, found)
        known.add(identity, found.external_index, found.nhs_index, active=found.status is Active.ACTIVE)
    created, conflicting = _sort(known, lines.accepted)
    if created and not dry_run:
        await _write(unit, codec, caller, created)
    return ImportReport(
        created=len(created),
        known=len(lines.accepted) - len(created) - len(conflicting),
        rejected=sorted([*lines.rejected, *conflicting], key=lambda one: one.line),
    )


async def _find(unit: RegistryUnit, caller: Caller, lines: Sequence[AcceptedLine]) -> list[FoundPatient]:
    """The patients that the lines can meet."""
    phones = {line.identity.phone_index for line in lines}
    numbers = {line.nhs_index for line in lines if line.nhs_index}
    externals = {line.external_index for line in lines if line.external_index}
    return await patient_lookup.by_indexes(unit.connection, caller.clinic_id, phones, numbers, externals)


def _sort(known: KnownPatients, lines: Sequence[AcceptedLine]) -> tuple[list[AcceptedLine], list[RejectedLine]]:
    """The lines of new patients, who are known from then on, and those whose phone or NHS number another patient has."""
    created: list[AcceptedLine] = []
    conflicting: list[RejectedLine] = []
    for line in lines:
        if known.has(line.identity, line.external_index):
            continue
        if code := known.conflict(line.identity, line.nhs_index):
            reason = f"another patient has it ({code})"
            conflicting.append(RejectedLine(line=line.number, field=FIELD_IN_CONFLICT[code], reason=reason))
        else:
            known.add(line.identity, line.external_index, line.nhs_index)
            created.append(line)
    return created, conflicting


async def _write(unit: RegistryUnit, codec: Codec, caller: Caller, created: Sequence[AcceptedLine]) -> None:
    rows = [_row(unit, codec, caller, line) for line in created]
    await patients.insert(unit.connection, rows)
    for row in rows:
        emit_changed(unit, caller, row.id, row.status, row.version)
        unit.record(caller, Action.PATIENT_REGISTERED, row.id, version=row.version)


def _row(unit: RegistryUnit, codec: Codec, caller: Caller, line: AcceptedLine) -> Patient:
    row = new_row(codec, caller.clinic_id, unit.new_id(), line.details, unit.now)
    return replace(row, external_index=line.external_index)

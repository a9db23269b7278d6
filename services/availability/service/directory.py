"""Categories and price ranges: made, read, listed, changed and removed, one way for both. Called by `routes/directory.py`.

No two entries of a clinic have one name, however it is spelled: a transaction that writes names waits for others that do. An
entry that a doctor has cannot be removed.
"""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import RowMapping, Table

from services.availability.models import categories, price_ranges
from services.availability.repository import directory
from shared.contracts.directory import (
    CategoryIn,
    CategoryPage,
    CategoryPatch,
    CategoryView,
    PriceRangeIn,
    PriceRangePage,
    PriceRangePatch,
    PriceRangeView,
)
from shared.contracts.problems import Code
from shared.contracts.shapes import Patch, Strict
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.forms import canonical_hash, check_match, encode_cursor, parse
from shared.infra.problems import ProblemError
from shared.infra.repeats import Done, as_it_was, id_of, once, refuse_used_up, serialise
from shared.infra.unit import RegistryUnit

V = TypeVar("V", CategoryView, PriceRangeView)
P = TypeVar("P", bound=BaseModel)
CREATED = 201


@dataclass(frozen=True)
class EntryKind(Generic[V, P]):
    """One kind of entry: its table, what is sent and read of it, and what its effects and refusals are called."""

    noun: str
    command: str
    table: Table
    form: type[Strict]
    patch: type[Patch]
    view: type[V]
    page: type[P]
    action: Action
    unknown: Code


CATEGORY = EntryKind(
    "category", "CreateCategory", categories, CategoryIn, CategoryPatch, CategoryView, CategoryPage,
    Action.CATEGORY_CHANGED, Code.UNKNOWN_CATEGORY,
)  # fmt: skip
PRICE_RANGE = EntryKind(
    "price_range", "CreatePriceRange", price_ranges, PriceRangeIn, PriceRangePatch, PriceRangeView, PriceRangePage,
    Action.PRICE_RANGE_CHANGED, Code.UNKNOWN_PRICE_RANGE,
)  # fmt: skip


async def create_entry(unit: RegistryUnit, caller: Caller, kind: EntryKind[V, P], data: object) -> Done[V]:
    """Makes an entry. Raises `ProblemError` for bad fields, a name that is taken, and a key of another request."""
    form = parse(kind.form, data)
    values = {**form.model_dump(), "id": id_of(unit, caller, kind.noun), "version": 1}

    async def add() -> Done[V]:
        await _serialise_names(unit, caller, kind)
        await _claim_name(unit, caller, kind, values)
        refuse_used_up(await directory.get(unit.sql, kind.table, caller.clinic_id, values["id"]))
        await directory.add(unit.sql, kind.table, caller.clinic_id, values, unit.now)
        unit.record(caller, kind.action, values["id"], made=True, version=1)
        return Done(CREATED, kind.view.model_validate(values))

    return await once(unit, caller, kind.command, canonical_hash(form), as_it_was(kind.view), add)


async def read_entry(unit: RegistryUnit, caller: Caller, kind: EntryKind[V, P], id_: UUID) -> V:
    """An entry of the caller's clinic. Raises the problem code of an unknown one."""
    return kind.view.model_validate(dict(await _found(unit, caller, kind, id_)))


async def list_entries(unit: RegistryUnit, caller: Caller, kind: EntryKind[V, P], *, limit: int, after_key: str) -> P:
    """A page of the clinic's entries in order of name."""
    found = await directory.page(unit.sql, kind.table, caller.clinic_id, limit=limit + 1, after_key=after_key)
    cursor = encode_cursor(found[limit - 1]["name_key"]) if len(found) > limit else None
    return kind.page.model_validate({"items": [dict(row) for row in found[:limit]], "next_cursor": cursor})


async def change_entry(unit: RegistryUnit, caller: Caller, kind: EntryKind[V, P], id_: UUID, data: object) -> V:
    """Changes what is sent; what comes of it is judged like a new entry. Nothing changed: the version stays."""
    sent = parse(kind.patch, data).sent()
    if "name" in sent:
        await _serialise_names(unit, caller, kind)
    row = await _found(unit, caller, kind, id_, lock=True)
    check_match(caller.if_match, row["version"])
    before = {name: row[name] for name in kind.form.model_fields}
    after = parse(kind.form, {**before, **sent}).model_dump()
    if after == before:
        return kind.view.model_validate(dict(row))
    values = {**after, "id": id_, "version": row["version"] + 1}
    await _claim_name(unit, caller, kind, values)
    await directory.change(unit.sql, kind.table, caller.clinic_id, values, unit.now)
    unit.record(caller, kind.action, id_, version=values["version"])
    return kind.view.model_validate(values)


async def remove_entry(unit: RegistryUnit, caller: Caller, kind: EntryKind[V, P], id_: UUID) -> None:
    """Removes an entry that no active doctor has. Its lock waits for transactions that give it to one."""
    row = await _found(unit, caller, kind, id_, lock=True)
    check_match(caller.if_match, row["version"])
    if await directory.in_use(unit.sql, kind.table, caller.clinic_id, id_):
        raise ProblemError(Code.IN_USE)
    await directory.remove(unit.sql, kind.table, caller.clinic_id, id_)
    unit.record(caller, kind.action, id_, removed=True, version=row["version"])


async def _serialise_names(unit: RegistryUnit, caller: Caller, kind: EntryKind[V, P]) -> None:
    """Until the commit nobody else writes a name."""
    await serialise(unit.connection, f"{kind.table.name}:{caller.clinic_id}")


async def _claim_name(unit: RegistryUnit, caller: Caller, kind: EntryKind[V, P], values: dict[str, Any]) -> None:
    """Raises `duplicate_name` if another entry has the name."""
    owner = await directory.named(unit.sql, kind.table, caller.clinic_id, values["name"])
    if owner not in (None, values["id"]):
        raise ProblemError(Code.DUPLICATE_NAME)


async def _found(unit: RegistryUnit, caller: Caller, kind: EntryKind[V, P], id_: UUID, *, lock: bool = False) -> RowMapping:
    row = await directory.get(unit.sql, kind.table, caller.clinic_id, id_, lock=lock)
    if row is None:
        raise ProblemError(kind.unknown)
    return row

"""The static tables of the directory: categories and price ranges, with the same five calls each."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.availability.service import directory
from services.availability.service.directory import CATEGORY, CREATED, PRICE_RANGE, EntryKind, P, V
from shared.contracts.internal import ROOT
from shared.infra.caller import ByCaller
from shared.infra.calls import in_unit, mark, tagged
from shared.infra.forms import DEFAULT_LIMIT, Cursor, Limit, decode_cursor, read_json

router = APIRouter(prefix=ROOT)


def add_table(path: str, kind: EntryKind[V, P]) -> None:
    """Adds the calls of one table."""

    @router.post(path, status_code=CREATED, response_model=kind.view)
    async def post(request: Request, response: Response, caller: ByCaller) -> V:
        """Makes an entry."""
        data = await read_json(request)
        done = await in_unit(request, caller, directory.create_entry, caller, kind, data)
        mark(response, replayed=done.replayed)
        return tagged(response, done.body)

    @router.get(path, response_model=kind.page)
    async def get_all(request: Request, caller: ByCaller, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> P:
        """Lists entries in order of name."""
        after = decode_cursor(cursor, 1)[0] if cursor is not None else ""
        return await in_unit(request, caller, directory.list_entries, caller, kind, limit=limit, after_key=after)

    @router.get(path + "/{entry_id}", response_model=kind.view)
    async def get(request: Request, response: Response, caller: ByCaller, entry_id: UUID) -> V:
        """Reads an entry."""
        return tagged(response, await in_unit(request, caller, directory.read_entry, caller, kind, entry_id))

    @router.patch(path + "/{entry_id}", response_model=kind.view)
    async def patch(request: Request, response: Response, caller: ByCaller, entry_id: UUID) -> V:
        """Changes an entry."""
        data = await read_json(request)
        entry = await in_unit(request, caller, directory.change_entry, caller, kind, entry_id, data)
        return tagged(response, entry)

    @router.delete(path + "/{entry_id}", status_code=204)
    async def delete(request: Request, caller: ByCaller, entry_id: UUID) -> None:
        """Removes an entry that no doctor has."""
        await in_unit(request, caller, directory.remove_entry, caller, kind, entry_id)


add_table("/categories", CATEGORY)
add_table("/price-ranges", PRICE_RANGE)

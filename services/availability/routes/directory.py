"""The static tables of the directory: categories and price ranges, with the same five calls each."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.availability.service import directory
from services.availability.service.directory import CATEGORY, CREATED, PRICE_RANGE, EntryKind, P, V
from shared.infra.caller import ByCaller
from shared.infra.calls import in_unit, mark, tagged
from shared.infra.forms import DEFAULT_LIMIT, Cursor, Limit, decode_cursor, read_json


def routes_of(path: str, kind: EntryKind[V, P]) -> APIRouter:
    """The calls of one table."""
    router = APIRouter(prefix=path)

    @router.post("", status_code=CREATED, response_model=kind.view)
    async def post(request: Request, response: Response, caller: ByCaller) -> V:
        """Makes an entry."""
        data = await read_json(request)
        done = await in_unit(request, caller, directory.create_entry, caller, kind, data)
        mark(response, replayed=done.replayed)
        return tagged(response, done.body)

    @router.get("", response_model=kind.page)
    async def get_all(request: Request, caller: ByCaller, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> P:
        """Lists entries in order of name."""
        after = decode_cursor(cursor, 1)[0] if cursor is not None else ""
        return await in_unit(request, caller, directory.list_entries, caller, kind, limit=limit, after_key=after)

    @router.get("/{entry_id}", response_model=kind.view)
    async def get(request: Request, response: Response, caller: ByCaller, entry_id: UUID) -> V:
        """Reads an entry."""
        return tagged(response, await in_unit(request, caller, directory.read_entry, caller, kind, entry_id))

    @router.patch("/{entry_id}", response_model=kind.view)
    async def patch(request: Request, response: Response, caller: ByCaller, entry_id: UUID) -> V:
        """Changes an entry."""
        data = await read_json(request)
        entry = await in_unit(request, caller, directory.change_entry, caller, kind, entry_id, data)
        return tagged(response, entry)

    @router.delete("/{entry_id}", status_code=204)
    async def delete(request: Request, caller: ByCaller, entry_id: UUID) -> None:
        """Removes an entry that no doctor has."""
        await in_unit(request, caller, directory.remove_entry, caller, kind, entry_id)

    return router


router = APIRouter()
router.include_router(routes_of("/categories", CATEGORY))
router.include_router(routes_of("/price-ranges", PRICE_RANGE))

"""The doctors that lines of an import can meet, in plain SQL. Called by `doctors/import_.py` while codes are serialised."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from shared.contracts.shapes import Active
from shared.infra.postgres import Connection

# By index for each line, also in a young table: `OFFSET 0` keeps the planner from joining. Codes that were made from a name have
# its base, or the base, a hyphen and a number. Names have no index: of plain ones those come that may be equal, of the others
# all, as Python alone folds them.
KNOWN = """
SELECT code, name, external_id, status FROM doctors JOIN (
  SELECT found.id FROM unnest($2::text[]) AS asked(external_id) CROSS JOIN LATERAL (
    SELECT id FROM doctors WHERE clinic_id = $1 AND external_id = asked.external_id AND status = 'active' OFFSET 0) AS found
  UNION SELECT found.id FROM unnest($3::text[]) AS asked(code) CROSS JOIN LATERAL (
    SELECT id FROM doctors WHERE clinic_id = $1 AND lower(code) = asked.code OFFSET 0) AS found
  UNION SELECT found.id FROM unnest($4::text[]) AS asked(base) CROSS JOIN LATERAL (
    SELECT id FROM doctors WHERE clinic_id = $1 AND (lower(code) = asked.base
      OR lower(code) > asked.base || '-' COLLATE "C" AND lower(code) < asked.base || '.' COLLATE "C") OFFSET 0) AS found
  UNION SELECT id FROM doctors WHERE clinic_id = $1 AND status = 'active' AND cardinality($5::text[]) > 0
    AND (name ~ '[^ -~]' OR lower(btrim(regexp_replace(name, ' +', ' ', 'g'))) = ANY($5))
) AS met USING (id) WHERE clinic_id = $1
"""


@dataclass(frozen=True)
class KnownDoctor:
    """What an import recognises a doctor by."""

    code: str
    name: str
    external_id: str | None
    status: Active


async def doctors_met(
    connection: Connection,
    clinic_id: UUID,
    external_ids: Collection[str],
    code_keys: Collection[str],
    bases: Collection[str],
    name_keys: Collection[str],
) -> list[KnownDoctor]:
    """The doctors with one of these external ids, codes, codes made from one of these bases, or names; and perhaps some more.

    Those of an external id or a name are active, those of a code may be deleted.
    """
    rows = await connection.fetch(KNOWN, clinic_id, list(external_ids), list(code_keys), list(bases), list(name_keys))
    return [KnownDoctor(row["code"], row["name"], row["external_id"], Active(row["status"])) for row in rows]

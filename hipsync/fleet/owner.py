"""Where all begins that only the owner of the fleet's database may do."""

from __future__ import annotations

from hipsync.errors import FleetError
from hipsync.fleet.database import NEEDS_SCHEMA, OLDER_SCHEMA, OTHER_SCHEMA, VERSION, Database
from hipsync.text import clean


def refuse_others(database: Database) -> None:
    """Raise `FleetError` unless the schema is there, of this version, and the login's own."""
    facts = database.facts()
    with database.transaction() as db:
        row = db.execute("SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'hipsync'").fetchone()
    if row is None:
        raise FleetError(NEEDS_SCHEMA)
    if not row[0]:
        raise FleetError(f"only the owner of the fleet's database may do this, and {clean(facts.login)} is not")
    if facts.schema != VERSION:
        text = OTHER_SCHEMA if (facts.schema or 0) > VERSION else OLDER_SCHEMA
        raise FleetError(text.format(facts.schema, VERSION))

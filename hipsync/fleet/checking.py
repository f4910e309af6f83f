"""What works between this computer and the fleet's database, as findings that people read. Values in, values out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal, NamedTuple

from hipsync.errors import FleetError
from hipsync.fleet.database import NEEDS_SCHEMA, OLDER_SCHEMA, OTHER_SCHEMA, VERSION, Facts
from hipsync.fleet.shipping import refuse_apart
from hipsync.text import clean


class Tried(NamedTuple):
    """What was looked at, and what was found."""

    what: Literal["server", "way", "schema", "login", "clock"]
    verdict: Literal["fine", "look", "bad"]
    text: str


def findings(facts: Facts, now: datetime) -> Iterator[Tried]:
    """What there is to say of a connection, at `now` by this computer's clock."""
    yield Tried("server", "fine", f"Postgres {clean(facts.server)}, as {clean(facts.login)}")
    if facts.is_local:
        yield Tried("way", "fine", "a socket within this computer")
    elif facts.encrypted:
        yield Tried("way", "fine", "encrypted")
    else:
        yield Tried("way", "bad", "not encrypted: everybody in between reads along; leave sslmode at verify-full")
    if facts.schema is None:
        yield Tried("schema", "bad", NEEDS_SCHEMA)
    elif facts.schema != VERSION:
        text = OTHER_SCHEMA if facts.schema > VERSION else OLDER_SCHEMA
        yield Tried("schema", "bad", text.format(facts.schema, VERSION))
    else:
        yield Tried("schema", "fine", f"schema {VERSION}")
    if facts.is_superuser:
        yield Tried("login", "look", "it may do everything: let a gateway have a login of its own in hipsync_gateway")
    elif facts.schema is not None:
        may = "may ship" if facts.may_ship else "may not ship: it is not in the role hipsync_gateway"
        yield Tried("login", "fine" if facts.may_ship else "bad", may)
    try:
        refuse_apart(now, facts.now)
    except FleetError as error:
        yield Tried("clock", "bad", str(error))
    else:
        yield Tried("clock", "fine", "it agrees with the server's")

"""One server for all tests of a process, and a fleet's database that is made anew for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg import sql

from hipsync.fleet.database import connected
from support.postgres import GATEWAYS, Postgres, postgres


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        with running.owner() as db:
            for login in (*GATEWAYS, "stranger"):
                db.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(login)))
        yield running


@pytest.fixture
def fleet(server: Postgres) -> Postgres:
    """A server whose fleet's database was just made, and into which the gateways may ship."""
    with server.owner() as db:
        db.execute("DROP SCHEMA IF EXISTS hipsync, hipsync_names CASCADE")
    with connected(server.dsn()) as database:
        assert database.create() == "made"
    with server.owner() as db:
        for login in GATEWAYS:
            db.execute(sql.SQL("GRANT hipsync_gateway TO {}").format(sql.Identifier(login)))
    return server


@pytest.fixture
def owned(fleet: Postgres) -> Iterator[Postgres]:
    """A fleet of two wearers: the first has the computers ward_1 and ward_2, the second has ward_3."""
    with fleet.owner() as db:
        db.execute("INSERT INTO hipsync.wearers (pseudonym, zone) VALUES ('P-1', 'UTC'), ('P-2', 'UTC')")
        db.execute("CREATE ROLE ward_3 LOGIN IN ROLE hipsync_gateway")
        for login, wearer in (("ward_1", "P-1"), ("ward_2", "P-1"), ("ward_3", "P-2")):
            db.execute(
                "INSERT INTO hipsync.computers SELECT %s, id FROM hipsync.wearers WHERE pseudonym = %s", [login, wearer]
            )
    yield fleet
    with fleet.owner() as db:
        db.execute("DROP ROLE ward_3")

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

"""Over a network the server proves its name, unless somebody says that it need not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from hipsync.errors import FleetError
from hipsync.fleet.database import connected
from hipsync.fleet.place import DEFAULTS, conninfo
from hipsync.settings.config import Fleet
from support.mosquitto import certificates
from support.postgres import Postgres, postgres

pytestmark = pytest.mark.enable_socket


class Served(NamedTuple):
    """A server at a port of loopback, and two CAs of which the first signed its certificate, for `localhost`."""

    server: Postgres
    port: int
    ca: Path
    other_ca: Path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("tls")
    mine, other = certificates(folder / "mine"), certificates(folder / "other")
    with postgres() as server:
        server.stop()
        port = server.listen_with(mine)
        server.start()
        yield Served(server, port, mine.ca, other.ca)


@pytest.fixture(autouse=True)
def nobody_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*DEFAULTS, "PGSSLROOTCERT", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)


def came(dsn: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a connection as the settings make it is encrypted. Raises `FleetError`."""
    environment: dict[str, str] = {}
    info = conninfo(Fleet(dsn), environment)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with connected(info) as database:
        return database.facts().encrypted


def test_with_its_ca_and_its_name_it_is_connected_to(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    dsn = f"host=localhost port={served.port} user=owner dbname=postgres sslrootcert={served.ca}"
    assert came(dsn, monkeypatch)


@pytest.mark.parametrize("what", ["another CA", "no CA", "another name"])
def test_otherwise_it_is_not(served: Served, what: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    host = "fleet.example.org hostaddr=127.0.0.1" if what == "another name" else "localhost"
    root = {"another CA": f"sslrootcert={served.other_ca}", "no CA": f"sslrootcert={tmp_path}/none"}
    dsn = f"host={host} port={served.port} user=owner dbname=postgres {root.get(what, f'sslrootcert={served.ca}')}"
    with pytest.raises(FleetError, match="cannot be reached") as found:
        came(dsn, monkeypatch)
    assert "certificate" in str(found.value)


def test_what_the_connection_string_says_counts(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    dsn = f"host=localhost port={served.port} user=owner dbname=postgres"
    assert not came(f"{dsn} sslmode=disable", monkeypatch)
    assert came(f"{dsn} sslmode=require", monkeypatch)

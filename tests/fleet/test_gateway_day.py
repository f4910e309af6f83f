"""A day of a band of each family on one gateway: what their wearers did, there and in Postgres; nobody is reminded."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg import sql

from bench.bands import MIDNIGHT
from bench.gateway import lived
from fleet.test_shipping import shipped_from
from hipsync.fleet.band_days import shipped
from hipsync.registry import drivers
from hipsync.store import Store
from hipsync.testing.direct import run
from support.postgres import Postgres


@pytest.mark.long
def test_a_day_of_all_families_is_in_the_gateway_and_in_postgres(fleet: Postgres, tmp_path: Path) -> None:
    """`lived` compares what each band told with what its wearer did, and that no prompt is stored."""
    path, families = tmp_path / "ward.db", len(drivers())
    told = run(lambda clock: lived(clock, path, families), MIDNIGHT)
    assert len(told["contacts"]) == families  # type: ignore[arg-type]
    with Store.open(path) as store:
        assert shipped_from(store, fleet).new > families
        assert {one.band.driver for one in shipped(store.bands())} == set(drivers())
        for one in shipped(store.bands()):
            with fleet.owner() as db:
                query = sql.SQL(
                    "SELECT coalesce(sum((SELECT sum(s) FROM unnest((epochs).{}) AS s)), 0)::bigint"
                    " FROM hipsync.band_days JOIN hipsync.bands ON id = band WHERE mark = %s"
                )
                there = [db.execute(query.format(sql.Identifier(name)), [one.mark]).fetchone()
                         for name in ("steps", "length")]  # fmt: skip
            here = [epoch for name, epoch in store.all_epochs(None, None) if name == one.band.name]
            minutes = sum(int(epoch.length.total_seconds()) // 60 for epoch in here)
            assert there == [(sum(epoch.steps for epoch in here),), (minutes,)], one.band.name

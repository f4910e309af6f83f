"""`hipsync drivers`: what each can do, and how well it is proven."""

from __future__ import annotations

import json
from pathlib import Path

from support.machine import Machine


def test_drivers_are_listed_with_what_they_can_do(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    told = {row["key"]: row for row in json.loads(machine.told("drivers", "--json"))["drivers"]}
    assert {"huami", "infinitime"} <= told.keys()
    assert told["huami"]["abilities"]["history_minutes"] == 1
    assert told["infinitime"]["abilities"]["history_minutes"] is None
    assert told["infinitime"]["abilities"]["live"] is True
    listed = machine.told("drivers")
    assert "infinitime    " in listed
    assert "Keeps 10-minute steps, counts live while connected. Reminders on the wrist" in " ".join(listed.split())
    assert "Keeps hourly steps" in listed
    assert "not yet on a real band." in listed
    assert all(row["proof"]["level"] != "not stated" for row in told.values())
    assert told["huami"]["proof"]["vectors"]["recorded"] > 10

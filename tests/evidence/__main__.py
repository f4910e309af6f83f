"""How well each family is proven, measured by running tests.

uv run python -m evidence                   measure, and print what differs from what is stored; fails if anything does
uv run python -m evidence --write           store it: devices/hipsync_devices/evidence.json, and the tables that
                                            README.md and docs/evidence.md make of it; some two minutes
uv run python -m evidence --without-rules   the same without the kit's rules: what is stored of them stays
uv run python -m evidence --write --bluez   with the BlueZ test, too; else what it showed last stays
uv run python -m evidence --write --ring FILE   with what was written by
                                            `pytest -m bluez -n 0 -p evidence.plugin --evidence FILE`
uv run python -m evidence --table           write the tables again from the stored evidence; nothing is measured
"""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from evidence import measure, table


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="evidence", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for option in ("--write", "--bluez", "--table", "--without-rules"):
        parser.add_argument(option, action="store_true")
    parser.add_argument("--ring", type=Path)
    wanted = parser.parse_args(words)
    if wanted.table:
        table.write(measure.read())
        return 0
    told = measure.measured(rules=not wanted.without_rules, bluez=wanted.bluez, ring_told=wanted.ring)
    if missing := measure.unexplained(told):
        print(f"neither met nor explained in tests/evidence/known.py: {', '.join(missing)}", file=sys.stderr)
        return 1
    if wanted.write:
        measure.FILE.write_text(measure.text(told), "utf-8")
        table.write(told)
        return 0
    kept = measure.text(measure.read()).splitlines()
    differs = list(difflib.unified_diff(kept, measure.text(told).splitlines(), "kept", "measured", lineterm=""))
    print("\n".join(differs) or "What is kept is what the tests show.")
    return int(bool(differs))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

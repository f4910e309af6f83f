"""The rows of `vectors/huawei.json`, and Huawei's of `vectors/workouts.json`, by their ids, with what they hold.

`CONTRADICTED` lists the rows that hipsync reads otherwise, with the reason.
"""

from __future__ import annotations

import json
from typing import Any

from hipsync_devices.huawei import ciphers
from hipsync_devices.huawei.ciphers import Cipher
from hipsync_devices.huawei.frames import Assembly, Message
from support.shared import VECTORS

ROWS: dict[str, dict[str, Any]] = {
    row["id"]: row
    for name in ("huawei.json", "workouts.json")
    for row in json.loads((VECTORS / name).read_text("utf-8"))["vectors"]
    if name == "huawei.json" or row["area"] == "huawei-workout"
}

CONTRADICTED = {
    "gb-varint-2097152": "a length of 2 MiB: Gadgetbridge writes 00, because it knows three groups alone; refused here",
    "gb-iv-counter-max": "Gadgetbridge compares a long with -1 and goes on with 0; zyv's client with 1, as here",
    "gb-time-Pacific-Marquesas-1700000000": "half hours below zero: Gadgetbridge writes the minutes as a negative byte",
    "gb-negotiation-answer-7f0401020304": "Gadgetbridge takes the first byte of a result for the way to log in",
    "gb-minute-offset-255": "Gadgetbridge reads an offset over 127 as negative; a record of minutes goes forward",
    "gbtest-deviceconfig-ProductInformationResponseException0A-rawProductInformation":
        "Gadgetbridge refuses a product without a model; here it is a product all the same",
}  # fmt: skip


def parts(name: str) -> list[bytes]:
    held: str | list[str] = ROWS[name]["bytes"]
    return [bytes.fromhex(text) for text in ([held] if isinstance(held, str) else held)]


def says(name: str) -> dict[str, Any]:
    decoded: dict[str, Any] = ROWS[name]["decoded"]
    return decoded


def message(name: str) -> Message:
    """The one message that the frames of a row make."""
    assembly = Assembly()
    (joined,) = [each for part in parts(name) for each in assembly.take(part)]
    assert assembly.spoilt is None
    return joined


def cipher(name: str) -> Cipher:
    return Cipher(bytes.fromhex(says(name)["key"]), "gcm" in says(name).get("cipher", "cbc"))


def plain(name: str) -> bytes:
    """The body of the message of a row, in plain."""
    return ciphers.unsealed(message(name).body, cipher(name) if "key" in says(name) else None)


def nonces(name: str) -> bytes:
    return bytes.fromhex(says(name)["nonces"].split()[-1])

"""Messages of a Garmin watch without transport, for recordings and their replay, and without what tells whose it is.

::

    7 | the message of live steps          1 | kind u16 LE | payload of a message of GFDI
"""

from __future__ import annotations

from hipsync.errors import MalformedPacket
from hipsync_devices.garmin import files, login
from hipsync_devices.garmin.gfdi import Answer, Frame, Kind
from hipsync_devices.garmin.multilink import Number
from hipsync_devices.garmin.nameless import Nameless

HEAD = 3
"""How many bytes come before the payload of a message of GFDI."""
ANSWER_HEAD = 3
"""The least bytes of an answer."""
UNTOLD = login.KINDS | login.ASKED | {Kind.DEVICE_INFORMATION}
"""The messages that are in no recording, and neither are their answers."""


def encode(frame: Frame) -> bytes:
    """Return a message of GFDI as a replay has it."""
    return bytes([Number.GFDI]) + frame.kind.to_bytes(2, "little") + frame.payload


def encode_steps(message: bytes) -> bytes:
    """Return a message of live steps as a recording has it."""
    return bytes([Number.STEPS]) + message


def decode_steps(opened: bytes) -> bytes | None:
    """Return the message of live steps that a recording holds; None if it is one of GFDI."""
    return opened[1:] if opened[:1] == bytes([Number.STEPS]) else None


def decode(opened: bytes) -> Frame:
    """Return the message of GFDI that a recording holds. Raises `MalformedPacket`."""
    if len(opened) < HEAD:
        raise MalformedPacket("no message of a recording", opened)
    return Frame(int.from_bytes(opened[1:HEAD], "little"), opened[HEAD:])


def _about(frame: Frame) -> int:
    """Return the message that a frame is, or answers."""
    if frame.kind != Kind.ANSWER or len(frame.payload) < ANSWER_HEAD:
        return frame.kind
    return Answer.decode(frame.payload).kind


def recorded(frame: Frame, nameless: Nameless | None) -> bytes | None:
    """Return a message of GFDI as a recording has it; None if it tells whose watch it is, or is of its login.

    `nameless` takes the names out of the file that comes; None while that is the directory, which has none.
    """
    if _about(frame) in UNTOLD:
        return None
    if frame.kind == Kind.FILE_DATA and nameless is not None:
        return encode(Frame(frame.kind, nameless.piece(files.Piece.decode(frame.payload)).encode()))
    return encode(frame)

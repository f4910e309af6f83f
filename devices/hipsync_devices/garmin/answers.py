"""What the host answers to the questions of a Garmin watch: a frame in, frames out, with no state but who asks when.

A watch asks as long as GFDI is open, and asks again until it is answered. What it may ask follows from what the host
claims that it can do, so hipsync claims only what is answered here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hipsync_devices.garmin import gfdi, notifications, smart
from hipsync_devices.garmin.gfdi import Clock, Device, Frame, Kind, Said

CAPABILITIES = frozenset({0, 3, 4, 5, notifications.CAPABILITY, 9, 29, 64, 71})
"""What hipsync claims: files and their synchronisation by either side (0, 3, 4, 5), texts (6), the search for the watch
(9), the archive flag (29), pairing (64), and that it tells the time (71). Source: garmin-proto-lab at 501817c3,
`spec/PROTOCOL.md`, of what Garmin's app claims for a fitness band."""
NAME = "hipsync"
SOFTWARE = 100
"""The version that the host tells; 100 is 1.00."""
_TAKEN = frozenset({Kind.SYNCHRONIZATION, Kind.FILE_READY, Kind.SYSTEM_EVENT})
"""Messages that need no more than a word that they have come."""


def answer(frame: Frame, now: datetime, offset: timedelta) -> Sequence[Frame]:
    """Return what to send when the watch has sent this, in order; `offset` is how far the wearer is ahead of UTC.

    Answers, pieces of files, the watch's own login, questions about texts and answers in protobuf are somebody else's
    business. Raises `MalformedPacket`.
    """
    if frame.kind == Kind.DEVICE_INFORMATION:
        host = gfdi.host(Device.decode(frame.payload), name=NAME, maker=NAME, model=NAME, software=SOFTWARE)
        return [gfdi.answered(frame, rest=host.encode())]
    if frame.kind == Kind.CONFIGURATION:
        gfdi.decode_capabilities(frame.payload)
        ours = Frame(Kind.CONFIGURATION, gfdi.encode_capabilities(CAPABILITIES))
        return [gfdi.answered(frame), ours]
    if frame.kind == Kind.CURRENT_TIME:
        clock = Clock(gfdi.reference(frame.payload), now, offset)
        return [gfdi.answered(frame, rest=clock.encode())]
    if frame.kind == Kind.QUEUED_DOWNLOAD:
        return [gfdi.answered(frame, rest=b"\0")]
    if frame.kind == Kind.PROTOBUF_REQUEST:
        piece = smart.Piece.decode(frame.payload)
        return [gfdi.answered(frame, rest=piece.receipt(smart.DISCARDED, smart.UNKNOWN_REQUEST))]
    return [gfdi.answered(frame, Said.ACK if frame.kind in _TAKEN else Said.UNSUPPORTED)]

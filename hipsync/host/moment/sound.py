"""Whether a program listens to a microphone, which is what a call looks like: PulseAudio, or PipeWire in its place.

`pactl` is asked for the streams that record and for what they record from. A stream that is paused, one that records
what the computer plays, and one that only draws a level are no call. Nothing else of them is looked at.

Source: pactl(1), "list" and "--format=json", as pactl 16.1 prints it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hipsync.host.moment.programs import output_of
from hipsync.text import Json, json_of


async def microphone_in_use(environment: Mapping[str, str]) -> bool | None:
    """Whether a program listens to a microphone; None if that cannot be asked, or the answer makes no sense."""
    if (socket := _socket(environment)) is None:
        return None
    asked = {**environment, "PULSE_SERVER": f"unix:{socket}"}  # a server that is named is not started by pactl
    streams, sources = [
        await output_of(("pactl", "--format=json", "list", what), asked) for what in ("source-outputs", "sources")
    ]
    if streams is None or sources is None:
        return None
    try:
        return listening(json_of(streams), json_of(sources))
    except ValueError:
        return None


def _socket(environment: Mapping[str, str]) -> Path | None:
    """The socket of this user's sound server; None if there is none."""
    socket = Path(environment.get("XDG_RUNTIME_DIR", ""), "pulse", "native")
    return socket if socket.is_absolute() and socket.is_socket() else None


def listening(streams: Json, sources: Json) -> bool:
    """Whether one of the recording streams listens to a source that is a microphone. Raises `ValueError`."""
    if not isinstance(streams, list) or not isinstance(sources, list):
        raise ValueError("that is no list")  # noqa: TRY004  it is what somebody sent
    microphones: set[int] = set()
    for source in sources:
        match source:
            case {"index": int(index), "monitor_source": str(of)}:
                if not of:
                    microphones.add(index)
            case _:
                raise ValueError("that is no source")
    for stream in streams:
        match stream:
            case {"source": int(source), "corked": bool(paused), "resample_method": str() | None as method}:
                if source in microphones and not paused and method != "peaks":
                    return True
            case _:
                raise ValueError("that is no stream")
    return False

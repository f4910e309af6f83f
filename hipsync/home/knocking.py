"""Knocks at the broker before a connection is made, so that nothing that hangs there holds up the program.

aiomqtt connects in a thread, which a broker that hangs would hold for as long as the keepalive, and the end of the
program with it. A knock waits no longer than it is told to, and its errors say more.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Sequence

from hipsync.errors import BrokerError
from hipsync.home.place import Broker
from hipsync.home.words import words

WITHIN_S = 5.0
"""Seconds that the broker has for each step: to be found, to take a connection, to answer."""
LEAVE_WITHIN_S = 1.0


async def knock(broker: Broker) -> None:
    """Open a connection to the broker and close it again. Raises `BrokerError` if that fails."""
    why: BaseException = TimeoutError()
    for address in await _addresses(broker):
        try:
            async with asyncio.timeout(WITHIN_S):
                _, writer = await asyncio.open_connection(
                    address, broker.port, ssl=broker.tls, server_hostname=broker.host if broker.tls else None
                )
        except (OSError, ValueError) as error:  # ValueError: a name that no certificate can have
            why = error
            continue
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(LEAVE_WITHIN_S):
                await writer.wait_closed()
        return
    raise BrokerError(words(broker, why)) from why


async def _addresses(broker: Broker) -> Sequence[str]:
    """The addresses of the broker. A thread asks for them that nobody waits for at the end. Raises `BrokerError`."""
    loop, found = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()

    def note(answer: Sequence[str] | OSError) -> None:
        if not found.done():
            found.set_result(answer)

    def ask() -> None:
        answer: Sequence[str] | OSError
        try:
            rows = socket.getaddrinfo(broker.host, broker.port, type=socket.SOCK_STREAM)
            answer = list(dict.fromkeys(str(row[4][0]) for row in rows))
        except (OSError, UnicodeError) as error:  # UnicodeError: a label of more than 63 characters
            answer = error if isinstance(error, OSError) else socket.gaierror(socket.EAI_NONAME, "")
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(note, answer)

    threading.Thread(target=ask, name="where is the broker", daemon=True).start()
    try:
        async with asyncio.timeout(WITHIN_S):
            answer: Sequence[str] | OSError = await found
    except TimeoutError as error:
        raise BrokerError(f"nobody says in time where {broker.host} is: is this computer on the network?") from error
    if isinstance(answer, OSError):
        raise BrokerError(words(broker, answer)) from answer
    return answer

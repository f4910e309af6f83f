"""Why the broker cannot be reached or refuses us, in a line for people: what, why, and what to do."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl

from hipsync.home.place import Broker
from hipsync.text import clean

CLEAR = "`hipsync config set mqtt.tls false` talks to it in the clear"
NOT_AUTHORIZED = frozenset({0x86, 0x87, 4, 5})
"""The reason codes of MQTT 5 and of 3.1.1 for a wrong login."""
OLD_VERSION = frozenset({0x01, 0x84})
NAME_TAKEN = (
    "another program uses the broker by the same name: stop hipsync there, or give it another wearer or host "
    "(`hipsync config set mqtt.wearer NAME`)"
)


def refusal(broker: Broker, code: int, said: str) -> str:
    """Why the broker refused or ended a connection, by its reason code; `said` is how it calls that."""
    if code in NOT_AUTHORIZED:
        if broker.user is None:
            return f"{broker.place} wants a user and a password: mqtt.user and mqtt.password_file"
        return f"{broker.place} refuses the user {clean(broker.user)} or the password (mqtt.user, mqtt.password_file)"
    if code in OLD_VERSION:
        return f"{broker.place} speaks no MQTT 5: mosquitto does since version 1.6"
    return f"{broker.place} ended the connection: {clean(said)}"


def words(broker: Broker, error: BaseException) -> str:
    """Why the broker cannot be reached, and what to do."""
    place = broker.place
    match error:
        case ssl.SSLCertVerificationError():
            return _certificate(broker, error)
        case ssl.SSLError():
            return f"{place} speaks no TLS at that port: with TLS it is mostly 8883. {CLEAR}"
        case socket.gaierror(errno=socket.EAI_AGAIN):
            return f"nobody says where {broker.host} is: is this computer on the network?"
        case socket.gaierror():
            return f"no computer called {broker.host} is found: `hipsync config set mqtt.host NAME` names another"
        case ConnectionRefusedError():
            return f"nothing answers at {place}: does the broker run, and is that its port?"
        case ConnectionResetError() | BrokenPipeError() | asyncio.IncompleteReadError():
            return f"{place} ends the connection at once: is that its port? {other_port(broker)}"
        case TimeoutError():
            return f"{place} does not answer: is it on, and on this network?"
        case OSError(errno=errno.EAFNOSUPPORT):
            return "the service may use no network: `hipsync service install` writes its file again"
        case OSError(errno=errno.ENETUNREACH | errno.EHOSTUNREACH):
            return f"this computer has no way to {place}: is it on the network?"
        case _:
            return f"hipsync cannot connect to {place}: {clean(str(error), 200)}"


def other_port(broker: Broker) -> str:
    """Where the broker mostly listens for the other sort of connection, with or without TLS."""
    return "its port without TLS is mostly 1883" if broker.tls else "its port with TLS is mostly 8883"


def _certificate(broker: Broker, error: ssl.SSLCertVerificationError) -> str:
    why = clean(str(error.verify_message), 200).rstrip(".")
    if "ostname mismatch" in why or "IP address mismatch" in why:
        return f"the certificate at {broker.place} is for another name: mqtt.host must be one that it has ({why})"
    if "expired" in why or "not yet valid" in why:
        return f"the certificate at {broker.place} does not hold today ({why}): make a new one, or set the clock"
    whom = "is not signed by anybody whom this computer trusts"
    return f"the certificate at {broker.place} {whom} ({why}): mqtt.ca names its CA's file"

"""A real broker on a free port of loopback, and somebody who listens to it as Home Assistant would.

The broker is Debian's mosquitto. A test that wants it skips where it is not installed, unless `MUST` is set.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import aiomqtt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

MUST = "HIPSYNC_MOSQUITTO_MUST"
"""This environment variable is set where mosquitto was installed for the tests: one that is not found is a failure."""
PLACES = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
"""Where mosquitto is looked for: Debian puts it where only root looks."""
WITHIN_S = 30.0
SECRET = "correct-horse-battery"  # noqa: S105  of a broker that lives for a second


@cache
def program(name: str = "mosquitto") -> str:
    """The path of a program of mosquitto. It skips the test where there is none, unless `MUST` is set."""
    found = shutil.which(name, path=PLACES)
    if found is None and MUST in os.environ:
        pytest.fail(f"{MUST} is set, and there is no {name}", pytrace=False)
    return found or pytest.skip(f"there is no {name} here: apt-get install mosquitto")


def free_port() -> int:
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        port: int = some.getsockname()[1]
        return port


class Mosquitto:
    """A broker that a test starts, kills and starts again at the same port."""

    def __init__(self, folder: Path, *lines: str) -> None:
        """`lines` are added to its configuration, as `password_file ...`. Without one of these anybody may connect."""
        self.folder, self.port = folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        anonymous = [] if any(line.startswith("password_file") for line in lines) else ["allow_anonymous true"]
        as_root = ["user root"] if os.geteuid() == 0 else []  # else it cannot read the folder of a test
        text = "\n".join([f"listener {self.port} 127.0.0.1", *anonymous, *as_root, *lines])
        (folder / "mosquitto.conf").write_text(f"{text}\n")

    def start(self) -> None:
        """Start it, and wait until it listens."""
        command = [program(), "-c", str(self.folder / "mosquitto.conf")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + WITHIN_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it, as a rule without a chance to say anything."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(WITHIN_S)
            self._process = None

    def written(self, file: Path) -> bytes:
        """What it keeps, which it is told to write to this file now; its configuration names the folder."""
        assert self._process is not None
        before = file.stat() if file.exists() else None
        self._process.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + WITHIN_S
        while not file.exists() or (before is not None and file.stat().st_ino == before.st_ino):  # it renames a new one
            assert time.monotonic() < deadline
            time.sleep(0.01)  # it says when it begins to write, and not when it has
        return file.read_bytes()

    def freeze(self) -> None:
        """Let it hang: it keeps its connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def log(self) -> str:
        return (self.folder / "log").read_text()


@contextlib.contextmanager
def mosquitto(folder: Path, *lines: str) -> Generator[Mosquitto]:
    """A broker that runs during the block."""
    broker = Mosquitto(folder, *lines)
    broker.start()
    try:
        yield broker
    finally:
        with contextlib.suppress(AssertionError):
            broker.thaw()
        broker.kill()


def password_line(folder: Path, **passwords: str) -> str:
    """The line of a configuration for these users and their passwords, whose file is written."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "passwords"
    file.touch(mode=0o600)
    for user, password in passwords.items():
        subprocess.run([program("mosquitto_passwd"), "-b", str(file), user, password], check=True, capture_output=True)
    return f"password_file {file}"


def acl_line(folder: Path, text: str) -> str:
    """The line of a configuration for these rules."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "acl"
    file.write_text(text)
    file.chmod(0o600)
    return f"acl_file {file}"


class Certificates(NamedTuple):
    """A CA that signed a certificate for `localhost` and 127.0.0.1, as files."""

    ca: Path
    certificate: Path
    key: Path

    def lines(self) -> Iterator[str]:
        yield from (f"cafile {self.ca}", f"certfile {self.certificate}", f"keyfile {self.key}")


def certificates(folder: Path, *, name: str = "localhost", days: int = 30) -> Certificates:
    """Make a CA and what it signed. `name` is whom the certificate is for; with negative `days` it has expired."""
    folder.mkdir(parents=True, exist_ok=True)
    now = dt.datetime.now(dt.UTC)  # noqa: TID251  TLS asks the clock
    start, end = now - dt.timedelta(days=60), now + dt.timedelta(days=days)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"CA of {folder.name}")])

    def built(subject: x509.Name, public: ec.EllipticCurvePublicKey, extension: x509.ExtensionType) -> x509.Certificate:
        made = x509.CertificateBuilder(issuer_name=ca_name, subject_name=subject, public_key=public)
        made = made.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)
        return made.add_extension(extension, critical=True).sign(ca_key, hashes.SHA256())

    names = [x509.DNSName(name), *([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))] if name == "localhost" else [])]
    ca = built(ca_name, ca_key.public_key(), x509.BasicConstraints(ca=True, path_length=None))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = built(subject, key.public_key(), x509.SubjectAlternativeName(names))
    files = Certificates(folder / "ca.pem", folder / "certificate.pem", folder / "key.pem")
    files.ca.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


class Heard(NamedTuple):
    """A message as a listener got it."""

    topic: str
    payload: bytes
    retained: bool
    at_s: float
    """When it came, by a clock that nobody sets."""

    @property
    def json(self) -> Any:
        return json.loads(self.payload)


class Listener:
    """Somebody who hears all topics, and can say something."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self.client = client
        self.heard: list[Heard] = []
        self._changed = asyncio.Event()

    async def listen(self) -> None:
        async for message in self.client.messages:
            payload = message.payload
            self.heard.append(Heard(message.topic.value, payload, message.retain, time.monotonic()))
            self._changed.set()

    def of(self, topic: str) -> list[Heard]:
        return [each for each in self.heard if each.topic == topic]

    def last(self, topic: str) -> Heard | None:
        return next((each for each in reversed(self.heard) if each.topic == topic), None)

    async def until(self, holds: Callable[[], bool], within_s: float = WITHIN_S) -> None:
        """Wait until something holds of what was heard. Raises `TimeoutError`."""
        async with asyncio.timeout(within_s):
            while not holds():
                self._changed.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.05):  # what is asked may change without a message
                        await self._changed.wait()

    async def say(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        await self.client.publish(topic, payload, 1, retain)


@contextlib.asynccontextmanager
async def listener(broker: Mosquitto, *, topic: str = "#", **how: Any) -> AsyncGenerator[Listener]:
    """Somebody who hears `topic` during the block. `how` goes to aiomqtt's client."""
    client = aiomqtt.Client("127.0.0.1", broker.port, protocol=aiomqtt.ProtocolVersion.V5, **how)
    async with client:
        await client.subscribe(topic, 1)
        found = Listener(client)
        listening = asyncio.create_task(found.listen())
        try:
            yield found
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


def lasting_session() -> Any:
    """The properties with which a client's session outlasts its connection, so that the broker queues for it."""
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho has no types here
    properties.SessionExpiryInterval = 3600
    return properties

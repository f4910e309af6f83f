"""Where the broker is and how we log in, by the settings and the files that they name.

The one rule: the password is in no message, no log and no `repr`.
"""

from __future__ import annotations

import os
import re
import ssl
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hipsync.errors import ConfigError
from hipsync.private import refuse_readable
from hipsync.settings.config import Mqtt

CREDENTIAL = "mqtt-password"
"""The name of systemd's credential that is read where no file is named."""
LOOPBACK = re.compile(r"localhost|127\.[0-9.]+|::1")


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is, and how we log in."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """The broker as people read it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_overheard(self) -> bool:
        """Whether others in the network can read the password: it is sent in the clear, and not within a computer."""
        return self.tls is None and self.password is not None and not LOOPBACK.fullmatch(self.host)


def broker_of(mqtt: Mqtt, environment: Mapping[str, str] = os.environ) -> Broker:
    """The broker of the settings. It reads the files that they name.

    Raises `ConfigError` if there is no host, or if a file cannot be read or is read by others.
    """
    if not mqtt.host:
        raise ConfigError("no broker is named: `hipsync config set mqtt.host homeassistant.local`")
    password = _password(mqtt, environment)
    if password is not None and not mqtt.user:
        raise ConfigError("there is a password and no user: `hipsync config set mqtt.user NAME`")
    return Broker(mqtt.host, mqtt.port, _context(mqtt.ca) if mqtt.tls else None, mqtt.user or None, password)


def _password(mqtt: Mqtt, environment: Mapping[str, str]) -> str | None:
    """The password from the file of the settings, or else from systemd; None if there is neither."""
    credentials = environment.get("CREDENTIALS_DIRECTORY")
    if mqtt.password_file:
        path, judged = Path(mqtt.password_file).expanduser(), True
    elif credentials and (Path(credentials) / CREDENTIAL).exists():
        path, judged = Path(credentials) / CREDENTIAL, False  # systemd made it, in a folder for this service alone
    else:
        return None
    try:
        with path.open("rb") as opened:
            if judged:
                refuse_readable(path, opened.fileno(), "it holds the password of the broker")
            line = opened.readline(1000).rstrip(b"\r\n").decode("utf-8")
    except OSError as error:
        raise ConfigError(f"{path} (mqtt.password_file) cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{path} (mqtt.password_file) is no text in UTF-8") from None  # the error holds the bytes
    if not line:
        raise ConfigError(f"{path} (mqtt.password_file) is empty: its first line is the password")
    return line


def _context(ca: str) -> ssl.SSLContext:
    path = Path(ca).expanduser() if ca else None
    try:
        if path is not None and not stat.S_ISREG(path.stat().st_mode):
            raise ConfigError(f"{path} (mqtt.ca) is no file with certificates")
        return ssl.create_default_context(cafile=path)
    except ssl.SSLError as error:  # an OSError, too
        raise ConfigError(f"{path} (mqtt.ca) is no file with certificates (PEM)") from error
    except OSError as error:
        raise ConfigError(f"{path} (mqtt.ca) cannot be read: {error.strerror}") from error

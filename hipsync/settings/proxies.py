"""Reads and writes the Bluetooth proxies: the tables `[[radio.proxies]]`.

If a value is wrong, a `ConfigError` says in one line which proxy, which key and what is allowed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence

from hipsync.errors import ConfigError
from hipsync.settings.config import Proxy
from hipsync.settings.values import (
    Toml,
    host,
    path_or_none,
    suggestion,
    texts,
    visible_text,
    whole_number,
)

MOST = 16
"""The most proxies: more than a house has rooms, and few enough to ask each of them."""


def proxies(value: Toml) -> tuple[Proxy, ...]:
    """Read the tables `[[radio.proxies]]`.

    Raises `ConfigError`, also for two proxies of one name or one place, and for a band that is fixed to two of them.
    """
    if not isinstance(value, list):
        raise ConfigError("must be tables: [[radio.proxies]]")
    if len(value) > MOST:
        raise ConfigError(f"must be at most {MOST}")
    found = tuple(_proxy(each) for each in value)
    _refuse_twice("the name {}", [each.called.lower() for each in found])
    _refuse_twice("the place {}", [f"{each.host.lower()}:{each.port}" for each in found])
    _refuse_twice("the band {}", [band for each in found for band in each.bands])
    return found


def _refuse_twice(what: str, values: Sequence[str]) -> None:
    for value in values:
        if values.count(value) > 1:
            raise ConfigError(f"{what.format(value)} is there twice")


def _proxy(value: Toml) -> Proxy:
    if not isinstance(value, Mapping):
        raise ConfigError("must be tables: [[radio.proxies]]")
    where = f"{value['host']}: " if isinstance(value.get("host"), str) and _is_host(value["host"]) else ""
    for key in value:
        if key not in _KEYS:
            raise ConfigError(f"{where}there is no key {key!r} of a proxy{suggestion(key, _KEYS)}")
    if "host" not in value:
        raise ConfigError('a proxy needs host, such as "bedroom.local" or "192.168.1.20"')
    read: dict[str, object] = {}
    for key, reader in _KEYS.items():
        if key in value:
            try:
                read[key] = reader(value[key])
            except ConfigError as error:
                raise ConfigError(f"{where}{key} {error}") from error
    return Proxy(**read)  # type: ignore[arg-type]  # each of its type, by its reader


def _host(value: Toml) -> str:
    """Read the name of a computer or its address. Raises `ConfigError`, also for none."""
    try:
        found = host(value)
    except ConfigError:
        found = ""
    if not found:
        raise ConfigError('must be a name such as "bedroom.local" or an address such as "192.168.1.20", without port')
    return found


def _is_host(value: Toml) -> bool:
    try:
        return bool(_host(value))
    except ConfigError:
        return False


def _bands(value: Toml) -> tuple[str, ...]:
    """Read the addresses of bands, in capitals. Raises `ConfigError`."""
    found = tuple(each.upper() for each in texts(value))
    if not all(re.fullmatch(r"[0-9A-F]{2}(?::[0-9A-F]{2}){5}", each) for each in found):
        raise ConfigError('must be addresses of bands, such as ["C8:0F:10:80:D0:21"]')
    return found


_KEYS: Mapping[str, Callable[[Toml], object]] = {
    "host": _host,
    "name": visible_text(32),
    "port": whole_number(1, 65535),
    "key_file": path_or_none,
    "bands": _bands,
}
"""The readers of a table `[[radio.proxies]]`, by key. The keys are the fields of `Proxy`."""


def written(found: Sequence[Proxy]) -> str:
    """Write proxies as a TOML value. What is as by default is left out."""
    return "[" + ", ".join(map(_written, found)) + "]"


def _written(proxy: Proxy) -> str:
    defaults = Proxy._field_defaults
    pairs = [(key, value) for key, value in proxy._asdict().items() if key not in defaults or value != defaults[key]]
    return "{ " + ", ".join(f"{key} = {_value(value)}" for key, value in pairs) + " }"


def _value(value: object) -> str:
    # JSON writes these as TOML does, except for the one control character that only TOML forbids.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

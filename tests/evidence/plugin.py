"""Watches tests (`pytest -p evidence.plugin --evidence FILE`): which bytes went through which code, and what passed.

A module that names a vector has its tests watched. The plugin records the byte strings that functions in a family's
folder get from their callers and from what they call, those that they return, and those that pass over the wire. A
vector counts as met when a module that names it has passed with all of the vector's bytes among these. So nobody has to
say which vectors a test uses, and a name in a comment alone is not enough.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import sys
from collections import defaultdict
from collections.abc import Generator, Iterator
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import hipsync_devices
from evidence.vectors import vectors
from hipsync.conversation import session
from hipsync.radio.simulation import peripheral
from hipsync.testing.replay import capture

FAMILIES = Path(hipsync_devices.__file__).parent
WIRE, SHARED = "wire", "shared"
ON_THE_WIRE = {Path(session.__file__), Path(peripheral.__file__)}
"""Files whose calls carry the bytes to and from any band, besides the families' own."""
MOST_CALLS = 300_000
"""The most calls of one test that are watched: one that simulates days of a band is no test of vectors."""
MOST_PARTS = 2000
RESUMED = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
DEEP = 4
"""How many levels of tuples, lists, mappings and dataclasses are searched for bytes. A large number counts as its
bytes, the lowest first."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--evidence", metavar="FILE", help="where to write what was seen")


def pytest_configure(config: pytest.Config) -> None:
    if path := config.getoption("--evidence"):
        config.pluginmanager.register(Watch(Path(path)), "evidence-watch")


def may_meet(module: Path) -> bool:
    """Return whether a module of tests may meet vectors or captures: it names some, or replays all captures."""
    text = module.read_text("utf-8") if module.parent.name == "devices" else ""
    return module.name == "test_captures.py" or any(each.id in text for each in vectors())


class Watch:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen: dict[Path, dict[str, set[bytes]]] = defaultdict(lambda: defaultdict(set))
        """The bytes that went through a family's code, by test module and family."""
        self.failed: set[Path] = set()
        self.rules: dict[str, set[str]] = defaultdict(set)
        self.bluez: set[str] = set()
        self.captures: set[str] = set()
        self._named: dict[Path, bool] = {}
        self._calls = 0
        self._families: dict[str, str | None] = {}
        self._now: dict[str, set[bytes]] = defaultdict(set)
        self._resumed: set[FrameType] = set()
        """Frames of generators and coroutines, which are called once and entered often."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        if not self._names(item.path) or getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            return (yield)
        self._now.clear()
        self._resumed.clear()
        self._calls = 0
        sys.setprofile(self._look)
        try:
            return (yield)
        finally:
            sys.setprofile(None)
            self._resumed.clear()

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.add(Path(report.fspath).resolve())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
        report: pytest.TestReport = yield
        if report.when == "call" and report.passed:
            self._passed(item)
        return report

    def _passed(self, item: pytest.Item) -> None:
        for family, values in self._now.items():
            self.seen[item.path][family] |= values
        self._now.clear()
        told: Any = getattr(item, "callspec", None)
        given: dict[str, Any] = told.params if told else {}
        if item.path.name == "test_every_driver.py" and {"key", "rule"} <= given.keys():
            self.rules[given["key"]].add(given["rule"].__name__)
        if item.get_closest_marker("bluez") is not None and "name" in given:
            self.bluez.add(str(given["name"]).partition("-")[0])

    def _names(self, module: Path) -> bool:
        if module not in self._named:
            self._named[module] = may_meet(module)
        return self._named[module]

    def _look(self, frame: FrameType, event: str, result: Any) -> None:
        family = self._family(frame)
        self._calls += 1
        if self._calls > MOST_CALLS:
            sys.setprofile(None)
        elif family is None:
            if event == "return" and frame.f_code is capture.__code__:
                self.captures.add(str(frame.f_locals["path"]))
            elif event == "return" and frame.f_back and (caller := self._family(frame.f_back)):
                self._now[caller].update(_bytes(result, DEEP))
        elif event == "call":
            if frame.f_code.co_flags & RESUMED:
                if frame in self._resumed:
                    return
                self._resumed.add(frame)
            for name in frame.f_code.co_varnames[: frame.f_code.co_argcount + frame.f_code.co_kwonlyargcount]:
                self._now[family].update(_bytes(frame.f_locals.get(name), DEEP))
        elif event == "return":
            self._now[family].update(_bytes(result, DEEP))

    def _family(self, frame: FrameType | None) -> str | None:
        """Return the family whose code runs in a frame, or None. Code that families share counts as its caller's."""
        while frame is not None:
            if (whose := self._whose(frame.f_code.co_filename)) != SHARED:
                return whose
            frame = frame.f_back
        return None

    def _whose(self, file: str) -> str | None:
        if file not in self._families:
            path = Path(file)
            inside = path.relative_to(FAMILIES).parts if path.is_relative_to(FAMILIES) else ()
            whose = None if not inside else SHARED if len(inside) == 1 else inside[0]
            self._families[file] = WIRE if path in ON_THE_WIRE else whose
        return self._families[file]

    @pytest.hookimpl
    def pytest_sessionfinish(self) -> None:
        told = {
            "seen": {
                str(module): {family: sorted(value.hex() for value in values) for family, values in by.items()}
                for module, by in self.seen.items()
                if module.resolve() not in self.failed
            },
            "failed": sorted(str(path) for path in self.failed),
            "rules": {key: sorted(rules) for key, rules in self.rules.items()},
            "bluez": sorted(self.bluez),
            "captures": sorted(self.captures),
        }
        self.path.write_text(json.dumps(told))


def _bytes(value: Any, deep: int) -> Iterator[bytes]:
    if isinstance(value, bytes | bytearray):
        yield bytes(value)
    elif isinstance(value, str):
        yield value.encode("utf-8", "replace")
    elif isinstance(value, int) and not 0 <= value >> 24 <= 0:
        yield abs(value).to_bytes((value.bit_length() + 7) // 8, "little")
    elif deep:
        for each in _parts(value):
            yield from _bytes(each, deep - 1)


def _parts(value: Any) -> Iterator[Any]:
    if issubclass(type(value), dict):
        yield from islice(value.values(), MOST_PARTS)
    elif issubclass(type(value), list | tuple):
        yield from islice(value, MOST_PARTS)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield getattr(value, field.name, None)

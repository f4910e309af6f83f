"""The command that adds an extra fits how hipsync was installed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from hipsync.host import installed


def from_file(text: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this be the file in which the installer wrote what hipsync was installed from; None if it wrote none."""

    def read_text(name: str) -> str | None:
        assert name == "direct_url.json"
        return text

    def distribution(name: str) -> SimpleNamespace:
        assert name == "hipsync"
        return SimpleNamespace(read_text=read_text)

    monkeypatch.setattr(installed, "distribution", distribution)


@pytest.mark.parametrize(
    ("receipt", "told", "command"),
    [
        ("uv-receipt.toml", {"url": "file:///a%20b"}, "uv tool install --force '/a b[demo,web,live]'"),
        ("pipx_metadata.json", {"url": "file:///src"}, "pipx install --force '/src[demo,web,live]'"),
        (None, {"url": "file:///src", "dir_info": {"editable": True}}, "uv sync --extra web"),
        (None, {"url": "ssh://elsewhere/a.whl"}, "{python} -m pip install 'ssh://elsewhere/a.whl[demo,web,live]'"),
        (None, None, "{python} -m pip install '.[demo,web,live]'"),
    ],
)  # fmt: skip
def test_an_extra_is_added_by_the_tool_that_installed_hipsync(
    receipt: str | None, told: object, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    from_file(None if told is None else json.dumps(told), monkeypatch)
    if receipt is not None:
        (tmp_path / receipt).touch()
    assert installed.with_extra("web") == command.format(python=sys.executable)


def test_another_extra_joins_the_usual_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    (tmp_path / "uv-receipt.toml").touch()
    from_file(None, monkeypatch)
    assert installed.with_extra("parquet") == "uv tool install --force '.[demo,web,live,parquet]'"

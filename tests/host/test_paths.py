"""Where things belong."""

from __future__ import annotations

import sys

import platformdirs
import pytest

from hipsync.host.paths import config_dir, data_dir


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere platformdirs is asked")
@pytest.mark.parametrize("base", [None, "", "relative/folder", "/somewhere/else"])
def test_on_linux_folders_are_those_of_platformdirs(base: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)
        if base is not None:
            monkeypatch.setenv(variable, base)
    assert data_dir() == platformdirs.user_data_path("hipsync", appauthor=False)
    assert config_dir() == platformdirs.user_config_path("hipsync", appauthor=False)

"""How hipsync was installed on this computer, for the commands that a message names.

It is on no package index, so what is installed again is what it was installed from: a folder, mostly a clone.
"""

from __future__ import annotations

import json
import shlex
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

EXTRAS = ("demo", "web", "live")
"""The extras of the usual installation, which another one is added to."""


def with_extra(extra: str) -> str:
    """Return the command that installs hipsync with this extra, by the tool that installed it."""
    source, is_editable = _source()
    extras = EXTRAS if extra in EXTRAS else (*EXTRAS, extra)
    what = shlex.quote(f"{source}[{','.join(extras)}]")
    if (Path(sys.prefix) / "uv-receipt.toml").exists():
        return f"uv tool install --force {what}"
    if (Path(sys.prefix) / "pipx_metadata.json").exists():
        return f"pipx install --force {what}"
    return f"uv sync --extra {extra}" if is_editable else f"{shlex.quote(sys.executable)} -m pip install {what}"


def _source() -> tuple[str, bool]:
    """Return what hipsync was installed from, and whether it runs from there (PEP 610's `direct_url.json`)."""
    try:
        told = json.loads(distribution("hipsync").read_text("direct_url.json") or "{}")
        url, is_editable = str(told["url"]), bool(told.get("dir_info", {}).get("editable"))
    except (PackageNotFoundError, ValueError, KeyError, AttributeError):
        return ".", False  # the folder in which the person stands, as the README has it
    parts = urlsplit(url)
    return (unquote(parts.path) if parts.scheme == "file" else url), is_editable

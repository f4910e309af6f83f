"""What a contributor is told to type exists, and what is written by hand beside the code agrees with it."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version

import click
import pytest

from hipsync.cli import hipsync
from support.repository import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")
FORMS = sorted((ROOT / ".github").glob("ISSUE_TEMPLATE/*.yml"))
PAPERS = [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *FORMS]


def typed() -> list[str]:
    """Commands of hipsync in code spans, and in the indented blocks of Markdown, each with its options."""
    texts = {path: path.read_text("utf-8") for path in PAPERS}
    lines = [span for text in texts.values() for span in re.findall(r"`([^`\n]+)`", text)]
    for path, text in texts.items():
        if path.suffix == ".md":
            lines += re.findall(r"^ {4}(.+?)(?: {2,}#.*)?$", text, re.MULTILINE)
    found = (re.match(r"(?:uv run (?:--no-sync )?)?hipsync (.+)", line) for line in lines)
    return sorted({match[1] for match in found if match})


@pytest.mark.parametrize("line", typed())
def test_a_command_and_its_options_exist(line: str) -> None:
    command: click.Command = hipsync
    for word in line.split():
        names = {name for parameter in command.params for name in parameter.opts} | {"--version", "--help"}
        if word.startswith("-"):
            assert word in names, line
        elif isinstance(command, click.Group) and (found := command.get_command(click.Context(command), word)):
            command = found
        else:
            assert word.isupper(), f"neither a command nor a place-holder: {word}"


def test_papers_name_commands() -> None:
    assert {"scan --all", "sync NAME --record FILE", "doctor", "run", "web"} <= set(typed())


# ------------------------------------------------------------------ versions


def test_the_newest_version_of_the_changelog_is_the_project_s() -> None:
    sections = re.findall(r"^## \[(.+?)\](?: - \d{4}-\d\d-\d\d)?$", CHANGELOG, re.MULTILINE)
    assert sections[0] == "Unreleased"
    assert sections[1] == PROJECT["project"]["version"] == version("hipsync")
    links = re.findall(r"^\[(.+?)\]: https://github\.com/hipsync/hipsync/\S+$", CHANGELOG, re.MULTILINE)
    assert links == sections


def test_the_changelog_has_the_sections_of_its_form() -> None:
    kinds = set(re.findall(r"^### (.+)$", CHANGELOG, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def direct() -> set[str]:
    """The names of everything that `pyproject.toml` asks for, extras and groups too."""
    project = PROJECT["project"]
    lists = [
        project["dependencies"],
        *project["optional-dependencies"].values(),
        *PROJECT["dependency-groups"].values(),
    ]
    return {re.split(r"[^\w.-]", wanted)[0].lower() for each in lists for wanted in each}


def test_constraints_are_exact_versions_without_hosts_and_hashes() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    odd = [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.!+]+( ; [\w.'\"<>=! ()]+)?", pin)]
    assert odd == []
    assert direct() - {pin.split("==")[0] for pin in pins} == set(), "stale: `make constraints`"


# ------------------------------------------------------------------ workflows


def test_workflows_may_read_only_and_use_actions_of_a_version() -> None:
    workflows = [path.read_text("utf-8") for path in (ROOT / ".github" / "workflows").glob("*.yml")]
    assert workflows
    for text in workflows:
        assert re.findall(r"^ *permissions:.*\n((?: +.*\n)+)", text, re.MULTILINE) == ["  contents: read\n"]
        used = re.findall(r"uses: (\S+)", text)
        assert [each for each in used if not re.search(r"@v\d|:\d+\.\d+\.\d+$", each)] == []
        assert text.count("persist-credentials: false") == text.count("actions/checkout@")

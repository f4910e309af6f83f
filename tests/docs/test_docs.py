"""The papers say what is true: what they name exists, what they define is what the program takes and prints.

`mkdocs build --strict` checks the links of the site; here is what it does not see.
"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest
from click.testing import CliRunner

from hipsync.cli import COMMANDS, hipsync

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
TEXTS = {".md", ".py", ".toml", ".yml", ".yaml", ".cfg", ".sh", ""}
FOREIGN = {
    "MYSTERIES.md": "a file of a public client of Colmi rings",
    "PROTOCOL.md": "seofernando25/garmin-proto-lab, spec/",
    "ble.md": "InfiniTimeOrg/InfiniTime, doc/",
    "discovery.md": "Megh-Rana/DaFit_open, docs/protocol/",
    "multilink-services.md": "EroSagiri/PulseBridge, docs/",
    "phase0-multilink.md": "EroSagiri/PulseBridge, docs/",
}
"""Papers of other repositories that are named as a source, and whose they are."""


def tracked() -> list[Path]:
    """The files of the repository as git knows them, and those that are new and not ignored."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("this is no clone: git lists no files here", allow_module_level=True)
    return [path for name in done.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def readable() -> Iterator[tuple[str, str]]:
    """Name and text of each file that people write, but for this one."""
    for path in tracked():
        if path.suffix in TEXTS and path != Path(__file__):
            try:
                yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
            except UnicodeDecodeError:
                continue


def pages() -> list[Path]:
    """All Markdown of the repository."""
    return [path for path in tracked() if path.suffix == ".md"]


# ------------------------------------------------------------------ citations


def test_every_paper_that_is_cited_is_here_or_is_known_to_be_somebody_elses() -> None:
    here = {path.name for path in pages()}
    cited = {
        (name, paper)
        for name, text in readable()
        if not name.startswith("docs/protocols/")  # their sources are papers of others; their links are checked below
        for paper in re.findall(r"(?<![\w$])([\w.-]+\.md)(?![\w(])", text)
    }
    assert sorted((name, paper) for name, paper in cited if paper not in here | FOREIGN.keys()) == []
    assert {paper for _, paper in cited} >= FOREIGN.keys(), "nobody cites it any more"


def test_a_paper_is_cited_by_its_name_and_not_as_a_section_of_something() -> None:
    vague = re.compile(r"\b(?:architecture|design|product|science)(?:\.md)?,? sections? \d", re.IGNORECASE)
    assert [name for name, text in readable() if vague.search(text)] == []


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.relative_to(DOCS).as_posix())
def test_a_page_knows_nothing_of_the_computer_it_was_written_on(page: Path) -> None:
    assert (
        re.findall(r"(?:\.\./)+shared|(?<![\w.])/(?:work|tmp|root|home)/\S*|https?://[^ )]*/simple\b", page.read_text())
        == []
    )


# ------------------------------------------------------------------ links and paths


def slug(heading: str) -> str:
    """The anchor of a heading, as Python-Markdown makes it."""
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)|[`*]", r"\1", heading)
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip().lower())


def anchors(page: Path) -> set[str]:
    return {slug(line.lstrip("#")) for line in re.findall(r"^#+ .*", page.read_text("utf-8"), re.MULTILINE)}


def without_code(text: str) -> str:
    """Markdown without fenced blocks and spans of code, in which nothing is a link."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("page", sorted(pages()), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    broken: list[str] = []
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", sorted(pages()), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_row_of_a_table_has_as_many_cells_as_its_head(page: Path) -> None:
    """By every `|`, also in code: GitHub and Python-Markdown differ on those, and drop what is too much."""
    uneven: list[str] = []
    head: int | None = None
    for line in re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL).split("\n"):
        if not line.startswith("|"):
            head = None
        elif head is None:
            head = line.count("|")
        elif line.count("|") != head:
            uneven.append(line)
    assert uneven == []


OURS = r"hipsync|devices/hipsync_devices|hipsync_devices|tests/vectors"
ALSO = r"devices|tests|docs|\.ci"
"""Folders that other repositories have too, so that a page of protocols may name one of theirs."""
TOPIC = re.compile("hipsync/(?:W|anna)/")
"""The beginning of a topic of MQTT, which is no folder."""


def places(page: Path) -> set[str]:
    """Files and folders of this repository that a page names; of `tests/*.py`, only `tests/`."""
    folders = OURS if page.is_relative_to(DOCS / "protocols") else f"{OURS}|{ALSO}"
    found = re.findall(rf"(?<![\w/:.@-])((?:{folders})/[\w./-]*)(?![\w<*])", page.read_text("utf-8"))
    return {place.rstrip(".") for place in found if "..." not in place and not TOPIC.match(place)}


@pytest.mark.parametrize("page", sorted(pages()), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_place_in_the_code_that_a_page_names_is_there(page: Path) -> None:
    roots = (ROOT, ROOT / "devices")
    assert sorted(place for place in places(page) if not any((root / place).exists() for root in roots)) == []


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_a_name_that_a_page_places_in_a_module_is_defined_there(page: Path) -> None:
    pairs = re.findall(r"`(\w+)`(?: in|,) `(hipsync/[\w/]+\.py)`", page.read_text("utf-8"))
    assert [f"{name} in {place}" for name, place in pairs if not defines(ROOT / place, name)] == []


def defines(module: Path, name: str) -> bool:
    """Whether a module has a class, a function or a value of this name at its top."""
    top = re.compile(rf"^(?:class|def|async def) {name}\b|^{name}\b.*=", re.MULTILINE)
    return module.exists() and top.search(module.read_text("utf-8")) is not None


def test_every_benchmark_that_a_page_names_is_there() -> None:
    named = {
        name
        for page in (*DOCS.glob("*.md"), ROOT / "README.md")
        for name in re.findall(r"python -m bench[ .](\w+)", page.read_text("utf-8"))
    }
    assert named
    assert sorted(name for name in named if not (ROOT / "tests" / "bench" / f"{name}.py").exists()) == []


# ------------------------------------------------------------------ the contract


CONTRACT = (DOCS / "contract.md").read_text("utf-8")


def printed(*words: str) -> str:
    done = CliRunner().invoke(hipsync, words)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_settings_in_the_contract_are_the_defaults(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", CONTRACT, re.DOTALL)
    (tmp_path / "told.toml").write_text(block)
    (tmp_path / "none.toml").write_text("")
    told = tomllib.loads(printed("--config", str(tmp_path / "told.toml"), "config", "show"))
    defaults = tomllib.loads(printed("--config", str(tmp_path / "none.toml"), "config", "show"))
    assert told == defaults
    keys = {table: set(content) for table, content in tomllib.loads(block).items()}
    assert keys == {table: set(content) for table, content in defaults.items()}


def test_the_day_in_the_contract_fits_its_schema_and_leaves_out_no_key() -> None:
    (schema_file,) = [path for path in tracked() if path.name == "day.schema.json"]
    schema = json.loads(schema_file.read_text())
    (block,) = re.findall(r"```json\n(.*?)```", CONTRACT, re.DOTALL)
    day = json.loads(block.replace('"..."', '"2026-11-20T09:14:00+00:00"'))
    jsonschema.validate(day, schema)
    assert day.keys() == schema["properties"].keys()
    assert sum(day["minutes"].values()) == 18 * 60 + 4


def test_the_contract_describes_every_table() -> None:
    (database,) = json.loads(printed("db", "datasette"))["databases"].values()
    assert [table for table in database["tables"] if f"`{table}`" not in CONTRACT] == []


def test_the_contract_names_every_command() -> None:
    (table,) = re.findall(r"## Commands\n(.*?)\n## ", CONTRACT, re.DOTALL)
    assert [name for name in COMMANDS if not re.search(rf"\b{name}\b", table)] == []


def test_the_reference_has_every_command_with_the_help_that_it_prints() -> None:
    found = importlib.util.spec_from_file_location("commands", DOCS / "_hooks" / "commands.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    page = SimpleNamespace(file=SimpleNamespace(src_uri="cli.md"))
    reference: str = module.on_page_markdown("# Commands", page=page)
    for command in COMMANDS:
        assert f"\n## hipsync {command}\n" in reference
    assert "\n### hipsync db erase\n" in reference
    assert "-h, --help" in reference
    assert printed("pair", "--help").splitlines()[0] in reference
    assert module.on_page_markdown("other", page=SimpleNamespace(file=SimpleNamespace(src_uri="x.md"))) == "other"

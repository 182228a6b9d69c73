# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which package may import which: the layers of the stand-in, the packages of module_utils, and the lab."""

from __future__ import annotations

import ast
import graphlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAB = ROOT / "lab"
# A layer may import itself and the layers to its left. See lab/datadog/README.md.
LAYERS = ("errors", "clock", "wire", "store", "query", "alert", "graph", "api", "web", "app", "server", "packages",
          "__main__")  # fmt: skip
# What the lab imports from the collection: the query language, the rules for tags, and old forms of dashboards.
SHARED = {"_query", "_tags", "_boards"}
UTILS = ROOT / "plugins" / "module_utils"
OURS = "ansible_collections.kennel.fleet.plugins.module_utils."
ROW = re.compile(r"\| `(\w+)` \|[^|]*\|([^|;]*)(?:; `(\w+\.py)` also `(\w+)`)?[^|]*\|")


def table() -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return what the table in docs/architecture.md allows: by package, and by file that may import more."""
    rooms, files = {}, {}
    for room, allowed, file, more in ROW.findall((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")):
        rooms[room] = set(re.findall(r"`(\w+)`", allowed))
        if file:
            files[f"{room}/{file}"] = {more}
    return rooms, files


ROOMS, TALKING = table()
# Packages that import neither Ansible nor a client, and neither read files nor start programs.
PURE = set(ROOMS) - {"_api", "_host"}
SYSTEM = {"os", "socket", "subprocess", "pathlib", "shutil", "tempfile"}
# Paths of the controller, in which Ansible expands the home folder and variables.
EXPANDING = "_inputs/specification.py"
CLIENTS = ("ansible", "requests", "datadog", "urllib3")
# Only these layers use HTTP, and only that one uses SQL.
HTTP, SQL = ("api", "web", "app", "server", "packages", "__main__"), "store"
STATEMENT = re.compile(
    r"\b(SELECT\b.+\bFROM|INSERT\b.+\bINTO|UPDATE\b.+\bSET|DELETE FROM|CREATE TABLE|PRAGMA)\b", re.DOTALL
)


def imports(path: Path, module: str) -> Iterator[str]:
    """Return the full names that a file imports anywhere: for `from a import b`, both a and a.b."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            yield base
            yield from (f"{base}.{name.name}" for name in node.names)


def modules(folder: Path) -> dict[str, Path]:
    """Return the modules of a package by their full names."""
    found = {}
    for path in folder.rglob("*.py"):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


STANDIN = modules(LAB / "datadog" / "standin")
# Importing a module also runs its package, which does not count as an import.
GRAPH = {
    name: {one for one in imports(path, name) if one in STANDIN and one not in (name, "standin")}
    for name, path in STANDIN.items()
}


def layer(module: str) -> int:
    return LAYERS.index(module.split(".")[1])


def against(graph: dict[str, set[str]]) -> list[str]:
    """Return the imports from a layer to one on its right."""
    return [
        f"{name} imports {other}"
        for name, others in sorted(graph.items())
        for other in sorted(others)
        if name.count(".") and layer(other) > layer(name)
    ]


def test_every_module_of_the_standin_is_in_a_layer():
    assert {name.split(".")[1] for name in STANDIN if name != "standin"} == set(LAYERS)


def test_readme_names_layers_and_rooms():
    text = (LAB / "datadog" / "README.md").read_text(encoding="utf-8")
    rooms = [name for name, path in STANDIN.items() if "(Room):" in path.read_text(encoding="utf-8")]
    named = {*LAYERS, *(name.rpartition(".")[2] for name in rooms if name.startswith("standin.api."))}
    assert {name for name in named if f"`{name}`" not in text} == set()


def test_layers_only_import_layers_to_their_left():
    assert against(GRAPH) == []


def test_imports_have_no_cycles():
    order = {name: {one for one in others if not name.startswith(f"{one}.")} for name, others in GRAPH.items()}
    # Raises an error if there is a cycle.
    assert len(list(graphlib.TopologicalSorter(order).static_order())) == len(STANDIN)


def test_wrong_imports_and_cycles_are_found():
    assert against({"standin.wire.bodies": {"standin.store.points"}}) == [
        "standin.wire.bodies imports standin.store.points"
    ]
    assert against({"standin.store.points": {"standin.wire.bodies", "standin.store.hosts"}}) == []
    with pytest.raises(graphlib.CycleError):
        list(graphlib.TopologicalSorter({"a": {"b"}, "b": {"a"}}).static_order())


def test_layers_below_the_api_do_not_use_http():
    below = {name: path for name, path in STANDIN.items() if name.count(".") and name.split(".")[1] not in HTTP}
    roots = {name: {one.split(".")[0] for one in imports(path, name)} for name, path in below.items()}
    assert {name for name in below if roots[name] & {"starlette", "uvicorn", "jinja2"}} == set()


def test_only_the_store_uses_sql():
    found = []
    for name, path in STANDIN.items():
        if not name.startswith(f"standin.{SQL}"):
            nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
            found += [f"{name}: {text}" for text in texts if STATEMENT.search(text)]
            found += [f"{name}: sqlite3" for one in imports(path, name) if one == "sqlite3"]
    assert found == []


def rooms_of(path: Path) -> set[str]:
    """Return the packages of module_utils that a file imports."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    here = "plugins.module_utils."
    found = set()
    for one in imports(path, module):
        for prefix in (OURS, here, "module_utils."):
            if one.startswith(prefix):
                found.add(one.removeprefix(prefix).split(".")[0])
    return found


def test_every_package_of_module_utils_is_in_the_table():
    found = {path.stem if path.is_file() else path.name for path in UTILS.iterdir() if path.name != "__pycache__"}
    assert found == {*ROOMS}
    assert {room for allowed in ROOMS.values() for room in allowed} <= found
    assert set(TALKING) == {"_objects/gateway.py", "_verify/polling.py"}


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_packages_import_what_the_table_says(room):
    files = [UTILS / f"{room}.py"] if (UTILS / f"{room}.py").exists() else sorted((UTILS / room).rglob("*.py"))
    assert files
    used = {path: rooms_of(path) - {room} - TALKING.get(str(path.relative_to(UTILS)), set()) for path in files}
    assert {one for names in used.values() for one in names} == ROOMS[room], used


@pytest.mark.parametrize("room", sorted(PURE))
def test_pure_packages_import_neither_ansible_nor_a_client_nor_the_system(room):
    for path in [*UTILS.glob(f"{room}.py"), *UTILS.glob(f"{room}/*.py")]:
        name = str(path.relative_to(UTILS))
        if name in TALKING:
            continue
        names = set(imports(path, ".".join(path.relative_to(ROOT).with_suffix("").parts)))
        roots = {one.split(".")[0] for one in names}
        assert not roots & {*CLIENTS}, path
        assert not roots & SYSTEM or (name == EXPANDING and roots & SYSTEM == {"os"}), path
        # Modules use the files that call the API; pure code does not import them.
        files = {one.rpartition("module_utils.")[2].replace(".", "/") + ".py" for one in names}
        assert not files & set(TALKING), path


def test_packages_import_each_other_by_relative_names():
    paths = [
        str(path.relative_to(UTILS)) for path in UTILS.rglob("*.py") if "from ansible_coll" in path.read_text("utf-8")
    ]
    assert paths == []


def test_files_that_call_the_api_exist():
    assert [name for name in sorted(TALKING) if "_api" not in rooms_of(UTILS / name)] == []


def test_lab_only_imports_query_language_and_tags_from_the_collection():
    found = {}
    for path in LAB.rglob("*.py"):
        for one in imports(path, ".".join(path.relative_to(LAB).with_suffix("").parts)):
            shared = re.search(r"(?:^|\.)module_utils\.(\w+)", one)
            if shared or one.startswith(("ansible_collections", "plugins")):
                found.setdefault(shared[1] if shared else one, []).append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in found.items() if name not in SHARED} == {}
    assert found

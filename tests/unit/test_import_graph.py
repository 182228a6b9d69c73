# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What may import what: the stand-in Datadog is built in layers, and the lab takes two things of the collection."""

from __future__ import annotations

import ast
import graphlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAB = ROOT / "lab"
# From left to right: a layer imports itself and those to its left. See lab/datadog/README.md.
LAYERS = ("errors", "clock", "wire", "store", "query", "alert", "graph", "api", "web", "app", "__main__")
# The query language and the rules of tags.
SHARED = {
    *("datadog_scope", "datadog_query", "datadog_query_build", "datadog_query_rules", "datadog_functions"),
    *("datadog_monitor_query", "datadog_tag_rules"),
}
# Only these layers speak HTTP, and only that one SQL.
HTTP, SQL = ("api", "web", "app", "__main__"), "store"
STATEMENT = re.compile(
    r"\b(SELECT\b.+\bFROM|INSERT\b.+\bINTO|UPDATE\b.+\bSET|DELETE FROM|CREATE TABLE|PRAGMA)\b", re.DOTALL
)


def imports(path: Path, module: str) -> Iterator[str]:
    """The full names that a file imports, wherever in it; of `from a import b` both a and a.b."""
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
    """The modules of a package by their full names."""
    found = {}
    for path in folder.rglob("*.py"):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


STANDIN = modules(LAB / "datadog" / "standin")
# A package is imported for what it defines; that importing a module of it runs it is no arrow.
GRAPH = {
    name: {one for one in imports(path, name) if one in STANDIN and one not in (name, "standin")}
    for name, path in STANDIN.items()
}


def layer(module: str) -> int:
    return LAYERS.index(module.split(".")[1])


def against(graph: dict[str, set[str]]) -> list[str]:
    """The arrows that go to the right."""
    return [
        f"{name} imports {other}"
        for name, others in sorted(graph.items())
        for other in sorted(others)
        if name.count(".") and layer(other) > layer(name)
    ]


def test_every_module_of_the_standin_is_in_a_layer():
    assert {name.split(".")[1] for name in STANDIN if name != "standin"} == set(LAYERS)


def test_the_readme_names_layers_and_rooms():
    text = (LAB / "datadog" / "README.md").read_text(encoding="utf-8")
    rooms = [name for name, path in STANDIN.items() if "(Room):" in path.read_text(encoding="utf-8")]
    named = {*LAYERS, *(name.rpartition(".")[2] for name in rooms if name.startswith("standin.api."))}
    assert {name for name in named if f"`{name}`" not in text} == set()


def test_layers_import_to_the_left_only():
    assert against(GRAPH) == []


def test_no_module_imports_itself_by_way_of_others():
    order = {name: {one for one in others if not name.startswith(f"{one}.")} for name, others in GRAPH.items()}
    # Raises where there is a circle.
    assert len(list(graphlib.TopologicalSorter(order).static_order())) == len(STANDIN)


def test_an_arrow_to_the_right_and_a_circle_are_found():
    assert against({"standin.wire.bodies": {"standin.store.points"}}) == [
        "standin.wire.bodies imports standin.store.points"
    ]
    assert against({"standin.store.points": {"standin.wire.bodies", "standin.store.hosts"}}) == []
    with pytest.raises(graphlib.CycleError):
        list(graphlib.TopologicalSorter({"a": {"b"}, "b": {"a"}}).static_order())


def test_layers_below_the_api_know_no_http():
    below = {name: path for name, path in STANDIN.items() if name.count(".") and name.split(".")[1] not in HTTP}
    roots = {name: {one.split(".")[0] for one in imports(path, name)} for name, path in below.items()}
    assert {name for name in below if roots[name] & {"starlette", "uvicorn", "jinja2"}} == set()


def test_sql_is_in_the_store_only():
    found = []
    for name, path in STANDIN.items():
        if not name.startswith(f"standin.{SQL}"):
            nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
            found += [f"{name}: {text}" for text in texts if STATEMENT.search(text)]
            found += [f"{name}: sqlite3" for one in imports(path, name) if one == "sqlite3"]
    assert found == []


def test_the_lab_takes_query_language_and_tags_of_the_collection():
    found = {}
    for path in LAB.rglob("*.py"):
        for one in imports(path, ".".join(path.relative_to(LAB).with_suffix("").parts)):
            shared = re.search(r"(?:^|\.)module_utils\.(\w+)", one)
            if shared or one.startswith(("ansible_collections", "plugins")):
                found.setdefault(shared[1] if shared else one, []).append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in found.items() if name not in SHARED} == {}
    assert found


@pytest.mark.parametrize("name", sorted(SHARED))
def test_what_the_lab_takes_brings_nothing_else_of_the_collection(name):
    path = ROOT / "plugins" / "module_utils" / f"{name}.py"
    ours = {one.split(".")[1] for one in imports(path, f"module_utils.{name}") if one.startswith("module_utils.")}
    assert ours <= SHARED
    assert not {one for one in imports(path, f"module_utils.{name}") if one.startswith("ansible")}

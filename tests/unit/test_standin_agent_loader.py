"""Which check configurations the stand-in Agent finds in conf.d, and what it says of those it cannot use."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[2] / "lab" / "agent"))

from standin_agent.config import Config
from standin_agent.loader import Instance, read_configurations

ONE = "instances: [{}]\n"


def read(folder: Path, files: dict[str, str | bytes]) -> tuple[list[Instance], dict[str, str]]:
    for name, text in files.items():
        path = folder / "conf.d" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    path = folder / "datadog.yaml"
    path.write_text(json.dumps({"hostname": "h", "confd_path": str(folder / "conf.d")}), encoding="utf-8")
    return read_configurations(Config(path))


@pytest.mark.parametrize(
    ("files", "sources"),
    [
        ({"a.d/conf.yaml": ONE, "a.d/more.yml": ONE, "b.yaml": ONE}, ["a.d/conf.yaml", "a.d/more.yml", "b.yaml"]),
        ({"a.d/conf.yaml.default": ONE, "a.d/conf.yaml.example": ONE}, ["a.d/conf.yaml.default"]),
        ({"a.d/conf.yaml.default": ONE, "a.d/conf.yaml": ONE}, ["a.d/conf.yaml"]),
        ({"a.d/conf.yaml": ONE, "a.d/metrics.yaml": "jmx_metrics: []\n", "a/conf.yaml": ONE}, ["a.d/conf.yaml"]),
        ({"a.d/auto_conf.yaml": f"ad_identifiers: [redis]\n{ONE}"}, []),
        ({"a.d/conf.yaml": f"cluster_check: true\n{ONE}"}, []),
        ({"a.d/conf.yaml": "logs: [{type: file}]\n", "b.d/conf.yaml": ""}, []),
        ({"a.d/conf.yaml": "init_config:\ninstances:\n  -\n  - {}\n"}, ["a.d/conf.yaml"] * 2),
    ],
)
def test_where_configurations_are_looked_for(tmp_path: Path, files: dict[str, str | bytes], sources: list[str]) -> None:
    instances, errors = read(tmp_path, files)
    assert [item.source for item in instances] == [f"file:{tmp_path / 'conf.d' / name}" for name in sources]
    assert errors == {}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("init_config:\n", "no valid instances"),
        ("# nothing\n", "no valid instances"),
        ("instances: {a: b}\n", "no valid instances"),
        ("- instances\n", "must be a mapping"),
        ("instances: [s3cr3t]\n", "must be a mapping"),
        ("init_config: s3cr3t\ninstances: [{}]\n", "must be a mapping"),
        ("instances: [{tags: s3cr3t}]\n", "must be a list"),
        ("instances: [{password: s3cr3t, x: [}]\n", "not valid YAML, line 1"),
        ("instances: [{password: !s3cr3t x}]\n", "not valid YAML, line 1"),
        ("instances: [&a {self: *a}]\n", "not valid YAML: RecursionError"),
        ("instances: [{name: Zoë}]\n".encode("latin-1"), "not valid YAML: UnicodeDecodeError"),
        ("instances: [{min_collection_interval: .inf}]\n", "must be a number of seconds"),
        ("instances: [{min_collection_interval: '45'}]\n", "must be a number of seconds"),
    ],
)
def test_an_unusable_file_is_named_and_hides_no_other(tmp_path: Path, text: str | bytes, problem: str) -> None:
    instances, errors = read(tmp_path, {"bad.d/conf.yaml": text, "good.d/conf.yaml": ONE})
    assert [item.name for item in instances] == ["good"]
    assert list(errors) == ["bad"]
    assert errors["bad"].startswith(f"{tmp_path / 'conf.d/bad.d/conf.yaml'}: ")
    assert problem in errors["bad"]
    # The reader's own words may name a tag, but no value.
    assert "s3cr3t" not in errors["bad"] or "!s3cr3t" in str(text)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, 15),
        ({"min_collection_interval": 45}, 45),
        ({"min_collection_interval": 0}, 15),
        ({"x": {1: 2, "b": 3}}, 15),
    ],
)
def test_the_interval_is_that_of_the_instance(tmp_path: Path, settings: dict[str, Any], expected: int) -> None:
    instance = Instance("c", "file:x", {"min_collection_interval": 3}, settings)
    assert instance.interval == expected
    assert instance.check_id == Instance("c", "file:y", {"min_collection_interval": 3}, dict(settings)).check_id


def test_the_agent_adds_the_service_and_leaves_the_tags_to_the_check(tmp_path: Path) -> None:
    """As the real one, whose Python checks read `tags` themselves; its own checks (mysql, system) get them."""
    settings = {"tags": ["a:b"], "service": "shop"}
    assert Instance("mine", "", {"service": "all"}, settings).tags == ["service:shop"]
    assert Instance("mine", "", {"service": "all"}, {}).tags == ["service:all"]
    assert Instance("mysql", "", {}, settings).tags == ["a:b", "service:shop"]

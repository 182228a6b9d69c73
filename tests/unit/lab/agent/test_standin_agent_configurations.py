"""Which check configurations the stand-in Agent finds in conf.d, and how it reports unusable ones."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[4] / "lab" / "agent"))

from standin_agent.config import Config
from standin_agent.configurations import Instance, read_configurations

ONE = "instances: [{}]\n"
LOGS = "logs: [{type: file}]\n"


def read(folder: Path, files: dict[str, str | bytes]) -> tuple[list[Instance], dict[str, str]]:
    for name, text in files.items():
        path = folder / "conf.d" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    path = folder / "datadog.yaml"
    path.write_text(json.dumps({"hostname": "h", "confd_path": str(folder / "conf.d")}), encoding="utf-8")
    return read_configurations(Config(path))


# One case per rule of the genuine Agent (comp/core/autodiscovery/providers/config_reader.go).
@pytest.mark.parametrize(
    ("files", "sources"),
    [
        # Files and folders are sorted by name together, and a check may have several files.
        ({"a.d/conf.yaml": ONE, "a.d/more.yml": ONE, "b.yaml": ONE}, ["a.d/conf.yaml", "a.d/more.yml", "b.yaml"]),
        ({"a.d/conf.yaml.default": ONE, "a.d/conf.yaml.example": ONE}, ["a.d/conf.yaml.default"]),
        # A default only applies if nothing else configures the check, in either form.
        ({"a.d/conf.yaml.default": ONE, "a.d/conf.yaml": ONE}, ["a.d/conf.yaml"]),
        ({"a.d/conf.yaml.default": ONE, "a.yaml": ONE}, ["a.yaml"]),
        ({"a.yaml.default": ONE, "a.d/conf.yml": ONE}, ["a.d/conf.yml"]),
        ({"a.yaml.default": ONE}, ["a.yaml.default"]),
        ({"a.d/conf.yaml.default": ONE, "a.d/conf.yaml": LOGS}, ["a.d/conf.yaml.default"]),
        ({"a.d/conf.yaml.default": ONE, "a.yaml": LOGS}, ["a.d/conf.yaml.default"]),
        ({"a.d/conf.yaml.default": ONE, "a.d/conf.yaml": LOGS + ONE}, ["a.d/conf.yaml"]),
        # An empty or unusable file does not replace it, and is then not reported.
        ({"a.d/conf.yaml.default": ONE, "a.d/conf.yaml": ""}, ["a.d/conf.yaml.default"]),
        ({"a.d/conf.yaml.default": ONE, "a.d/conf.yaml": "instances: ["}, ["a.d/conf.yaml.default"]),
        ({"a.d/conf.yaml": ONE, "a.d/metrics.yaml": "jmx_metrics: []\n", "a/conf.yaml": ONE}, ["a.d/conf.yaml"]),
        ({"a.d/more/conf.yaml": ONE}, []),
        ({"a.d/.hidden.yaml": ONE}, ["a.d/.hidden.yaml"]),
        ({"a.d/conf.yaml": b"\xef\xbb\xbf" + ONE.encode()}, ["a.d/conf.yaml"]),
        ({"a.d/auto_conf.yaml": f"ad_identifiers: [redis]\n{ONE}"}, []),
        ({"a.d/conf.yaml": f"cluster_check: true\n{ONE}"}, []),
        ({"a.d/conf.yaml": LOGS, "b.d/conf.yaml": ""}, []),
        # With an empty init_config, and empty instances.
        ({"a.d/conf.yaml": "init_config:\ninstances:\n  -\n  - {}\n"}, ["a.d/conf.yaml"] * 2),
        # An init_config of another type stops the check, and only the log says so.
        ({"a.d/conf.yaml": f"init_config: text\n{ONE}"}, []),
    ],
)
def test_configuration_files_are_found(tmp_path: Path, files: dict[str, str | bytes], sources: list[str]) -> None:
    instances, errors = read(tmp_path, files)
    assert [item.source for item in instances] == [f"file:{tmp_path / 'conf.d' / name}" for name in sources]
    assert errors == {}


def test_linked_folder_is_not_searched(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    for name in ("a.d", "b.d"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "conf.yaml").write_text(ONE, encoding="utf-8")
    (tmp_path / "conf.d/a.d").symlink_to(tmp_path / "a.d")
    (tmp_path / "conf.d/b.d").mkdir()
    (tmp_path / "conf.d/b.d/conf.yaml").symlink_to(tmp_path / "b.d/conf.yaml")
    (tmp_path / "conf.d/b.d/nowhere.yaml").symlink_to(tmp_path / "nowhere")
    instances, errors = read(tmp_path, {})
    assert [item.name for item in instances] == ["b"]
    assert errors == {"b": f"open {tmp_path}/conf.d/b.d/nowhere.yaml: no such file or directory"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("init_config:\n", "Configuration file contains no valid instances"),
        ("# nothing\n", "Configuration file contains no valid instances"),
        ("instances: []\n", "Configuration file contains no valid instances"),
        ("instances: {a: s3cr3t}\n", "must be a list"),
        ("- instances\n", "must be a mapping"),
        ("instances: [s3cr3t]\n", "must be a mapping"),
        ("instances: [{password: s3cr3t, x: [}]\n", "not valid YAML, line 1"),
        ("instances: [{password: !s3cr3t x}]\n", "not valid YAML, line 1"),
        ("instances: [&a {self: *a}]\n", "not valid YAML: RecursionError"),
        ("instances: [{name: Zoë}]\n".encode("latin-1"), "not valid YAML: UnicodeDecodeError"),
    ],
)
def test_unusable_file_is_named_and_hides_no_other(tmp_path: Path, text: str | bytes, problem: str) -> None:
    instances, errors = read(tmp_path, {"bad.d/conf.yaml": text, "good.d/conf.yaml": ONE})
    assert [item.name for item in instances] == ["good"]
    assert list(errors) == ["bad"]
    assert problem in errors["bad"]
    # The parser's message may name a YAML tag, but no value.
    assert "s3cr3t" not in errors["bad"] or "!s3cr3t" in str(text)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"tags": "a:b"}, "`tags`"),
        ({"tags": [{"a": "b"}]}, "`tags`"),
        ({"min_collection_interval": "45"}, "`min_collection_interval`"),
        ({"min_collection_interval": float("inf")}, "`min_collection_interval`"),
        ({"min_collection_interval": True}, "`min_collection_interval`"),
        ({"empty_default_hostname": "yes"}, "`empty_default_hostname`"),
        ({"tags": ["a:b", 5, None], "min_collection_interval": 2.5}, ""),
    ],
)
def test_agent_settings_are_left_to_the_loader_to_refuse(settings: dict[str, Any], problem: str) -> None:
    found = Instance("c", "file:x", {}, settings).problem
    assert found.startswith(problem) and bool(found) == bool(problem)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, 15),
        ({"min_collection_interval": 45}, 45),
        ({"min_collection_interval": 2.5}, 2),
        ({"min_collection_interval": 0}, 15),
        ({"x": {1: 2, "b": 3}}, 15),
    ],
)
def test_interval_comes_from_the_instance(settings: dict[str, Any], expected: int) -> None:
    instance = Instance("c", "file:x", {"min_collection_interval": 3}, settings)
    assert instance.interval == expected
    assert instance.check_id == Instance("c", "file:y", {"min_collection_interval": 3}, dict(settings)).check_id


def test_agent_adds_the_service_tag_and_leaves_tags_to_the_check() -> None:
    """Like the genuine Agent: Python checks read `tags` themselves, Go checks get them from the Agent."""
    settings = {"tags": ["a:b"], "service": "shop"}
    assert Instance("mine", "", {"service": "all"}, settings).tags == ["service:shop"]
    assert Instance("mine", "", {"service": "all"}, {}).tags == ["service:all"]
    assert Instance("mysql", "", {}, settings).tags == ["service:shop"]
    assert Instance("cpu", "", {}, settings).tags == ["a:b", "service:shop"]
    assert Instance("cpu", "", {"loader": "python"}, settings).tags == ["service:shop"]

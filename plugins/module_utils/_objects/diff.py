# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The differences between two comparable objects, as readable YAML. Pure."""

from __future__ import annotations

import functools
from typing import Any


def without_nulls(value: Any) -> Any:
    """Return the value without dictionary entries, at any depth, that are None, which the API treats as absent."""
    if isinstance(value, dict):
        return {name: without_nulls(item) for name, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, (list, tuple)) else value


def difference(before: dict[str, Any] | None, after: dict[str, Any] | None) -> tuple[str, str]:
    """Return both as YAML, each reduced to the differences; None means that the object does not exist."""
    left, right = (_by_title(body) if body is not None else None for body in (before, after))
    if left is not None and right is not None:
        left, right = _differing(left, right)
    return yaml_text(left), yaml_text(right)


def _by_title(value: Any) -> Any:
    """Return the value with each list of widgets as a dictionary from title, or else type, to widget.

    So a widget is compared with the one of the same name, wherever it is. Duplicate names are numbered.
    """
    if isinstance(value, (list, tuple)):
        return [_by_title(item) for item in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for name, item in value.items():
        if name == "widgets" and isinstance(item, (list, tuple)):
            result[name] = {title: _by_title(widget) for title, widget in zip(_titles(item), item, strict=True)}
        else:
            result[name] = _by_title(item)
    return result


def _titles(widgets: Any) -> list[str]:
    titles: list[str] = []
    for widget in widgets:
        definition = (widget.get("definition") if isinstance(widget, dict) else None) or {}
        title = plain = str(definition.get("title") or definition.get("type") or "widget")
        number = 1
        while title in titles:
            number += 1
            title = f"{plain} ({number})"
        titles.append(title)
    return titles


def _differing(left: dict[str, Any], right: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    before, after = {}, {}
    for name in [*left, *(name for name in right if name not in left)]:
        old, new = left.get(name), right.get(name)
        if name not in left:
            after[name] = new
        elif name not in right:
            before[name] = old
        elif isinstance(old, dict) and isinstance(new, dict):
            # Equality of dictionaries would ignore the order of widgets.
            inner = _differing(old, new)
            if any(inner):
                before[name], after[name] = inner
            if name == "widgets" and [key for key in old if key in new] != [key for key in new if key in old]:
                before["order of widgets"], after["order of widgets"] = list(old), list(new)
        elif old != new:
            before[name], after[name] = old, new
    return before, after


def yaml_text(value: Any) -> str:
    """Return a value as readable YAML, in its own order and with multi-line text as blocks; "" if it is empty."""
    if not value:
        return ""
    return str(_yaml().dump(value, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=1000))


def _yaml() -> Any:
    """Return PyYAML, which a host may lack; the controller has it through Ansible."""
    import yaml

    return yaml


@functools.cache
def _dumper() -> Any:
    """Return a dumper that writes multi-line text as blocks, and no anchors or aliases."""
    yaml = _yaml()

    # Use the C implementation if it is available.
    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        def ignore_aliases(self, data: Any) -> bool:
            return True

        def text(self, value: str) -> Any:
            return self.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, Dumper.text)
    return Dumper

# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Render the Agent's YAML files, with secrets inserted.

Hosts do not need a YAML library for this: files are rendered here, and existing files are only compared as text.
"""

from __future__ import annotations

import json
import re
from typing import Any

from .._plain import copied
from .names import secret_paths

HEADER = "# Managed by Ansible (kennel.fleet): changes made here are overwritten.\n"

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
# Words that a YAML 1.1 parser reads as a boolean or null, even as keys.
_RESERVED = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
# Characters that JSON does not escape, but YAML must: additional line breaks, and those that it considers unprintable.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def to_yaml(value: Any, indent: int = 0) -> str:
    """Render mappings, lists and scalars as YAML text that ends with a newline.

    Every string is quoted: the Agent's parser would read an unquoted key of digits, or one such as 12e4, as a number.
    Raises TypeError or ValueError for anything that JSON cannot represent.
    """
    pad = "  " * indent
    if isinstance(value, dict) and value:
        return "".join(f"{pad}{_key(key)}:{_after(item, indent + 1)}" for key, item in value.items())
    if isinstance(value, list) and value:
        return "".join(f"{pad}-{_item(item, indent + 1)}" for item in value)
    return f"{pad}{scalar(value)}\n"


def _key(key: Any) -> str:
    text = str(key)
    return text if _PLAIN_KEY.match(text) and text.lower() not in _RESERVED else scalar(text)


def _after(value: Any, indent: int) -> str:
    nested = isinstance(value, (dict, list)) and value
    return f"\n{to_yaml(value, indent)}" if nested else f" {scalar(value)}\n"


def _item(value: Any, indent: int) -> str:
    if isinstance(value, dict) and value:
        return " " + to_yaml(value, indent).lstrip(" ")
    return _after(value, indent)


def scalar(value: Any) -> str:
    """Render a scalar value."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if isinstance(value, float):
        # YAML 1.1 recognizes a number with an exponent only if it has a decimal point.
        return re.sub(r"^(-?\d+)e", r"\1.0e", text)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def merge_secrets(config: dict[str, Any], secrets: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of the configuration with the secrets inserted.

    The key of a secret is a dotted path with numbers for list positions: ``api_key``, ``instances.0.password``. A
    secret may be a mapping or a list, for keys that contain dots; a number is written as text, like keys and passwords.
    Raises ValueError, with the path but not the value, if the path does not exist.
    """
    merged: dict[str, Any] = copied(config)
    for path, secret in secrets.items():
        *parents, last = path.split(".")
        node: Any = merged
        if isinstance(secret, (int, float)):
            secret = str(secret)
        try:
            if not all(path.split(".")):
                raise KeyError
            for part in parents:
                node = node[_position(part)] if isinstance(node, list) else node.setdefault(part, {})
            if isinstance(node, list):
                node[_position(last)] = secret
            elif isinstance(node, dict):
                node[last] = secret
            else:
                raise TypeError
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            raise ValueError(f"the configuration has no place for the secret {path!r}") from None
    return merged


def _position(text: str) -> int:
    if not text.isdecimal():
        raise IndexError
    return int(text)


def split_secrets(config: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a copy of the configuration without the secrets that `secret_places` finds, and these by their path.

    This is the inverse of `merge_secrets`. A list that contains secrets itself, and a mapping with secrets under keys
    with dots, are moved as a whole.
    """
    kept, secrets = _split(config, list(secret_paths(config)), "")
    return kept, secrets


def _split(config: Any, paths: list[tuple[str, ...]], before: str) -> tuple[Any, dict[str, Any]]:
    kept: dict[Any, Any] = {}
    secrets: dict[str, Any] = {}
    for key, item in config.items() if isinstance(config, dict) else enumerate(config):
        place, inner = f"{before}{key}", [path[1:] for path in paths if path[0] == str(key)]
        if not inner:
            kept[key] = item
        elif _can_be_split(item, inner):
            kept[key], found = _split(item, inner, f"{place}.")
            secrets |= found
        else:
            secrets[place] = item
    return (kept if isinstance(config, dict) else list(kept.values())), secrets


def _can_be_split(value: Any, paths: list[tuple[str, ...]]) -> bool:
    if isinstance(value, dict):
        return not any("." in path[0] for path in paths)
    return isinstance(value, list) and all(
        len(path) > 1 and _can_be_split(value[int(path[0])], [path[1:]]) for path in paths
    )


def render(config: dict[str, Any], secrets: dict[str, Any]) -> str:
    """Return the text of a configuration file, including the header."""
    return HEADER + to_yaml(merge_secrets(config, secrets))

# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules for the inputs of several roles. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from .._secrets.names import public_address
from .._secrets.yaml_files import merge_secrets
from .._tags import tag_problem
from .specification import shown

# Host names that resolvers accept; many internal ones contain underscores.
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\Z")
LONGEST_NAME = 253
# https://docs.datadoghq.com/developers/guide/what-best-practices-are-recommended-for-naming-metrics-and-tags/
_METRIC = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,199}\Z")
# The path of a socket has at most 108 bytes, including the terminating null byte (Linux, unix(7)).
_SOCKET = re.compile(r"/(?!.*/\Z)[A-Za-z0-9_.,@%+=:~/-]{1,106}\Z")
# Folders of the kernel, where nobody can create a file.
_OF_THE_KERNEL = re.compile(r"/(proc|sys|dev)(/|\Z)")


def is_host(value: Any) -> bool:
    """Whether this is an IP address, or a name that a resolver accepts."""
    text = str(value)
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return 0 < len(text) <= LONGEST_NAME and all(_LABEL.match(label) for label in text.split("."))
    return True


def is_address(value: Any) -> bool:
    """Whether this is an HTTP or HTTPS URL with a valid host. It may contain a user and a password."""
    text = str(value)
    try:
        parts = urlsplit(text)
        port = parts.port
    # Raised for invalid brackets and ports.
    except ValueError:
        return False
    fine = parts.scheme in ("http", "https") and text.isascii() and text.isprintable() and " " not in text
    return fine and port != 0 and is_host(parts.hostname or "")


def address_problems(variable: str, value: Any) -> list[str]:
    """Return problems with a base URL that anybody may see."""
    text = public_address(str(value))
    if not is_address(value):
        return [f"{variable} {text!r} is not a URL. Write https:// and a host, without characters that need escaping."]
    parts = urlsplit(str(value))
    if "@" in parts.netloc:
        return [f"{variable} {text!r} contains a user or password, which all could read. Write https:// and a host."]
    if parts.query or parts.fragment:
        return [f"{variable} {text!r} has a query or fragment. Write https:// and a host, with at most a path."]
    return []


def metric_problem(name: Any) -> str:
    """Return why this is not the name of a metric, or an empty text."""
    if isinstance(name, str) and _METRIC.match(name):
        return ""
    return f"{name!r} is not a valid metric name. Write letters, digits, _ and dots, a letter first, at most 200."


def socket_problems(variable: str, value: Any) -> list[str]:
    """Return problems with the path of a socket."""
    if isinstance(value, str) and _SOCKET.match(value):
        return []
    return [
        f"{variable} is {value!r}. Write the absolute path of the server's socket, without spaces, up to 107 "
        "characters."
    ]


def folder_problems(variable: str, value: Any, unwritable: Mapping[str, str]) -> list[str]:
    """Return problems with a folder for reports on the controller. Creates nothing."""
    reason = unwritable.get(str(value))
    if _OF_THE_KERNEL.match(str(value)):
        reason = "it belongs to the kernel"
    return (
        [f"{variable} {value!r} cannot be used for reports: {reason}. Set it to a writable folder."] if reason else []
    )


def is_between(value: Any, least: int, most: int) -> bool:
    """Whether this is a whole number in this range, or a text with one."""
    digits = not isinstance(value, bool) and re.fullmatch("[0-9]{1,9}", str(value))
    return bool(digits) and least <= int(value) <= most


def port_problems(variable: str, value: Any, least: int = 1) -> list[str]:
    """Return problems with a port."""
    return [] if is_between(value, least, 65535) else [f"{variable} is {value!r}. Write a port from {least} to 65535."]


def tags_problems(variable: str, tags: Any) -> list[str]:
    """Return problems with a list of tags."""
    if not isinstance(tags, (list, tuple)):
        return [f"{variable} is not a list. Write 'key:value' strings."]
    found = (
        (
            tag,
            tag_problem(tag) if isinstance(tag, str) else "is not a 'key:value' string. Write one such as 'team:web'.",
        )
        for tag in tags
    )
    return [f"{variable}: {shown(tag)} {problem}" for tag, problem in found if problem]


def place_problems(variable: str, config: dict[str, Any], secrets: Any) -> list[str]:
    """Return problems with secrets whose path does not exist in the configuration."""
    try:
        merge_secrets(config, secrets if isinstance(secrets, dict) else {})
    except ValueError as error:
        return [f"{variable}: {error}. Write the path of a setting, such as proxy.https."]
    return []


def holds(config: Any, place: str) -> bool:
    """Whether a configuration has a value at this dotted path."""
    name, _dot, rest = place.partition(".")
    return isinstance(config, dict) and name in config and (not rest or holds(config[name], rest))


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return BASE updated with the values of OVER; dictionaries in both are merged recursively."""
    result = dict(base)
    for name, value in over.items():
        old = result.get(name)
        result[name] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result

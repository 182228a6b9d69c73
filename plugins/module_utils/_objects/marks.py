# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The mark by which objects are identified: their fleet and key. Pure.

An object is identified by fleet and key, not by a stored ID or by its title, so a new title updates it in place.
Monitors carry ``Mark.tags``; dashboards and downtimes carry ``Mark.line`` as the last paragraph of their text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

NAME = re.compile(r"[a-z][a-z0-9_-]{0,99}\Z")
NAME_RULE = "up to 100 lowercase letters, digits, _ and -, starting with a letter"
_LINE = re.compile(r"^managed_by:kennel kennel_fleet:([a-z][a-z0-9_-]*) kennel_key:([a-z][a-z0-9_-]*)[ \t]*$", re.M)
_TAG_KEYS = ("managed_by:kennel", "kennel_fleet:", "kennel_key:")


@dataclass(frozen=True)
class Mark:
    """Fleet and key of an object."""

    fleet: str
    key: str

    @property
    def tags(self) -> list[str]:
        """The mark as tags."""
        return ["managed_by:kennel", f"kennel_fleet:{self.fleet}", f"kennel_key:{self.key}"]

    @property
    def line(self) -> str:
        """The mark as a line of text."""
        return " ".join(self.tags)


def mark_in_tags(tags: Iterable[str]) -> Mark | None:
    """Return the mark in these tags, or None."""
    pairs = [tag.partition(":") for tag in tags]
    values = {key: value for key, _colon, value in pairs if f"{key}:" in _TAG_KEYS}
    if "managed_by:kennel" in tags and len(values) == 2:
        return Mark(values["kennel_fleet"], values["kennel_key"])
    return None


def mark_in_text(text: str | None) -> Mark | None:
    """Return the mark in this text, or None."""
    found = _LINE.search(text or "")
    return Mark(*found.groups()) if found else None


def unmarked_tags(tags: Iterable[str]) -> list[str]:
    """Return the other tags, sorted and without duplicates."""
    return sorted({tag for tag in tags if not tag.startswith(_TAG_KEYS[1:]) and tag != _TAG_KEYS[0]})


def unmarked_text(text: str | None) -> str:
    """Return the text without its mark and without white space around it."""
    return _LINE.sub("", text or "").strip()


def marked_text(text: str | None, mark: Mark) -> str:
    """Return the text with this mark, and no other one, as its last paragraph."""
    return f"{unmarked_text(text)}\n\n{mark.line}".lstrip()


def fleet_arguments() -> dict[str, dict[str, Any]]:
    """Return the arguments that ``chosen`` reads; ``key`` needs ``fleet``."""
    return {"fleet": {"type": "str"}, "key": {"type": "str", "no_log": False}}


def chosen(mark: Mark | None, params: Mapping[str, Any]) -> bool:
    """Whether an object with this mark belongs to the requested ``fleet`` and ``key``, if they are set."""
    if params["fleet"] is None:
        return True
    return mark is not None and mark.fleet == params["fleet"] and params["key"] in (None, mark.key)

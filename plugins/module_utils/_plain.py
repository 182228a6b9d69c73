# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copies of what variables hold, for filters and modules to change."""

from __future__ import annotations

from typing import Any


def copied(value: Any) -> Any:
    """Copy mappings and lists as plain ones, all the way down.

    Filters get containers that are templated as they are read; `copy.deepcopy` of one copies all of the templating
    (tried: ansible-core 2.19 to 2.22), and from 2.22 on that warns of what goes away.
    """
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value

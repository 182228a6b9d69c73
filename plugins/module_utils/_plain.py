# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plain copies of variables, which filters and modules can change."""

from __future__ import annotations

from typing import Any


def copied(value: Any) -> Any:
    """Return a deep copy with plain dictionaries and lists.

    Filters receive containers that are templated when they are read. `copy.deepcopy` also copies all of the templating
    (tried with ansible-core 2.19 to 2.22), and from 2.22 on it causes deprecation warnings.
    """
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value

# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copies share no containers with the original, and contain only plain data."""

from __future__ import annotations

from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._plain import copied


def test_copy_is_equal_and_independent() -> None:
    given: dict[str, Any] = {"a": [{"b": 1}, "text"], "c": None}
    copy = copied(given)
    assert copy == given
    copy["a"][0]["b"] = 2
    copy["a"].append("more")
    assert given == {"a": [{"b": 1}, "text"], "c": None}


def test_containers_of_other_classes_become_plain_ones() -> None:
    class Lazy(dict):
        def __deepcopy__(self, memo: dict[int, Any]) -> Any:
            raise AssertionError("this would copy whatever the container holds on to")

    copy = copied({"a": [Lazy(b=Lazy(c=1))]})
    assert type(copy["a"][0]) is dict and type(copy["a"][0]["b"]) is dict and copy == {"a": [{"b": {"c": 1}}]}

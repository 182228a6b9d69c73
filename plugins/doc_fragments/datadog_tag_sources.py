# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations


class ModuleDocFragment:
    """Options of the filter ``datadog_tags``; mirrors ``build_tags`` of ``_tags.py``."""

    DOCUMENTATION = r"""
options:
  _input:
    description: List of C(key:value) strings, or a dictionary that maps tag keys to values.
    type: raw
    required: true
  groups:
    description: Group names. Each becomes a tag with O(group_key) as its key.
    type: list
    elements: str
    default: []
  group_key:
    description: Key of the tags that are built from O(groups).
    type: str
    default: ansible_group
  variables:
    description:
      - Dictionary that maps tag keys to values. A value is a string, a number or a boolean, or a list of these, which
        produces several tags.
    type: dict
    default: {}
  facts:
    description: Same as O(variables), for values from facts. Error messages distinguish between the two.
    type: dict
    default: {}
"""

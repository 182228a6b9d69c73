# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations


class ModuleDocFragment:
    """What both tag filters take; mirrors ``datadog_tag_rules.build_tags``."""

    DOCUMENTATION = r"""
options:
  _input:
    description:
      - List of C(key:value) strings, or a dictionary of tag key to value.
    type: raw
    required: true
  groups:
    description:
      - Names of groups, each of which becomes a tag with O(group_key) as its key.
    type: list
    elements: str
    default: []
  group_key:
    description:
      - Key of the tags made from O(groups).
    type: str
    default: ansible_group
  variables:
    description:
      - Dictionary of tag key to value. A value is a string, a number, a boolean,
        or a list of these, which makes several tags.
    type: dict
    default: {}
  facts:
    description:
      - The same as O(variables) for values that come from facts. Messages name the two apart.
    type: dict
    default: {}
"""

# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations


class ModuleDocFragment:
    """What modules that only read have in common."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode, where it does the same.
    support: full
  diff_mode:
    description: Returns a difference in diff mode. It changes nothing, so there is none.
    support: none
"""

    # Which objects are returned; mirrors fleet_arguments.
    OBJECTS = r"""
options:
  fleet:
    description:
      - Return what the modules of this collection have created for this fleet.
    type: str
  key:
    description:
      - Return the object of this key in O(fleet), which is then required.
    type: str
"""

# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations


class ModuleDocFragment:
    """Attributes of modules that only read."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Works the same in check mode, since the module changes nothing.
    support: full
  diff_mode:
    description: The module changes nothing, so there is no diff.
    support: none
"""

    # Selects the objects to return; mirrors fleet_arguments.
    OBJECTS = r"""
options:
  fleet:
    description: Only return objects that belong to this fleet of the collection.
    type: str
  key:
    description: Only return the object with this key. Requires O(fleet).
    type: str
"""

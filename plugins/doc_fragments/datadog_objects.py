# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations


class ModuleDocFragment:
    """What the modules for lists of dashboards, monitors and downtimes share; mirrors ``object_argument_spec``."""

    DOCUMENTATION = r"""
options:
  fleet:
    description:
      - Name of the fleet that the objects belong to. It has up to 100 lower case letters, digits, C(_) and C(-),
        a letter first.
      - Fleet and key are what an object is known by. Objects carry them as a mark, C(managed_by:kennel),
        C(kennel_fleet:FLEET) and C(kennel_key:KEY), in their tags or at the end of their text.
        No id is saved anywhere, and a new title is a change in place.
      - Objects of other fleets, and objects that nobody marked, are never touched.
    type: str
    required: true
  adopt:
    description:
      - Whether an object that carries no mark, but is otherwise known by the same, is taken over instead of making one.
      - More than one such object is an error that names them all.
    type: bool
    default: false
  prune:
    description:
      - Whether marked objects of this fleet that are not in the list are deleted.
        With an empty list these are all of them.
    type: bool
    default: false
attributes:
  check_mode:
    description: Can run in check mode and return what would be changed without changing it.
    support: full
  diff_mode:
    description: Returns what differs, and only that. Widgets are named by their title.
    support: full
notes:
  - Everything is compared as Datadog would make it, so that what it adds, sorts or rounds is no change.
  - Of several objects with one key the oldest stays, and the others are deleted. So two runs at once end with one.
"""

# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations


class ModuleDocFragment:
    """Options of the modules that manage dashboards, monitors and downtimes; mirrors ``object_argument_spec``."""

    DOCUMENTATION = r"""
options:
  fleet:
    description:
      - Name of the fleet that the objects belong to. It starts with a letter and has up to 100 lowercase letters,
        digits, C(_) and C(-).
      - Fleet and key identify an object. Each object carries them as a mark, C(managed_by:kennel),
        C(kennel_fleet:FLEET) and C(kennel_key:KEY), in its tags or at the end of its text. No IDs are stored, and
        changing a title updates the object in place.
      - The module never touches objects of other fleets, or objects without a mark.
    type: str
    required: true
  adopt:
    description:
      - Whether to take over an existing object without a mark instead of creating a new one.
      - The module fails if it finds more than one candidate, and names them all.
    type: bool
    default: false
  prune:
    description:
      - Whether to delete objects of this fleet that are not in the list. With an empty list, all of them are deleted.
    type: bool
    default: false
attributes:
  check_mode:
    description: Reports what would change without changing it.
    support: full
  diff_mode:
    description: Shows only what differs. Widgets are identified by their titles.
    support: full
notes:
  - Objects are compared in the form in which Datadog stores them, so values that Datadog adds, sorts or rounds are not
    reported as changes.
  - If several objects have the same key, for example after two concurrent runs, the module keeps the oldest and deletes
    the others.
"""

# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_downtimes
short_description: Manage the Datadog downtimes of a fleet
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Compares a list of downtimes with the active and scheduled ones in the account, and creates, updates or cancels
    those that differ.
  - A past start is not a difference for a recurring downtime that has begun. Since Datadog rejects a start in the past,
    a new downtime starts at its next occurrence. The module does not create a downtime that has expired.
  - Cancels and recreates a downtime for changes that Datadog cannot make in place, such as the start of an active
    downtime, and adds a note.
  - Validates everything before it changes anything, and reports all problems at once.
options:
  downtimes:
    description:
      - Downtimes, each as the attributes of version 2 of the Datadog API with a C(key) in addition.
      - With O(adopt=true), the module takes over an unmarked downtime that has the same message and scope.
      - C(key). Name that identifies the downtime in its fleet, with the same syntax as O(fleet). Required.
      - C(state). V(present), the default, or V(absent), which cancels the downtime. V(absent) needs no other fields.
      - C(scope). Scope of the downtime, such as V(env:prod), or V(*) for everything.
      - C(monitor_key). Key of the monitor of this fleet to mute. Mutually exclusive with C(monitor_identifier).
      - C(monitor_identifier). Monitors to mute, by C(monitor_id) or C(monitor_tags). A monitor must have all of the
        tags.
      - C(schedule). Either C(start) and C(end), or C(recurrences) with their C(timezone). Without C(start) the downtime
        starts now, without C(end) it never ends. More simply, C(days) with C(from) and C(to) or C(all_day), and
        C(timezone), as in the filter P(kennel.fleet.downtime_schedule#filter).
      - C(message). Message of the downtime, which notifies the people it mentions. The module appends the mark.
      - C(display_timezone). Time zone in which the downtime is displayed. V(UTC) by default.
      - C(mute_first_recovery_notification). Whether to mute the first recovery notification. V(false) by default.
      - C(notify_end_states). States of a monitor, V(alert), V(no data) and V(warn), that send a notification when the
        downtime ends. All by default.
      - C(notify_end_types). How the downtime must end, V(canceled) or V(expired), to send these notifications.
        V(expired) by default.
    type: list
    elements: dict
    required: true
extends_documentation_fragment:
  - kennel.fleet.datadog
  - kennel.fleet.datadog_objects
seealso:
  - module: kennel.fleet.datadog_downtimes_info
  - plugin: kennel.fleet.downtime_schedule
    plugin_type: filter
  - name: Downtimes
    description: Fields of a downtime.
    link: https://docs.datadoghq.com/api/latest/downtimes/#schedule-a-downtime
"""

EXAMPLES = r"""
- name: Mute the load monitor at night
  kennel.fleet.datadog_downtimes:
    fleet: shop
    downtimes:
      - key: nights
        monitor_key: load
        scope: "*"
        message: Nights are quiet. @ops@example.com
        display_timezone: Europe/Paris
        schedule: {days: [mon-fri], from: "19:00", to: "09:00", timezone: Europe/Paris}
  delegate_to: localhost

- name: Mute staging until Monday
  kennel.fleet.datadog_downtimes:
    fleet: shop
    downtimes:
      - key: move
        monitor_identifier: {monitor_tags: ["*"]}
        scope: env:staging
        message: Moving to the new rack.
        schedule: {end: "2027-02-01T08:00:00+01:00"}
  delegate_to: localhost
"""

RETURN = r"""
downtimes:
  description:
    - Result for each downtime, in the order of the list, followed by the deleted ones.
    - In check mode, what would happen to each.
  returned: always
  type: list
  elements: dict
  contains:
    key:
      description: Key of the downtime.
      type: str
    id:
      description: ID in Datadog. None if the downtime does not exist, or would be created in check mode.
      type: str
    message:
      description: Message of the downtime.
      type: str
    url:
      description: URL of the downtime. None if it does not exist.
      type: str
    action:
      description: One of V(created), V(updated), V(adopted), V(unchanged) and V(deleted).
      type: str
    note:
      description: Additional information, if there is any.
      type: str
  sample:
    - key: nights
      id: 00000000-0000-1234-0000-000000000000
      message: Nights are quiet. @ops@example.com
      url: https://app.datadoghq.com/monitors/downtimes/00000000-0000-1234-0000-000000000000
      action: unchanged
diff:
  description: Differences as YAML, one entry for each downtime that is not V(unchanged).
  returned: always
  type: list
  elements: dict
unlisted:
  description:
    - Objects of the fleet that are no longer in the list but still exist, each with C(kind), C(key), C(id), C(title)
      and C(url). To delete them, set their C(state) to V(absent), or set O(prune=true).
  returned: always
  type: list
  elements: dict
problems:
  description: Problems with the input, each with its fix. The module changed nothing.
  returned: if the input is invalid
  type: list
  elements: str
"""

from ansible_collections.kennel.fleet.plugins.module_utils._objects.gateway import main_of_kind


def main() -> None:
    main_of_kind("downtime")


if __name__ == "__main__":
    main()

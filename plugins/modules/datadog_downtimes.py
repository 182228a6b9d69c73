# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_downtimes
short_description: Keep the Datadog downtimes of a fleet as they are written
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Compares a list of downtimes with those of the account that are active or scheduled, and creates, changes or cancels
    what differs.
  - A series that has begun is not changed for its start. Datadog refuses a start in the past, so that a new downtime
    begins at its next occurrence. An expired downtime is not created.
  - What Datadog cannot change in place, such as the start of an active downtime, is canceled and recreated,
    which is noted.
  - Everything is checked before anything is changed, and all problems are reported at once.
options:
  downtimes:
    description:
      - Downtimes, each as the attributes of version 2 of Datadog's API with C(key) added.
      - With O(adopt=true), an unmarked downtime of the same message and scope is adopted.
      - C(key). Name that identifies the downtime in its fleet, in the form of O(fleet). Required.
      - C(state). V(present), the default, or V(absent), which deletes it. Then the other fields are not needed.
      - C(scope). What it covers, such as V(env:prod), or V(*) for everything.
      - C(monitor_key). Key of the monitor of this fleet that it mutes. Either this or C(monitor_identifier).
      - C(monitor_identifier). Which monitors it mutes, by C(monitor_id) or C(monitor_tags). All of the tags have to
        match.
      - C(schedule). Either C(start) and C(end), either of which may be left out for now and for ever, or C(recurrences)
        and their C(timezone). Or, more simply, C(days) with C(from) and C(to) or C(all_day), and C(timezone), as
        the filter P(kennel.fleet.downtime_schedule#filter) takes them.
      - C(message). Text of the downtime. People it mentions are notified of it. The mark is added at its end.
      - C(display_timezone). Time zone in which it is shown. V(UTC) by default.
      - C(mute_first_recovery_notification). Whether the first recovery during it notifies nobody. V(false) by default.
      - C(notify_end_states). States of monitors, V(alert), V(no data) and V(warn), of which people are notified when it
        ends. All by default.
      - C(notify_end_types). Ends of it, V(canceled) and V(expired), at which people are notified of these. V(expired)
        by default.
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
    description: The fields of a downtime.
    link: https://docs.datadoghq.com/api/latest/downtimes/#schedule-a-downtime
"""

EXAMPLES = r"""
- name: Let nobody be woken by the load
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
        message: The move to the new rack.
        schedule: {end: "2027-02-01T08:00:00+01:00"}
  delegate_to: localhost
"""

RETURN = r"""
downtimes:
  description:
    - What became of each downtime of the list, in its order, followed by those that were deleted.
    - In check mode, what would become of it.
  returned: always
  type: list
  elements: dict
  contains:
    key:
      description: Key of the downtime.
      type: str
    id:
      description: Its id in Datadog. None for one that does not exist, or in check mode would be created.
      type: str
    message:
      description: Its message.
      type: str
    url:
      description: Address of its page. None for one that does not exist.
      type: str
    action:
      description: One of V(created), V(updated), V(adopted), V(unchanged) and V(deleted).
      type: str
    note:
      description: What else there is to say about it, if anything.
      type: str
  sample:
    - key: nights
      id: 00000000-0000-1234-0000-000000000000
      message: Nights are quiet. @ops@example.com
      url: https://app.datadoghq.com/monitors/downtimes/00000000-0000-1234-0000-000000000000
      action: unchanged
diff:
  description: What differs, as YAML, one entry for each downtime that is not V(unchanged).
  returned: always
  type: list
  elements: dict
unlisted:
  description:
    - Objects of the fleet that are not in the list and stay, each with C(kind), C(key), C(id), C(title) and C(url).
      V(absent) as their C(state), or O(prune=true), deletes them.
  returned: always
  type: list
  elements: dict
problems:
  description: What is wrong with the input, each with its fix. Nothing was changed then.
  returned: when the input is refused
  type: list
  elements: str
"""

from ansible_collections.kennel.fleet.plugins.module_utils._objects.gateway import run_module


def main() -> None:
    run_module("downtime")


if __name__ == "__main__":
    main()

# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_event
short_description: Post an event to Datadog
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Posts an event to the event stream. An C(@name) in O(text) notifies this recipient.
  - Posts a new event each time it runs, and reports a change. To avoid duplicates, use O(unless_within).
  - If the response from Datadog is lost, the module looks for the event before it posts it again.
extends_documentation_fragment:
  - kennel.fleet.datadog
attributes:
  check_mode:
    description: Looks for the event of O(unless_within) and posts nothing.
    support: full
  diff_mode:
    description: An event does not replace anything, so there is no diff.
    support: none
options:
  title:
    description: Title of the event.
    type: str
    required: true
  text:
    description:
      - Body of the event, at most 4,000 characters.
      - Markdown must start with C(%%%) and a line break, and end with a line break and C(%%%).
    type: str
    required: true
  tags:
    description: Tags of the event.
    type: list
    elements: str
    default: []
  alert_type:
    description: Type of the event.
    type: str
    choices: [error, warning, info, success, user_update, recommendation, snapshot]
    default: info
  priority:
    description: Priority of the event.
    type: str
    choices: [normal, low]
    default: normal
  aggregation_key:
    description:
      - Key by which the event stream groups events. At most 100 characters.
      - Datadog does not return this key, so the module also adds the tag C(aggregation_key:KEY) if the key is a valid
        tag value.
    type: str
  unless_within:
    description:
      - Do not post if this module has posted an event with the same O(aggregation_key) within this number of seconds.
      - V(0) always posts.
      - Requires an O(aggregation_key) of lowercase letters, digits and C(_-:./).
    type: int
    default: 0
  source_type_name:
    description: Source of the event, as Datadog names it, such as V(ansible) or V(jenkins).
    type: str
  host:
    description:
      - Host that the event belongs to, by its name in Datadog. The event gets the tags of the host.
      - If not set, the event does not belong to a host. The module never fills in the name of the controller.
    type: str
  related_event_id:
    description: ID of the parent event, as in RV(id).
    type: int
  date_happened:
    description:
      - Time of the event in seconds since the epoch, at most 18 hours ago.
      - If not set, the current time.
    type: int
seealso:
  - module: kennel.fleet.datadog_snapshot
"""

EXAMPLES = r"""
- name: Announce a release
  kennel.fleet.datadog_event:
    title: Web 1.4 is out
    text: Rolled out to {{ groups['web'] | length }} hosts.
    tags: ['env:production', 'service:web']
    source_type_name: ansible
    api_key: "{{ datadog_api_key }}"
    app_key: "{{ datadog_app_key }}"
  delegate_to: localhost
  run_once: true

- name: Share a graph by mail, once a day at most
  kennel.fleet.datadog_event:
    title: my_metric, last hour
    text: |-
      %%%
      @ops@example.com look at ![my_metric]({{ graph.snapshot_url }})
      %%%
    aggregation_key: my_metric-graph
    unless_within: 86400
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
id:
  description: Exact ID of the event that was posted or found. None in check mode if the event would be posted.
  returned: always
  type: str
  sample: '6327818702635911562'
url:
  description: URL of the event in Datadog. None in check mode if the event would be posted.
  returned: always
  type: str
  sample: https://app.datadoghq.com/event/event?id=6327818702635911562
date_happened:
  description: Time of the event in seconds since the epoch.
  returned: always
  type: int
  sample: 1764000000
"""

import time
from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._api.client import Client
from ansible_collections.kennel.fleet.plugins.module_utils._api.module import InputError, run_module
from ansible_collections.kennel.fleet.plugins.module_utils._tags import normalise_tag

MAX_TEXT = 4000
MAX_KEY = 100
# How far ahead the clock of another controller may be, in seconds.
SKEW = 300
OPTIONAL = ("aggregation_key", "source_type_name", "host", "related_event_id")


def key_tag(key: str | None) -> str | None:
    """Return the tag that identifies events with this aggregation key; None if the key is not a valid tag value."""
    tag = f"aggregation_key:{key}"
    return tag if key and normalise_tag(tag) == tag else None


def input_problems(params: dict[str, Any]) -> list[str]:
    """Return what is wrong with the arguments."""
    key, within = params["aggregation_key"], params["unless_within"]
    checks = (
        (not params["title"].strip(), "title is empty. Give the event a title."),
        (len(params["text"]) > MAX_TEXT, f"text has {len(params['text'])} characters. Shorten it to {MAX_TEXT}."),
        (len(key or "") > MAX_KEY, f"aggregation_key has {len(key or '')} characters. Shorten it to {MAX_KEY}."),
        (within < 0, "unless_within is negative. Set it to a number of seconds, or to 0 to always post."),
        (within > 0 and not key, "unless_within needs aggregation_key. Set one, which identifies the event."),
        (
            bool(within > 0 and key and not key_tag(key)),
            f"aggregation_key '{key}' is not a valid tag, which unless_within needs to find the event. Use only"
            " lowercase letters, digits and _-:./.",
        ),
    )
    return [text for wrong, text in checks if wrong]


def event_body(params: dict[str, Any], now: int) -> dict[str, Any]:
    """Return the body of the request that posts the event."""
    tag = key_tag(params["aggregation_key"])
    body = {name: params[name] for name in ("title", "text", "alert_type", "priority")}
    body |= {name: params[name] for name in OPTIONAL if params[name] is not None}
    # Always send the time: it tells an event whose response was lost from older ones that look the same.
    body["date_happened"] = now if params["date_happened"] is None else params["date_happened"]
    body["tags"] = list(dict.fromkeys([*params["tags"], *([tag] if tag else [])]))
    return body


def events(client: Client, start: int, end: int, tags: list[str]) -> list[dict[str, Any]]:
    """Return the newest events with all TAGS that happened from START to END, newest first."""
    # Without unaggregated, the first event of a key hides the others.
    params = {"start": start, "end": end, "unaggregated": "true", **({"tags": ",".join(tags)} if tags else {})}
    found = client.get("events", **params)["events"]
    return sorted(found, key=lambda event: event["date_happened"], reverse=True)


def ensure(client: Client, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Post the event unless a recent one exists; return the module's result."""
    problems = input_problems(params)
    if problems:
        raise InputError("\n".join(problems))
    now = int(time.time())
    body = event_body(params, now)
    happened = body["date_happened"]
    tag = key_tag(params["aggregation_key"])
    if params["unless_within"] and tag:
        found = events(client, happened - params["unless_within"], max(now, happened) + SKEW, [tag])
        if found:
            return {"changed": False, **_result(client, found[0])}
    if check_mode:
        return {"changed": True, "id": None, "url": None, "date_happened": happened}

    def find() -> dict[str, Any] | None:
        near = events(client, happened - 1, happened + 1, [tag] if tag else [])
        return next(({"event": event} for event in near if _is(event, body)), None)

    return {"changed": True, **_result(client, client.post("events", body, find=find)["event"])}


def _is(event: dict[str, Any], body: dict[str, Any]) -> bool:
    """Whether BODY posted EVENT. The text cannot tell, since Datadog changes Markdown."""
    same = str(event.get("title")).strip() == body["title"].strip() and event["date_happened"] == body["date_happened"]
    return same and event.get("host") in (None, "", body.get("host"))


def _result(client: Client, event: dict[str, Any]) -> dict[str, Any]:
    # The number in "id" has lost precision as a float.
    exact = event.get("id_str") or str(event["id"])
    # The API returns a path in one response and a whole URL in another. The site itself has the event at both.
    url = client.web_address(f"/event/event?id={exact}")
    return {"id": exact, "url": url, "date_happened": event["date_happened"]}


def main() -> None:
    run_module(
        ensure,
        {
            "title": {"type": "str", "required": True},
            "text": {"type": "str", "required": True},
            "tags": {"type": "list", "elements": "str", "default": []},
            "alert_type": {
                "type": "str",
                "default": "info",
                "choices": ["error", "warning", "info", "success", "user_update", "recommendation", "snapshot"],
            },
            "priority": {"type": "str", "default": "normal", "choices": ["normal", "low"]},
            "aggregation_key": {"type": "str", "no_log": False},
            "unless_within": {"type": "int", "default": 0},
            "source_type_name": {"type": "str"},
            "host": {"type": "str"},
            "related_event_id": {"type": "int"},
            "date_happened": {"type": "int"},
        },
    )


if __name__ == "__main__":
    main()

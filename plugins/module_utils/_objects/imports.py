# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read dashboards from scripts, exports, API responses and Terraform state. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .._boards import dashboard, is_old
from .schema import Body
from .terraform import dashboards_in_state

FORMS = (
    "Provide the JSON of a dashboard, timeboard or screenboard, as you write it, as the API returns it or as its page "
    "exports it, a list of these, or Terraform's state with datadog_dashboard or datadog_dashboard_json."
)


def dashboards(found: Any) -> list[Body]:
    """Return the dashboards in a document.

    :arg found: JSON text, or its content.
    :return: each dashboard in the current format of Datadog's API.
    :raises ValueError: if the document has none of the known formats.
    """
    if isinstance(found, str):
        found = _read(found)
    if isinstance(found, (list, tuple)):
        return [made for each in found for made in dashboards(_plain(each))]
    if not isinstance(found, Mapping):
        raise ValueError(f"this is {found!r:.40}. {FORMS}")
    # The responses of POST and GET /api/v1/dash.
    if isinstance(found.get("dash"), Mapping):
        found = found["dash"]
    if is_old(found):
        return [dashboard(found)]
    if isinstance(found.get("widgets"), (list, tuple)):
        return [{"layout_type": "ordered", **found}]
    if any(name in found for name in ("resources", "values", "modules")):
        return [made for each in dashboards_in_state(found) for made in dashboards(each)]
    for name in ("dashboards", "dashes", "screenboards"):
        if name in found:
            raise ValueError(f"this is a list of {name} without their contents. Fetch each of them by its ID.")
    raise ValueError(f"this has {', '.join(sorted(map(str, found))[:5]) or 'nothing'}. {FORMS}")


def _plain(found: Any) -> Any:
    # In a list, a string is not a dashboard.
    if isinstance(found, str):
        raise ValueError(f"this is {found!r:.40}. {FORMS}")
    return found


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"this is not JSON: {error}. {FORMS}") from error


def of_files(texts: Mapping[str, str]) -> list[Body]:
    """Return the dashboards in files, given their contents by file name.

    :raises ValueError: with the name of each file without dashboards, and the reason.
    """
    made, problems = list[Body](), list[str]()
    for name, text in texts.items():
        try:
            found = dashboards(text)
        except ValueError as error:
            problems.append(f"{name}: {error}")
        else:
            made += found
            if not found:
                problems.append(f"{name}: it contains no dashboard. {FORMS}")
    if problems:
        raise ValueError("\n".join(problems))
    return made

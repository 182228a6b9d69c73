# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dashboards in the forms in which people have them: from scripts, pages, APIs and Terraform's state. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from .._boards import dashboard, is_old
from .schema import Body
from .terraform import dashboards_in_state

FORMS = (
    "Give the JSON of a dashboard, timeboard or screenboard, as one writes it, as the API answers it or as its page "
    "exports it, a list of these, or Terraform's state with datadog_dashboard or datadog_dashboard_json."
)


def dashboards(found: Any) -> list[Body]:
    """Return the dashboards that there are in what somebody has.

    :arg found: a text that is JSON, or what such a text says.
    :return: each as Datadog's API takes it, in the present form.
    :raises ValueError: where it is none of the known forms.
    """
    if isinstance(found, str):
        found = _read(found)
    if isinstance(found, (list, tuple)):
        return [made for each in found for made in dashboards(_plain(each))]
    if not isinstance(found, Mapping):
        raise ValueError(f"this is {found!r:.40}. {FORMS}")
    # As POST and GET /api/v1/dash answer.
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
            raise ValueError(f"this is a list of {name} without what is on them. Fetch each of them by its id.")
    raise ValueError(f"this has {', '.join(sorted(map(str, found))[:5]) or 'nothing'}. {FORMS}")


def _plain(found: Any) -> Any:
    # In a list, a text is no dashboard.
    if isinstance(found, str):
        raise ValueError(f"this is {found!r:.40}. {FORMS}")
    return found


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"this is not JSON: {error}. {FORMS}") from error


def of_files(texts: Mapping[str, str]) -> list[Body]:
    """Return the dashboards in the texts of some files, by their names.

    :raises ValueError: with the name of each file that has none, and why.
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
                problems.append(f"{name}: there is no dashboard in it. {FORMS}")
    if problems:
        raise ValueError(_joined(problems))
    return made


def _joined(problems: Iterable[str]) -> str:
    return "\n".join(problems)

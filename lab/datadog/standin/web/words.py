"""Schedules in words, and texts that are Markdown as markup. Pure."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup, escape

from ..alert.schedule import duration
from ..wire.bodies import Json

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_SHOWN = dict(zip(_DAYS, ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), strict=True))
_EVERY = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}
# What is told in words; a rule that says more is left as it is written.
_KNOWN = {"FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "UNTIL", "COUNT", "WKST"}
_SNAPSHOT = re.compile(r"/snapshot/view/[\w/-]+/[0-9a-f]{40}\.png")
_MARKDOWN = re.compile(r"\s*%%%[ \t]*\n(.*?)\n?[ \t]*%%%\s*", re.DOTALL)

# Characters that are rendered, at most: some ten times what Datadog takes in an event.
_LONG = 40_000


# -------------------------------------------------------------------------------------------------------- schedules
def recurrence(rule: Json, zone: str) -> str:
    """A recurrence of a downtime: "Mon to Fri 19:00 to 09:00, Europe/Paris"; nothing for a rule with more to it."""
    parts = dict(part.upper().split("=", 1) for part in rule["rrule"].removeprefix("RRULE:").split(";") if "=" in part)
    if set(parts) - _KNOWN or parts.get("FREQ") not in _EVERY:
        return ""
    days = _days(parts)
    if days is None:
        return ""
    ends = f", until {parts['UNTIL'][:4]}-{parts['UNTIL'][4:6]}-{parts['UNTIL'][6:8]}" if "UNTIL" in parts else ""
    ends += f", {parts['COUNT']} times" if "COUNT" in parts else ""
    return f"{days} {_times(datetime.fromisoformat(rule['start']), rule['duration'])}, {zone}{ends}"


def _days(parts: dict[str, str]) -> str | None:
    apart, unit = int(parts.get("INTERVAL", "1")), _EVERY[parts["FREQ"]]
    every = f"every {unit}" if apart == 1 else f"every {apart} {unit}s"
    if "BYMONTHDAY" in parts:
        return f"{every} on day {_listed(parts['BYMONTHDAY'].split(','))}" if unit == "month" else None
    if "BYDAY" not in parts:
        return every
    chosen = [day for day in _DAYS if day in parts["BYDAY"].split(",")]
    if len(chosen) != len(parts["BYDAY"].split(",")) or unit not in ("day", "week"):
        return None
    first, last = _DAYS.index(chosen[0]), _DAYS.index(chosen[-1])
    run = len(chosen) > 2 and last - first == len(chosen) - 1
    text = f"{_SHOWN[chosen[0]]} to {_SHOWN[chosen[-1]]}" if run else _listed([_SHOWN[day] for day in chosen])
    return text if apart == 1 else f"{every} on {text}"


def _times(start: datetime, length: str) -> str:
    end = start + duration(length)
    whole = (end - start).total_seconds() / 86400
    if whole == 1 and f"{start:%H:%M}" == "00:00":
        return "all day"
    return f"{start:%H:%M} to {end:%H:%M}" if whole < 1 else f"from {start:%H:%M} for {length}"


def _listed(texts: list[str]) -> str:
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def name(downtime: Json) -> str:
    """What a downtime is called: the first line of its message."""
    return next((line.strip() for line in (downtime.get("message") or "").splitlines() if line.strip()), "no message")


def folding(text: str) -> Markup:
    """A name that is folded after its dots, underscores and slashes where it is too long for its place."""
    return Markup("").join(escape(part) + Markup("<wbr>") for part in re.findall(r"[^._/]*[._/]|[^._/]+", text))


# --------------------------------------------------------------------------------------------------------- Markdown
def _picture(self: RendererHTML, tokens: Sequence[Token], place: int, _options: Any, _env: Any) -> str:
    """A snapshot of this server as a picture; what lies elsewhere is not loaded, but can be followed."""
    token = tokens[place]
    source, text = str(token.attrGet("src") or ""), token.content
    own = _SNAPSHOT.search(source)
    if own:
        return Markup('<img src="{}" alt="{}" loading="lazy">').format(own[0], text or "Snapshot")
    return Markup('<a href="{}" rel="noopener noreferrer">{}</a>').format(source, text or source)


# Markup in a text stays text, and addresses of scripts are no links.
_RENDERER = MarkdownIt("js-default", {"html": False, "breaks": True, "linkify": False})
_RENDERER.add_render_rule("image", _picture)


def markdown(text: str) -> Markup:
    """A text as markup that cannot hold any markup of its own; one that would take long is shown as it is."""
    if len(text) > _LONG:
        return Markup('<p class="prose">{}</p>').format(text)
    return Markup(_RENDERER.render(text))


def event(text: str) -> Markup:
    """An event's text: Markdown between %%%, as Datadog has it, plain otherwise. Its snapshots are pictures.

    Source: https://docs.datadoghq.com/events/guides/usage/#markdown-events
    """
    found = _MARKDOWN.fullmatch(text)
    shown = markdown(found[1]) if found else Markup('<p class="prose">{}</p>').format(text)
    missing = [one for one in sorted(set(_SNAPSHOT.findall(text))) if f'src="{escape(one)}"' not in shown]
    pictures = (
        Markup('<img src="{}" alt="Snapshot shared with this event" loading="lazy">').format(one) for one in missing
    )
    return shown + Markup("").join(pictures)

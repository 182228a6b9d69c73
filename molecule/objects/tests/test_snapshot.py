"""A shared graph, as its recipient sees it: an event with a picture."""

import re
import time

import requests


def events(account):
    now = int(time.time())
    window = {"start": now - 300, "end": now + 60, "unaggregated": "true"}
    tags = f"kennel_fleet:{account.fleet}"
    return account.call("GET", "v1/events", tags=tags, **window)["events"]


def test_snapshot_is_sent_once_per_recipient(account, play):
    first, again = (play("snapshot", to="@someone@example.com") for _run in range(2))
    assert (first.status, first.changed) == (0, 2), first.output
    assert (again.status, again.changed) == (0, 0), again.output
    [event] = events(account)
    assert "@someone@example.com" in event["text"] and account.fleet in event["title"]
    [address] = re.findall(r"!\[my_metric]\((.*)\)", event["text"])
    picture = requests.get(address, timeout=30)
    assert picture.headers["content-type"] == "image/png" and picture.content.startswith(b"\x89PNG")
    other = play("snapshot", to="@other@example.com")
    assert (other.status, other.changed) == (0, 2), other.output
    assert len(events(account)) == 2


def test_recipient_is_required(account, play):
    before = len(events(account))
    for run in (play("snapshot"), play("snapshot", to="someone@example.com")):
        assert run.status != 0 and "-e to=@someone@example.com" in run.output
    assert len(events(account)) == before

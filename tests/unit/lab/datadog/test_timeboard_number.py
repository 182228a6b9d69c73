"""The timeboard's number is the true sum of the past hour, at any minute."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import standin_client
import yaml

bodies, model, widgets = (
    importlib.import_module(f"standin.{name}") for name in ("wire.bodies", "graph.model", "graph.widgets")
)

ROOT = Path(__file__).parents[4]
DEFAULTS = ROOT / "roles" / "datadog_objects" / "defaults" / "main" / "dashboards.yml"
FULL_HOUR = 1_800_000_000 // 3600 * 3600
# Seconds between values: of a check with min_collection_interval 45, and of a host that was away for a while.
STEP, AWAY = 45, range(FULL_HOUR - 1200, FULL_HOUR - 900)


def number_of_the_timeboard():
    text = DEFAULTS.read_text(encoding="utf-8").replace("{{ __datadog_objects_shown }}", "{kennel_fleet:lab,$host}")
    [timeboard] = [one for one in yaml.safe_load(text)["datadog_objects_dashboards"] if one["key"] == "timeboard"]
    [found] = [one["definition"] for one in timeboard["widgets"] if one["definition"]["type"] == "query_value"]
    return found


@pytest.mark.parametrize("past", [0, 120, 1234, 3599])
@pytest.mark.parametrize("hours", [1, 4, 24])
def test_is_the_true_sum(tmp_path, past, hours):
    client, now, sent = standin_client.Client(tmp_path), FULL_HOUR + past, {}
    for host in ("web-1", "web-2"):
        times = range(now - 26 * 3600, now, STEP)
        points = {time: 500.0 + time % 400 for time in times if host == "web-1" or time not in AWAY}
        sent[host] = points
        key = bodies.Key("my_metric", host, ("kennel_fleet:lab",))
        client.store.add_samples([bodies.Sample(key, "gauge", 0, points)], now)
    asked = (now - hours * 3600, now) if hours > 1 else None
    definition = {**number_of_the_timeboard(), "precision": 0, "autoscale": False}
    shown = widgets.widget(definition, model.View(client.store, now, {"host": "*"}, asked))["value"]
    start = now - hours * 3600
    true = sum(value for points in sent.values() for time, value in points.items() if start <= time < now)
    # The bucket at either end may be missing: a minute, or five minutes over a day.
    edge = (300 if hours == 24 else 60) / (hours * 3600)
    assert float(shown.replace(",", "")) == pytest.approx(true, rel=2 * edge)

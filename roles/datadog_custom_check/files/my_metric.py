"""A gauge with a random value. Its interval is set in conf.d/my_metric.d/conf.yaml, not here."""

import random

from datadog_checks.base import AgentCheck


class MyMetric(AgentCheck):
    """Send my_metric: a number from 0 to 1000."""

    def check(self, _instance):
        self.gauge("my_metric", random.uniform(0, 1000), tags=self.instance.get("tags", []))

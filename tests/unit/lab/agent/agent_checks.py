# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks as other people write them, good and bad, all for the same stand-in Agent."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import NamedTuple

PASSWORD = "correct-horse-battery"
IMPORT = "from datadog_checks.base import AgentCheck\n"


class Check(NamedTuple):
    """A check: its code after the import of AgentCheck, its instances, and the error in `status`, if any."""

    code: str
    instances: str = "[{}]"
    says: str | None = None


# Checks that work in the genuine Agent.
GOOD = {
    "good": Check(
        """
        class Good(AgentCheck):
            def check(self, instance):
                self.gauge('good', 1, tags=[*instance['tags'], 'b:' + chr(252)])
                print('in the way')
        """,
        "[{min_collection_interval: 1, tags: ['who:me'], service: shop}]",
    ),
    "old_signature": Check(
        """
        from checks import AgentCheck, CheckException
        import checks.network_checks
        from config import _is_affirmative
        from utils.subprocess_output import get_subprocess_output
        class Old(AgentCheck):
            def __init__(self, name, init_config, agentConfig, instances=None):
                super(Old, self).__init__(name, init_config, agentConfig, instances)
                self.host = agentConfig.get('hostname')
            def check(self, instance):
                self.gauge('old', instance['n'], tags=['device:sda', 'host_is:' + self.host])
        """,
        "[{n: 3}]",
    ),
    "packaged": Check(  # A package. The Agent takes the first class by name that has no subclass.
        """
        from .helper import VALUE
        class Base(AgentCheck):
            def check(self, instance):
                self.gauge('packaged', VALUE, tags=[type(self).__name__])
        class Second(Base):
            pass
        class First(Base):
            pass
        """,
        "[{codes: {200: fine, other: bad}}]",
    ),
    "like_a_module": Check(  # Ordinary Python: the module is in sys.modules, has __file__, and imports a helper.
        """
        import os, sys, dataclasses
        from class_of_another import Helped
        @dataclasses.dataclass
        class Found:
            value: int
        here = os.path.dirname(__file__)
        assert sys.modules[__name__].Found is Found and __name__ == 'like_a_module'
        class Helped(Helped):
            def check(self, instance):
                with open(os.path.join(here, 'beside.txt')) as file:
                    self.gauge('like_a_module', Found(int(file.read())).value)
        """,
    ),
    "asks": Check(  # Every call that a check can make to the Agent.
        """
        import _util, aggregator, containers, datadog_agent, kubeutil, tagger, util
        from datadog_checks.base.utils.subprocess_output import get_subprocess_output
        class Asks(AgentCheck):
            __NAMESPACE__ = 'asks'
            def check(self, instance):
                assert (aggregator.GAUGE, tagger.tag('container_id://x', tagger.LOW)) == (0, [])
                assert not containers.is_excluded('a', 'b') and kubeutil.get_connection_info() == {}
                assert util.headers({}, http_host='h')['Host'] == 'h'
                try:
                    _util.get_subprocess_output(['true'], True)
                except _util.SubprocessOutputEmptyError:
                    pass
                self.write_persistent_cache('k', 'v')
                out, _, code = get_subprocess_output(['echo', 'hello'], self.log)
                found = [self.hostname, datadog_agent.get_hostname(), datadog_agent.get_config('env'),
                         self.read_persistent_cache('k'), out.strip(), str(code), str(self.init_config['x'])]
                self.service_check('said', self.WARNING, message='|'.join(found))
                self.event({'msg_title': 'T', 'msg_text': 'x', 'api_key': 'k', 'source_type_name': 'mine',
                            'unknown': object()})
                self.set_external_tags([('other', {'src': ['a:b']})])
                self.warning('careful')
                self.log.error('from the check')
        """,
        "[{empty_default_hostname: true}]",
        "careful",
    ),
    "odd": Check(  # Values that an intake refuses, along with everything else in the same payload.
        """
        class Odd(AgentCheck):
            def check(self, instance):
                self.gauge('', 1)
                self.gauge('odd', 1, tags=['port:1', 5, None, 'half:' + chr(0xdcff)], hostname=7)
                self.count('odd.much', 1e308)
                self.count('odd.much', 1e308)
                self.service_check('odd', 99, tags=[5])
                self.service_check('', 0)
        """,
    ),
    "remembers": Check(
        """
        class Remembers(AgentCheck):
            def check(self, instance):
                runs = int(self.read_persistent_cache('runs') or 0) + 1
                self.write_persistent_cache('runs', str(runs))
                self.gauge('runs', runs)
        """,
        "[{name: one}, {name: two}]",
    ),
    "gpu": Check(  # The name of a Go check, which takes precedence unless the configuration says otherwise.
        "class Mine(AgentCheck):\n    def check(self, instance):\n        self.gauge('gpu.mine', 1)\n",
        "[{loader: python}]",
    ),
    "ntp": Check("class Mine(AgentCheck):\n    def check(self, instance):\n        self.gauge('ntp.mine', 1)\n"),
}
# Checks that do not work there.
BAD = {
    "json": Check(  # The name of a standard library module.
        "class Json(AgentCheck):\n    def check(self, instance):\n        pass\n",
        says="unable to find a subclass of the base check in module 'json'",
    ),
    "zed": Check(  # A class imported from the base comes first in the alphabet.
        """
        from datadog_checks.base import OpenMetricsBaseCheckV2
        class Zed(AgentCheck):
            def check(self, instance):
                pass
        """,
        says="The setting `openmetrics_endpoint` is required",
    ),
    "no_syntax": Check("def x(:\n", says="unable to import module 'no_syntax': invalid syntax"),
    "no_import": Check("import not_there\n", says="No module named 'not_there'"),
    "no_class": Check("x = 1\n", says="unable to find a subclass of the base check in module 'no_class'"),
    "no_module": Check("", says="unable to import module 'no_module': No module named 'no_module'"),
    "no_constructor": Check(
        """
        class Refuses(AgentCheck):
            def __init__(self, name, init_config, instances):
                raise ValueError('refused to start')
        """,
        says="could not invoke 'no_constructor' python check constructor",
    ),
    "no_interval": Check("", "[{min_collection_interval: soon}]", "unable to import module 'no_interval'"),
    "no_tags": Check(
        "class Tagged(AgentCheck):\n    def check(self, instance):\n        pass\n",
        "[{tags: t}]",
        "must be a list of texts",
    ),
    "no_run": Check(
        """
        class Fails(AgentCheck):
            def check(self, instance):
                raise RuntimeError('failed with ' + self.instance['password'])
            def __init__(self, name, init_config, instances):
                super().__init__(name, init_config, instances)
                self.register_secret(self.instance['password'])
        """,
        f"[{{password: {PASSWORD}}}]",
        "failed with",
    ),
    "exits": Check(
        "class Exits(AgentCheck):\n    def check(self, instance):\n        raise SystemExit(3)\n", says="SystemExit: 3"
    ),
    "takes_a_name": Check(  # The name of an attribute of the base.
        "class TakesAName(AgentCheck):\n    def check(self, instance):\n        self.warnings = 5\n",
        says="not iterable",
    ),
    "no_yaml": Check("", f"[{{password: {PASSWORD}", "not valid YAML"),
    "no_instances": Check("", "[]", "contains no valid instances"),
    # Only one loader was tried, so status does not name it.
    "unsaid": Check("import not_there_either\n", "[{loader: python}]"),
}
# A check that never ends.
ENDLESS = {
    "a_slow_import": Check("import time\ntime.sleep(600)\n"),
    "hangs": Check(
        "import time\nclass Hangs(AgentCheck):\n    def check(self, instance):\n        time.sleep(600)\n",
    ),
}
CHECKS = {**GOOD, **BAD, **ENDLESS}


def install(folder: Path) -> None:
    """Write all of them to an Agent's folder."""
    code = folder / "checks.d"
    (code / "packaged").mkdir()
    (code / "packaged/helper.py").write_text("VALUE = 3\n", encoding="utf-8")
    (code / "class_of_another.py").write_text(f"{IMPORT}class Helped(AgentCheck):\n    pass\n", encoding="utf-8")
    (code / "beside.txt").write_text("4\n", encoding="utf-8")
    for name, check in CHECKS.items():
        if check.code:
            file = code / ("packaged/__init__.py" if name == "packaged" else f"{name}.py")
            # Some editors write a byte order mark; some authors write annotations that are never evaluated.
            start = "\ufefffrom __future__ import annotations\n" if name == "like_a_module" else ""
            file.write_text(f"{start}{IMPORT}{textwrap.dedent(check.code)}", encoding="utf-8")
        conf = folder / "conf.d" / f"{name}.d"
        conf.mkdir()
        text = f"init_config: {{x: 7}}\ninstances: {check.instances}\n"
        (conf / "conf.yaml").write_text(text, encoding="utf-8")
        # Next to an unusable file, the default would be read.
        if not name.startswith(("no_yaml", "no_instances")):
            (conf / "conf.yaml.default").write_text("instances: [{never: read}]\n", encoding="utf-8")

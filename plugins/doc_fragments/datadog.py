# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations


class ModuleDocFragment:
    """The arguments of every module that calls the API; mirrors ``datadog_client.datadog_argument_spec``."""

    DOCUMENTATION = r"""
options:
  api_key:
    description:
      - API key of the Datadog account.
      - If not set, the environment variable E(DD_API_KEY) is used.
    type: str
  app_key:
    description:
      - Application key of the Datadog account.
      - If not set, the environment variable E(DD_APP_KEY) is used.
    type: str
  site:
    description:
      - Datadog site to which the account belongs.
      - If not set, the environment variable E(DD_SITE) is used.
    type: str
    default: datadoghq.com
  api_url:
    description:
      - Address of the Datadog API, without the path.
      - If not set, the environment variable E(DATADOG_HOST) is used, then C(https://api.) followed by O(site).
    type: str
  validate_certs:
    description:
      - Whether the certificate of the API is verified.
    type: bool
    default: true
  api_timeout:
    description:
      - Seconds that one attempt of a call may take to connect, and again to answer.
    type: float
    default: 30.0
requirements:
  - datadog >= 0.56 (PyPI), with requests
notes:
  - Runs on the controller. Use C(delegate_to=localhost) or a play on C(localhost) with a local connection.
  - Calls are tried again after connection errors, rate limits and errors of the server.
    What a lost answer leaves in doubt is looked up before anything is created again.
"""

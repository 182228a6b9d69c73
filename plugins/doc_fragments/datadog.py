# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations


class ModuleDocFragment:
    """Options of every module that calls the API; mirrors ``datadog_argument_spec`` of ``_api/client.py``."""

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
      - URL of the Datadog API, without a path.
      - If not set, the environment variable E(DATADOG_HOST) is used. If that is not set either, the URL is
        C(https://api.) followed by O(site).
    type: str
  validate_certs:
    description: Whether to verify the TLS certificate of the API.
    type: bool
    default: true
  api_timeout:
    description: Timeout of each request in seconds. It applies to connecting and to reading the response separately.
    type: float
    default: 30.0
requirements:
  - datadog >= 0.56 (PyPI), with requests
notes:
  - Run this module on the controller. Use C(delegate_to=localhost) or a play on C(localhost) with a local connection.
  - The module retries requests after connection errors, rate limiting and server errors. If the response to a create
    request is lost, it looks for the object before it sends the request again.
"""

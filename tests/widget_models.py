"""Write plugins/module_utils/_objects/widget_models.py from the models of datadog-api-client, or with --check, report
whether it is stale.

It contains the fields of widget models, which of them are required, their types, and enumerations. Of models for
products that Kennel does not cover (`LEFT_OUT`), it only contains how to recognise them.
"""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

from datadog_api_client.model_utils import ModelComposed, ModelNormal, ModelSimple, none_type
from datadog_api_client.v1.model.dashboard_template_variable import DashboardTemplateVariable
from datadog_api_client.v1.model.dashboard_template_variable_preset import DashboardTemplateVariablePreset
from datadog_api_client.v1.model.widget import Widget
from datadog_api_client.v1.model.widget_layout import WidgetLayout

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "plugins/module_utils/_objects/widget_models.py"
STARTS = (Widget, DashboardTemplateVariable, DashboardTemplateVariablePreset)
LEFT_OUT = ("ProductAnalytics", "UserJourney", "Retention", "Cohort", "Sankey")
RECOGNISED_BY = ("type", "data_source")
PLAIN = {str: "text", bool: "bool", int: "number", float: "number", dict: "any"}
HEADER = '''\
# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What widgets consist of. Written by tests/widget_models.py from the models of datadog-api-client {version}.

``MODELS``: a model is its fields with ``!`` after the name of one that is required, then its type, if it is not text.
A type is number, bool, any, ``[type]`` for a list, ``"one/another"`` for one of these values, an enumeration or a
model by name, or several with ``|``. After a number and a list stands from where to where it goes, or its length:
``1..6``, ``0..``. Some models are one of several others. ``...`` allows any further field, and ``+Part`` stands for
the fields of ``Part``, which many models have.
"""

from __future__ import annotations

'''
# Fields that many models have in common.
PARTS = {
    "Search": """
        apm_query: LogQuery, log_query: LogQuery, network_query: LogQuery, process_query: ProcessQuery,
        profile_metrics_query: LogQuery, q, rum_query: LogQuery, security_query: LogQuery
    """,
    "Queries": "formulas: [WidgetFormula], queries: [FormulaQuery], response_format: FormulaResponseFormat",
    "Title": "title, title_align: WidgetTextAlign, title_size",
    "Shown": "description, time: WidgetTime, +Title",
    "Graph": "custom_links: [WidgetCustomLink], +Shown",
}


def named(model: type) -> str:
    """Return the name of a model without common parts."""
    name = model.__name__.replace("FormulaAndFunction", "Formula").replace("QueryDefinition", "Query")
    return name.removesuffix("WidgetDefinition") or "Definition"


def limits(validations: dict[str, dict[str, int]], name: str) -> str:
    """Return the limits of a number or of a list's length, or "" if there are none."""
    said = validations.get(name, {})
    low, high = (
        next((str(said[key]) for key in keys if key in said), "")
        for keys in (("min_items", "inclusive_minimum"), ("max_items", "inclusive_maximum"))
    )
    return f"{low}..{high}" if low or high else ""


class Models:
    """The models reachable from a few."""

    def __init__(self) -> None:
        self.models: dict[str, str] = {}
        self.enumerations: dict[str, str] = {}
        self.named: dict[str, type] = {}

    def type_of(self, found: Any) -> str:
        """Return the type as written in the file, and add the models in it."""
        if isinstance(found, tuple):
            return " | ".join(dict.fromkeys(self.type_of(each) for each in found if each is not none_type))
        if isinstance(found, list):
            return f"[{self.type_of(tuple(found))}]"
        if not isinstance(found, type) or not issubclass(found, (ModelComposed, ModelNormal, ModelSimple)):
            return PLAIN.get(found, "any") if isinstance(found, type) else "any"
        name = named(found)
        assert self.named.setdefault(name, found) is found, f"{name} is the name of two models"
        if issubclass(found, ModelSimple):
            return self._simple(name, found)
        if name not in self.models:
            self.models[name] = ""
            self.models[name] = self._composed(found) if issubclass(found, ModelComposed) else self._fields(found)
        return name

    def _simple(self, name: str, found: Any) -> str:
        values = sorted(getattr(found, "allowed_values", ()), key=str)
        if not values:
            return self.type_of(found.openapi_types["value"])
        if not all(isinstance(value, str) for value in values):
            return "number"
        if len(values) == 1:
            return f'"{values[0]}"'
        self.enumerations[name] = ", ".join(values)
        return name

    def place(self) -> None:
        """Write the values of an enumeration that is used once in its place. Palettes, which are open, keep names."""
        used = Counter(re.findall(r"\w+", "\n".join(self.models.values())))
        once = [name for name in self.enumerations if used[name] == 1 and not name.endswith("Palette")]
        texts = {name: '"' + self.enumerations.pop(name).replace(", ", "/") + '"' for name in once}
        pattern = re.compile(r"\b({})\b".format("|".join(texts)))
        self.models = {name: pattern.sub(lambda found: texts[found[1]], text) for name, text in self.models.items()}

    def _composed(self, found: Any) -> str:
        return f"one of {self.type_of(tuple(found._composed_schemas['oneOf']))}"

    def _fields(self, found: Any) -> str:
        parameters = inspect.signature(found.__init__).parameters.values()
        required = {
            each.name for each in parameters if each.default is each.empty and each.kind is not each.VAR_KEYWORD
        } - {"self_"}
        types, fields = found.openapi_types, []
        left_out = any(part in found.__name__ for part in LEFT_OUT)
        for name, key in found.attribute_map.items():
            if left_out and key not in RECOGNISED_BY:
                continue
            # Some published dashboards have widgets left of the edge.
            said = {} if found is WidgetLayout else getattr(found, "validations", {})
            kind = self.type_of(types[name]) + limits(said, name)
            fields.append(f"{key}{'!' if name in required else ''}{'' if kind == 'text' else ': ' + kind}")
        free = ["..."] if left_out or "additional_properties_type" in vars(found) else []
        for name, text in PARTS.items():
            part = " ".join(text.split())
            if {*part.split(", ")} <= {*fields}:
                fields = [*(each for each in fields if each not in part.split(", ")), f"+{name}"]
                self.models[name] = part
        return ", ".join([*sorted(fields), *free])


def literal(name: str, values: dict[str, str]) -> str:
    """Return a Python literal with one line per value, or several indented lines for long values."""
    wrapper = textwrap.TextWrapper(120, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
    lines = [wrapper.fill(f"{key} = {text}") for key, text in sorted(values.items())]
    return "\n".join([f'{name} = """', *lines, '"""', ""])


def written() -> str:
    """Return the text of the file."""
    models = Models()
    for start in STARTS:
        models.type_of(start)
    models.place()
    header = HEADER.format(version=version("datadog-api-client"))
    return f"{header}{literal('ENUMERATIONS', models.enumerations)}\n{literal('MODELS', models.models)}"


def main() -> int:
    """Write the file, or report whether it is stale."""
    text = written()
    if "--check" in sys.argv[1:]:
        if TARGET.read_text(encoding="utf-8") != text:
            print(f"{TARGET.relative_to(ROOT)} is stale. Run tests/widget_models.py.", file=sys.stderr)
            return 1
        return 0
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

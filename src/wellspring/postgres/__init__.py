"""The embedded PostgreSQL: a small supervisor over its own programs. It knows nothing of the domain."""

from wellspring.postgres.binaries import binaries, tools
from wellspring.postgres.cluster import Cluster, hold
from wellspring.postgres.errors import (
    BinariesMissingError,
    BusyError,
    ClusterError,
    DiskFullError,
    NoSuchToolError,
    NotOursError,
    NotWritableError,
    RootRefusedError,
    StartFailedError,
    StillInUseError,
    StopFailedError,
    VersionMismatchError,
)
from wellspring.postgres.supervisor import Supervisor
from wellspring.postgres.toolbox import run_tool, tool_environment

__all__ = [
    "BinariesMissingError",
    "BusyError",
    "Cluster",
    "ClusterError",
    "DiskFullError",
    "NoSuchToolError",
    "NotOursError",
    "NotWritableError",
    "RootRefusedError",
    "StartFailedError",
    "StillInUseError",
    "StopFailedError",
    "Supervisor",
    "VersionMismatchError",
    "binaries",
    "hold",
    "run_tool",
    "tool_environment",
    "tools",
]

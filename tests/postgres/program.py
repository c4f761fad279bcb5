"""A small program that holds a database: the other party in tests of sharing, killing and accounts.

Usage: program.py DATA [--user UID] [--path PATH]. Once it holds the database it answers one JSON line
(`pid`, `dsn`), or why not (`code`, `message`), and leaves when its standard input closes.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from wellspring.postgres import ClusterError, binaries, hold
from wellspring.postgres.process import find


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--user", type=int)
    parser.add_argument("--path")
    options = parser.parse_args()
    binaries()
    if options.path is not None:
        os.environ["PATH"] = options.path
    if options.user is not None:
        os.chdir("/")
        os.setgroups([])
        os.setgid(options.user)
        os.setuid(options.user)
    try:
        with hold(options.data) as cluster:
            found = find(cluster.data / "cluster")
            assert found is not None
            print(json.dumps({"pid": found.pid, "dsn": cluster.dsn()}), flush=True)
            sys.stdin.read()
    except ClusterError as error:
        print(json.dumps({"code": error.code, "message": str(error)}), flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

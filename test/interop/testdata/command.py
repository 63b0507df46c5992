"""Runs one command (create, get, set) with kazoo."""
import sys

from kazoo.client import KazooClient

hosts, command, path = sys.argv[1:4]
zk = KazooClient(hosts=hosts, timeout=8)
try:
    zk.start(timeout=8)
    if command == "create":
        print(zk.create(path, sys.argv[4].encode()))
    elif command == "set":
        print(zk.set(path, sys.argv[4].encode()))
    elif command == "get":
        print(zk.get(path)[0].decode())
    else:
        raise SystemExit("no command called " + command)
except Exception as e:
    raise SystemExit("%s: %s" % (type(e).__name__, e))
finally:
    zk.stop()

"""Runs recipes of kazoo against the servers named by the first argument."""
import sys
import threading

from kazoo.client import KazooClient
from kazoo.recipe.watchers import ChildrenWatch, DataWatch

hosts = sys.argv[1]


def client():
    zk = KazooClient(hosts=hosts, timeout=10)
    zk.start(timeout=30)
    return zk


def expect(cond, what):
    if not cond:
        raise SystemExit("failed: " + what)


def spawn(*targets):
    threads = [threading.Thread(target=t) for t in targets]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
        expect(not t.is_alive(), "a thread hangs")


def lock():
    held, most = [0], [0]
    clients = [client() for _ in range(3)]

    def work(zk):
        for _ in range(5):
            with zk.Lock("/r/lock", zk.client_id[0]):
                held[0] += 1
                most[0] = max(most[0], held[0])
                zk.exists("/r")
                held[0] -= 1

    spawn(*[lambda zk=zk: work(zk) for zk in clients])
    expect(most[0] == 1, "lock held by %d at once" % most[0])
    for zk in clients:
        zk.stop()


def queue():
    a, b = client(), client()
    q, p = a.LockingQueue("/r/queue"), b.LockingQueue("/r/queue")
    q.put_all([b"%d" % i for i in range(10)])
    got = []
    for i in range(10):
        side = q if i % 2 else p
        got.append(side.get(timeout=20))
        expect(side.consume(), "consume")
    expect(got == [b"%d" % i for i in range(10)], "queue order %r" % got)
    plain = a.Queue("/r/plain")
    plain.put(b"x")
    expect(b.Queue("/r/plain").get() == b"x", "plain queue")
    a.stop()
    b.stop()


def election():
    order, clients = [], [client() for _ in range(3)]
    spawn(*[lambda zk=zk, i=i: zk.Election("/r/election", str(i)).run(lambda: order.append(i))
            for i, zk in enumerate(clients)])
    expect(sorted(order) == [0, 1, 2], "elected %r" % order)
    for zk in clients:
        zk.stop()


def barrier():
    a, b = client(), client()
    bar = a.Barrier("/r/barrier")
    bar.create()
    expect(not b.Barrier("/r/barrier").wait(0.5), "barrier is up")
    timer = threading.Timer(0.3, bar.remove)
    timer.start()
    expect(b.Barrier("/r/barrier").wait(20), "barrier falls")
    a.stop()
    b.stop()


def double_barrier():
    inside, clients = [], [client() for _ in range(3)]

    def work(zk):
        bar = zk.DoubleBarrier("/r/double", 3)
        bar.enter()
        inside.append(1)
        bar.leave()

    spawn(*[lambda zk=zk: work(zk) for zk in clients])
    expect(len(inside) == 3, "double barrier")
    for zk in clients:
        zk.stop()


def data_watch():
    a, b = client(), client()
    a.ensure_path("/r")
    seen, done = [], threading.Event()

    def changed(data, stat):
        seen.append(data)
        if data == b"9":
            done.set()

    DataWatch(b, "/r/data", changed)
    a.create("/r/data", b"0")
    for i in range(1, 10):
        a.set("/r/data", b"%d" % i)
    expect(done.wait(20), "data watch saw %r" % seen)
    a.stop()
    b.stop()


def children_watch():
    a, b = client(), client()
    a.ensure_path("/r/kids")
    done = threading.Event()
    ChildrenWatch(b, "/r/kids", lambda kids: done.set() if len(kids) == 5 else None)
    for _ in range(5):
        a.create("/r/kids/k-", sequence=True, ephemeral=True)
    expect(done.wait(20), "children watch")
    a.stop()
    b.stop()


def counter():
    clients = [client() for _ in range(3)]

    def work(zk):
        c = zk.Counter("/r/counter")
        for _ in range(10):
            c += 1

    spawn(*[lambda zk=zk: work(zk) for zk in clients])
    clients[0].sync("/r/counter")
    value = clients[0].Counter("/r/counter").value
    expect(value == 30, "counter is %r" % value)
    for zk in clients:
        zk.stop()


def transaction():
    zk = client()
    t = zk.transaction()
    t.create("/r/t", b"1")
    t.set_data("/r/t", b"2")
    t.check("/r/t", 1)
    results = t.commit()
    expect(results[0] == "/r/t" and results[2] is True, "transaction %r" % results)
    t = zk.transaction()
    t.create("/r/u", b"1")
    t.check("/r/t", 9)
    results = t.commit()
    expect(type(results[1]).__name__ == "BadVersionError", "failed transaction %r" % results)
    expect(zk.exists("/r/u") is None, "failed transaction left something")
    zk.stop()


for name, recipe in [("lock", lock), ("queue", queue), ("election", election), ("barrier", barrier),
                     ("double barrier", double_barrier), ("data watch", data_watch),
                     ("children watch", children_watch), ("counter", counter), ("transaction", transaction)]:
    recipe()
    print(name + ": ok", flush=True)

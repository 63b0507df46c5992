// Exercises the public interface of node-zookeeper-client against a server, and
// reports in TAP. Usage: node node-zookeeper-client.js NODE_MODULES HOST:PORT
'use strict';

const assert = require('assert');
const events = require('events');
const net = require('net');
const path = require('path');
const { promisify } = require('util');

const [modules, address] = process.argv.slice(2);
const zookeeper = require(path.join(modules, 'node-zookeeper-client'));
const { ACL, CreateMode, Event, Exception, Id, Permission, State } = zookeeper;

const limit = 30000;
const tests = [];
const test = (name, run) => tests.push({ name, run });

// withLimit fails what does not settle in time.
function withLimit(promise, what) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not within ${limit} ms: ${what}`)), limit);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const once = (client, event) => withLimit(events.once(client, event), event);

const open = [];

// dial returns a connected client, with its calls as promises under go.
async function dial(where = address, options = { sessionTimeout: 10000 }) {
    const client = zookeeper.createClient(where, options);
    open.push(client);
    const connected = once(client, 'connected');
    client.connect();
    await connected;
    client.go = {};
    for (const call of ['create', 'exists', 'remove', 'removeRecursive', 'setData', 'getACL', 'setACL', 'mkdirp', 'listSubTreeBFS']) {
        client.go[call] = (...args) => withLimit(promisify(client[call].bind(client))(...args), call);
    }
    // These two give the stat as a third argument.
    for (const call of ['getData', 'getChildren']) {
        client.go[call] = (...args) => withLimit(new Promise((resolve, reject) => {
            client[call](...args, (error, value, stat) => (error ? reject(error) : resolve({ value, stat })));
        }), call);
    }
    return client;
}

const refused = (code) => (error) => error instanceof Exception && error.getCode() === code;

// watcher returns a watch function and a promise of the event that it gets.
function watcher() {
    let notify;
    const event = new Promise((resolve) => { notify = resolve; });
    return { notify, event: withLimit(event, 'a watch') };
}

// A door is a proxy in front of the server that can be shut.
async function door() {
    const [host, port] = address.split(':');
    const sockets = new Set();
    let shut = false;
    const server = net.createServer((near) => {
        if (shut) {
            near.destroy();
            return;
        }
        const far = net.connect(Number(port), host);
        for (const [a, b] of [[near, far], [far, near]]) {
            sockets.add(a);
            a.on('error', () => {}).on('close', () => { sockets.delete(a); b.destroy(); });
            a.pipe(b);
        }
    });
    server.listen(0, '127.0.0.1');
    await events.once(server, 'listening');
    return {
        address: `127.0.0.1:${server.address().port}`,
        cut: () => sockets.forEach((s) => s.destroy()),
        shut: () => { shut = true; sockets.forEach((s) => s.destroy()); },
        open: () => { shut = false; },
        close: () => { sockets.forEach((s) => s.destroy()); server.close(); },
    };
}

test('a client has a session', async () => {
    const c = await dial();
    assert.strictEqual(c.getState(), State.SYNC_CONNECTED);
    assert.notDeepStrictEqual(c.getSessionId(), Buffer.alloc(8));
    assert.strictEqual(c.getSessionPassword().length, 16);
    assert.strictEqual(c.getSessionTimeout(), 10000);
});

test('create, read, set, remove', async () => {
    const c = await dial();
    assert.strictEqual(await c.go.create('/crud', Buffer.from('one')), '/crud');
    await assert.rejects(c.go.create('/crud'), refused(Exception.NODE_EXISTS));
    let { value, stat } = await c.go.getData('/crud');
    assert.strictEqual(value.toString(), 'one');
    assert.strictEqual(stat.version, 0);
    assert.strictEqual(stat.dataLength, 3);
    stat = await c.go.setData('/crud', Buffer.from('two'), 0);
    assert.strictEqual(stat.version, 1);
    await assert.rejects(c.go.setData('/crud', Buffer.from('x'), 0), refused(Exception.BAD_VERSION));
    ({ value } = await c.go.getData('/crud'));
    assert.strictEqual(value.toString(), 'two');
    await assert.rejects(c.go.remove('/crud', 0), refused(Exception.BAD_VERSION));
    await c.go.remove('/crud', 1);
    assert.strictEqual(await c.go.exists('/crud'), null);
    await assert.rejects(c.go.getData('/crud'), refused(Exception.NO_NODE));
});

test('no data and empty data', async () => {
    const c = await dial();
    await c.go.create('/none');
    assert.strictEqual((await c.go.getData('/none')).value, undefined);
    await c.go.create('/empty', Buffer.alloc(0));
    assert.strictEqual((await c.go.getData('/empty')).stat.dataLength, 0);
});

// The library lists and removes two levels of a tree, whatever the server says,
// so these trees have no more.
test('children and trees', async () => {
    const c = await dial();
    await c.go.mkdirp('/tree/a');
    await c.go.create('/tree/c');
    const { value, stat } = await c.go.getChildren('/tree');
    assert.deepStrictEqual(value.sort(), ['a', 'c']);
    assert.strictEqual(stat.numChildren, 2);
    await assert.rejects(c.go.remove('/tree'), refused(Exception.NOT_EMPTY));
    assert.deepStrictEqual((await c.go.listSubTreeBFS('/tree')).sort(), ['/tree', '/tree/a', '/tree/c']);
    await c.go.removeRecursive('/tree');
    assert.strictEqual(await c.go.exists('/tree'), null);
});

test('a chroot', async () => {
    const c = await dial();
    await c.go.mkdirp('/root/a');
    const rooted = await dial(`${address}/root/a`);
    assert.strictEqual(await rooted.go.create('/b'), '/b');
    assert.deepStrictEqual((await c.go.getChildren('/root/a')).value, ['b']);
});

test('sequential names rise', async () => {
    const c = await dial();
    await c.go.create('/seq');
    const names = [];
    for (let i = 0; i < 5; i++) {
        const mode = i % 2 ? CreateMode.EPHEMERAL_SEQUENTIAL : CreateMode.PERSISTENT_SEQUENTIAL;
        names.push(await c.go.create('/seq/n-', null, mode));
    }
    assert.deepStrictEqual(names, [0, 1, 2, 3, 4].map((i) => `/seq/n-000000000${i}`));
});

test('watches fire once, with their event', async () => {
    const c = await dial();
    const other = await dial();
    const created = watcher();
    await c.go.exists('/watched', created.notify);
    await other.go.create('/watched');
    let event = await created.event;
    assert.deepStrictEqual([event.getType(), event.getPath()], [Event.NODE_CREATED, '/watched']);

    const changed = watcher();
    await c.go.getData('/watched', changed.notify);
    await other.go.setData('/watched', Buffer.from('x'));
    event = await changed.event;
    assert.deepStrictEqual([event.getType(), event.getPath()], [Event.NODE_DATA_CHANGED, '/watched']);

    const children = watcher();
    await c.go.getChildren('/watched', children.notify);
    await other.go.create('/watched/child');
    event = await children.event;
    assert.deepStrictEqual([event.getType(), event.getPath()], [Event.NODE_CHILDREN_CHANGED, '/watched']);

    const deleted = watcher();
    await c.go.exists('/watched/child', deleted.notify);
    await other.go.remove('/watched/child');
    event = await deleted.event;
    assert.deepStrictEqual([event.getType(), event.getPath()], [Event.NODE_DELETED, '/watched/child']);
});

test('ephemerals end with their session', async () => {
    const c = await dial();
    const owner = await dial();
    await owner.go.create('/eph', null, CreateMode.EPHEMERAL);
    const deleted = watcher();
    const stat = await c.go.exists('/eph', deleted.notify);
    assert.deepStrictEqual(stat.ephemeralOwner, owner.getSessionId());
    await assert.rejects(owner.go.create('/eph/child'), refused(Exception.NO_CHILDREN_FOR_EPHEMERALS));
    owner.close();
    assert.strictEqual((await deleted.event).getType(), Event.NODE_DELETED);
});

test('ACLs', async () => {
    const c = await dial();
    const owner = await dial();
    owner.addAuthInfo('digest', Buffer.from('bob:pw'));
    await owner.go.create('/mine', Buffer.from('s'), ACL.CREATOR_ALL_ACL);
    await assert.rejects(c.go.getData('/mine'), refused(Exception.NO_AUTH));
    const [acl] = await owner.go.getACL('/mine');
    assert.strictEqual(acl.id.scheme, 'digest');
    assert.ok(acl.id.id.startsWith('bob:'), acl.id.id);
    await owner.go.setACL('/mine', [new ACL(Permission.READ, Id.ANYONE_ID_UNSAFE)], 0);
    assert.strictEqual((await c.go.getData('/mine')).value.toString(), 's');
    await assert.rejects(c.go.setData('/mine', Buffer.from('x')), refused(Exception.NO_AUTH));
});

test('transactions are all or nothing', async () => {
    const c = await dial();
    const commit = (t) => withLimit(promisify(t.commit.bind(t))(), 'commit');
    const results = await commit(c.transaction()
        .create('/t', Buffer.from('v'))
        .check('/t', 0)
        .setData('/t', Buffer.from('w'), 0)
        .create('/t/child')
        .remove('/t/child', 0));
    assert.strictEqual(results.length, 5);
    assert.strictEqual((await c.go.getData('/t')).value.toString(), 'w');
    await assert.rejects(commit(c.transaction().create('/t2').check('/t', 7)), refused(Exception.BAD_VERSION));
    assert.strictEqual(await c.go.exists('/t2'), null);
});

test('a session and its watches live through a lost connection', async () => {
    const d = await door();
    try {
        const other = await dial();
        const c = await dial(d.address);
        const session = c.getSessionId();
        await c.go.create('/lived', null, CreateMode.EPHEMERAL);
        const changed = watcher();
        await c.go.getData('/lived', changed.notify);
        const disconnected = once(c, 'disconnected');
        const connected = once(c, 'connected');
        d.cut();
        await disconnected;
        await connected;
        assert.deepStrictEqual(c.getSessionId(), session);
        await other.go.setData('/lived', Buffer.from('x'));
        assert.strictEqual((await changed.event).getType(), Event.NODE_DATA_CHANGED);
        assert.notStrictEqual(await c.go.exists('/lived'), null);
    } finally {
        d.close();
    }
});

test('a session that stays away expires', async () => {
    const d = await door();
    try {
        const other = await dial();
        const c = await dial(d.address, { sessionTimeout: 1000, spinDelay: 100 });
        await c.go.create('/expires', null, CreateMode.EPHEMERAL);
        const deleted = watcher();
        await other.go.exists('/expires', deleted.notify);
        const expired = once(c, 'expired');
        d.shut();
        assert.strictEqual((await deleted.event).getType(), Event.NODE_DELETED);
        d.open();
        await expired;
        assert.strictEqual(c.getState(), State.EXPIRED);
    } finally {
        d.close();
    }
});

async function main() {
    console.log(`TAP version 13\n1..${tests.length}`);
    let bad = 0;
    for (const [i, { name, run }] of tests.entries()) {
        try {
            await run();
            console.log(`ok ${i + 1} - ${name}`);
        } catch (error) {
            bad++;
            console.log(`not ok ${i + 1} - ${name}\n# ${String(error.stack).replace(/\n/g, '\n# ')}`);
        }
        open.splice(0).forEach((client) => client.close());
    }
    process.exit(bad ? 1 : 0);
}

main();

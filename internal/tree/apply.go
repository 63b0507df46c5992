package tree

import (
	"bytes"

	"ostler/internal/invariant"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// Apply applies a committed or replayed transaction. It is total: what cannot be
// applied as it stands is applied as far as the rules of disk.md 5.6 go, and
// applying twice does no harm. fire is called for each change in order, under the
// write locks of the nodes concerned; then the zxid is published; then the
// locks go. So who reads the new state has seen its events queued. Apply loop only.
func (t *Tree) Apply(tx *txn.Txn, fire func(Change)) Result {
	var set lockSet
	t.gather(&set, tx.Type, tx.Body, tx.Session)
	t.lock(&set)
	a := applying{t: t, zxid: tx.Zxid, time: tx.Time, session: tx.Session, fire: fire}
	res := a.apply(tx.Type, tx.Body)
	if tx.Zxid > t.LastZxid() {
		t.last.Store(int64(tx.Zxid))
	}
	if invariant.Costly {
		t.checkAfter(tx.Zxid)
	}
	t.unlock()
	if d := tx.Digest; d != nil && t.o.Digest && d.Version == txn.DigestVersion {
		res.DigestMismatch = d.Tree != t.digest
	}
	return res
}

// gather adds the nodes that an operation may change.
func (t *Tree) gather(set *lockSet, op zk.OpCode, body txn.Body, session zk.SessionID) {
	switch b := body.(type) {
	case *txn.Create:
		t.gatherPath(set, b.Path)
	case *txn.CreateContainer:
		t.gatherPath(set, b.Path)
	case *txn.CreateTTL:
		t.gatherPath(set, b.Path)
	case *txn.Delete:
		t.gatherDelete(set, b.Path)
	case *txn.SetData:
		t.gatherPath(set, b.Path)
	case *txn.SetACL:
		set.add(t, b.Path)
	case *txn.CloseSession:
		for _, path := range b.Paths {
			t.gatherDelete(set, path)
		}
		for _, path := range t.owners.paths(session) {
			t.gatherDelete(set, path)
		}
	case *txn.Multi:
		for _, o := range b.Ops {
			t.gather(set, o.Type, o.Body, session)
		}
	}
}

// gatherDelete adds what the removal of a node may change.
func (t *Tree) gatherDelete(set *lockSet, path string) {
	t.gatherPath(set, path)
	if r := t.node(rootKey(path)); r != nil && r.kids.len() > 0 {
		set.addAll() // its descendants go too, see drop
	}
}

// gatherPath adds a node, its parent, and what keeps count of it.
func (t *Tree) gatherPath(set *lockSet, path string) {
	if inQuotas(path) {
		set.addAll()
		return
	}
	set.add(t, path)
	if parent, ok := zk.Parent(path); ok {
		set.add(t, parent)
	}
	if stats := t.quotas.statsFor(path); stats != "" {
		set.add(t, stats)
	}
}

// An applying is one transaction under way.
type applying struct {
	t       *Tree
	zxid    zk.Zxid
	time    int64
	session zk.SessionID
	fire    func(Change)
}

func (a *applying) apply(op zk.OpCode, body txn.Body) Result {
	switch b := body.(type) {
	case *txn.Create:
		var owner zk.Owner
		if b.Ephemeral {
			owner = zk.Owner(a.session)
		}
		return a.create(b.Path, b.Data, b.ACL, owner, b.ParentCreates)
	case *txn.CreateContainer:
		return a.create(b.Path, b.Data, b.ACL, zk.OwnerContainer, b.ParentCreates)
	case *txn.CreateTTL:
		if b.TTL < 1 || b.TTL > zk.TTLMax {
			return a.skip("a TTL outside its range (client-protocol.md H2)")
		}
		return a.create(b.Path, b.Data, b.ACL, zk.OwnerTTL(b.TTL), b.ParentCreates)
	case *txn.Delete:
		return Result{Code: a.delete(b.Path)}
	case *txn.SetData:
		return a.setData(b)
	case *txn.SetACL:
		return a.setACL(b)
	case *txn.CreateSession:
		a.t.owners.open(a.session, b.Timeout)
	case *txn.CloseSession:
		a.closeSession(b)
	case *txn.Error:
		return Result{Code: b.Code}
	case *txn.Multi:
		return a.multi(b)
	case *txn.Check:
	default:
		return a.skip("a transaction without a known body")
	}
	return Result{}
}

// skip leaves a poisoned transaction, or this part of it, alone.
func (a *applying) skip(msg string) Result {
	a.poisoned(msg + ": skipped")
	return Result{Code: zk.SystemError}
}

// poisoned raises the alarm; what follows is done all the same.
func (a *applying) poisoned(msg string) {
	if f := a.t.o.OnAlarm; f != nil {
		f(msg, a.zxid)
	}
}

// create applies every kind of create (disk.md 5.6).
func (a *applying) create(path string, data []byte, acl []zk.ACL, owner zk.Owner, parentCreates int32) Result {
	if zk.ValidatePath(path) != nil || path == zk.PathRoot {
		return a.skip("a create of a path that no node can have")
	}
	t := a.t
	parentKey, name := split(path)
	parent := t.node(parentKey)
	if parent == nil {
		return Result{Code: zk.NoNode}
	}
	stat := parent.stat
	if parentCreates == -1 {
		parentCreates = stat.Creates + 1
	}
	if parentCreates > stat.Creates {
		stat.Creates, stat.Pzxid = parentCreates, a.zxid
	}
	if r := t.node(path); r != nil {
		// Replay of what a fuzzy snapshot holds already.
		t.setACL(r, acl)
		t.setStat(parent, stat)
		return Result{Code: zk.NodeExists}
	}
	t.setStat(parent, stat)
	// The data is a part of the transaction's bytes, which it would keep alive.
	r := t.newRecord(path, bytes.Clone(data), acl, zk.StatPersisted{
		Czxid: a.zxid, Mzxid: a.zxid, Pzxid: a.zxid, Ctime: a.time, Mtime: a.time, Owner: owner,
	})
	t.addRecord(r)
	t.addKid(parent, name)
	a.quotaCreated(r)
	a.fire(Change{
		Kind: Created, Path: path, Parent: shownPath(parentKey), Zxid: a.zxid,
		ACL: r.acl.entries, ParentACL: parent.acl.entries,
	})
	return Result{Path: path, Stat: t.clientStat(r)}
}

// delete applies the removal of a node.
func (a *applying) delete(path string) zk.Code {
	if zk.Reserved(path) || zk.ValidatePath(path) != nil {
		a.skip("a delete of a node that must stay")
		return zk.BadArguments
	}
	t := a.t
	parentKey, name := split(path)
	parent := t.node(parentKey)
	if parent == nil {
		return zk.NoNode
	}
	if a.zxid > parent.stat.Pzxid {
		stat := parent.stat
		stat.Pzxid = a.zxid
		t.setStat(parent, stat)
	}
	r := t.node(path)
	if r == nil {
		return zk.NoNode
	}
	acl := r.acl.entries
	a.drop(r)
	// Last, so that a recount of a quota within drop finds what is still there.
	t.removeKid(parent, name)
	a.fire(Change{
		Kind: Deleted, Path: path, Parent: shownPath(parentKey), Zxid: a.zxid,
		ACL: acl, ParentACL: parent.acl.entries,
	})
	return zk.OK
}

// drop removes a node and, where a fuzzy snapshot had newer children than the
// transaction knows, those too; their creates follow in the log.
func (a *applying) drop(r *record) {
	if r.kids.len() > 0 {
		for _, name := range r.kids.appendTo(nil) {
			if kid := a.t.node(r.path + "/" + name); kid != nil {
				a.drop(kid)
			}
		}
	}
	a.t.dropRecord(r)
	a.quotaDeleted(r)
}

func (a *applying) setData(b *txn.SetData) Result {
	t := a.t
	r := t.node(rootKey(b.Path))
	if r == nil {
		return Result{Code: zk.NoNode}
	}
	stat := r.stat
	stat.Mtime, stat.Mzxid, stat.Version = a.time, a.zxid, b.Version
	before := len(r.data)
	t.setRecord(r, bytes.Clone(b.Data), stat)
	a.quotaChanged(r, before)
	parent, _ := zk.Parent(b.Path)
	a.fire(Change{Kind: DataChanged, Path: shownPath(r.path), Parent: parent, Zxid: a.zxid, ACL: r.acl.entries})
	return Result{Stat: t.clientStat(r)}
}

func (a *applying) setACL(b *txn.SetACL) Result {
	r := a.t.node(rootKey(b.Path))
	if r == nil {
		return Result{Code: zk.NoNode}
	}
	stat := r.stat
	stat.Aversion = b.Version
	a.t.setACL(r, b.ACL)
	a.t.setStat(r, stat)
	return Result{Stat: a.t.clientStat(r)}
}

// closeSession ends a session: the listed paths go, whoever owns them, and what
// else the session owns.
func (a *applying) closeSession(b *txn.CloseSession) {
	a.t.owners.close(a.session)
	for _, path := range b.Paths {
		a.delete(path)
	}
	for _, path := range a.t.owners.paths(a.session) {
		a.delete(path)
	}
}

// multi applies all operations, or nothing if one failed when it was prepared.
func (a *applying) multi(b *txn.Multi) Result {
	res := Result{Multi: make([]OpResult, len(b.Ops))}
	if b.Failed() {
		for i, op := range b.Ops {
			res.Multi[i].Op = zk.OpError
			if e, ok := op.Body.(*txn.Error); ok {
				res.Multi[i].Code = e.Code
			}
		}
		return res
	}
	for i, op := range b.Ops {
		r := a.apply(op.Type, op.Body)
		res.Multi[i] = OpResult{Op: op.Type, Code: r.Code, Path: r.Path, Stat: r.Stat}
	}
	return res
}

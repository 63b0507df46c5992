package replica

import (
	"sync/atomic"

	"ostler/internal/ensemble"
	"ostler/internal/env"
	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/zab"
	"ostler/internal/zk"
)

// An applyLoop is the only writer of the tree. What it is told, it does in order,
// and tells the clients in that order.
type applyLoop struct {
	r        *Replica
	loop     env.Loop
	inbox    env.Inbox[applyCommand]
	current  atomic.Pointer[tree.Tree]
	config   *ensemble.Config
	done     zk.Zxid // what the replica loop was told last
	mismatch bool
	// fuzzy: the tree may hold changes of transactions that are still to come, as the
	// snapshots of ZooKeeper's leaders do, so digests need not agree. They do once
	// an epoch begins here: all that the leader had applied when its snapshot was
	// written has been committed here then (quorum.md 4.7, disk.md 7.4).
	fuzzy bool
}

// An applyCommand is one thing for the apply loop.
type applyCommand interface{ run(a *applyLoop) }

type (
	// applyRecords applies committed transactions.
	applyRecords struct{ recs []*txn.Record }
	// applyTree takes another tree in place of the present one.
	applyTree struct {
		tree  *tree.Tree
		zxid  zk.Zxid
		fuzzy bool
	}
	// applyEpoch begins an epoch: everything before it is applied.
	applyEpoch struct {
		epoch  zk.Epoch
		last   zk.Zxid // of the history
		before zk.Zxid // the last transaction of earlier epochs, 0 if the history begins later
		lead   bool
	}
	// applyConfig puts a configuration into the tree unless it is there.
	applyConfig struct{ config *ensemble.Config }
	// applyServing opens or closes the doors; tree is not the present one when that
	// has more than clients may see.
	applyServing struct {
		service zk.Service
		tree    *tree.Tree
		term    uint64 // of a full service
	}
	applySynced struct {
		session zk.SessionID
		number  uint64
	}
	applyRevalidated struct {
		session zk.SessionID
		valid   bool
	}
	applyMoved struct{ session zk.SessionID }
	// applyView opens a view for a learner; applySnapshot one for the disk.
	applyView struct {
		term uint64
		link zab.LinkID
	}
	applySnapshot struct{}
	// applyIdle asks to be told when everything before it is done.
	applyIdle struct{ term uint64 }
)

func startApplyLoop(r *Replica) *applyLoop {
	// A standalone server is sent nothing that its tree could hold already.
	a := &applyLoop{r: r, config: r.ensemble, fuzzy: r.o.Loaded.Fuzzy && r.ensemble != nil}
	a.current.Store(r.o.Loaded.Tree)
	a.done = r.applied
	a.setConfig()
	a.loop = r.o.Env.Loops.Start("apply", a.step)
	a.inbox.Init(a.loop)
	return a
}

// tree returns the present tree; callable from anywhere.
func (a *applyLoop) tree() *tree.Tree { return a.current.Load() }

func (a *applyLoop) put(c applyCommand) { a.inbox.Put(c) }

// apply copies the list, which belongs to the history.
func (a *applyLoop) apply(recs []*txn.Record) {
	a.put(applyRecords{append([]*txn.Record(nil), recs...)})
}

func (a *applyLoop) step() func() {
	for _, c := range a.inbox.Take() {
		c.run(a)
	}
	if z := a.tree().LastZxid(); z != a.done {
		a.done = z
		a.r.inbox.Put(evApplied{zxid: z})
	}
	return nil
}

func (c applyRecords) run(a *applyLoop) {
	if a.mismatch {
		// The server is about to stop, or a shadow to start over: this state is
		// not to be trusted.
		a.skip(len(c.recs))
		return
	}
	t := a.tree()
	for i, rec := range c.recs {
		if j := a.r.o.Judge; j != nil {
			j.Before(t, rec, !a.fuzzy)
		}
		res := t.Apply(&rec.Txn, a.r.o.Clients.Fire)
		res.DigestMismatch = res.DigestMismatch && !a.fuzzy
		if j := a.r.o.Judge; j != nil {
			j.After(t, rec, &res, !a.fuzzy)
		}
		a.r.digests.note(rec.Zxid, t.Digest())
		if o := a.r.o.Observer; o != nil {
			o.Delivered(rec, t.Digest())
		}
		if res.DigestMismatch {
			a.mismatch = true
			a.r.o.Clients.SetService(zk.NoService, t, 0)
			a.r.inbox.Put(evMismatch{zxid: rec.Zxid})
			a.skip(len(c.recs) - i - 1)
			return
		}
		a.r.o.Clients.Applied(rec, &res)
	}
}

func (c applyTree) run(a *applyLoop) {
	a.current.Store(c.tree)
	a.fuzzy = c.fuzzy
	a.mismatch = false
	a.setConfig()
	if o := a.r.o.Observer; o != nil {
		o.Restored(c.zxid, c.tree.Digest())
	}
	if j := a.r.o.Judge; j != nil {
		j.Restored(c.tree, c.zxid)
	}
}

func (c applyEpoch) run(a *applyLoop) {
	a.fuzzy = false
	t := a.tree()
	// The new epoch begins where its leader's history ended: a client that saw
	// zxid epoch<<32 at the leader is welcome at a learner that has all before it.
	if z := zk.MakeZxid(c.epoch, 0); z > t.LastZxid() && c.epoch != 0 && c.applied(t) {
		t.SetLastZxid(z)
	}
	if o := a.r.o.Observer; o != nil && !c.lead {
		o.Established(false, c.epoch, c.last)
	}
}

// applied reports whether nothing of earlier epochs is still to be applied. Of the new
// one, a learner may hold proposals that are not committed yet.
func (c applyEpoch) applied(t *tree.Tree) bool { return t.LastZxid() >= c.before }

func (c applyServing) run(a *applyLoop) {
	t := c.tree
	if t == nil {
		t = a.tree()
	}
	a.r.o.Clients.SetService(c.service, t, c.term)
}

func (c applySynced) run(a *applyLoop) { a.r.o.Clients.Synced(c.session, c.number) }

func (c applyRevalidated) run(a *applyLoop) { a.r.o.Clients.Revalidated(c.session, c.valid) }

func (c applyMoved) run(a *applyLoop) { a.r.o.Clients.Moved(c.session) }

func (c applyView) run(a *applyLoop) {
	a.r.inbox.Put(evView{term: c.term, link: c.link, view: a.tree().View()})
}

func (c applySnapshot) run(a *applyLoop) { a.r.keeper.snapshot(a.tree().View()) }

func (c applyIdle) run(a *applyLoop) {
	t := a.tree()
	a.r.inbox.Put(evApplied{zxid: t.LastZxid(), digest: t.Digest(), idle: true, term: c.term})
}

func (c applyConfig) run(a *applyLoop) {
	a.config = c.config
	a.setConfig()
}

// setConfig writes the configuration into the tree (disk.md 6.7). One that a
// transaction put there may be newer, and not in force yet.
func (a *applyLoop) setConfig() {
	if a.config == nil {
		return
	}
	info, _ := a.tree().Info(zk.PathConfig)
	if a.r.cfg.ReconfigEnabled && info.Stat.Mzxid > 0 && int64(info.Stat.Mzxid) >= a.config.Version {
		return
	}
	a.tree().SetConfig(a.config.Text(), a.config.Version, a.r.clock.Wall().UnixMilli())
}

// adoptTree makes t, which holds everything up to last, the server's state; a fuzzy one
// may hold more.
func (r *Replica) adoptTree(t *tree.Tree, last zk.Zxid, fuzzy bool) {
	r.endPause() // watches and readers belong to the present tree
	r.applier.put(applyTree{tree: t, zxid: last, fuzzy: fuzzy})
	r.delivered, r.applied = last, last
}

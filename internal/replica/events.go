package replica

import (
	"ostler/internal/ensemble"
	"ostler/internal/peers"
	"ostler/internal/peerwire"
	"ostler/internal/prep"
	"ostler/internal/tree"
	"ostler/internal/zab"
	"ostler/internal/zk"
)

// An event is something that arrived at the replica loop.
type event interface{ handle(r *Replica) }

type (
	evStart struct{}

	// From this server's clients.
	evRequest    struct{ req *prep.Request }
	evRevalidate struct {
		session zk.SessionID
		timeout int32
	}

	// From other servers.
	evNotification struct {
		from zk.ServerID
		n    peerwire.Notification
	}
	evMeshLink struct {
		to zk.ServerID
		up bool
	}
	evLinkUp   struct{ link *peers.Link }
	evLinkDown struct {
		link *peers.Link
		err  error
	}
	evPacket struct {
		link   *peers.Link
		packet peerwire.Packet
		size   int
	}
	evSnapshotEnd struct {
		link   *peers.Link
		zxid   zk.Zxid
		loader *tree.Loader
	}
	evDialled struct {
		term uint64
		link *peers.Link
		err  error
	}

	// From the log loop.
	evDurable struct {
		term uint64
		zxid zk.Zxid
	}
	evPersisted struct {
		term    uint64
		persist zab.Persist
	}
	evTruncated struct {
		term  uint64
		last  zk.Zxid
		tree  *tree.Tree // reloaded; nil if the old one holds nothing above last
		fuzzy bool       // it is
		err   error
	}
	evInstalled struct {
		term uint64
		zxid zk.Zxid
		tree *tree.Tree
		err  error
	}
	evRecorded struct{ config *ensemble.Config }
	evReloaded struct {
		term uint64
		tree *tree.Tree
		err  error
	}
	evHandOver  struct{ handing }
	evLogIdle   struct{ term uint64 }
	evLogFailed struct{ err error }

	// From the apply loop.
	evApplied struct {
		zxid   zk.Zxid
		digest uint64
		// idle answers applyIdle of this term.
		idle bool
		term uint64
	}
	evView struct {
		term uint64
		link zab.LinkID
		view *tree.View
	}
	evMismatch struct {
		zxid zk.Zxid
	}
)

func (evStart) handle(r *Replica) { r.begin() }

func (e evRequest) handle(r *Replica) { r.onRequest(e.req) }

func (e evRevalidate) handle(r *Replica) { r.onRevalidate(e.session, e.timeout) }

func (e evNotification) handle(r *Replica) { r.onNotification(e.from, e.n) }

func (e evMeshLink) handle(r *Replica) { r.onMeshLink(e) }

func (e evLinkUp) handle(r *Replica) {
	if !r.accepts() {
		e.link.Close()
		return
	}
	id := zab.LinkID(e.link.ID)
	r.links[id] = e.link
	r.publishLinks()
	e.link.SetReadTimeout(r.ticks(r.cfg.InitLimit))
	r.stepOf(id, zab.LinkUp{Link: id})
}

func (e evLinkDown) handle(r *Replica) {
	id := zab.LinkID(e.link.ID)
	if r.parting[id] == e.link {
		delete(r.parting, id)
		r.handedOver()
	}
	if r.links[id] != e.link {
		return // closed by us, or of an earlier role
	}
	delete(r.links, id)
	r.publishLinks()
	r.noteParted(id)
	if v := r.views[id]; v != nil {
		v.Close()
		delete(r.views, id)
	}
	r.stepOf(id, zab.LinkDown{Link: id, Err: e.err})
}

func (e evPacket) handle(r *Replica) {
	id := zab.LinkID(e.link.ID)
	if r.links[id] == e.link {
		r.noteSync(e.packet)
		r.noteReport(id, e.packet.Type)
		r.stepOf(id, zab.Received{Link: id, Packet: e.packet})
	}
	e.link.Done(e.size)
}

func (e evSnapshotEnd) handle(r *Replica) {
	if r.phase != learning || r.links[zab.LinkID(e.link.ID)] != e.link {
		return
	}
	r.logger.put(logInstall{term: r.term, zxid: e.zxid, loader: e.loader})
}

func (e evDialled) handle(r *Replica) { r.onDialled(e) }

func (e evDurable) handle(r *Replica) {
	if e.term == r.term {
		r.step1(zab.Durable{Zxid: e.zxid})
	}
}

func (e evPersisted) handle(r *Replica) {
	switch e.persist.Kind {
	case zab.AcceptedEpoch:
		r.accepted = e.persist.Epoch
	case zab.CurrentEpoch:
		r.current = e.persist.Epoch
		// The whole history of an epoch was on disk before (quorum.md R2).
		r.trusted = r.trusted || r.phase != draining
	}
	switch {
	case e.term != r.term:
	case r.phase == draining:
		r.drained()
	default:
		r.step1(zab.Persisted{Persist: e.persist})
	}
}

func (e evTruncated) handle(r *Replica) { r.onTruncated(e) }

func (e evInstalled) handle(r *Replica) { r.onInstalled(e) }

func (e evRecorded) handle(r *Replica) { r.onRecorded(e.config) }

func (e evReloaded) handle(r *Replica) { r.onReloaded(e) }

func (e evHandOver) handle(r *Replica) { r.onHandOver(e.handing) }

func (e evLogIdle) handle(r *Replica) {
	if r.phase == draining && e.term == r.term {
		r.idle.log = true
		r.drained()
	}
}

func (e evLogFailed) handle(r *Replica) { r.fail(e.err) }

func (e evApplied) handle(r *Replica) {
	if e.zxid > r.applied {
		r.applied = e.zxid
		if r.prep != nil {
			r.prep.Applied(e.zxid)
		}
		r.forgetClosed()
	}
	if e.idle && r.phase == draining && e.term == r.term {
		r.digest = e.digest
		r.idle.apply = true
		r.drained()
	}
}

func (e evView) handle(r *Replica) {
	if e.term != r.term || r.phase != leading && r.master == nil || r.links[e.link] == nil {
		e.view.Close()
		return
	}
	r.views[e.link] = e.view
	r.stepOf(e.link, zab.SnapshotReady{Link: e.link, Zxid: e.view.Zxid()})
}

func (e evMismatch) handle(r *Replica) {
	if r.o.Judge != nil {
		r.startOver(e.zxid)
		return
	}
	r.failf("the digest of the tree after %v differs from the one the leader recorded: this replica's state cannot be trusted. "+
		"Move %s/version-2 away and start again, so that it is copied from the ensemble", e.zxid, r.cfg.DataDir)
}

// stepOf hands an input that comes from a link to the core that it belongs to.
func (r *Replica) stepOf(link zab.LinkID, in zab.Input) {
	if r.ofMaster(link) {
		r.stepMaster(in)
		return
	}
	r.step1(in)
}

// step1 hands an input to the core of the present role.
func (r *Replica) step1(in zab.Input) {
	switch r.phase {
	case leading:
		r.stepLeader(in)
	case learning:
		r.stepLearner(in)
	case solo:
		r.solo.Step(in, &r.out)
	}
}

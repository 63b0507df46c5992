package sim

import (
	"fmt"
	"time"

	"ostler/internal/txn"
	"ostler/internal/zk"
)

// An entry is one committed transaction.
type entry struct {
	rec    *txn.Record
	hash   uint64
	digest uint64
	seen   bool // digest is known
}

// A request names what a client asked for.
type request struct {
	session zk.SessionID
	cxid    int32
}

// An Oracle knows the one history of an ensemble, from what all its servers
// report, and checks each report against it. The names of the properties are those
// of the TLA+ specification of Zab (quorum.md 8.3):
//
//	Leadership1         no two servers lead in one epoch at a time
//	Leadership2         an epoch has one established leader, ever
//	PrefixConsistency   what two servers delivered agrees item by item
//	Integrity           a zxid stands for one transaction, asked for once, of an epoch
//	                    that was led
//	Agreement           of what two servers delivered, one has the other's
//	TotalOrder          nobody delivers backwards
//	LocalPrimaryOrder   an epoch is delivered in its order without a hole, by
//	                    everyone (the published formula holds vacuously)
//	GlobalPrimaryOrder  epochs are delivered in order
//	PrimaryIntegrity    a leader begins with all that was committed before, and with
//	                    all that its followers have of earlier epochs
//	ShouldNotBeTriggered  no server finds an invariant broken, or a peer's packet that
//	                    no server may send
type Oracle struct {
	w        *World
	log      []entry
	byZxid   map[zk.Zxid]int
	requests map[request]zk.Zxid
	model    *model
	views    map[zk.ServerID]*view
	leaders  map[zk.Epoch]zk.ServerID
	newest   zk.Epoch // that had an established leader
	// Logs returns all the histories that disks hold behind after: those of the
	// servers, the given one first, and what was set aside. Records of an earlier
	// life may become committed without being applied again while someone watches.
	Logs func(server zk.ServerID, after zk.Zxid) [][]*txn.Record
	// branches are what servers applied that was not committed at that time.
	branches [][]*txn.Record
	// Closed is told of each session that ends.
	Closed func(session zk.SessionID, cxid int32)
	// Expired is told of each session that a server gives up.
	Expired func(server zk.ServerID, session zk.SessionID)
	// credited counts how often a server found that sessions could not be heard.
	credited int
}

// A view is what one life of a server has delivered.
type view struct {
	id          zk.ServerID
	established bool
	leads       bool
	epoch       zk.Epoch
	since       time.Duration // it was established
	base        zk.Zxid       // state it began from
	baseDigest  uint64
	hasDigest   bool
	pos         int // entries of the log that are in it; -1: not known yet
	last        zk.Zxid
	tentative   []entry // delivered while it was not established
}

// NewOracle returns an oracle that knows nothing.
func NewOracle(w *World) *Oracle {
	return &Oracle{
		w: w, byZxid: make(map[zk.Zxid]int), requests: make(map[request]zk.Zxid), model: newModel(),
		views: make(map[zk.ServerID]*view), leaders: make(map[zk.Epoch]zk.ServerID),
	}
}

// Last is the end of the known history.
func (o *Oracle) Last() zk.Zxid {
	if len(o.log) == 0 {
		return 0
	}
	return o.log[len(o.log)-1].rec.Zxid
}

// Len is the number of committed transactions.
func (o *Oracle) Len() int { return len(o.log) }

// Booted begins a new life of a server, with the state that it loaded.
func (o *Oracle) Booted(id zk.ServerID, zxid zk.Zxid) {
	o.keepBranch(id)
	o.views[id] = &view{id: id, base: zxid, last: zxid, pos: -1}
}

// Restored says that a server's state is now that of zxid.
func (o *Oracle) Restored(id zk.ServerID, zxid zk.Zxid, digest uint64) {
	o.keepBranch(id)
	o.views[id] = &view{id: id, base: zxid, last: zxid, pos: -1, baseDigest: digest, hasDigest: true}
}

// Left says that a server looks for a leader: what it delivers now is its own
// log, committed or not.
func (o *Oracle) Left(id zk.ServerID) {
	if v := o.views[id]; v != nil {
		v.established = false
	}
}

// Established says that a server may serve in an epoch, with all it delivered.
func (o *Oracle) Established(id zk.ServerID, leads bool, epoch zk.Epoch, last zk.Zxid) {
	v := o.views[id]
	if v == nil {
		return
	}
	o.w.note(kindCheck, nil, fmt.Sprintf("server %d established in epoch %d", id, epoch), int64(v.last), fmt.Sprintf("leads %v history %v", leads, last))
	if epoch < v.epoch {
		o.w.Failf("server %d is established in epoch %d after %d", id, epoch, v.epoch)
	}
	if !o.promote(v) {
		return
	}
	v.established, v.epoch, v.leads, v.since = true, epoch, leads, o.w.Now()
	if !leads {
		o.checkPrimary(v)
		return
	}
	if other, ok := o.leaders[epoch]; ok && other != id {
		if p := o.views[other]; p.established && p.leads && p.epoch == epoch {
			o.w.Failf("Leadership1: servers %d and %d lead epoch %d at a time", other, id, epoch)
		}
		o.w.Failf("Leadership2: servers %d and %d are established leaders of epoch %d", other, id, epoch)
	}
	o.leaders[epoch] = id
	o.newest = max(o.newest, epoch)
	if before := o.before(zk.MakeZxid(epoch, 0)); v.pos < before {
		o.w.Failf("PrimaryIntegrity: server %d leads epoch %d with history up to %v, but %v is committed",
			id, epoch, v.last, o.log[before-1].rec.Zxid)
	}
}

// checkPrimary holds a follower that may serve against its leader: that has delivered
// all of the follower's that is of earlier epochs.
func (o *Oracle) checkPrimary(v *view) {
	p := o.views[o.leaders[v.epoch]]
	if p == nil || !p.established || !p.leads || p.epoch != v.epoch {
		return // it is gone already
	}
	if earlier := min(v.pos, o.before(zk.MakeZxid(v.epoch, 0))); earlier > p.pos {
		o.w.Failf("PrimaryIntegrity: server %d follows %d in epoch %d with %v, which that one has not delivered",
			v.id, p.id, v.epoch, o.log[earlier-1].rec.Zxid)
	}
}

// A reign is the newest leader that was established, and how far it had applied.
type reign struct {
	epoch   zk.Epoch
	applied zk.Zxid
}

func (o *Oracle) reign() reign {
	r := reign{epoch: o.newest}
	if v := o.views[o.leaders[o.newest]]; v != nil && v.established && v.epoch == o.newest {
		r.applied = v.last
	}
	return r
}

// appliedBefore is a lower bound of what a leader had applied when it planned z for a
// request that was made during r: no new leader plans before it has caught up.
func (r reign) appliedBefore(z zk.Zxid) zk.Zxid {
	if z.Epoch() == r.epoch {
		return r.applied
	}
	return zk.MakeZxid(z.Epoch(), 0)
}

// before counts the entries with a smaller zxid.
func (o *Oracle) before(z zk.Zxid) int {
	n := len(o.log)
	for n > 0 && o.log[n-1].rec.Zxid >= z {
		n--
	}
	return n
}

// promote makes what a server holds part of the committed history, which it must
// agree with.
func (o *Oracle) promote(v *view) bool {
	if v.pos < 0 && !o.place(v) {
		return false
	}
	pending := v.tentative
	v.tentative = nil
	for _, e := range pending {
		o.commit(v, e)
	}
	return o.w.failure == nil
}

// place finds where in history a server began.
func (o *Oracle) place(v *view) bool {
	z := v.base
	if z > o.Last() && z.Counter() != 0 {
		o.fill(v, z)
	}
	i, ok := o.byZxid[z]
	switch {
	case ok:
		v.pos = i + 1
		o.checkDigest(v, &o.log[i], v.baseDigest, v.hasDigest)
	case z == 0 || z.Counter() == 0:
		v.pos = o.before(z)
	default:
		o.w.Failf("PrefixConsistency: server %d serves from %v, which is not in the committed history (its end is %v)", v.id, z, o.Last())
		return false
	}
	return o.w.failure == nil
}

// fill completes the history up to z, from a source that has all of it.
func (o *Oracle) fill(v *view, z zk.Zxid) {
	var sources [][]*txn.Record
	if o.Logs != nil {
		sources = o.Logs(v.id, o.Last())
	}
	for _, recs := range append(sources, o.branches...) {
		if missing := between(recs, o.Last(), z); missing != nil {
			for _, rec := range missing {
				o.append(v, entry{rec: rec, hash: hashRecord(rec)})
			}
			return
		}
	}
}

// between returns the records in (after, z], if recs has them all.
func between(recs []*txn.Record, after, z zk.Zxid) []*txn.Record {
	for len(recs) > 0 && recs[0].Zxid <= after {
		recs = recs[1:]
	}
	for i, rec := range recs {
		if after != 0 && !rec.Zxid.Follows(after) {
			return nil
		}
		if after = rec.Zxid; after == z {
			return recs[:i+1]
		}
	}
	return nil
}

// branchesMax bounds what is kept of histories that were not committed.
const branchesMax = 100

// keepBranch remembers what a life of a server applied and is about to forget.
func (o *Oracle) keepBranch(id zk.ServerID) {
	v := o.views[id]
	if v == nil || len(v.tentative) == 0 {
		return
	}
	var recs []*txn.Record
	for _, e := range v.tentative {
		recs = append(recs, e.rec)
	}
	o.remember(recs)
}

// remember keeps a history that may yet turn out to be committed.
func (o *Oracle) remember(recs []*txn.Record) {
	if o.branches = append(o.branches, recs); len(o.branches) > branchesMax {
		o.branches = o.branches[1:]
	}
}

// Delivered says that a server applied rec, after which its tree has this digest.
func (o *Oracle) Delivered(id zk.ServerID, rec *txn.Record, digest uint64) {
	v := o.views[id]
	if v == nil {
		return
	}
	e := entry{rec: rec, hash: hashRecord(rec), digest: digest, seen: true}
	if z := rec.Zxid; z.Epoch() < v.last.Epoch() {
		o.w.Failf("GlobalPrimaryOrder: server %d delivers %v after %v", id, z, v.last)
	} else if z <= v.last {
		o.w.Failf("TotalOrder: server %d delivers %v after %v", id, z, v.last)
	} else if v.last.Counter() != 0 && !z.Follows(v.last) {
		o.w.Failf("LocalPrimaryOrder: server %d delivers %v after %v", id, z, v.last)
	}
	v.last = rec.Zxid
	if !v.established {
		v.tentative = append(v.tentative, e)
		return
	}
	o.commit(v, e)
}

// commit checks a delivery against history, or makes it its new end.
func (o *Oracle) commit(v *view, e entry) {
	z := e.rec.Zxid
	i, known := o.byZxid[z]
	if !known {
		o.append(v, e)
		if i, known = o.byZxid[z]; !known {
			return
		}
	}
	have := &o.log[i]
	if have.hash != e.hash {
		o.w.Failf("Integrity: %v is %v at server %d, but %v elsewhere", z, describe(&e.rec.Txn), v.id, describe(&have.rec.Txn))
	}
	o.checkDigest(v, have, e.digest, e.seen)
	if i != v.pos {
		o.w.Failf("PrefixConsistency: server %d delivers %v as number %d of its history; it is number %d", v.id, z, v.pos, i)
	}
	v.pos = i + 1
}

func (o *Oracle) checkDigest(v *view, have *entry, digest uint64, known bool) {
	switch {
	case !known:
	case !have.seen:
		have.digest, have.seen = digest, true
	case have.digest != digest:
		o.w.Failf("server %d has digest %x at %v, another has %x", v.id, digest, have.rec.Zxid, have.digest)
	}
}

// append adds a new end to the history.
func (o *Oracle) append(v *view, e entry) {
	z, last := e.rec.Zxid, o.Last()
	if z <= last {
		o.w.Failf("Agreement: server %d delivers %v, which is not in the history though that reaches %v", v.id, z, last)
		return
	}
	if z.Epoch() == last.Epoch() && z != last+1 || z.Epoch() != last.Epoch() && z.Counter() != 1 {
		o.fill(v, z-1)
		if last = o.Last(); !z.Follows(last) {
			o.w.Failf("LocalPrimaryOrder: server %d delivers %v, but the history ends at %v", v.id, z, last)
			return
		}
	}
	if _, led := o.leaders[z.Epoch()]; !led {
		o.w.Failf("Integrity: server %d delivers %v, but nobody ever led epoch %d", v.id, z, z.Epoch())
		return
	}
	o.byZxid[z] = len(o.log)
	o.log = append(o.log, e)
	o.once(&e.rec.Txn)
	if err := o.model.apply(&e.rec.Txn); err != nil {
		o.w.Failf("committed transaction %v, %v: %v", z, describe(&e.rec.Txn), err)
	}
	if e.rec.Type == zk.OpCloseSession && o.Closed != nil {
		o.Closed(e.rec.Session, e.rec.Cxid)
	}
}

func (o *Oracle) expired(server zk.ServerID, session zk.SessionID) {
	if o.Expired != nil {
		o.Expired(server, session)
	}
}

// once checks that no request is executed twice (INV-X9).
func (o *Oracle) once(t *txn.Txn) {
	if t.Session == 0 || t.Type == zk.OpCreateSession || t.Type == zk.OpCloseSession {
		return
	}
	r := request{t.Session, t.Cxid}
	if z, ok := o.requests[r]; ok {
		o.w.Failf("request %d of session %v is executed at %v and again at %v", r.cxid, r.session, z, t.Zxid)
	}
	o.requests[r] = t.Zxid
}

// entry returns the committed transaction with this zxid, or nil.
func (o *Oracle) entry(z zk.Zxid) *txn.Record {
	if i, ok := o.byZxid[z]; ok {
		return o.log[i].rec
	}
	return nil
}

// Behind returns the servers whose deliveries do not reach the end of history.
func (o *Oracle) Behind(ids []zk.ServerID) []zk.ServerID {
	var behind []zk.ServerID
	for _, id := range ids {
		if v := o.views[id]; v == nil || !v.established || v.pos != len(o.log) {
			behind = append(behind, id)
		}
	}
	return behind
}

func hashRecord(r *txn.Record) uint64 { return mixString(1, string(r.Bytes)) }

func describe(t *txn.Txn) string {
	return fmt.Sprintf("%v of session %v cxid %d: %+v", t.Type, t.Session, t.Cxid, t.Body)
}

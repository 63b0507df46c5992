package replica

import (
	"errors"
	"time"

	"ostler/internal/datadir"
	"ostler/internal/env"
	"ostler/internal/tree"
	"ostler/internal/zk"
)

// A keeperLoop keeps the data directory short: it writes snapshots off the way of
// the writes, and purges what they make superfluous. It also has the directory
// remember what is committed.
type keeperLoop struct {
	r         *Replica
	loop      env.Loop
	views     env.Inbox[*tree.View]
	committed env.Inbox[zk.Zxid]
	known     zk.Zxid // what the directory knows to be committed
	nextPurge time.Time
}

func startKeeperLoop(r *Replica) *keeperLoop {
	k := &keeperLoop{r: r, known: r.o.Loaded.Committed}
	k.loop = r.o.Env.Loops.Start("keeper", k.step)
	k.views.Init(k.loop)
	k.committed.Init(k.loop)
	if r.cfg.PurgeInterval > 0 {
		// Not at once: the load has just shown what is good (disk.md R-20), and
		// there is nothing new to purge.
		k.nextPurge = r.clock.Now().Add(r.cfg.PurgeInterval)
		r.clock.WakeAt(k.nextPurge, k.loop)
	}
	return k
}

// snapshot hands over a view to be written.
func (k *keeperLoop) snapshot(v *tree.View) { k.views.Put(v) }

// note hands over a zxid that is known to be committed.
func (k *keeperLoop) note(z zk.Zxid) { k.committed.Put(z) }

// stop ends the loop, after what the replica loop came to know last.
func (k *keeperLoop) stop() {
	k.loop.Stop()
	k.remember(k.r.committed)
}

// remember has the directory know at least z. A server that is never without a leader
// need not.
func (k *keeperLoop) remember(z zk.Zxid) {
	if k.r.cfg.Ensemble == nil || z <= k.known {
		return
	}
	k.known = z
	if err := k.r.o.Dir.SetCommitted(z); err != nil {
		k.r.log.Warn("cannot record what is committed: after a restart without a leader it is not served", "zxid", z, "err", err)
	}
}

func (k *keeperLoop) step() func() {
	if known := k.committed.Take(); len(known) > 0 {
		k.remember(known[len(known)-1])
	}
	for _, v := range k.views.Take() {
		zxid := v.Zxid()
		start := k.r.clock.Now()
		k.remember(zxid)
		err := k.r.o.Dir.Snapshot(v)
		v.Close()
		if errors.Is(err, datadir.ErrSuperseded) {
			continue // of a history that was given up meanwhile
		}
		if err != nil {
			// It must never stop a healthy server (disk.md R-25).
			k.r.log.Error("cannot write a snapshot; the log goes on, and it is tried again later", "zxid", zxid, "err", err)
			continue
		}
		k.r.log.Info("snapshot written", "zxid", zxid, "took", k.r.clock.Now().Sub(start))
	}
	return k.purge()
}

// purge removes old files when it is time.
func (k *keeperLoop) purge() func() {
	now := k.r.clock.Now()
	if k.nextPurge.IsZero() || now.Before(k.nextPurge) {
		return nil
	}
	k.nextPurge = now.Add(k.r.cfg.PurgeInterval)
	if err := k.r.o.Dir.Purge(k.r.cfg.PurgeRetain); err != nil {
		k.r.log.Warn("cannot purge old snapshots and logs", "err", err)
	}
	return func() { k.r.clock.WakeAt(k.nextPurge, k.loop) }
}

// maybeSnapshot asks for a snapshot when the log behind the last one is long
// enough. Only an established server does: its tree holds nothing that is
// not committed (quorum.md R21).
func (r *Replica) maybeSnapshot() {
	if !r.serving || r.txnsSince < r.snapAfter && (r.snapBytes <= 0 || r.bytesSince < r.snapBytes) {
		return
	}
	r.txnsSince, r.bytesSince = 0, 0
	r.drawSnapshotLimits()
	r.logger.put(logRoll{})
	r.applier.put(applySnapshot{})
}

// drawSnapshotLimits draws when to take the next snapshot, so that not every
// server of an ensemble does at once (disk.md 3.13).
func (r *Replica) drawSnapshotLimits() {
	half := max(r.cfg.SnapCount/2, 1)
	r.snapAfter = half + r.rand.IntN(half)
	r.snapBytes = 0
	if s := r.cfg.SnapSizeLimit / 2; s > 0 {
		r.snapBytes = s + r.rand.Int64N(s)
	}
}

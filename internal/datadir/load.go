package datadir

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"ostler/internal/snapshot"
	"ostler/internal/txn"
	"ostler/internal/txnlog"
	"ostler/internal/zk"
)

// A Loaded is what a load found.
type Loaded struct {
	Sink     snapshot.Sink // the one that holds the snapshot; nil without one
	Snapshot zk.Zxid       // of its name
	Last     zk.Zxid       // of the last record, or Snapshot
	Fresh    bool          // neither snapshot nor log
	Info     snapshot.Info

	// Torn is the end of the log that was cut off, nil when it was clean.
	Torn *txnlog.Tail
	// Suspect: what was cut off may have been acknowledged. The server must not
	// vote or acknowledge until a leader elected by others has synced it.
	Suspect bool
	// Untrusted: the server was empty or Suspect and has not synced since, see
	// SetUntrusted.
	Untrusted bool

	// Committed is what SetCommitted recorded, 0 when the snapshot goes beyond that.
	Committed zk.Zxid

	Accepted, Current       zk.Epoch
	HasAccepted, HasCurrent bool

	Warnings []string // for the operator
}

// Load reads the newest intact snapshot into a sink, then calls apply for each record
// behind it, in order, with the snapshot's zxid. Each attempt at a snapshot gets a
// new sink. It repairs what is safe to repair: a torn end of the log is cut
// off, durably. An error means that the server must not start.
func (d *Dir) Load(newSink func() snapshot.Sink, apply func(base zk.Zxid, rec *txn.Record)) (Loaded, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := loading{d: d, newSink: newSink, apply: apply}
	if err := l.load(); err != nil {
		return Loaded{}, err
	}
	var err error
	if l.Untrusted, err = d.untrusted(); err != nil {
		return Loaded{}, err
	}
	if err := d.loadEpochs(&l.Loaded); err != nil {
		return Loaded{}, err
	}
	if l.Committed, err = d.committed(); err != nil {
		return Loaded{}, err
	}
	if l.Committed < l.Snapshot {
		// It came from a leader, or from ZooKeeper: it may hold what nobody else has.
		l.Committed = 0
	}
	d.loaded = true
	return l.Loaded, nil
}

// A loading is a Load under way.
type loading struct {
	Loaded
	d       *Dir
	newSink func() snapshot.Sink
	apply   func(base zk.Zxid, rec *txn.Record)
	passed  []zk.Zxid // snapshots above the one taken, ascending: no hole may hide them
}

func (l *loading) warnf(format string, args ...any) {
	l.Warnings = append(l.Warnings, fmt.Sprintf(format, args...))
}

func (l *loading) load() error {
	snaps, strays, err := snapshot.Files(l.d.fs, l.d.snapDir)
	if err != nil {
		return err
	}
	logs, logStrays, err := txnlog.Files(l.d.fs, l.d.logDir)
	if err != nil {
		return err
	}
	for _, name := range append(strays, logStrays...) {
		l.warnf("%s has a name that is not quite that of a snapshot or a log; it is not read", name)
	}
	switch {
	case len(snaps) == 0 && len(logs) == 0:
		l.Fresh = true
		return nil
	case len(snaps) == 0 && !l.d.o.TrustEmptySnap:
		return fmt.Errorf("%w: %s holds %s; set zookeeper.snapshot.trust.empty for data of release 3.4",
			ErrNoSnapshot, l.d.logDir, logs[0].Name)
	}
	if err := l.takeSnapshot(snaps); err != nil {
		return err
	}
	return l.replay()
}

// takeSnapshot reads the newest that is intact.
func (l *loading) takeSnapshot(snaps []snapshot.File) error {
	var reasons []error
	for _, f := range slices.Backward(snaps) {
		sink := l.newSink()
		info, err := snapshot.Read(l.d.fs, l.d.snapDir, f.Name, func() snapshot.Sink { return sink })
		if err == nil {
			l.Sink, l.Info, l.Snapshot, l.Last = sink, info, f.Zxid, f.Zxid
			slices.Reverse(l.passed)
			return nil
		}
		l.warnf("a snapshot is passed over: %v", err)
		l.passed = append(l.passed, f.Zxid)
		reasons = append(reasons, err)
	}
	if len(reasons) == 0 {
		return nil
	}
	return fmt.Errorf("%w: no intact snapshot in %s: %w", ErrDamaged, l.d.snapDir, errors.Join(reasons...))
}

// replay applies the log behind the snapshot.
func (l *loading) replay() error {
	r, err := txnlog.Open(l.d.fs, l.d.logDir, l.Snapshot)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return damaged(err)
		}
		if err := l.pass(rec.Zxid); err != nil {
			return err
		}
		l.apply(l.Snapshot, rec)
		l.Last = rec.Zxid
	}
	if err := l.pass(maxZxid); err != nil {
		return err
	}
	if err := l.repair(r); err != nil {
		return err
	}
	return l.settle(r.End())
}

// settle makes durable what was read. A process that was killed between a write
// and its sync leaves records that are only in the page cache: once they count as
// this server's history, a loss of power must not take them away.
//
// A sync that failed may have left the same in the cache and marked it clean, so
// that syncing again does nothing. Therefore the end of the log, which is all
// that such a sync can have been about, is written once more.
func (l *loading) settle(end txnlog.Position) error {
	if end.File != "" {
		if err := txnlog.Rewrite(l.d.fs, end); err != nil {
			return err
		}
	}
	files, _, err := txnlog.Files(l.d.fs, l.d.logDir)
	if err != nil {
		return err
	}
	for i, f := range files {
		if i+1 < len(files) && files[i+1].Zxid <= l.Snapshot {
			continue // not read
		}
		if err := l.sync(l.d.logDir + "/" + f.Name); err != nil {
			return fmt.Errorf("sync the log that was read: %w", err)
		}
	}
	for _, dir := range l.d.dirs() {
		if err := l.d.fs.SyncDir(dir); err != nil {
			return fmt.Errorf("sync the directory that was read: %w", err)
		}
	}
	return nil
}

func (l *loading) sync(name string) error {
	f, err := l.d.fs.OpenWrite(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

func damaged(err error) error {
	var c *txnlog.CorruptError
	if errors.As(err, &c) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

const maxZxid zk.Zxid = 1<<63 - 1

// pass checks that going on to next skips no snapshot: one that could not be read
// still proves that there was history up to its zxid. The first zxid of an
// epoch is no transaction's.
func (l *loading) pass(next zk.Zxid) error {
	for len(l.passed) > 0 && l.passed[0] < next {
		z := l.passed[0]
		if z > l.Last && z.Counter() != 0 {
			return fmt.Errorf("%w: snapshot.%x cannot be read, and the log lacks transactions between %v and %v",
				ErrDamaged, int64(z), l.Last, z)
		}
		l.passed = l.passed[1:]
	}
	return nil
}

// repair decides about the end of the log, and makes it clean before anything new is
// written.
func (l *loading) repair(r *txnlog.Reader) error {
	for _, name := range r.Empty() {
		l.warnf("%s holds no transaction; it is removed", name)
		if err := l.d.fs.Remove(name); err != nil {
			return fmt.Errorf("remove empty log: %w", err)
		}
	}
	if len(r.Empty()) > 0 {
		if err := l.d.fs.SyncDir(l.d.logDir); err != nil {
			return fmt.Errorf("remove empty log: %w", err)
		}
	}
	tails := r.Tails()
	if len(tails) == 0 || tails[len(tails)-1].Last != r.Last() {
		return nil
	}
	t := tails[len(tails)-1]
	if err := l.accept(t); err != nil {
		return err
	}
	l.Torn, l.Suspect = &t, t.Kind == txnlog.Suspect
	l.warnf("the log ends unfinished and is cut: %s, behind %v", t.Describe(), t.Last)
	if t.Kind != txnlog.Torn {
		if err := l.d.keepTail(t); err != nil {
			return err
		}
	}
	return txnlog.Cut(l.d.fs, t.File, t.Offset)
}

// accept says whether a tail may be taken for a write that never finished.
func (l *loading) accept(t txnlog.Tail) error {
	o := l.d.o
	switch {
	case t.Kind == txnlog.Torn,
		t.Kind == txnlog.Unwritten && (o.Ensemble || o.TornSectors),
		t.Kind == txnlog.Suspect && o.Ensemble && o.Resync:
		return nil
	}
	return fmt.Errorf("%w: %w", ErrDamaged, &txnlog.CorruptError{
		File: t.File, Offset: t.Offset, LastGood: t.Last, NextGood: -1, Err: txnlog.ErrEntry,
	})
}

package replica

import (
	"fmt"
	"log/slog"
	"math"

	"ostler/internal/config"
	"ostler/internal/datadir"
	"ostler/internal/snapshot"
	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/zab"
	"ostler/internal/zk"
)

// Load rebuilds the state from a data directory: a snapshot, and the log behind
// it (disk.md section 5). It blocks on files.
func Load(dir *datadir.Dir, cfg *config.Config, log *slog.Logger) (Loaded, error) {
	return loadUpTo(dir, cfg, log, math.MaxInt64)
}

// loadUpTo is Load without the records behind limit.
func loadUpTo(dir *datadir.Dir, cfg *config.Config, log *slog.Logger, limit zk.Zxid) (Loaded, error) {
	l := &loading{cfg: cfg, log: log, limit: limit, alarms: new(Alarms)}
	found, err := dir.Load(l.newSink, l.apply)
	if err != nil {
		return Loaded{}, err
	}
	for _, w := range found.Warnings {
		log.Warn("data directory", "note", w)
	}
	if err := l.finish(found.Snapshot); err != nil {
		return Loaded{}, err
	}
	members, err := dir.Members()
	if err != nil {
		return Loaded{}, err
	}
	fuzzy := l.fuzzy(found.Info)
	if !fuzzy && l.lastBad > max(found.Info.DigestZxid, l.firstGood) {
		log.Error("digests of the replayed log differ from the recorded ones", "transactions", l.mismatches, "last", l.lastBad)
	}
	return Loaded{
		Tree: l.tree, History: l.history, Accepted: found.Accepted, Current: found.Current,
		Committed: found.Committed, Members: members, Alarms: l.alarms,
		Fuzzy: fuzzy, Fresh: found.Fresh, Trusted: !found.Fresh && !found.Suspect && !found.Untrusted,
	}, nil
}

// A loading is a recovery under way.
type loading struct {
	cfg        *config.Config
	log        *slog.Logger
	limit      zk.Zxid
	alarms     *Alarms
	loader     *tree.Loader
	tree       *tree.Tree
	history    *zab.History
	mismatches int
	firstGood  zk.Zxid // of the records whose digest agrees
	lastBad    zk.Zxid
	err        error
}

// fuzzy reports whether the tree may hold changes of transactions that are not in the
// log. A fuzzy snapshot holds changes of later transactions: until those are replayed
// too, the digests cannot agree (disk.md 7.4). Without a digest of its own, as those
// that come from a leader are kept, nothing says up to which.
func (l *loading) fuzzy(info snapshot.Info) bool {
	switch {
	case l.loader == nil:
		return false // there is no snapshot
	case info.HasDigest:
		return l.history.Last() < info.DigestZxid
	}
	return l.firstGood == 0
}

// newSink begins from nothing: what a rejected snapshot left is forgotten
// (disk.md R-14).
func (l *loading) newSink() snapshot.Sink {
	l.loader = tree.NewLoader(treeOptions(l.cfg, l.log, l.alarms))
	return l.loader
}

// finish ends the snapshot, whose zxid is that of its name.
func (l *loading) finish(zxid zk.Zxid) error {
	if l.err != nil || l.tree != nil {
		return l.err
	}
	if l.loader == nil {
		l.tree = tree.New(treeOptions(l.cfg, l.log, l.alarms))
	} else if l.tree, l.err = l.loader.Finish(zxid); l.err != nil {
		return fmt.Errorf("snapshot %v: %w", zxid, l.err)
	}
	l.history = zab.NewHistory(zxid)
	return nil
}

// apply replays one record of the log.
func (l *loading) apply(snapshotZxid zk.Zxid, rec *txn.Record) {
	if l.finish(snapshotZxid) != nil || rec.Zxid > l.limit {
		return
	}
	if res := l.tree.Apply(&rec.Txn, func(tree.Change) {}); res.DigestMismatch {
		l.mismatches++
		l.lastBad = rec.Zxid
	} else if rec.Digest != nil && l.firstGood == 0 {
		l.firstGood = rec.Zxid
	}
	l.history.Append(rec)
	l.history.Trim(l.cfg.CommitLogCount, historyBytes, rec.Zxid)
}

// treeOptions are those of every tree of a server.
func treeOptions(cfg *config.Config, log *slog.Logger, alarms *Alarms) tree.Options {
	return tree.Options{
		Digest: cfg.DigestEnabled, Owners: owners(cfg),
		OnAlarm: func(msg string, zxid zk.Zxid) { alarms.raise(log, msg, zxid) },
	}
}

// owners is how a server reads the owners of nodes.
func owners(cfg *config.Config) zk.Owners { return zk.Owners{TTL353: cfg.TTL353} }

// newTreeOptions are those of a tree that replaces the present one.
func (r *Replica) newTreeOptions() tree.Options { return treeOptions(r.cfg, r.log, r.o.Loaded.Alarms) }

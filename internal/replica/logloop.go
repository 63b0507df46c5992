package replica

import (
	"fmt"

	"ostler/internal/ensemble"
	"ostler/internal/env"
	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/txnlog"
	"ostler/internal/zab"
	"ostler/internal/zk"
)

// A logLoop owns the newest log file and everything else that must happen to the
// data directory in the order of history. What has gathered while it was
// writing becomes the next batch: group commit without a timer.
type logLoop struct {
	r      *Replica
	loop   env.Loop
	inbox  env.Inbox[logCommand]
	writer *txnlog.Writer
	failed bool
	told   []event // for the replica loop, once the step's file calls are done
	// batch is what was appended since the last flush.
	batch struct {
		term uint64
		last zk.Zxid
		any  bool
	}
}

// A logCommand is one thing for the log loop.
type logCommand interface{ run(l *logLoop) error }

type (
	logAppend struct {
		term uint64
		recs []*txn.Record
	}
	logPersist struct {
		term    uint64
		persist zab.Persist
		adopt   bool // the epoch of a history that got to disk without it (quorum.md R19)
	}
	logTruncate struct {
		term   uint64
		to     zk.Zxid
		reload bool // the tree holds more than that
	}
	logInstall struct {
		term   uint64
		zxid   zk.Zxid
		loader *tree.Loader
	}
	// logReload builds a tree of the history up to a limit.
	logReload struct {
		term  uint64
		limit zk.Zxid
	}
	// logMembers records a configuration that comes into force.
	logMembers   struct{ config *ensemble.Config }
	logInitFresh struct{}
	logTrust     struct{} // the history is whole again
	logRoll      struct{}
	logIdle      struct{ term uint64 }
)

func startLogLoop(r *Replica) *logLoop {
	l := &logLoop{r: r, writer: r.o.Dir.NewLog()}
	l.loop = r.o.Env.Loops.Start("log", l.step)
	l.inbox.Init(l.loop)
	return l
}

func (l *logLoop) put(c logCommand) { l.inbox.Put(c) }

// append copies the list, which belongs to a core's output.
func (l *logLoop) append(term uint64, recs []*txn.Record) {
	l.put(logAppend{term, append([]*txn.Record(nil), recs...)})
}

// stop ends the loop and closes the log.
func (l *logLoop) stop() {
	l.loop.Stop()
	if err := l.writer.Close(); err != nil && !l.failed {
		l.r.log.Warn("close log", "err", err)
	}
}

// step does what has arrived; what became of it is told when the file calls
// have taken their time.
func (l *logLoop) step() func() {
	for _, c := range l.inbox.Take() {
		if l.failed {
			return nil
		}
		if err := c.run(l); err != nil {
			return l.fail(err)
		}
	}
	if err := l.flush(); err != nil {
		return l.fail(err)
	}
	told := l.told
	l.told = nil
	return func() {
		for _, ev := range told {
			l.r.inbox.Put(ev)
		}
	}
}

// fail stops the server: what the disk holds now is unknown until it is read
// back (disk.md ).
func (l *logLoop) fail(err error) func() {
	l.failed = true
	l.told = nil
	dir, _ := l.r.cfg.LogDirs()
	err = fmt.Errorf("the transaction log in %s cannot be written, so nothing can be acknowledged: %w; "+
		"repair the disk and start again", dir, err)
	return func() { l.r.inbox.Put(evLogFailed{err}) }
}

// flush makes what was appended durable.
func (l *logLoop) flush() error {
	if !l.batch.any {
		return nil
	}
	l.batch.any = false
	start := l.r.clock.Now()
	if err := l.writer.Flush(); err != nil {
		return err
	}
	if took := l.r.clock.Now().Sub(start); took > l.r.cfg.FsyncWarn {
		l.r.log.Warn("slow fsync of the transaction log: every write waits for it", "took", took, "zxid", l.batch.last)
	}
	if limit := l.r.cfg.TxnLogSizeLimit; limit > 0 && l.writer.Size() > limit {
		l.writer.Roll()
	}
	l.tell(evDurable{term: l.batch.term, zxid: l.batch.last})
	return nil
}

func (l *logLoop) tell(ev event) { l.told = append(l.told, ev) }

func (c logAppend) run(l *logLoop) error {
	if l.batch.any && l.batch.term != c.term {
		if err := l.flush(); err != nil {
			return err
		}
	}
	l.batch.term, l.batch.last, l.batch.any = c.term, c.recs[len(c.recs)-1].Zxid, true
	return l.writer.Append(c.recs)
}

func (c logPersist) run(l *logLoop) error {
	if err := l.flush(); err != nil {
		return err
	}
	current := c.persist.Kind == zab.CurrentEpoch
	if err := l.r.o.Dir.SetEpoch(current, c.persist.Epoch); err != nil {
		return fmt.Errorf("write epoch %d: %w", c.persist.Epoch, err)
	}
	if current && !c.adopt {
		if err := l.r.o.Dir.SetTrusted(); err != nil {
			return err
		}
	}
	l.tell(evPersisted{c.term, c.persist})
	return nil
}

func (c logTruncate) run(l *logLoop) error {
	if err := l.newWriter(); err != nil {
		return err
	}
	last, err := l.r.o.Dir.Truncate(c.to)
	if err != nil {
		l.tell(evTruncated{term: c.term, err: fmt.Errorf("truncate the history to %v: %w", c.to, err)})
		return nil
	}
	ev := evTruncated{term: c.term, last: last}
	if c.reload {
		loaded, err := Load(l.r.o.Dir, l.r.cfg, l.r.log)
		if err != nil {
			ev.err = fmt.Errorf("reload the history after truncating it to %v: %w", c.to, err)
		} else {
			ev.tree, ev.fuzzy = loaded.Tree, loaded.Fuzzy
		}
	}
	l.tell(ev)
	return nil
}

func (c logInstall) run(l *logLoop) error {
	if err := l.newWriter(); err != nil {
		return err
	}
	t, err := c.loader.Finish(c.zxid)
	if err == nil {
		v := t.View()
		err = l.r.o.Dir.Install(v)
		v.Close()
	}
	if err != nil {
		err = fmt.Errorf("install the leader's snapshot %v: %w", c.zxid, err)
	}
	l.tell(evInstalled{term: c.term, zxid: c.zxid, tree: t, err: err})
	return nil
}

func (c logMembers) run(l *logLoop) error {
	if err := l.flush(); err != nil {
		return err
	}
	if err := l.r.o.Dir.SetMembers(c.config.Text()); err != nil {
		return err
	}
	if record := l.r.o.Record; record != nil {
		if err := record(c.config); err != nil {
			l.r.log.Warn("the configuration could not be written beside zoo.cfg; the data directory has it", "err", err)
		}
	}
	l.tell(evRecorded(c))
	return nil
}

func (c logReload) run(l *logLoop) error {
	if err := l.newWriter(); err != nil {
		return err
	}
	loaded, err := loadUpTo(l.r.o.Dir, l.r.cfg, l.r.log, c.limit)
	if err != nil {
		err = fmt.Errorf("load the history up to %v for read-only clients: %w", c.limit, err)
	}
	l.tell(evReloaded{term: c.term, tree: loaded.Tree, err: err})
	return nil
}

// newWriter ends the present log: what comes next begins a file of its own.
func (l *logLoop) newWriter() error {
	if err := l.flush(); err != nil {
		return err
	}
	if err := l.writer.Close(); err != nil {
		return err
	}
	l.writer = l.r.o.Dir.NewLog()
	return nil
}

func (logInitFresh) run(l *logLoop) error {
	t := tree.New(l.r.newTreeOptions())
	v := t.View()
	defer v.Close()
	return l.r.o.Dir.InitFresh(v)
}

func (logTrust) run(l *logLoop) error {
	if err := l.flush(); err != nil {
		return err
	}
	return l.r.o.Dir.SetTrusted()
}

func (logRoll) run(l *logLoop) error {
	if err := l.flush(); err != nil {
		return err
	}
	l.writer.Roll()
	return nil
}

func (c logIdle) run(l *logLoop) error {
	if err := l.flush(); err != nil {
		return err
	}
	l.tell(evLogIdle(c))
	return nil
}

package datadir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path"
	"strings"
	"sync"

	"ostler/internal/env"
	"ostler/internal/snapshot"
	"ostler/internal/txnlog"
)

const (
	lockName    = "ostler.lock"
	probeName   = "ostler.probe"
	installName = "install"
)

// The errors that a caller may want to tell apart.
var (
	// ErrMissing: a directory is not there and may not be made.
	ErrMissing = errors.New("data directory is missing")
	// ErrNotWritable: a file could not be written and synced.
	ErrNotWritable = errors.New("cannot write to data directory")
	// ErrSwapped: dataDir holds logs or dataLogDir snapshots (disk.md 2.2).
	ErrSwapped = errors.New("dataDir and dataLogDir look swapped")
	// ErrNoSnapshot: there are logs but no snapshot (disk.md 5.4).
	ErrNoSnapshot = errors.New("no snapshot found, but there are log entries")
	// ErrDamaged: what is there cannot be proved to be the whole history.
	ErrDamaged = errors.New("data is damaged or incomplete")
	// ErrEpoch: the epoch files do not fit each other or the history.
	ErrEpoch = errors.New("epoch files do not fit the data")
	// ErrUnreachable: neither a record nor a snapshot at or below the point of
	// truncation exists (quorum.md R4b).
	ErrUnreachable = errors.New("history does not reach back that far")
	// ErrSuperseded: the history was switched while a snapshot of the old one
	// was written.
	ErrSuperseded = errors.New("history was replaced meanwhile")
)

// Options says how a directory is used.
type Options struct {
	Prealloc       int64 // bytes of log reserved at a time; <= 0: none
	ForceSync      bool
	AutoCreate     bool   // make missing directories
	Ensemble       bool   // the server is a member of an ensemble
	TrustEmptySnap bool   // logs without a snapshot come from 3.4
	TrustNoEpochs  bool   // data without epoch files comes from 3.4
	Compression    string // of snapshots written: "", "gz" or "snappy"
	NoDigest       bool   // digests are switched off
	// TornSectors accepts a last batch with sectors that were never written as
	// torn on a standalone server too. A member of an ensemble always does.
	TornSectors bool
	// Resync says that the caller honours Loaded.Suspect. Only then is a last entry
	// with a wrong checksum dropped, and only in an ensemble.
	Resync bool
	Clock  env.Clock    // dates the quarantine; may be nil
	Log    *slog.Logger // may be nil
}

// A Dir is an open data directory. Load is called once at a time, by whoever is
// alone with the directory; after that the log loop and the snapshot loop share it.
type Dir struct {
	fs      env.FS
	snapDir string
	logDir  string
	o       Options
	locks   []io.Closer

	// mu orders the switches of the history with what the snapshot loop does to
	// files. Unlike other mutexes it is held across file calls, since these are what it
	// orders.
	mu         sync.Mutex
	generation int  // counts switches
	loaded     bool // nothing is purged before
}

// Open makes the directories if need be, takes the locks, makes sure that
// files can be written and synced, and finishes an interrupted Install.
func Open(fsys env.FS, snapDir, logDir string, o Options) (*Dir, error) {
	d := &Dir{fs: fsys, snapDir: path.Clean(snapDir), logDir: path.Clean(logDir), o: o}
	if err := d.open(); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// dirs returns the directories, each once.
func (d *Dir) dirs() []string {
	if d.snapDir == d.logDir {
		return []string{d.snapDir}
	}
	return []string{d.snapDir, d.logDir}
}

func (d *Dir) open() error {
	for _, dir := range d.dirs() {
		if err := d.ensure(dir); err != nil {
			return err
		}
		lock, err := d.fs.Lock(dir + "/" + lockName)
		if errors.Is(err, env.ErrLocked) {
			return fmt.Errorf("%s is in use by another server: %w", dir, err)
		}
		if err != nil {
			return fmt.Errorf("%w %s: %w", ErrNotWritable, dir, err)
		}
		d.locks = append(d.locks, lock)
		if err := d.probe(dir); err != nil {
			return fmt.Errorf("%w %s: %w", ErrNotWritable, dir, err)
		}
	}
	if err := d.checkSwapped(); err != nil {
		return err
	}
	if err := d.finishInstall(); err != nil {
		return fmt.Errorf("finish replacing the history: %w", err)
	}
	return d.removeTemps()
}

// ensure makes a directory and the names that lead to it durable. They are synced
// each time: an earlier start may have made the directory and not come further.
func (d *Dir) ensure(dir string) error {
	_, err := d.fs.Stat(dir)
	switch {
	case err == nil:
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w %s: %w", ErrNotWritable, dir, err)
	case !d.o.AutoCreate:
		return fmt.Errorf("%w: %s, and zookeeper.datadir.autocreate is false; create it first", ErrMissing, dir)
	default:
		if err := d.fs.MkdirAll(dir); err != nil {
			return fmt.Errorf("%w %s: make directory: %w", ErrNotWritable, dir, err)
		}
	}
	return d.syncParents(dir)
}

// syncParents syncs the directories above one. Where that is not permitted this
// process cannot have made an entry.
func (d *Dir) syncParents(dir string) error {
	for at := path.Dir(dir); ; at = path.Dir(at) {
		err := d.fs.SyncDir(at)
		if err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, env.ErrReadOnly) {
			return fmt.Errorf("%w %s: sync directory: %w", ErrNotWritable, dir, err)
		}
		if at == path.Dir(at) {
			return nil
		}
	}
}

// probe writes and syncs a file.
func (d *Dir) probe(dir string) error {
	name := dir + "/" + probeName
	f, err := d.fs.Create(name)
	if err != nil {
		return err
	}
	if _, err = f.Write([]byte("ostler\n")); err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if removeErr := d.fs.Remove(name); err == nil {
		err = removeErr
	}
	return err
}

// checkSwapped looks for files of the other kind.
func (d *Dir) checkSwapped() error {
	if d.snapDir == d.logDir {
		return nil
	}
	for _, c := range []struct{ dir, prefix string }{{d.logDir, "snapshot."}, {d.snapDir, "log."}} {
		infos, err := d.fs.List(c.dir)
		if err != nil {
			return fmt.Errorf("data directory: %w", err)
		}
		for _, info := range infos {
			if strings.HasPrefix(info.Name, c.prefix) {
				return fmt.Errorf("%w: %s holds %s; check dataDir and dataLogDir", ErrSwapped, c.dir, info.Name)
			}
		}
	}
	return nil
}

// removeTemps removes snapshots whose writing did not end.
func (d *Dir) removeTemps() error {
	infos, err := d.fs.List(d.snapDir)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	for _, info := range infos {
		if snapshot.IsTemp(info.Name) {
			if err := d.fs.Remove(d.snapDir + "/" + info.Name); err != nil {
				return fmt.Errorf("remove unfinished snapshot: %w", err)
			}
		}
	}
	return nil
}

// NewLog returns a writer that begins a new file.
func (d *Dir) NewLog() *txnlog.Writer {
	return txnlog.NewWriter(txnlog.WriterOptions{
		FS: d.fs, Dir: d.logDir, Prealloc: d.o.Prealloc, ForceSync: d.o.ForceSync,
	})
}

// Close gives the locks back.
func (d *Dir) Close() error {
	var errs []error
	for _, l := range d.locks {
		errs = append(errs, l.Close())
	}
	d.locks = nil
	return errors.Join(errs...)
}

func (d *Dir) warn(msg string, args ...any) {
	if d.o.Log != nil {
		d.o.Log.Warn(msg, args...)
	}
}

func (d *Dir) snapshotOptions() snapshot.Options {
	return snapshot.Options{Compression: d.o.Compression, NoDigest: d.o.NoDigest}
}

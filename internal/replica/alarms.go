package replica

import (
	"log/slog"
	"maps"
	"math/bits"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"ostler/internal/prep"
	"ostler/internal/zk"
)

// Alarms counts the poisoned transactions that a server met: those that no correct
// leader would have made, or that ZooKeeper's own tree cannot apply (decisions.md 5,
// client-protocol.md H2, H3). Every tree of the server shares one.
type Alarms struct{ n atomic.Int64 }

// Count returns how many there were since the process began, those of the replayed
// log included; callable from anywhere.
func (a *Alarms) Count() int64 { return a.n.Load() }

// alarmsLogged is how many alarms are logged each; later ones are when their number
// is a power of two, since a client can cause some kinds as often as it likes.
const alarmsLogged = 16

// raise is the OnAlarm of the server's trees.
func (a *Alarms) raise(log *slog.Logger, msg string, zxid zk.Zxid) {
	n := a.n.Add(1)
	if n <= alarmsLogged || bits.OnesCount64(uint64(n)) == 1 {
		log.Error("poisoned transaction", "what", msg, "zxid", zxid, "alarms", n)
	}
}

// Alarms returns the number of poisoned transactions; callable from anywhere.
func (r *Replica) Alarms() int64 { return r.o.Loaded.Alarms.Count() }

// excessEvery is how often an exceeded quota is logged at most.
const excessEvery = time.Second

// An excessLog tells of exceeded quotas (operations.md 8.7). The replica loop
// adds to it.
type excessLog struct {
	next    time.Time // when the next line may be logged
	omitted int       // since the last line

	mu      sync.Mutex
	refused map[string]int64 // writes beyond a hard limit, by namespace
}

// add counts an excess, and logs it unless there was another a moment ago.
func (l *excessLog) add(log *slog.Logger, now time.Time, e prep.Excess) {
	if e.Hard {
		l.count(e.Path)
	}
	if now.Before(l.next) {
		l.omitted++
		return
	}
	log.Warn(e.String(), "more", l.omitted)
	l.next, l.omitted = now.Add(excessEvery), 0
}

func (l *excessLog) count(path string) {
	namespace, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refused == nil {
		l.refused = make(map[string]int64)
	}
	l.refused[namespace]++
}

// QuotaExceeded returns how many writes this server refused, as a leader or
// standalone, because of a hard quota: by namespace, the first element of the path
// (quota_exceeded_error_per_namespace). Callable from anywhere.
func (r *Replica) QuotaExceeded() map[string]int64 {
	r.excesses.mu.Lock()
	defer r.excesses.mu.Unlock()
	return maps.Clone(r.excesses.refused)
}

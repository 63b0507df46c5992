package node

import (
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"ostler/internal/admin"
	"ostler/internal/peerwire"
	"ostler/internal/replica"
	"ostler/internal/server"
	"ostler/internal/session"
	"ostler/internal/zk"
)

// words answers four-letter words from what the server's owners publish.
type words struct {
	n         *Node
	allowed   admin.Whitelist
	started   time.Time
	traceMask *atomic.Int64
}

// newWords returns the words that the configuration allows.
func newWords(n *Node) words {
	mask := new(atomic.Int64)
	mask.Store(admin.DefaultTraceMask)
	return words{n: n, allowed: admin.NewWhitelist(n.cfg.FourLetterWhitelist), started: n.env.Clock.Now(), traceMask: mask}
}

// Argument implements server.Words.
func (w words) Argument(word string) int { return w.allowed.Argument(word) }

// Word implements server.Words.
func (w words) Word(word string, rest []byte, remote netip.AddrPort) ([]byte, bool) {
	w.n.log.Debug("processing four-letter word", "word", word, "addr", remote)
	answer := w.allowed.Answer(word, rest, w)
	return answer, len(answer) > 0
}

// Summary implements admin.State.
func (w words) Summary() admin.Summary {
	n := w.n
	st, stats := n.rep.Status(), n.srv.Stats()
	t := n.rep.Tree()
	if st.ReadOnly {
		t = n.srv.Tree() // which may end earlier
	}
	s := admin.Summary{
		Serving:     w.serving(st),
		ReadOnly:    st.ReadOnly,
		Mode:        mode(st),
		LatencyMin:  stats.LatencyMin,
		LatencyMax:  stats.LatencyMax,
		LatencyAvg:  stats.LatencyAvg,
		Received:    stats.Received,
		Sent:        stats.Sent,
		Connections: stats.Connections,
		Outstanding: stats.Outstanding,
		Zxid:        t.LastZxid(),
		Nodes:       t.NodeCount(),
	}
	if !st.Solo && !st.ReadOnly {
		s.Peer = peer(st)
		s.LeaderID = st.Leader
		if s.MasterID = st.Leader; st.Master != 0 {
			s.MasterID = st.Master
		}
	}
	if s.Mode == admin.Leader {
		s.Proposals = &admin.Sizes{Last: -1, Min: -1, Max: -1}
		if st.Proposals != nil {
			*s.Proposals = admin.Sizes(*st.Proposals)
		}
	}
	return s
}

// serving reports whether clients are welcome, or would be at a server that has them.
func (w words) serving(st *replica.Status) bool {
	switch w.n.srv.Service() {
	case zk.FullService:
		return st.Serving
	case zk.ReadOnly:
		return st.ReadOnly
	}
	return st.Serving && st.Role == peerwire.Leading && !w.n.cfg.LeaderServes
}

func mode(st *replica.Status) string {
	switch {
	case st.Solo:
		return admin.Standalone
	case st.ReadOnly:
		return admin.ReadOnly
	case st.Role == peerwire.Leading:
		return admin.Leader
	case st.Role == peerwire.Observing:
		return admin.Observer
	}
	return admin.Follower
}

// peer is the state in the form of quorum.md 1.1.
func peer(st *replica.Status) string {
	names := map[peerwire.ServerState]string{
		peerwire.Looking: "looking", peerwire.Following: "following",
		peerwire.Leading: "leading", peerwire.Observing: "observing",
	}
	switch {
	case st.Role == peerwire.Looking:
		return names[st.Role] + " - election"
	case st.Serving:
		return names[st.Role] + " - broadcast"
	}
	return names[st.Role] + " - synchronization"
}

// Conf implements admin.State.
func (w words) Conf() admin.Conf {
	cfg := w.n.cfg
	logs, snaps := cfg.LogDirs()
	c := admin.Conf{
		ClientPort: portOf(cfg.ClientAddr), DataDir: snaps, LogDir: logs, Tick: cfg.Tick,
		MaxClientCnxns: cfg.MaxClientCnxns, MinSession: cfg.MinSession, MaxSession: cfg.MaxSession,
		Backlog: cfg.Backlog, ServerID: cfg.MyID,
	}
	if st := w.n.rep.Status(); st.Ensemble != nil {
		self, ok := st.Ensemble.Members[cfg.MyID]
		if !ok {
			self = cfg.Ensemble.Members[cfg.MyID] // not a member yet, or not any more
		}
		c.Ensemble, c.InitLimit, c.SyncLimit, c.Observer = st.Ensemble, cfg.InitLimit, cfg.SyncLimit, st.Observer
		c.ElectionPort, c.QuorumPort = portOf(self.ElectionAddr.First()), portOf(self.QuorumAddr.First())
	}
	return c
}

// portOf is the port of host:port, -1 without one.
func portOf(addr string) int {
	for i := len(addr) - 1; i >= 0; i-- {
		if addr[i] == ':' {
			if port, err := strconv.Atoi(addr[i+1:]); err == nil {
				return port
			}
			break
		}
	}
	return -1
}

// Connections implements admin.State.
func (w words) Connections() []admin.Connection {
	var list []admin.Connection
	for _, c := range w.n.srv.Connections() {
		a := admin.Connection{
			Addr: c.Remote.String(), Interest: 1, Queued: c.Queued, Received: c.Received, Sent: c.Sent,
		}
		if c.SendQueued > 0 {
			a.Interest = 4
		}
		if c.Session != 0 {
			a.Session = w.session(c)
		}
		list = append(list, a)
	}
	return list
}

func (w words) session(c server.ConnInfo) *admin.SessionInfo {
	cxid := c.LastCxid
	if cxid == 0 {
		cxid = -1
	}
	return &admin.SessionInfo{
		ID: c.Session, LastOp: c.LastOp, HasOp: c.HasOp, Established: w.wall(c.Established), Timeout: c.Timeout,
		LastCxid: cxid, LastZxid: c.LastZxid, LastResponse: w.n.env.Clock.Now().Sub(w.started).Milliseconds(),
		Min: c.LatencyMin, Max: c.LatencyMax, Average: int64(c.LatencyAvg),
	}
}

// wall turns a time of the monotonic clock into one of the wall clock.
func (w words) wall(t time.Time) time.Time {
	return w.n.env.Clock.Wall().Add(t.Sub(w.n.env.Clock.Now()))
}

// Sessions implements admin.State.
func (w words) Sessions() admin.Sessions {
	var s admin.Sessions
	list, tracked := w.n.rep.Deadlines()
	s.Tracked = tracked
	s.Expiry = w.expirySets(list)
	list, s.Locals = w.n.srv.LocalDeadlines()
	s.Local = w.expirySets(list)
	if !tracked {
		s.Timeouts = make(map[zk.SessionID]time.Duration)
		for id, timeout := range w.n.rep.Tree().Sessions() {
			s.Timeouts[id] = time.Duration(timeout) * time.Millisecond
		}
	}
	now := w.n.env.Clock.Wall()
	sets := make(map[time.Duration]int)
	for _, c := range w.n.srv.Connections() {
		i, ok := sets[c.Timeout]
		if !ok {
			i = len(s.Connections)
			sets[c.Timeout] = i
			s.Connections = append(s.Connections, admin.ConnectionSet{At: now.Add(c.Timeout)})
		}
		s.Connections[i].Conns = append(s.Connections[i].Conns, admin.Peer{Addr: c.Remote.String(), Session: c.Session})
	}
	return s
}

func (w words) expirySets(list []session.Deadline) (sets []admin.ExpirySet) {
	for _, d := range list {
		sets = append(sets, admin.ExpirySet{At: w.wall(d.At), Sessions: d.Sessions})
	}
	return sets
}

// Ephemerals implements admin.State.
func (w words) Ephemerals() map[zk.SessionID][]string { return w.n.rep.Tree().EphemeralMap() }

// DataWatches implements admin.State.
func (w words) DataWatches() []admin.Watcher {
	var list []admin.Watcher
	at := make(map[zk.SessionID]int)
	for _, d := range w.n.srv.Watches().DataWatches() {
		id, ok := server.SessionOf(d.Watcher)
		if !ok {
			continue
		}
		i, known := at[id]
		if !known {
			i = len(list)
			at[id] = i
			list = append(list, admin.Watcher{Session: id})
		}
		list[i].Paths = append(list[i].Paths, d.Path)
	}
	return list
}

// DirSizes implements admin.State.
func (w words) DirSizes() (data, logs int64) {
	logDir, snapDir := w.n.cfg.LogDirs()
	return w.size(snapDir), w.size(logDir)
}

func (w words) size(dir string) int64 {
	entries, err := w.n.env.FS.List(dir)
	if err != nil {
		return 0
	}
	var sum int64
	for _, e := range entries {
		if !e.Dir {
			sum += e.Size
		}
	}
	return sum
}

// Digests implements admin.State.
func (w words) Digests() []admin.Digest {
	var list []admin.Digest
	for _, d := range w.n.rep.Digests() {
		list = append(list, admin.Digest(d))
	}
	return list
}

// Environment implements admin.State.
func (w words) Environment() []admin.Variable {
	return w.n.o.Environment
}

// Metrics implements admin.State.
func (w words) Metrics() admin.Metrics {
	n := w.n
	st, t, stats := n.rep.Status(), n.rep.Tree(), n.srv.Stats()
	stalls := n.rep.Stalls()
	return admin.Metrics{Gauges: map[string]float64{
		"uptime":                      float64(n.env.Clock.Now().Sub(w.started).Milliseconds()),
		"watch_count":                 float64(n.srv.Watches().Count()),
		"ephemerals_count":            float64(t.EphemeralCount()),
		"approximate_data_size":       float64(t.ApproximateDataSize()),
		"global_sessions":             float64(len(t.Sessions())),
		"local_sessions":              float64(n.srv.LocalSessions()),
		"quorum_size":                 float64(w.quorumSize()),
		"learners":                    float64(st.Followers + st.SyncedObservers),
		"synced_followers":            float64(st.SyncedFollowers),
		"synced_observers":            float64(st.SyncedObservers),
		"last_client_response_size":   -1,
		"max_client_response_size":    -1,
		"min_client_response_size":    -1,
		"connection_drop_probability": stats.DropProbability,
	}, Counters: map[string]int64{
		"connection_rejected":         stats.Rejected,
		"large_requests_rejected":     stats.LargeRejected,
		"request_throttle_wait_count": stats.Waited,
		"stale_requests_dropped":      stats.Stale,
		"throttled_ops":               stats.Late,
		"leader_stalls":               int64(stalls.Count),
		"leader_stall_ms_credited":    stalls.Lost.Milliseconds(),
		"learner_silence_ms_credited": stalls.Silence.Milliseconds(),
	}}
}

func (w words) quorumSize() int {
	st := w.n.rep.Status()
	if st.Ensemble == nil {
		return 0
	}
	return len(st.Ensemble.Voters())
}

// TraceMask implements admin.State.
func (w words) TraceMask() int64 { return w.traceMask.Load() }

// SetTraceMask implements admin.State.
func (w words) SetTraceMask(mask int64) { w.traceMask.Store(mask) }

// ResetConnections implements admin.State.
func (w words) ResetConnections() { w.n.srv.ResetConnections() }

// MoveLeader implements admin.State.
func (w words) MoveLeader() {
	w.n.log.Info("leadership is to be handed over, as an operator asks")
	w.n.HandOver(false, func() {})
}

// ResetStats implements admin.State.
func (w words) ResetStats() { w.n.srv.ResetStats() }

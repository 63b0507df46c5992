package admin

import (
	"time"

	"ostler/internal/ensemble"
	"ostler/internal/zk"
)

// A State is what a server tells about itself. Every method returns a copy of
// what is true now; none may wait for the work of clients.
type State interface {
	Summary() Summary
	Conf() Conf
	Connections() []Connection
	Sessions() Sessions
	Ephemerals() map[zk.SessionID][]string
	// DataWatches are the watches on data and existence, by connection.
	DataWatches() []Watcher
	DirSizes() (data, logs int64)
	Digests() []Digest
	// Environment is what envi prints, in order; the version is added.
	Environment() []Variable
	Metrics() Metrics
	TraceMask() int64

	SetTraceMask(mask int64)
	ResetConnections() // crst
	ResetStats()       // srst
	MoveLeader()       // move
}

// A Summary is the state in a few numbers.
type Summary struct {
	Serving  bool // false: no quorum, or still loading
	ReadOnly bool // serves only read-only clients
	Mode     string
	Peer     string // "leading - broadcast"; "" when standalone
	LeaderID zk.ServerID
	MasterID zk.ServerID // whom this server follows: the leader, or a follower

	LatencyMin, LatencyMax int64 // milliseconds, of own clients' requests
	LatencyAvg             float64
	Received, Sent         int64 // packets
	Connections            int
	Outstanding            int
	Zxid                   zk.Zxid
	Nodes                  int
	Proposals              *Sizes // leaders only
}

// The modes of a server.
const (
	Standalone = "standalone"
	Leader     = "leader"
	Follower   = "follower"
	Observer   = "observer"
	ReadOnly   = "read-only"
)

// Sizes are those of proposals in bytes, -1 before the first.
type Sizes struct{ Last, Min, Max int64 }

// A Conf is the settings in force.
type Conf struct {
	ClientPort             int // -1 without plain listener
	DataDir, LogDir        string
	Tick                   time.Duration
	MaxClientCnxns         int
	MinSession, MaxSession time.Duration
	Backlog                int
	ServerID               zk.ServerID

	// Only of members of an ensemble.
	Ensemble                 *ensemble.Config
	InitLimit, SyncLimit     int
	ElectionPort, QuorumPort int
	Observer                 bool
}

// A Connection is one client connection.
type Connection struct {
	Addr           string // ip:port
	Interest       int    // 1: reads, 4: has something to write, 0: neither
	Queued         int
	Received, Sent int64
	Session        *SessionInfo // nil before there is one
}

// A SessionInfo is what cons adds for a connection that has a session.
type SessionInfo struct {
	ID                zk.SessionID
	LastOp            zk.OpCode
	HasOp             bool
	Established       time.Time
	Timeout           time.Duration
	LastCxid          int32 // negative: none yet
	LastZxid          zk.Zxid
	LastResponse      int64 // milliseconds of a monotonic clock
	LastLatency       int64
	Min, Average, Max int64
}

// Sessions are all sessions of the ensemble, and the own connections.
type Sessions struct {
	// Tracked: this server expires them, so Expiry has the sets; otherwise
	// Timeouts has all sessions that are known.
	Tracked     bool
	Expiry      []ExpirySet // in order of time
	Locals      bool        // there are local sessions too, in Local
	Local       []ExpirySet // in order of time
	Timeouts    map[zk.SessionID]time.Duration
	Connections []ConnectionSet // in order of time
}

// An ExpirySet is the sessions that expire at one time.
type ExpirySet struct {
	At       time.Time
	Sessions []zk.SessionID
}

// A ConnectionSet is the connections that are closed at one time unless heard of.
type ConnectionSet struct {
	At    time.Time
	Conns []Peer
}

// A Peer is a connection with its session, 0 when it has none.
type Peer struct {
	Addr    string
	Session zk.SessionID
}

// A Watcher is a session with the paths it watches.
type Watcher struct {
	Session zk.SessionID
	Paths   []string
}

// A Digest is that of the tree at one zxid.
type Digest struct {
	Zxid  zk.Zxid
	Value uint64
}

// A Variable is one line of envi.
type Variable struct{ Name, Value string }

// Metrics are values by ZooKeeper's names without the prefix zk_
// (operations.md section 4). What is missing prints as zero.
type Metrics struct {
	Gauges    map[string]float64
	Counters  map[string]int64
	Summaries map[string]Distribution
	// Sets are the parts of a set, by its name and then by key: ack_latency of
	// server 2 is Sets["ack_latency"]["2"].
	Sets map[string]map[string]Distribution
}

// A Distribution is what a summary tells of the values it has seen.
type Distribution struct {
	Average             float64
	Min, Max            int64
	Count, Sum          int64
	P50, P95, P99, P999 int64
}

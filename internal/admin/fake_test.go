package admin

import (
	"testing"
	"time"

	"ostler/internal/ensemble"
	"ostler/internal/zk"
)

// A fake is a State made of values.
type fake struct {
	summary     Summary
	conf        Conf
	connections []Connection
	sessions    Sessions
	ephemerals  map[zk.SessionID][]string
	watches     []Watcher
	data, logs  int64
	digests     []Digest
	environment []Variable
	metrics     Metrics
	mask        int64
	resets      []string
}

func (f *fake) Summary() Summary                      { return f.summary }
func (f *fake) Conf() Conf                            { return f.conf }
func (f *fake) Connections() []Connection             { return f.connections }
func (f *fake) Sessions() Sessions                    { return f.sessions }
func (f *fake) Ephemerals() map[zk.SessionID][]string { return f.ephemerals }
func (f *fake) DataWatches() []Watcher                { return f.watches }
func (f *fake) DirSizes() (data, logs int64)          { return f.data, f.logs }
func (f *fake) Digests() []Digest                     { return f.digests }
func (f *fake) Environment() []Variable               { return f.environment }
func (f *fake) Metrics() Metrics                      { return f.metrics }
func (f *fake) TraceMask() int64                      { return f.mask }
func (f *fake) SetTraceMask(mask int64)               { f.mask = mask }
func (f *fake) ResetConnections()                     { f.resets = append(f.resets, "connections") }
func (f *fake) ResetStats()                           { f.resets = append(f.resets, "stats") }

func (f *fake) MoveLeader() { f.resets = append(f.resets, "leader") }

func testMember(t testing.TB, key, value string) ensemble.Member {
	t.Helper()
	m, err := ensemble.ParseMember(key, value)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func testConf(t testing.TB) Conf {
	t.Helper()
	c := &ensemble.Config{Members: map[zk.ServerID]ensemble.Member{}}
	for _, m := range []ensemble.Member{
		testMember(t, "server.1", "127.0.0.1:20451:20461"),
		testMember(t, "server.2", "127.0.0.1:20452:20462"),
		testMember(t, "server.3", "127.0.0.1:20453:20463"),
		testMember(t, "server.4", "127.0.0.1:20454:20464:observer"),
	} {
		c.Members[m.ID] = m
	}
	return Conf{
		ClientPort: 20443, DataDir: "/var/lib/zookeeper/data/version-2", LogDir: "/var/lib/zookeeper/log/version-2",
		Tick: 2 * time.Second, MaxClientCnxns: 60, MinSession: 4 * time.Second, MaxSession: 40 * time.Second,
		Backlog: -1, ServerID: 3, Ensemble: c, InitLimit: 10, SyncLimit: 5, ElectionPort: 20463, QuorumPort: 20453,
	}
}

func at(hour, minute, second int) time.Time {
	return time.Date(2026, time.November, 23, hour, minute, second, 0, time.UTC)
}

var loadedEphemerals = map[zk.SessionID][]string{
	0x100001184470000: {"/app/members/n-0"}, 0x200001183a70000: {"/app/members/n-1"},
	0x300001183ac0000: {"/app/members/n-2"}, 0x4000011852a0000: {"/app/members/n-3"},
}

// loadedLeader is the leader of testdata/captures/loaded/leader.
func loadedLeader(t testing.TB) *fake {
	t.Helper()
	return &fake{
		summary: Summary{
			Serving: true, Mode: Leader, Peer: "leading - broadcast",
			LatencyAvg: 5.5, LatencyMax: 11, Received: 22, Sent: 23, Connections: 2, Zxid: 0x10000000e, Nodes: 15,
			Proposals: &Sizes{Last: 203, Min: 48, Max: 203},
		},
		conf: testConf(t), data: 658, logs: 67108880, mask: DefaultTraceMask,
		connections: []Connection{
			{Addr: "127.0.0.1:55312", Interest: 1, Received: 8, Sent: 8, Session: &SessionInfo{
				ID: 0x300001183ac0000, LastOp: zk.OpExists, HasOp: true, Established: time.UnixMilli(1795411953319),
				Timeout: 10 * time.Second, LastCxid: 7, LastZxid: 0x10000000e, LastResponse: 1186268, Average: 5, Max: 11,
			}},
			{Addr: "127.0.0.1:55328", Received: 1},
		},
		sessions: Sessions{
			Tracked: true,
			Expiry: []ExpirySet{
				{At: at(5, 32, 43)},
				{At: at(5, 32, 45), Sessions: []zk.SessionID{0x200001183a70000, 0x100001184470000, 0x300001183ac0000, 0x4000011852a0000}},
			},
			Connections: []ConnectionSet{{At: at(5, 32, 47), Conns: []Peer{
				{Addr: "127.0.0.1:55352"}, {Addr: "127.0.0.1:55312", Session: 0x300001183ac0000},
			}}},
		},
		ephemerals: loadedEphemerals,
		watches:    []Watcher{{Session: 0x300001183ac0000, Paths: []string{"/app/missing", "/app"}}},
		metrics: Metrics{
			Gauges:   map[string]float64{"learners": 3, "synced_observers": 1},
			Counters: map[string]int64{"proposal_count": 14},
			Sets: map[string]map[string]Distribution{
				"ack_latency":                {"1": {Count: 1}},
				"learner_handler_qp_size":    {"4": {}, "1": {}, "2": {}},
				"learner_handler_qp_time_ms": {"4": {}, "1": {}, "2": {}},
				"write_per_namespace":        {"app": {}, "zookeeper": {}},
				"read_per_namespace":         {"app": {}},
			},
		},
	}
}

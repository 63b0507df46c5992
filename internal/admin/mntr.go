package admin

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A gauge is one name of operations.md 4.2 with who prints it.
type gauge struct {
	name   string
	on     func(sum *Summary) bool
	double bool
	// from takes the value out of the summary; otherwise Metrics has it.
	from func(sum *Summary) float64
}

func anyone(*Summary) bool     { return true }
func member(sum *Summary) bool { return sum.Peer != "" }
func leads(sum *Summary) bool  { return sum.Mode == Leader }

// gauges in the order of operations.md 4.2. Those of a role vanish with it: an
// alert on more than one leader_uptime is in use.
var gauges = []gauge{
	{name: "avg_latency", on: anyone, double: true, from: func(s *Summary) float64 { return s.LatencyAvg }},
	{name: "min_latency", on: anyone, from: func(s *Summary) float64 { return float64(s.LatencyMin) }},
	{name: "max_latency", on: anyone, from: func(s *Summary) float64 { return float64(s.LatencyMax) }},
	{name: "packets_received", on: anyone, from: func(s *Summary) float64 { return float64(s.Received) }},
	{name: "packets_sent", on: anyone, from: func(s *Summary) float64 { return float64(s.Sent) }},
	{name: "num_alive_connections", on: anyone, from: func(s *Summary) float64 { return float64(s.Connections) }},
	{name: "outstanding_requests", on: anyone, from: func(s *Summary) float64 { return float64(s.Outstanding) }},
	{name: "uptime", on: anyone},
	{name: "znode_count", on: anyone, from: func(s *Summary) float64 { return float64(s.Nodes) }},
	{name: "watch_count", on: anyone},
	{name: "ephemerals_count", on: anyone},
	{name: "approximate_data_size", on: anyone},
	{name: "global_sessions", on: anyone},
	{name: "local_sessions", on: anyone},
	{name: "open_file_descriptor_count", on: anyone},
	{name: "max_file_descriptor_count", on: anyone},
	{name: "connection_drop_probability", on: anyone, double: true},
	{name: "last_client_response_size", on: anyone},
	{name: "max_client_response_size", on: anyone},
	{name: "min_client_response_size", on: anyone},
	{name: "outstanding_tls_handshake", on: anyone},
	{name: "auth_failed_count", on: anyone},
	{name: "non_mtls_remote_conn_count", on: anyone},
	{name: "non_mtls_local_conn_count", on: anyone},
	{name: "quorum_size", on: member},
	{name: "learners", on: leads},
	{name: "synced_followers", on: leads},
	{name: "synced_non_voting_followers", on: leads},
	{name: "synced_observers", on: leads},
	{name: "pending_syncs", on: leads},
	{name: "leader_uptime", on: leads},
	{name: "last_proposal_size", on: leads, from: func(s *Summary) float64 { return float64(sizes(s).Last) }},
	{name: "max_proposal_size", on: leads, from: func(s *Summary) float64 { return float64(sizes(s).Max) }},
	{name: "min_proposal_size", on: leads, from: func(s *Summary) float64 { return float64(sizes(s).Min) }},
}

func sizes(s *Summary) Sizes {
	if s.Proposals == nil {
		return Sizes{Last: -1, Min: -1, Max: -1}
	}
	return *s.Proposals
}

// ownCounters are Ostler's, of a server that expires sessions: how often it stood still,
// and what was credited to sessions for that and for the silence of learners, in ms.
var ownCounters = []string{"leader_stalls", "leader_stall_ms_credited", "learner_silence_ms_credited"}

// mntr prints one "zk_<name><TAB><value>" per line and nothing else: scrapers
// give up on a line of any other form (operations.md 2.8).
func mntr(s State) string {
	sum, m := s.Summary(), s.Metrics()
	w := &lines{}
	w.put("version", VersionLine())
	w.put("server_state", sum.Mode)
	if sum.Peer != "" {
		w.put("peer_state", sum.Peer)
	}
	if sum.Mode == Observer {
		w.int("observer_master_id", int64(sum.MasterID))
	}
	w.gauges(&sum, m)
	for _, name := range counterNames {
		w.int(name, m.Counters[name])
	}
	for _, name := range basicNames {
		w.summary(name, m.Summaries[name], false)
	}
	for _, name := range advancedNames {
		w.summary(name, m.Summaries[name], true)
	}
	w.sets(basicSetNames, m, false)
	w.sets(advancedSetNames, m, true)
	return w.text.String()
}

// lines gathers the lines of mntr.
type lines struct{ text strings.Builder }

func (w *lines) put(name, value string)     { fmt.Fprintf(&w.text, "zk_%s\t%s\n", name, value) }
func (w *lines) int(name string, n int64)   { w.put(name, strconv.FormatInt(n, 10)) }
func (w *lines) avg(name string, f float64) { w.put(name, javaAverage(f)) }

func (w *lines) gauges(sum *Summary, m Metrics) {
	for i := range gauges {
		g := &gauges[i]
		if !g.on(sum) {
			continue
		}
		v := m.Gauges[g.name]
		if g.from != nil {
			v = g.from(sum)
		}
		if g.double {
			w.avg(g.name, v)
		} else {
			w.int(g.name, int64(v))
		}
	}
	// Two names of older releases that are still in use (operations.md 2.9).
	if leads(sum) {
		w.int("followers", int64(m.Gauges["learners"]-m.Gauges["synced_observers"]))
	}
	w.int("fsync_threshold_exceed_count", m.Counters["fsync_threshold_exceed_count"])
	if leads(sum) || sum.Mode == Standalone {
		for _, name := range ownCounters {
			w.int(name, m.Counters[name])
		}
	}
}

func (w *lines) summary(name string, d Distribution, advanced bool) {
	w.avg("avg_"+name, d.Average)
	w.int("min_"+name, d.Min)
	w.int("max_"+name, d.Max)
	w.int("cnt_"+name, d.Count)
	w.int("sum_"+name, d.Sum)
	if advanced {
		w.int("p50_"+name, d.P50)
		w.int("p95_"+name, d.P95)
		w.int("p99_"+name, d.P99)
		w.int("p999_"+name, d.P999)
	}
}

func (w *lines) sets(names []string, m Metrics, advanced bool) {
	for _, name := range names {
		for _, key := range slices.Sorted(maps.Keys(m.Sets[name])) {
			w.summary(key+"_"+name, m.Sets[name][key], advanced)
		}
	}
}

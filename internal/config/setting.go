package config

import (
	"maps"
	"slices"
	"strings"
)

// Support says what this server does with a setting.
type Support string

// The kinds of support.
const (
	Honoured Support = "honoured"  // ZooKeeper's meaning and default, unless the text says otherwise
	Accepted Support = "no effect" // a detail of the Java server; one line at start names all that are set
	Later    Support = "not yet"   // known, but does nothing in this version; warned about
	Refused  Support = "refused"   // doing nothing would weaken security or lose data, so the server does not start
)

const (
	anyName = "*"          // ends the name of a family of settings
	prefix  = "zookeeper." // of most system properties
)

// A Setting is one row of the table: a key of zoo.cfg that is also a system property.
type Setting struct {
	Name     string // key in zoo.cfg; a family of keys ends in "*"
	Property string // full name of the system property; "" for keys of the file only
	Type     string
	Default  string
	Text     string
	Support  Support

	// set applies a value; nil when the value changes nothing.
	set func(b *builder, value string) error
}

// Settings returns every known setting in the order of the reference.
func Settings() []Setting { return slices.Clone(table) }

// aliases are names that documentation gives but ZooKeeper does not read (operations.md 1.13).
var aliases = map[string]string{
	"connectionMaxTokens":         "connection_throttle_tokens",
	"connectionTokenFillTime":     "connection_throttle_fill_time",
	"connectionTokenFillCount":    "connection_throttle_fill_count",
	"connectionFreezeTime":        "connection_throttle_freeze_time",
	"connectionDropIncrease":      "connection_throttle_drop_increase",
	"connectionDropDecrease":      "connection_throttle_drop_decrease",
	"connectionDecreaseRatio":     "connection_throttle_decrease_ratio",
	"requestThrottleLimit":        "request_throttle_max_requests",
	"requestThrottleStallTime":    "request_throttle_stall_time",
	"requestThrottleDropStale":    "request_throttle_drop_stale",
	"requestStaleLatencyCheck":    "request_stale_latency_check",
	"requestStaleConnectionCheck": "request_stale_connection_check",
	"throttledOpWaitTime":         "throttled_op_wait_time",
	"advancedFlowControlEnabled":  "netty.advancedFlowControl.enabled",
	"outstandingHandshake.limit":  "netty.server.outstandingHandshake.limit",
	"maxConcurrentSnapSyncs":      "leader.maxConcurrentSnapSyncs",
	"maxConcurrentDiffSyncs":      "leader.maxConcurrentDiffSyncs",
	"maxTimeToWaitForEpoch":       "leader.maxTimeToWaitForEpoch",
}

func sortedAliases() []string { return slices.Sorted(maps.Keys(aliases)) }

// byName finds settings by key and by property; families are searched in order.
var (
	byName   = map[string]*Setting{}
	families []*Setting
)

func init() {
	for i := range table {
		s := &table[i]
		if strings.HasSuffix(s.Name, anyName) {
			families = append(families, s)
			continue
		}
		byName[s.Name] = s
		if s.Property != "" {
			byName[s.Property] = s
		}
		byName[prefix+s.Name] = s
	}
}

// find looks a key or property up. canonical is the key of zoo.cfg it stands for.
func find(name string) (s *Setting, canonical string) {
	if s := byName[name]; s != nil {
		return s, s.Name
	}
	short := strings.TrimPrefix(name, prefix)
	if to := aliases[short]; to != "" {
		return find(to)
	}
	for _, f := range families {
		if strings.HasPrefix(short, strings.TrimSuffix(f.Name, anyName)) {
			return f, short
		}
	}
	return nil, name
}

// nearest returns the known name most like name, "" when none is alike.
func nearest(name string) string {
	best, bestCost := "", max(2, len(name)/4)+1
	for i := range table {
		known := table[i].Name
		if strings.HasSuffix(known, anyName) {
			continue
		}
		cost := distance(strings.ToLower(name), strings.ToLower(known))
		if cost < bestCost {
			best, bestCost = known, cost
		}
	}
	return best
}

// distance is the number of bytes to insert, delete or replace to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

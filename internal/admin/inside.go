package admin

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ostler/internal/zk"
)

func conf(s State) string {
	c := s.Conf()
	dataSize, logSize := s.DirSizes()
	var b strings.Builder
	fmt.Fprintf(&b, "clientPort=%d\nsecureClientPort=-1\n", c.ClientPort)
	fmt.Fprintf(&b, "dataDir=%s\ndataDirSize=%d\ndataLogDir=%s\ndataLogSize=%d\n", c.DataDir, dataSize, c.LogDir, logSize)
	fmt.Fprintf(&b, "tickTime=%d\nmaxClientCnxns=%d\n", c.Tick.Milliseconds(), c.MaxClientCnxns)
	fmt.Fprintf(&b, "minSessionTimeout=%d\nmaxSessionTimeout=%d\n", c.MinSession.Milliseconds(), c.MaxSession.Milliseconds())
	fmt.Fprintf(&b, "clientPortListenBacklog=%d\nserverId=%d\n", c.Backlog, c.ServerID)
	if c.Ensemble == nil {
		return b.String()
	}
	peerType := 0
	if c.Observer {
		peerType = 1
	}
	fmt.Fprintf(&b, "initLimit=%d\nsyncLimit=%d\nelectionAlg=3\n", c.InitLimit, c.SyncLimit)
	fmt.Fprintf(&b, "electionPort=%d\nquorumPort=%d\npeerType=%d\n", c.ElectionPort, c.QuorumPort, peerType)
	if !s.Summary().ReadOnly {
		b.WriteString("membership: \n")
		b.Write(c.Ensemble.Text())
	}
	return b.String()
}

func dirs(s State) string {
	data, logs := s.DirSizes()
	return fmt.Sprintf("datadir_size: %d\nlogdir_size: %d\n", data, logs)
}

func envi(s State) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Environment:\nzookeeper.version=%s\n", VersionLine())
	for _, v := range s.Environment() {
		fmt.Fprintf(&b, "%s=%s\n", v.Name, v.Value)
	}
	return b.String()
}

func hash(s State) string {
	var b strings.Builder
	for _, d := range s.Digests() {
		fmt.Fprintf(&b, "%x: %d\n", uint64(d.Zxid), d.Value)
	}
	return b.String()
}

// javaDate is the form in which Java prints a date.
func javaDate(t time.Time) string { return t.UTC().Format("Mon Jan 02 15:04:05 UTC 2006") }

func dump(s State) string {
	sessions := s.Sessions()
	var b strings.Builder
	b.WriteString("SessionTracker dump:\n")
	if sessions.Locals {
		dumpExpiry(&b, "Local ", sessions.Local)
	}
	switch {
	case sessions.Tracked && sessions.Locals:
		dumpExpiry(&b, "Global ", sessions.Expiry)
	case sessions.Tracked:
		dumpExpiry(&b, "", sessions.Expiry)
	default:
		dumpTimeouts(&b, sessions.Timeouts)
	}
	dumpEphemerals(&b, s.Ephemerals())
	dumpConnections(&b, sessions.Connections)
	return b.String()
}

func dumpExpiry(b *strings.Builder, kind string, sets []ExpirySet) {
	total := 0
	for _, set := range sets {
		total += len(set.Sessions)
	}
	fmt.Fprintf(b, "%sSession Sets (%d)/(%d):\n", kind, len(sets), total)
	for _, set := range sets {
		fmt.Fprintf(b, "%d expire at %s:\n", len(set.Sessions), javaDate(set.At))
		for _, id := range slices.SortedFunc(slices.Values(set.Sessions), byNumber) {
			fmt.Fprintf(b, "\t%v\n", id)
		}
	}
}

func dumpTimeouts(b *strings.Builder, timeouts map[zk.SessionID]time.Duration) {
	fmt.Fprintf(b, "Global Sessions(%d):\n", len(timeouts))
	for _, id := range slices.SortedFunc(maps.Keys(timeouts), byNumber) {
		fmt.Fprintf(b, "%v\t%dms\n", id, timeouts[id].Milliseconds())
	}
}

func dumpEphemerals(b *strings.Builder, nodes map[zk.SessionID][]string) {
	fmt.Fprintf(b, "ephemeral nodes dump:\nSessions with Ephemerals (%d):\n", len(nodes))
	for _, id := range slices.SortedFunc(maps.Keys(nodes), byNumber) {
		fmt.Fprintf(b, "%v:\n", id)
		for _, path := range slices.Sorted(slices.Values(nodes[id])) {
			fmt.Fprintf(b, "\t%s\n", path)
		}
	}
}

func dumpConnections(b *strings.Builder, sets []ConnectionSet) {
	total := 0
	for _, set := range sets {
		total += len(set.Conns)
	}
	fmt.Fprintf(b, "Connections dump:\nConnections Sets (%d)/(%d):\n", len(sets), total)
	for _, set := range sets {
		fmt.Fprintf(b, "%d expire at %s:\n", len(set.Conns), javaDate(set.At))
		for _, c := range set.Conns {
			fmt.Fprintf(b, "\tip: /%s sessionId: %v\n", c.Addr, c.Session)
		}
	}
}

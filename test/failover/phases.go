package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"ostler/test/cluster"
)

// The steps of an election, as Ostler's servers log them.
var steps = []struct{ name, line string }{
	{"a server that stays looks for a leader", `msg="looking for a leader"`},
	{"the new leader is elected", `msg="election ended"`},
	{"the new leader may serve", "msg=serving role=leader"},
	{"a follower may serve", "msg=serving role=follower"},
}

// phases reads when a server that stayed first logged each step. Other products'
// logs have none of them.
func (s *subject) phases(leader *cluster.Server, start time.Time) map[string]time.Duration {
	found := map[string]time.Duration{}
	for _, server := range s.cluster.Servers {
		if server == leader {
			continue
		}
		b, err := os.ReadFile(server.Log())
		fatal(err)
		for line := range strings.Lines(string(b)) {
			at, ok := logTime(line)
			if !ok || at.Before(start.Truncate(time.Millisecond)) {
				continue
			}
			if *trace {
				fmt.Fprintf(os.Stderr, "%8.1f ms  server %d  %s", float64(at.Sub(start).Microseconds())/1000, server.ID, line)
			}
			for _, step := range steps {
				if strings.Contains(line, step.line) {
					if _, ok := found[step.name]; !ok || at.Sub(start) < found[step.name] {
						found[step.name] = at.Sub(start)
					}
				}
			}
		}
	}
	return found
}

// logTime is the time that a line of Ostler's log begins with.
func logTime(line string) (time.Time, bool) {
	text, ok := strings.CutPrefix(line, "time=")
	if !ok {
		return time.Time{}, false
	}
	text, _, _ = strings.Cut(text, " ")
	at, err := time.Parse(time.RFC3339Nano, text)
	return at, err == nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// poll is how often quickstart asks its servers how they are.
const poll = 100 * time.Millisecond

// awaitQuorum waits until every server serves. stopped: the user gave up.
func (q *quickstart) awaitQuorum(ctx context.Context, signals <-chan os.Signal) (stopped bool, err error) {
	limit := time.After(q.startLimit)
	for {
		serving := 0
		for _, s := range q.servers {
			if s.child.ended() {
				return false, fmt.Errorf("server %d did not start (%v):\n%s", s.id, s.child.err, lastLines(s.child.log, 8))
			}
			q.look(ctx, s)
			if s.mode != "" {
				serving++
			}
		}
		if serving == len(q.servers) {
			return false, nil
		}
		select {
		case <-signals:
			return true, nil
		case <-ctx.Done():
			return true, nil
		case <-limit:
			return false, errors.New("the servers did not form an ensemble in time; their logs are in " + filepath.Join(q.dir, "server-*", "server.log"))
		case <-time.After(poll):
		}
	}
}

// look asks a server for its mode and reports a change.
func (q *quickstart) look(ctx context.Context, s *quickServer) {
	mode := ""
	if answer, err := ask(ctx, s.addr(), "srvr", time.Second); err == nil {
		for _, line := range strings.Split(answer, "\n") {
			if m, ok := strings.CutPrefix(line, "Mode: "); ok {
				mode = m
			}
		}
	}
	if mode == s.mode {
		return
	}
	s.mode = mode
	if mode == "" {
		q.screen.warn("server %d  %s  waits for a quorum", s.id, s.addr())
		return
	}
	q.screen.good("server %d  %s  %s", s.id, s.addr(), mode)
}

// explain says what can be done now.
func (q *quickstart) explain() {
	var addrs []string
	for _, s := range q.servers {
		addrs = append(addrs, s.addr())
	}
	servers := strings.Join(addrs, ",")
	last := q.servers[len(q.servers)-1]
	q.screen.title("Ready. Any ZooKeeper client can connect:")
	q.screen.plain("  %s cli -server %s", self(), servers)
	q.screen.plain("  %s cli -server %s create /hello world", self(), servers)
	q.screen.plain("  echo srvr | nc 127.0.0.1 %d", last.client)
	if len(q.servers) > 2 {
		q.screen.plain("Kill a server and see the others go on:")
		for _, s := range q.servers {
			q.screen.plain("  kill -9 %-7d # server %d, %s", s.child.pid(), s.id, s.mode)
		}
	}
	q.screen.plain("Logs: %s", filepath.Join(q.dir, "server-*", "server.log"))
	q.screen.title("Ctrl-C stops all and keeps the data.")
}

// watch reports what happens until the user has enough.
func (q *quickstart) watch(ctx context.Context, signals <-chan os.Signal) {
	for {
		select {
		case <-signals:
			return
		case <-ctx.Done():
			return
		case <-time.After(5 * poll):
		}
		for _, s := range q.servers {
			switch {
			case s.child.ended() && !s.gone:
				s.gone, s.mode = true, ""
				q.screen.bad("server %d  %s  is gone (%v). Start it again in another terminal:", s.id, s.addr(), s.child.err)
				q.screen.plain("  %s server %s", self(), s.config())
			default:
				q.look(ctx, s)
			}
		}
	}
}

// stop ends all servers; a second signal does not wait for them.
func (q *quickstart) stop(signals <-chan os.Signal) {
	q.screen.title("Stopping")
	for _, s := range q.servers {
		if s.child.cmd != nil && s.child.done != nil {
			s.child.signal(syscall.SIGTERM)
		}
	}
	limit := time.After(10 * time.Second)
	for _, s := range q.servers {
		if s.child.done == nil {
			continue
		}
		select {
		case <-s.child.done:
		case <-signals:
			q.kill()
		case <-limit:
			q.kill()
		}
	}
	q.screen.plain("The data is kept in %s", q.dir)
}

// kill ends at once what has not ended.
func (q *quickstart) kill() {
	for _, s := range q.servers {
		if s.child.done != nil && !s.child.ended() {
			s.child.signal(syscall.SIGKILL)
		}
	}
}

// lastLines is the end of a log, indented.
func lastLines(name string, n int) string {
	text, err := os.ReadFile(name)
	if err != nil {
		return "  " + err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	lines = lines[max(0, len(lines)-n):]
	return "  " + strings.Join(lines, "\n  ")
}

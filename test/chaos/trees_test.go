package chaos

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"ostler/internal/wire"
	"ostler/internal/zk"
	"ostler/test/chaos/history"
	"ostler/test/proc"
)

// readTrees waits until only the kept sessions are left and nothing changes any more,
// and reads every server's tree.
func readTrees(t *testing.T, c *cluster, kept int) []history.Tree {
	t.Helper()
	awaitEqual(t, c, kept)
	checkDigests(t, c, kept)
	var trees []history.Tree
	for _, s := range c.seats {
		tree, err := readTree(s)
		if err != nil {
			t.Errorf("the tree of %v: %v", s, err)
			continue
		}
		trees = append(trees, tree)
	}
	return trees
}

// awaitEqual waits until all servers are at one zxid, and only sessions that are kept
// are left.
func awaitEqual(t *testing.T, c *cluster, kept int) {
	t.Helper()
	proc.Eventually(t, fmt.Sprintf("all servers are at one zxid, with at most %d sessions", kept), func() bool {
		first := c.seats[0].ask("srvr", time.Second)
		for _, s := range c.seats {
			n, err := strconv.Atoi(proc.Field(ask(s.addr, "mntr", time.Second), "zk_global_sessions\t"))
			if st := s.ask("srvr", time.Second); err != nil || n > kept || st.mode == "" || st.zxid != first.zxid {
				return false
			}
		}
		return true
	}, func() string { return zxids(c) })
}

// checkDigests wants every server to find the digests of the leader right (INV-G2). A
// ZooKeeper server has counted those of the fuzzy snapshots that it was sent, so what
// counts there are new transactions.
func checkDigests(t *testing.T, c *cluster, kept int) {
	t.Helper()
	before := make([]string, len(c.seats))
	for i, s := range c.seats {
		if before[i] = s.mismatches(); before[i] != "0" {
			if s.kind == proc.Ostler {
				t.Errorf("%v counts %s digests that differ", s, before[i])
			}
			t.Logf("%v counts %s digests that differ, before the last transactions", s, before[i])
		}
	}
	conn, err := dial(c.seats[0].addr, 10*time.Second, wire.ConnectRequest{Timeout: 30_000})
	if err != nil {
		t.Errorf("%v: %v", c.seats[0], err)
		return
	}
	defer conn.Close()
	for range 10 {
		create := wire.CreateRequest{Path: "/own/digest", ACL: zk.OpenACL()}
		if h, _, err := conn.call(zk.OpCreate, create, 10*time.Second); err != nil || h.Err != zk.OK {
			t.Errorf("create at the end: %v, %v", h.Err, err)
		}
		if h, _, err := conn.call(zk.OpDelete, wire.DeleteRequest{Path: create.Path, Version: -1}, 10*time.Second); err != nil || h.Err != zk.OK {
			t.Errorf("delete at the end: %v, %v", h.Err, err)
		}
	}
	if _, _, err := conn.call(zk.OpCloseSession, nil, 10*time.Second); err != nil {
		t.Errorf("close at the end: %v", err)
	}
	awaitEqual(t, c, kept)
	for i, s := range c.seats {
		if n := s.mismatches(); n != before[i] {
			t.Errorf("%v counts %s digests that differ, before the last transactions %s", s, n, before[i])
		}
	}
}

func (s *seat) mismatches() string {
	return proc.Field(ask(s.addr, "mntr", 5*time.Second), "zk_digest_mismatches_count\t")
}

func zxids(c *cluster) (text string) {
	for _, s := range c.seats {
		st := s.ask("srvr", time.Second)
		text += fmt.Sprintf("%v: %s at %v\n", s, st.mode, st.zxid)
	}
	return text
}

func readTree(s *seat) (history.Tree, error) {
	tree := history.Tree{Seat: s.id, Nodes: map[string]history.Node{}}
	c, err := dial(s.addr, 10*time.Second, wire.ConnectRequest{Timeout: 30_000})
	if err != nil {
		return tree, err
	}
	defer c.Close()
	return tree, readBelow(c, "/", tree.Nodes)
}

func readBelow(c *conn, path string, into map[string]history.Node) error {
	var node wire.GetDataResponse
	var children wire.Children2Response
	for op, reply := range map[zk.OpCode]decoder{zk.OpGetData: &node, zk.OpGetChildren2: &children} {
		h, b, err := c.call(op, wire.PathWatchRequest{Path: path}, 10*time.Second)
		switch {
		case err != nil:
			return err
		case h.Err != zk.OK:
			return fmt.Errorf("%v of %s: %w", op, path, h.Err)
		}
		if err := reply.Decode(b); err != nil {
			return err
		}
	}
	into[path] = history.Node{Data: string(node.Data), Stat: node.Stat}
	for _, name := range children.Children {
		if err := readBelow(c, zk.Join(path, name), into); err != nil {
			return err
		}
	}
	return nil
}

// lines calls f for each line of a server's output.
func lines(t *testing.T, s *seat, f func(string)) {
	t.Helper()
	file, err := os.Open(s.log())
	must(t, err)
	defer file.Close()
	r := bufio.NewReader(file)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		f(strings.TrimSpace(line))
	}
}

// apacheLeads is the line of an Apache server that begins to lead.
var apacheLeads = regexp.MustCompile(`setting last processed zxid: 0x([0-9a-f]+)`)

// laxEpochs returns the epochs that Apache servers led, by their logs, and who did.
func laxEpochs(t *testing.T, c *cluster) map[zk.Epoch]int {
	lax := map[zk.Epoch]int{}
	for _, s := range c.seats {
		if s.kind != proc.Apache {
			continue
		}
		lines(t, s, func(line string) {
			if m := apacheLeads.FindStringSubmatch(line); m != nil {
				z, _ := strconv.ParseInt(m[1], 16, 64)
				lax[zk.Zxid(z).Epoch()] = s.id
			}
		})
	}
	return lax
}

// checkLogs fails the test for errors that Ostlers log.
func checkLogs(t *testing.T, c *cluster) {
	t.Helper()
	for _, s := range c.seats {
		if s.kind != proc.Ostler {
			continue
		}
		count := 0
		lines(t, s, func(line string) {
			if strings.Contains(line, "level=ERROR") || strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
				if count++; count <= 5 {
					t.Errorf("%v logged: %s", s, line)
				}
			}
		})
	}
}

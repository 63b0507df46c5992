package proc

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ostler/client"
)

// The leader is stopped for twice the time after which sessions end, and goes on. Nobody
// else notices: it still leads, since that is less than syncLimit. The sessions that come
// in through it and through another server live, with their ephemerals.
func TestAStoppedLeaderCostsNoSession(t *testing.T) {
	const timeout = 6 * time.Second
	servers := startThree(t)
	leader, follower := "", ""
	Eventually(t, "two servers follow one", func() bool {
		leader, follower = "", ""
		for _, s := range servers {
			switch Field(Word(s.addr, "srvr"), "Mode:") {
			case "leader":
				leader = s.addr
			case "follower":
				follower = s.addr
			}
		}
		return leader != "" && follower != "" && Field(Word(leader, "mntr"), "zk_synced_followers\t") == "2"
	}, tails(servers)...)

	ctx, cancel := context.WithTimeout(t.Context(), 2*StartLimit)
	defer cancel()
	atLeader, atFollower := holder(ctx, t, leader, timeout), holder(ctx, t, follower, timeout)
	for _, s := range servers {
		if s.addr == leader {
			s.process.Signal(syscall.SIGSTOP)
			time.Sleep(2 * timeout)
			s.process.Signal(syscall.SIGCONT)
		}
	}
	Eventually(t, "both clients are served", func() bool {
		return atLeader.c.State() != client.Disconnected && atFollower.c.State() != client.Disconnected
	}, tails(servers)...)
	// A session that the leader gave up is gone once this write is through.
	if _, _, err := atFollower.c.Create(ctx, "/after", nil, client.CreateOptions{}); err != nil {
		t.Fatalf("create: %v\n%s", err, tails(servers)[0]())
	}
	for _, h := range []*sessionHolder{atLeader, atFollower} {
		stat, found, err := atFollower.c.Exists(ctx, h.path)
		if err != nil || !found || stat.EphemeralOwner != h.session || h.c.SessionID() != h.session || !h.c.State().Alive() {
			t.Errorf("%s of session %v is %v, owner %v, %v; the client is %v with session %v",
				h.path, h.session, found, stat.EphemeralOwner, err, h.c.State(), h.c.SessionID())
		}
	}
	if text := Word(leader, "mntr"); strings.Contains(text, "zk_server_state\tleader") {
		if ms, _ := strconv.Atoi(Field(text, "zk_leader_stall_ms_credited\t")); ms < int(timeout.Milliseconds()) {
			t.Errorf("the leader credited %d ms, want about %v", ms, 2*timeout)
		}
	}
}

// A sessionHolder is a client with an ephemeral, which knows one server only.
type sessionHolder struct {
	c       *client.Client
	session client.SessionID
	path    string
}

func holder(ctx context.Context, t *testing.T, addr string, timeout time.Duration) *sessionHolder {
	t.Helper()
	c, err := client.Connect(ctx, addr, client.Options{Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Abandon() })
	h := &sessionHolder{c: c, session: c.SessionID(), path: fmt.Sprintf("/of-%d", c.SessionID())}
	if _, _, err := c.Create(ctx, h.path, nil, client.CreateOptions{Mode: client.Ephemeral}); err != nil {
		t.Fatal(err)
	}
	return h
}

// A stallServer is one of three.
type stallServer struct {
	process   *Process
	addr, log string
}

func startThree(t *testing.T) []*stallServer {
	t.Helper()
	ports := FreePorts(t, 9)
	var lines strings.Builder
	for i := range 3 {
		fmt.Fprintf(&lines, "server.%d=127.0.0.1:%d:%d\n", i+1, ports[3*i+1], ports[3*i+2])
	}
	var list []*stallServer
	for i := range 3 {
		dir := t.TempDir()
		cfg := fmt.Sprintf("tickTime=1000\ninitLimit=60\nsyncLimit=60\ndataDir=%s\nclientPort=%d\nclientPortAddress=127.0.0.1\n"+
			"4lw.commands.whitelist=*\npreAllocSize=64\n%s", dir, ports[3*i], lines.String())
		for name, text := range map[string]string{"zoo.cfg": cfg, "myid": fmt.Sprintln(i + 1)} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		s := &stallServer{addr: fmt.Sprintf("127.0.0.1:%d", ports[3*i]), log: filepath.Join(dir, "log.txt")}
		s.process = Start(t, Server(t, Ostler, filepath.Join(dir, "zoo.cfg")), s.log)
		t.Cleanup(func() { s.process.End(syscall.SIGKILL) })
		list = append(list, s)
	}
	return list
}

func tails(servers []*stallServer) []func() string {
	return []func() string{func() string {
		var b strings.Builder
		for _, s := range servers {
			fmt.Fprintf(&b, "%s:\n%s\n", s.addr, Tail(s.log))
		}
		return b.String()
	}}
}

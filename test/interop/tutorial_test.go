//go:build interop

package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ostler/test/proc"
)

// A driver is a client that the tutorial's commands are given to.
type driver struct {
	name string
	// do runs one command (create PATH DATA, get PATH, set PATH DATA) against
	// a server, and returns what it printed and whether it succeeded.
	do func(t *testing.T, addr string, command ...string) (string, bool)
}

func drivers(t *testing.T) []driver {
	script, err := filepath.Abs("testdata/command.py")
	must(t, err)
	return []driver{
		{"ostler cli", func(t *testing.T, addr string, command ...string) (string, bool) {
			out, errs, code := run(t, "", proc.OstlerPath(t), append([]string{"cli", "-server", addr, "-timeout", "8000"}, command...)...)
			return out + errs, code == 0
		}},
		{"zkCli.sh", func(t *testing.T, addr string, command ...string) (string, bool) {
			out, errs, code := run(t, "", "/usr/share/zookeeper/bin/zkCli.sh", append([]string{"-server", addr, "-timeout", "8000"}, command...)...)
			return out + errs, code == 0
		}},
		{"kazoo", func(t *testing.T, addr string, command ...string) (string, bool) {
			out, errs, code := run(t, "", "/usr/bin/python3", append([]string{script, addr}, command...)...)
			return out + errs, code == 0
		}},
	}
}

// pods returns an ensemble whose members are started the way the tutorial's
// containers are: start-zookeeper on hosts named zk-0, zk-1, zk-2.
func pods(t *testing.T) *ensemble {
	t.Helper()
	e := newEnsemble(t, ostler, ostler, ostler)
	hosts := "127.0.0.1 localhost\n"
	for i := range e.members {
		hosts += fmt.Sprintf("127.0.1.%d zk-%d.zk-hs.default.svc.cluster.local zk-%d\n", i+1, i, i)
	}
	must(t, os.WriteFile(filepath.Join(e.dir, "hosts"), []byte(hosts), 0o644))
	return e
}

// startPod runs the tutorial's command line (kubernetes.md 1.1) in a host name
// space of its own. Server and election port are the same on all; each has its
// own address, as pods have.
func startPod(t *testing.T, e *ensemble, i int) {
	t.Helper()
	m := e.members[i]
	bin := filepath.Join(e.dir, "bin")
	must(t, os.MkdirAll(bin, 0o755))
	link := filepath.Join(bin, "start-zookeeper")
	if _, err := os.Lstat(link); err != nil {
		must(t, os.Symlink(proc.OstlerPath(t), link))
	}
	flags := []string{
		"--servers=3", "--data_dir=" + m.dir + "/pod/data", "--data_log_dir=" + m.dir + "/pod/data/log",
		"--log_dir=" + m.dir + "/pod/logs", "--conf_dir=" + m.dir + "/pod/conf",
		fmt.Sprintf("--client_port=%d", m.client), fmt.Sprintf("--election_port=%d", e.members[0].election),
		fmt.Sprintf("--server_port=%d", e.members[0].quorum),
		"--tick_time=500", "--init_limit=10", "--sync_limit=5", "--heap=512M", "--max_client_cnxns=60",
		"--snap_retain_count=3", "--purge_interval=12", "--max_session_timeout=40000", "--min_session_timeout=1000",
		"--log_level=INFO",
		// Not of the tutorial: these pods share a network.
		"--listen_all=false",
	}
	cmd := exec.Command("unshare", "--uts", "--mount", "sh", "-c",
		fmt.Sprintf("mount --bind %s/hosts /etc/hosts && hostname zk-%d && exec %s %s", e.dir, i, link, strings.Join(flags, " ")))
	m.process = proc.Start(t, cmd, m.log())
}

// TestTutorial plays the tutorial's path (kubernetes.md section 2) with each client.
func TestTutorial(t *testing.T) {
	for _, d := range drivers(t) {
		t.Run(d.name, func(t *testing.T) { playTutorial(t, d) })
	}
}

func playTutorial(t *testing.T, d driver) {
	e := pods(t)
	for i := range e.members {
		startPod(t, e, i)
		// Each is ready before the next starts, and without a quorum.
		ready := exec.Command(proc.OstlerPath(t), "zookeeper-ready", fmt.Sprint(e.members[i].client))
		proc.Eventually(t, "zookeeper-ready", func() bool {
			again := exec.Command(ready.Path, ready.Args[1:]...)
			return again.Run() == nil
		}, e.members[i].tail)
	}
	e.waitServing()
	wantModes(t, e, 1, 2)
	for i, m := range e.members {
		id, err := os.ReadFile(filepath.Join(m.dir, "pod/data/myid"))
		must(t, err)
		if string(id) != fmt.Sprintf("%d\n", i+1) {
			t.Errorf("myid of zk-%d is %q", i, id)
		}
	}
	tutorialWords(t, e)

	get := func(i int, want string) {
		t.Helper()
		proc.Eventually(t, fmt.Sprintf("zk-%d answers %s", i, want), func() bool {
			out, ok := d.do(t, e.members[i].addr(), "get", "/hello")
			return ok && strings.Contains(out, want)
		}, e.members[i].tail)
	}
	if out, ok := d.do(t, e.members[0].addr(), "create", "/hello", "world"); !ok {
		t.Fatalf("create: %s", out)
	}
	for i := range e.members {
		get(i, "world")
	}

	e.members[2].kill()
	proc.Eventually(t, "a set with two servers", func() bool {
		_, ok := d.do(t, e.members[0].addr(), "set", "/hello", "world_should_work")
		return ok
	}, e.members[0].tail)
	get(1, "world_should_work")
	startPod(t, e, 2)
	e.members[2].waitMode()
	for i := range e.members {
		get(i, "world_should_work")
	}

	e.members[1].kill()
	e.members[2].kill()
	proc.Eventually(t, "the last server notices that it is alone", func() bool { return e.members[0].mode() == "" })
	if out, ok := d.do(t, e.members[0].addr(), "set", "/hello", "world_should_not_work"); ok {
		t.Errorf("a set without a quorum succeeded: %s", out)
	}
	startPod(t, e, 1)
	startPod(t, e, 2)
	e.waitServing()
	for i := range e.members {
		get(i, "world_should_work")
	}

	for i, m := range e.members {
		if code := m.stop(); code != 0 {
			t.Errorf("zk-%d ended with %d on SIGTERM, want 0\n%s", i, code, m.tail())
		}
	}
	for i := range e.members {
		startPod(t, e, i)
	}
	e.waitServing()
	for i := range e.members {
		get(i, "world_should_work")
	}
	wantModes(t, e, 1, 2)
}

// wantModes counts roles.
func wantModes(t *testing.T, e *ensemble, leaders, followers int) {
	t.Helper()
	n := map[string]int{}
	for _, m := range e.members {
		n[m.mode()]++
	}
	if n["leader"] != leaders || n["follower"] != followers {
		t.Errorf("modes %v, want %d leader, %d followers", n, leaders, followers)
	}
}

// tutorialWords asks the four-letter words that the tutorial does.
func tutorialWords(t *testing.T, e *ensemble) {
	t.Helper()
	for i, m := range e.members {
		for word, want := range map[string][]string{
			"ruok": {"imok"},
			"srvr": {"Zookeeper version: ", "Latency min/avg/max: ", "Zxid: 0x", "Mode: ", "Node count: "},
			"stat": {"Clients:\n /127.0.0.1:", "Mode: "},
			"envi": {"Environment:\n", "zookeeper.version=", "host.name=zk-"},
			"conf": {"clientPort=", "dataDir=", "tickTime=500", fmt.Sprintf("serverId=%d", i+1), "electionAlg=3"},
			"mntr": {"zk_version\t", "zk_server_state\t", "zk_znode_count\t"},
		} {
			got := m.word(word)
			for _, w := range want {
				if !strings.Contains(got, w) {
					t.Errorf("%s of zk-%d lacks %q:\n%s", word, i, w, got)
				}
			}
		}
	}
	leader := e.leader()
	if got := leader.word("dump"); !strings.Contains(got, "SessionTracker dump:") {
		t.Errorf("dump of the leader:\n%s", got)
	}
	if got := leader.word("mntr"); !strings.Contains(got, "zk_synced_followers\t2") {
		t.Errorf("mntr of the leader lacks two synced followers:\n%s", got)
	}
}

package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"ostler/internal/admin"
	"ostler/internal/config"
	"ostler/internal/ensemble"
	"ostler/internal/env"
	"ostler/internal/node"
	"ostler/internal/shadow"
	"ostler/internal/zk"
)

// Exit codes of a trial that has ended.
const (
	exitDifferent = 20
	exitUnchecked = 21
)

// shadowWords are the words of a server's command line that make it a shadow.
type shadowWords struct {
	on     bool
	serve  bool
	id     zk.ServerID
	dir    string
	length time.Duration // of the trial; 0: until a signal
	last   string        // an option that only a shadow has
}

// take takes the first word, with its value, if it is one of them, and returns how many
// words that were.
func (w *shadowWords) take(args []string) (int, error) {
	switch args[0] {
	case "--shadow":
		w.on = true
		return 1, nil
	case "--shadow-serve":
		w.serve, w.last = true, args[0]
		return 1, nil
	}
	name, value, given := strings.Cut(args[0], "=")
	if name != "--shadow-id" && name != "--shadow-dir" && name != "--shadow-for" {
		return 0, nil
	}
	words := 1
	if !given {
		if len(args) == 1 {
			return 0, fmt.Errorf("%s has no value", name)
		}
		value, words = args[1], 2
	}
	w.last = name
	return words, w.set(name, value)
}

func (w *shadowWords) set(name, value string) error {
	switch name {
	case "--shadow-id":
		id, err := strconv.ParseInt(value, 10, 63)
		if err != nil || id < 1 {
			return fmt.Errorf("%s=%s is not a number from 1", name, value)
		}
		w.id = zk.ServerID(id)
	case "--shadow-for":
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return fmt.Errorf("%s=%s is not a time such as 30m or 24h", name, value)
		}
		w.length = d
	case "--shadow-dir":
		if value == "" {
			return fmt.Errorf("%s is empty", name)
		}
		w.dir = value
	}
	return nil
}

// finish checks the words together, and has settings overridden.
func (w *shadowWords) finish(override map[string]string) error {
	if !w.on && w.last != "" {
		return fmt.Errorf("%s needs --shadow", w.last)
	}
	if w.dir != "" {
		override["dataDir"], override["dataLogDir"] = w.dir, w.dir
	}
	return nil
}

// A shadowTrial is what a trial is run with.
type shadowTrial struct {
	words    shadowWords
	warnings []string
	port     string // of clients, as zoo.cfg has it; "" without one
}

// runShadow runs a trial until its time is over or a signal comes, and prints what was
// found.
func runShadow(ctx context.Context, stderr io.Writer, e env.Env, cfg *config.Config, trial shadowTrial) int {
	if err := trial.prepare(e, cfg); err != nil {
		fmt.Fprintf(stderr, "%v\n", err)
		return exitOf(err)
	}
	rec := shadow.NewRecorder(shadow.Options{
		Env: e, Dir: cfg.DataDir, Rules: shadow.RulesOf(cfg), Memory: memory,
		Begin: shadow.Report{
			Version: admin.Version(), Shadow: int64(cfg.MyID), Warnings: trial.warnings,
			Members: askMembers(ctx, cfg, trial.port),
		},
	})
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR1)
	defer signal.Stop(signals)
	e.Log.Info("starting a shadow", "version", admin.Version(), "server", cfg.MyID, "data", cfg.DataDir)
	n, err := node.New(e, cfg, node.Options{Environment: environment(ctx), Judge: rec})
	if err != nil {
		return startError(stderr, err)
	}
	if err := n.Start(); err != nil {
		n.Stop()
		return startError(stderr, err)
	}
	rec.Start()
	err = trial.wait(ctx, signals, stderr, n, rec)
	failed := err != nil
	n.Stop()
	rec.Stop()
	report := rec.Report()
	io.WriteString(stderr, report.Text())
	switch {
	case failed:
		return startError(stderr, err)
	case report.Verdict == shadow.DifferencesFound:
		return exitDifferent
	case report.Verdict == shadow.NothingChecked:
		return exitUnchecked
	}
	return 0
}

// prepare gives the shadow its id, its directories, and its port if it is to have one.
func (t *shadowTrial) prepare(e env.Env, cfg *config.Config) error {
	if cfg.Ensemble == nil {
		return &config.Error{Exit: config.ExitInvalid, Err: config.ErrNoEnsemble}
	}
	id, err := config.ShadowID(cfg.Ensemble, t.words.id, t.words.serve, rand.Uint32())
	if err != nil {
		return &config.Error{Exit: config.ExitInvalid, Err: fmt.Errorf("--shadow-id: %w", err)}
	}
	if t.words.serve && cfg.ClientAddr == "" {
		return &config.Error{Exit: config.ExitInvalid, Err: fmt.Errorf("--shadow-serve: there is no clientPort; add --set clientPort=PORT")}
	}
	cfg.MyID = id
	if err := shadow.Claim(e.FS, cfg); err != nil {
		return &config.Error{Exit: config.ExitDataDir, Err: err}
	}
	t.port = portOfAddr(cfg.ClientAddr)
	if !t.words.serve {
		cfg.ClientAddr = ""
	}
	return nil
}

// portOfAddr is the port of host:port, "" without one.
func portOfAddr(addr string) string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	return port
}

// wait returns when the trial is over; an error says why it could not go on. SIGUSR1
// prints the report.
func (t *shadowTrial) wait(ctx context.Context, signals <-chan os.Signal, stderr io.Writer, n *node.Node, rec *shadow.Recorder) error {
	var over <-chan time.Time
	if t.words.length > 0 {
		over = time.After(t.words.length)
	}
	for {
		select {
		case s := <-signals:
			if s != syscall.SIGUSR1 {
				return nil
			}
			report := rec.Report()
			io.WriteString(stderr, report.Text())
		case <-over:
			return nil
		case <-ctx.Done():
			return nil
		case <-n.Done():
			if err := n.Err(); err != nil {
				return err
			}
			return fmt.Errorf("the shadow stopped by itself")
		}
	}
}

// memory is what the process has from the system, in bytes.
func memory() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys - m.HeapReleased)
}

// askTimeout is how long a member may take to tell its version.
const askTimeout = 2 * time.Second

// askMembers asks each member once for its version and mode, at the client port that its
// line or the file has.
func askMembers(ctx context.Context, cfg *config.Config, port string) []shadow.Member {
	var list []shadow.Member
	for _, id := range cfg.Ensemble.IDs() {
		m := cfg.Ensemble.Members[id]
		entry := shadow.Member{ID: int64(id), Role: "participant", Addr: string(m.QuorumAddr)}
		if m.Role == ensemble.Observer {
			entry.Role = "observer"
		}
		if addr := clientAddrOf(m, port); addr != "" {
			answer, _ := ask(ctx, addr, "srvr", askTimeout)
			entry.Version, entry.Mode = parseSrvr(answer)
		}
		list = append(list, entry)
	}
	return list
}

// clientAddrOf is where a member serves clients: as its line says, at its own host where
// that says all addresses, or else at the port that the file has; "" if nobody knows.
func clientAddrOf(m ensemble.Member, port string) string {
	host, _, err := net.SplitHostPort(m.QuorumAddr.First())
	if err != nil {
		return ""
	}
	if h, p, err := net.SplitHostPort(m.ClientAddr); err == nil {
		if port = p; h != "" && h != "0.0.0.0" && h != "::" {
			host = h
		}
	}
	if port == "" {
		return ""
	}
	return net.JoinHostPort(host, port)
}

// parseSrvr reads version and mode in the answer to srvr.
func parseSrvr(answer string) (version, mode string) {
	for line := range strings.Lines(answer) {
		line = strings.TrimSpace(line)
		if v, ok := strings.CutPrefix(line, "Zookeeper version: "); ok {
			version, _, _ = strings.Cut(v, ",")
		}
		if m, ok := strings.CutPrefix(line, "Mode: "); ok {
			mode = m
		}
	}
	return version, mode
}

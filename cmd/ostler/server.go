package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"ostler/internal/admin"
	"ostler/internal/config"
	"ostler/internal/datadir"
	"ostler/internal/env"
	"ostler/internal/host"
	"ostler/internal/node"
)

const serverUsage = "Usage: ZooKeeperServerMain configfile | port datadir [ticktime] [maxcnxns]"

const serverHelp = `Run a server in the foreground until SIGTERM or SIGINT.

CONFIG is a zoo.cfg. Instead, PORT DATADIR [TICK [MAXCNXNS]] runs a standalone
server without one.

  -Dname=value        a system property; zoo.cfg wins over it
  --set name=value    a setting that wins over zoo.cfg
  --strict            unknown settings are errors
  --check             read the configuration, print it with all warnings, and exit
  --shadow            follow the ensemble of CONFIG without being a member, check every
                      transaction, and report what Ostler would have done differently;
                      see docs/migration.md
  --shadow-dir DIR    the shadow's own data directory, instead of CONFIG's
  --shadow-id N       its id, above those of all members, instead of one that is drawn
  --shadow-for TIME   end the trial after that time, such as 30m or 24h
  --shadow-serve      open CONFIG's client port and serve clients, writes included

SERVER_JVMFLAGS and JVMFLAGS are read too. Flags that only a Java machine
understands, such as -Xmx, are accepted and do nothing.

Exit codes: 0 stopped by a signal, 1 failed, 2 wrong arguments or configuration,
3 data directory, 14 no election port. Of a shadow: 0 nothing found, 20 differences
found, 21 nothing was checked.`

// runServer is a server from its command line to its end.
func runServer(ctx context.Context, std stdio, args []string) int {
	words, err := parseWords(args, os.Getenv("SERVER_JVMFLAGS"), os.Getenv("JVMFLAGS"))
	if err != nil {
		return usageError(std.err, err)
	}
	log := newLogger(std.err, words.logLevel())
	h := host.New(log)
	defer h.Close()
	e := h.Env()
	cfg, warnings, err := loadConfig(words, e.FS)
	if words.check {
		return printCheck(std, cfg, warnings, err)
	}
	for _, w := range warnings {
		log.Warn(w)
	}
	if err != nil {
		return configError(std.err, words, err)
	}
	if len(words.jvm) > 0 {
		log.Info("flags of the Java machine do nothing here", "flags", strings.Join(words.jvm, " "))
	}
	if words.shadow.on {
		return runShadow(ctx, std.err, e, cfg, shadowTrial{words: words.shadow, warnings: warnings})
	}
	return serve(ctx, std.err, e, cfg)
}

func newLogger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// loadConfig reads the configuration in either of its two forms.
func loadConfig(words serverWords, fsys env.FS) (*config.Config, []string, error) {
	l := config.Loader{FS: fsys, Props: words.props, Override: words.override, Strict: words.strict, Shadow: words.shadow.on}
	if len(words.args) == 1 {
		return l.Load(words.args[0])
	}
	return l.FromArgs(words.args)
}

func usageError(w io.Writer, err error) int {
	fmt.Fprintf(w, "%v\n%s\n", err, serverUsage)
	return config.ExitInvalid
}

func configError(w io.Writer, words serverWords, err error) int {
	if len(words.args) < 1 || len(words.args) > 4 {
		return usageError(w, err)
	}
	fmt.Fprintf(w, "%v\n", err)
	code := exitOf(err)
	if code == config.ExitInvalid {
		fmt.Fprintln(w, "Invalid config, exiting abnormally")
	}
	return code
}

// exitOf is the exit code that belongs to an error.
func exitOf(err error) int {
	var own *config.Error
	if errors.As(err, &own) {
		return own.Exit
	}
	if isDataDirError(err) {
		return config.ExitDataDir
	}
	return config.ExitUnexpected
}

// printCheck is --check: what would be used, and everything that is odd about it.
func printCheck(std stdio, cfg *config.Config, warnings []string, err error) int {
	for _, w := range warnings {
		fmt.Fprintf(std.out, "warning: %s\n", w)
	}
	if err != nil {
		fmt.Fprintf(std.out, "error: %v\n", err)
		return exitOf(err)
	}
	mode := "standalone"
	if cfg.Shadow {
		mode = fmt.Sprintf("shadow of %d servers", len(cfg.Ensemble.Members))
	} else if cfg.Ensemble != nil {
		mode = fmt.Sprintf("server %d of %d", cfg.MyID, len(cfg.Ensemble.Members))
	}
	logs, snapshots := cfg.LogDirs()
	fmt.Fprintf(std.out, "mode: %s\nclient address: %s\nsnapshots: %s\nlogs: %s\nconfiguration is valid\n",
		mode, cfg.ClientAddr, snapshots, logs)
	return 0
}

// serve runs one server until a signal, or until it must stop.
func serve(ctx context.Context, stderr io.Writer, e env.Env, cfg *config.Config) int {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)

	e.Log.Info("starting", "version", admin.Version(), "server", cfg.MyID, "clients", cfg.ClientAddr, "data", cfg.DataDir)
	n, err := node.New(e, cfg, node.Options{Environment: environment(ctx)})
	if err != nil {
		return startError(stderr, err)
	}
	if err := n.Start(); err != nil {
		n.Stop()
		return startError(stderr, err)
	}
	select {
	case s := <-signals:
		e.Log.Info("stopping", "signal", s.String())
		go exitOnSecond(signals)
		handOver(n)
	case <-ctx.Done():
	case <-n.Done():
		err := n.Err()
		n.Stop()
		return startError(stderr, err)
	}
	n.Stop()
	e.Log.Info("stopped")
	return 0
}

// handOverTime is how long a server that stops waits for another one to lead.
const handOverTime = 1500 * time.Millisecond

// handOver lets another server lead before this one stops, so that the ensemble need not
// notice that it is gone and elect (kubernetes.md 4.6).
func handOver(n *node.Node) {
	done := make(chan struct{})
	n.HandOver(true, func() { close(done) })
	select {
	case <-done:
	case <-time.After(handOverTime):
	}
}

// exitOnSecond lets an impatient operator out: what was acknowledged is on disk.
func exitOnSecond(signals <-chan os.Signal) {
	if <-signals == syscall.SIGINT {
		os.Exit(130)
	}
	os.Exit(143)
}

// startError says why the server is not there; never with exit code 0 (decisions.md 22).
func startError(w io.Writer, err error) int {
	if err == nil {
		err = errors.New("the server stopped by itself")
	}
	fmt.Fprintf(w, "%v\n", err)
	code := exitOf(err)
	if code == config.ExitDataDir {
		fmt.Fprintln(w, "Unable to access datadir, exiting abnormally")
	} else {
		fmt.Fprintln(w, "Unexpected exception, exiting abnormally")
	}
	return code
}

// isDataDirError reports whether the data directory cannot be used at all, which
// has an exit code of its own (operations.md 1.11).
func isDataDirError(err error) bool {
	for _, kind := range []error{datadir.ErrMissing, datadir.ErrNotWritable, datadir.ErrSwapped, env.ErrLocked} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

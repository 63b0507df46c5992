package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// marker is a file that says that a directory is quickstart's and may be emptied.
const marker = ".ostler-quickstart"

// A quickstart is an ensemble of child processes on this machine.
type quickstart struct {
	std        stdio
	screen     screen
	dir        string
	fresh      bool
	firstPort  int
	startLimit time.Duration
	servers    []*quickServer
}

// A quickServer is one member.
type quickServer struct {
	id                       int
	client, quorum, election int // ports
	dir                      string
	child                    *child
	mode                     string // as last reported
	gone                     bool   // its end was reported
}

func quickstartCommand(std stdio) *cobra.Command {
	q := &quickstart{std: std, screen: newScreen(std.out), startLimit: 30 * time.Second}
	count := 3
	cmd := &cobra.Command{
		Use:   "quickstart",
		Short: "Run an ensemble of three servers on this machine, to try things out",
		Long: `Run an ensemble of three servers on this machine, each a process of its own, until
Ctrl-C. The data stays in the folder that is named, for the next time.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := q.run(cmd.Context(), count); err != nil {
				fmt.Fprintln(std.err, err)
				return exitCode(1)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&q.dir, "dir", filepath.Join("data", "quickstart"), "folder of the data")
	cmd.Flags().BoolVar(&q.fresh, "fresh", false, "begin with empty servers: delete what is in the folder")
	cmd.Flags().IntVar(&q.firstPort, "port", 2181, "client port of the first server; taken ones are passed over")
	cmd.Flags().IntVar(&count, "servers", count, "number of servers")
	return cmd
}

// run is the whole life of the ensemble.
func (q *quickstart) run(ctx context.Context, count int) error {
	// The children end with the thread that started them.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)
	if count < 1 || count > 9 {
		return errors.New("--servers must be from 1 to 9")
	}
	if err := q.prepare(count); err != nil {
		return err
	}
	defer q.stop(signals)
	for _, s := range q.servers {
		if err := s.child.start(); err != nil {
			return fmt.Errorf("start server %d: %w", s.id, err)
		}
	}
	q.screen.title("Starting %d servers, data in %s", count, q.dir)
	if stopped, err := q.awaitQuorum(ctx, signals); stopped || err != nil {
		return err
	}
	q.explain()
	q.watch(ctx, signals)
	return nil
}

// prepare makes folders, ports and configuration files.
func (q *quickstart) prepare(count int) error {
	dir, err := filepath.Abs(q.dir)
	if err != nil {
		return fmt.Errorf("folder of the data: %w", err)
	}
	q.dir = dir
	if q.fresh {
		if err := empty(dir); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make folder of the data: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, marker), nil, 0o644); err != nil {
		return fmt.Errorf("mark folder of the data: %w", err)
	}
	if err := q.choosePorts(count); err != nil {
		return err
	}
	for _, s := range q.servers {
		if err := q.writeServer(s); err != nil {
			return fmt.Errorf("server %d: %w", s.id, err)
		}
	}
	return nil
}

// empty deletes dir if quickstart made it.
func empty(dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, marker)); err != nil {
		return fmt.Errorf("--fresh does not delete %s: it was not made by quickstart (it has no file %s)", dir, marker)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("delete folder of the data: %w", err)
	}
	return nil
}

// choosePorts takes the first free ports from the customary ones on. The sockets
// stay open until all are chosen, so that none is taken twice.
func (q *quickstart) choosePorts(count int) error {
	var held []net.Listener
	defer func() {
		for _, l := range held {
			l.Close()
		}
	}()
	next := func(port int) (int, error) {
		for ; port < 65536; port++ {
			if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
				held = append(held, l)
				return port, nil
			}
		}
		return 0, errors.New("no port is free")
	}
	client, quorum, election := q.firstPort, 2888, 3888
	for id := 1; id <= count; id++ {
		s := &quickServer{id: id, dir: filepath.Join(q.dir, fmt.Sprintf("server-%d", id))}
		for _, p := range []struct{ from, to *int }{{&client, &s.client}, {&quorum, &s.quorum}, {&election, &s.election}} {
			port, err := next(*p.from)
			if err != nil {
				return err
			}
			*p.from, *p.to = port+1, port
		}
		q.servers = append(q.servers, s)
	}
	return nil
}

// writeServer writes zoo.cfg and myid of one server.
func (q *quickstart) writeServer(s *quickServer) error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# written by ostler quickstart at each start\n"+
		"dataDir=%s\nclientPort=%d\nclientPortAddress=127.0.0.1\n"+
		"tickTime=2000\ninitLimit=10\nsyncLimit=5\n4lw.commands.whitelist=*,move\n", propertyText(s.dir), s.client)
	if len(q.servers) > 1 {
		for _, other := range q.servers {
			fmt.Fprintf(&b, "server.%d=127.0.0.1:%d:%d\n", other.id, other.quorum, other.election)
		}
	}
	if err := os.WriteFile(s.config(), []byte(b.String()), 0o644); err != nil {
		return err
	}
	s.child = &child{args: []string{"server", s.config()}, log: filepath.Join(s.dir, "server.log"), dies: true}
	return os.WriteFile(filepath.Join(s.dir, "myid"), []byte(strconv.Itoa(s.id)+"\n"), 0o644)
}

func (s *quickServer) config() string { return filepath.Join(s.dir, "zoo.cfg") }

func (s *quickServer) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.client)) }

// propertyText escapes a path for a properties file, whose bytes are ISO-8859-1.
func propertyText(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\\':
			b.WriteString(`\\`)
		case r < 0x80:
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		}
	}
	return b.String()
}

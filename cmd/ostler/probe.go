package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// probeTimeout is below the 5 s that the tutorial's probes have.
const probeTimeout = 4 * time.Second

// answerMax bounds what is read of an answer; mntr has some 30 KiB.
const answerMax = 64 << 20

// ask sends a four-letter word and returns everything until the server closes.
func ask(ctx context.Context, addr, word string, timeout time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, word); err != nil {
		return "", err
	}
	b, err := io.ReadAll(io.LimitReader(conn, answerMax))
	return string(b), err
}

// probePort is the port of a probe's command line, or the image's.
func probePort(args []string) (string, bool) {
	switch len(args) {
	case 0:
		return cmp.Or(os.Getenv("ZK_CLIENT_PORT"), "2181"), true
	case 1:
		return args[0], true
	}
	return "", false
}

// zookeeperReady exits with 0 exactly when the server on this machine answers
// imok: it lives, with or without a quorum (kubernetes.md 1.2, 4.3).
func zookeeperReady(ctx context.Context, std stdio, args []string) int {
	port, ok := probePort(args)
	if !ok {
		fmt.Fprintln(std.err, "Usage: zookeeper-ready PORT")
		return 1
	}
	answer, err := ask(ctx, net.JoinHostPort("127.0.0.1", port), "ruok", probeTimeout)
	switch {
	case err != nil:
		fmt.Fprintln(std.err, err)
		return 1
	case strings.TrimRight(answer, "\n") != "imok":
		fmt.Fprintf(std.err, "answer %q is not imok\n", answer)
		return 1
	}
	return 0
}

// zookeeperMetrics prints mntr.
func zookeeperMetrics(ctx context.Context, std stdio, args []string) int {
	port, ok := probePort(args)
	if !ok {
		fmt.Fprintln(std.err, "Usage: zookeeper-metrics PORT")
		return 1
	}
	answer, err := ask(ctx, net.JoinHostPort("localhost", port), "mntr", probeTimeout)
	if err != nil {
		fmt.Fprintln(std.err, err)
		return 1
	}
	fmt.Fprint(std.out, answer)
	return 0
}

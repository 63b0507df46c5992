package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A pod is what a StatefulSet's host name says: zk-0.zk-hs.default.svc.cluster.local
// is ordinal 0 of zk, in the domain behind the first dot.
type pod struct {
	name    string
	ordinal int
	domain  string
}

var errPodName = errors.New("Kubernetes-zookeeper: Failed to parse name and ordinal of Pod") //nolint:staticcheck // The image's text.

// podName takes the last digits, as the image's greedy match does (kubernetes.md 1.1).
var podName = regexp.MustCompile(`^(.*)-([0-9]+)$`)

// parsePod reads a host name with its domain.
func parsePod(fqdn string) (pod, error) {
	short, domain, _ := strings.Cut(fqdn, ".")
	m := podName.FindStringSubmatch(short)
	if m == nil {
		return pod{}, errPodName
	}
	ordinal, err := strconv.Atoi(m[2])
	if err != nil {
		return pod{}, errPodName
	}
	return pod{name: m[1], ordinal: ordinal, domain: domain}, nil
}

// fullHostname is what hostname -f prints: the canonical name in the hosts file,
// which the kubelet writes, else what the name service says, else the bare name.
func fullHostname(ctx context.Context) (string, error) {
	name, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("host name: %w", err)
	}
	if strings.Contains(name, ".") {
		return name, nil
	}
	if f, err := os.Open("/etc/hosts"); err == nil {
		defer f.Close()
		if full := canonicalName(bufio.NewScanner(f), name); full != "" {
			return full, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if full, err := net.DefaultResolver.LookupCNAME(ctx, name); err == nil && strings.HasPrefix(full, name+".") {
		return strings.TrimSuffix(full, "."), nil
	}
	return name, nil
}

// canonicalName finds the first name of the first line of a hosts file that
// lists name.
func canonicalName(lines *bufio.Scanner, name string) string {
	for lines.Scan() {
		text, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(text)
		for i := 1; i < len(fields); i++ {
			if fields[i] == name && strings.HasPrefix(fields[1], name+".") {
				return fields[1]
			}
		}
	}
	return ""
}

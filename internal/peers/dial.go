package peers

import (
	"errors"
	"sync"
	"time"

	"ostler/internal/env"
)

// A Connected is told how a dial ended, as env.Net tells it.
type Connected func(s env.Stream, err error) env.Handler

// DialAny dials all addresses of a server at once. The connection that is there first
// is the one; the others are closed (quorum.md 1.9).
func DialAny(n env.Net, addrs []string, timeout time.Duration, o env.StreamOptions, connected Connected) {
	r := &race{left: len(addrs), connected: connected}
	if r.left == 0 {
		connected(nil, errNoAddr)
		return
	}
	for _, addr := range addrs {
		n.Dial(addr, timeout, o, r.finish)
	}
}

var errNoAddr = errors.New("no address is known")

// A race is a dial of several addresses.
type race struct {
	connected Connected

	mu   sync.Mutex
	left int // dials under way
	won  bool
	errs []error
}

// finish is told the outcome of each dial.
func (r *race) finish(s env.Stream, err error) env.Handler {
	r.mu.Lock()
	r.left--
	if err != nil {
		r.errs = append(r.errs, err)
	}
	first := err == nil && !r.won
	r.won = r.won || first
	lost := r.left == 0 && !r.won
	r.mu.Unlock()
	switch {
	case first:
		return r.connected(s, nil)
	case lost:
		return r.connected(nil, errors.Join(r.errs...))
	}
	return nil
}

// dialInOrder dials one address after another, each for timeout, until one answers.
func dialInOrder(n env.Net, addrs []string, timeout time.Duration, o env.StreamOptions, connected Connected) {
	if len(addrs) == 0 {
		connected(nil, errNoAddr)
		return
	}
	n.Dial(addrs[0], timeout, o, func(s env.Stream, err error) env.Handler {
		if err != nil && len(addrs) > 1 {
			dialInOrder(n, addrs[1:], timeout, o, connected)
			return nil
		}
		return connected(s, err)
	})
}

package server

import (
	"time"

	"ostler/internal/config"
)

// What one connection may keep waiting (architecture.md section 12).
const (
	pendingMax   = 1000     // requests not answered
	pendingBytes = 4 << 20  // of their bodies
	sendLimit    = 64 << 20 // bytes of replies and events not taken

	// Identities travel with every write to the leader, and every check looks at
	// all of them.
	identitiesMax = 1000
	identityBytes = 1 << 20
)

// limits are the configured ones.
type limits struct {
	frame       int   // jute.maxbuffer
	outstanding int64 // over all connections
	minTimeout  int32 // ms
	maxTimeout  int32
	idleSlack   time.Duration
}

func newLimits(cfg *config.Config) limits {
	l := limits{
		frame: cfg.MaxBuffer, outstanding: int64(cfg.GlobalOutstanding),
		minTimeout: int32(cfg.MinSession.Milliseconds()), maxTimeout: int32(cfg.MaxSession.Milliseconds()),
		idleSlack: cfg.Tick,
	}
	if cfg.Ensemble != nil && !cfg.Observer {
		// Each of the other voters may send the leader as many (2.16).
		if voters := len(cfg.Ensemble.Voters()); voters > 2 {
			l.outstanding /= int64(voters - 1)
		}
	}
	l.outstanding = max(l.outstanding, 1)
	return l
}

// timeout negotiates a session's timeout in ms (client-protocol.md 2.4).
func (l limits) timeout(wanted int32) int32 {
	return min(max(wanted, l.minTimeout), l.maxTimeout)
}

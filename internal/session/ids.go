package session

import (
	"math"
	"sync/atomic"

	"ostler/internal/zk"
)

// IDs hands out the session ids of one server (client-protocol.md 2.5): the
// server in the top byte, 40 bits of the wall clock when the server started,
// then a count. The wall clock is used, not the time since boot that ZooKeeper
// takes, because that repeats after a reboot. Next may be called from anywhere.
type IDs struct {
	server zk.ServerID
	next   atomic.Int64 // the low 56 bits
	spare  atomic.Int64 // where to go on when the clock turns out to be wrong; -1 once used
}

const lowBits = 1<<56 - 1 // what the server's byte leaves of an id

// NewIDs begins at wallMillis, ms since 1970; only the low byte of server counts.
// random is where Skip goes.
func NewIDs(server zk.ServerID, wallMillis int64, random uint64) *IDs {
	i := &IDs{server: server & 0xff}
	i.spare.Store(int64(random & lowBits))
	i.next.Store(int64(uint64(wallMillis) << 24 >> 8))
	return i
}

// Next returns an id that this generator has not returned before. It is never 0,
// which asks for a new session, nor the mark of a container (section 4.3).
func (i *IDs) Next() zk.SessionID {
	for {
		id := zk.SessionID(int64(i.server)<<56 | (i.next.Add(1)-1)&lowBits)
		if id != 0 && id != math.MinInt64 {
			return id
		}
	}
}

// Skip tells of a session that lives. If it is one of this server's that Next has not
// come to yet, the clock was set back: then ids go on from a random place, so that
// none that was ever given out comes again (INV-S6).
func (i *IDs) Skip(used zk.SessionID) {
	if used.Server() != i.server {
		return
	}
	if int64(used)&lowBits < i.next.Load() {
		return
	}
	if spare := i.spare.Swap(-1); spare >= 0 {
		i.next.Store(spare)
	}
}

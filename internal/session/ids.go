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
}

const lowBits = 1<<56 - 1 // what the server's byte leaves of an id

// NewIDs begins at wallMillis, ms since 1970; only the low byte of server counts.
func NewIDs(server zk.ServerID, wallMillis int64) *IDs {
	i := &IDs{server: server & 0xff}
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

// Skip makes later ids larger than used, if that is an id of this server: with
// every known session skipped, a clock that was set back does not make an id
// that a live session has (INV-S6).
func (i *IDs) Skip(used zk.SessionID) {
	if zk.ServerID(uint64(used)>>56) != i.server {
		return
	}
	after := int64(used)&lowBits + 1
	for {
		next := i.next.Load()
		if next >= after || i.next.CompareAndSwap(next, after) {
			return
		}
	}
}

package zab

import (
	"time"

	"ostler/internal/ensemble"
	"ostler/internal/peerwire"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// A LinkID names one quorum connection for the life of the process.
type LinkID uint64

// Options are what a core is told when its role begins.
type Options struct {
	Self     zk.ServerID
	Observer bool // the local role, for a learner
	// Outsider (observer): a server in nobody's list, which must have no part in
	// anything. It tells no epoch that a leader might go beyond, and promises none.
	Outsider bool
	// Config is the configuration in force, with one that is proposed behind it.
	Config    *ensemble.Config
	Tick      time.Duration
	InitLimit int // ticks
	SyncLimit int // ticks
	// Accepted and Current are the epochs on disk.
	Accepted, Current zk.Epoch
	// History is what is durable in the log, to its end. The core owns it
	// until the role ends: it appends, truncates and trims it.
	History *History
	// TrustEmpty lets a participant without history count in discovery
	// (decisions.md 2).
	TrustEmpty bool
	// Amnesiac: the directory was empty, or lost its end, and has not synced since. What
	// history there is may be a part of what it had acknowledged.
	Amnesiac bool
	// ForceSnapshot (learner) asks the leader for a SNAP, because Output.NeedSnapshot
	// was set in an earlier role (quorum.md R24).
	ForceSnapshot bool
	// KnownCommitted (learner) is a zxid that is known to be committed, 0 if none
	// is: a leader that would cut below it is refused (quorum.md R20).
	KnownCommitted zk.Zxid
	// ByMaster (observer): the other end is a follower that serves observers (quorum.md 4.18).
	ByMaster bool
	// Appointed (leader): no election made this server lead, so others may not know of it.
	Appointed bool
	// Reconfig: the configuration may change (reconfigEnabled).
	Reconfig bool
	// EpochWait (leader) is how long it waits for a quorum before it gives up because
	// of a Looking.
	EpochWait time.Duration
	// MaxSnapSyncs and MaxDiffSyncs are how many learners are brought up to date at
	// once, by a snapshot and otherwise (quorum.md 4.19); 0: no limit.
	MaxSnapSyncs, MaxDiffSyncs int
	// LastCounter (leader) ends an epoch earlier than its counter could; 0: not.
	LastCounter uint32
	// Secret is the fingerprint of the secret that session passwords come from, 0
	// for ZooKeeper's passwords. All members have the same.
	Secret uint64
}

// An Input is one of the types below.
type Input interface{ input() }

type (
	// Tick lets time pass; cores also look at the time of every other input.
	Tick struct{}

	// LinkUp (leader) is a new connection on the quorum port. A learner is
	// made when its link is up and is not told.
	LinkUp struct{ Link LinkID }

	// LinkDown is the end of a connection, whoever ended it. Links that the
	// core closed are not reported.
	LinkDown struct {
		Link LinkID
		Err  error
	}

	// Received is a packet. The stream behind a SNAP is consumed by the shell,
	// which tells SnapReceived when it is complete. Data of the packet may be kept.
	Received struct {
		Link   LinkID
		Packet peerwire.Packet
	}

	// Propose (leader) is a prepared transaction with the zxid NextZxid gave.
	Propose struct{ Record *txn.Record }

	// Sync (leader) is a sync of one of the leader's own clients; it is answered by
	// a Delivery.
	Sync struct{}

	// HandOver (leader) asks for a planned end of the leadership; see Leader.beginHandOver.
	// Leaving: this server stops. Away: another server is to lead. Neither: a new epoch
	// is to begin, under the same leader.
	HandOver struct{ Leaving, Away bool }

	// Looking (leader): a server that elected this one is looking for a leader.
	Looking struct{ Server zk.ServerID }

	// Oracle (leader): an oracle lets this server go on without the other of two
	// voters until then; the zero time: it does not (quorum.md 1.5).
	Oracle struct{ Until time.Time }

	// Durable says that every appended record up to Zxid is on stable storage.
	Durable struct{ Zxid zk.Zxid }

	// Persisted answers one Persist.
	Persisted struct{ Persist Persist }

	// SnapshotReady (leader) answers Output.Snapshot: a view of the tree at Zxid
	// is open and its stream can be queued on the link.
	SnapshotReady struct {
		Link LinkID
		Zxid zk.Zxid
	}

	// Truncated (learner) answers Output.Truncate: log and snapshots hold
	// nothing above, and Last is the end of the history, durably.
	Truncated struct{ Last zk.Zxid }

	// SnapReceived (learner): the stream behind SNAP was received whole, and
	// is now the durable generation: its snapshot is on disk, and what was
	// before it cannot be loaded any more (quorum.md R3). Zxid is that of the packet.
	SnapReceived struct{ Zxid zk.Zxid }

	// Failed (learner): truncating or receiving a snapshot failed.
	Failed struct{ Err error }

	// Delivered (relay) is what the learner of this server delivers, in order. The
	// shell does not answer a sync before the relay delivers it back: it may be an
	// observer's.
	Delivered struct{ Delivery Delivery }

	// Asking (relay): the leader is asked about a session by this server itself. The
	// same goes for a Sync. Revalidated is the answer.
	Asking struct{ Session zk.SessionID }
)

func (Tick) input()          {}
func (LinkUp) input()        {}
func (LinkDown) input()      {}
func (Received) input()      {}
func (Propose) input()       {}
func (Sync) input()          {}
func (Looking) input()       {}
func (HandOver) input()      {}
func (Oracle) input()        {}
func (Durable) input()       {}
func (Persisted) input()     {}
func (SnapshotReady) input() {}
func (Truncated) input()     {}
func (SnapReceived) input()  {}
func (Failed) input()        {}
func (Delivered) input()     {}
func (Asking) input()        {}
func (Revalidated) input()   {}

// An EpochKind names one of the two epoch files.
type EpochKind int

// The epoch files.
const (
	AcceptedEpoch EpochKind = iota
	CurrentEpoch
)

// A Persist asks for an epoch file to be written durably (quorum.md R1); it is
// answered with Persisted.
type Persist struct {
	Kind  EpochKind
	Epoch zk.Epoch
}

// A Sent is a packet for a link. With Snapshot set (type SNAP only) the stream
// of the view announced by SnapshotReady follows the packet, ahead of whatever
// is sent later on that link.
type Sent struct {
	Link     LinkID
	Packet   peerwire.Packet
	Snapshot bool
}

// A Closed asks for a link to be closed.
type Closed struct {
	Link   LinkID
	Reason string
	Flush  bool // after what was sent has left
}

// A Delivery is one thing for the apply loop, in order: records up to Commit
// when it is not 0, else the release of the oldest sync that waits. One with
// Activate is a configuration to be recorded durably before what comes after it is
// delivered.
type Delivery struct {
	Commit   zk.Zxid
	Activate *Activation
	Sync     bool
}

// A Forwarded (leader) is a client's request that a learner passed on.
type Forwarded struct {
	Link    LinkID
	From    zk.ServerID
	Request peerwire.ForwardedRequest
	Auth    []zk.ID
}

// A Revalidation (leader) asks whether a session may go on at a learner; the
// shell answers with a REVALIDATE packet on the same link.
type Revalidation struct {
	Link    LinkID
	From    zk.ServerID
	Session zk.SessionID
	Timeout int32 // ms
}

// A Revalidated is the leader's answer to a learner.
type Revalidated struct {
	Session zk.SessionID
	Valid   bool
}

// An Output lists what a step wants done. The shell carries out the fields in
// their order and each field's items in order. Output is reused: Reset empties it.
type Output struct {
	Persist  []Persist
	Append   []*txn.Record // answer with Durable
	Truncate []zk.Zxid     // learner, at most one: cut the history; answer with Truncated
	Send     []Sent
	Close    []Closed
	Deliver  []Delivery
	Snapshot []LinkID // leader, relay: open a view for this learner; answer with SnapshotReady

	Requests     []Forwarded             // leader
	Touched      []peerwire.SessionTouch // leader, relay
	Revalidate   []Revalidation          // leader
	Revalidated  []Revalidated           // learner, and relay for this server itself
	Moved        []zk.SessionID          // relay: sessions that are attached at an observer now
	Pings        []zk.Zxid               // learner: answer each with a PING packet that carries the touched sessions
	Established  bool                    // leader: may propose; learner: may serve
	StepDown     string                  // not empty: leave the role, for this reason
	Designated   zk.ServerID             // with StepDown: who leads next, without an election; 0: unknown
	NeedSnapshot bool                    // learner, with StepDown: set Options.ForceSnapshot the next time
	WakeAt       time.Time               // step again no later than this
	Synced       []zk.ServerID           // leader, relay: learners that were sent UPTODATE, for the log
}

// Reset empties o for the next step, keeping its memory.
func (o *Output) Reset() {
	*o = Output{
		Persist: o.Persist[:0], Append: o.Append[:0], Truncate: o.Truncate[:0], Send: o.Send[:0],
		Close: o.Close[:0], Deliver: o.Deliver[:0], Snapshot: o.Snapshot[:0], Requests: o.Requests[:0],
		Touched: o.Touched[:0], Revalidate: o.Revalidate[:0], Revalidated: o.Revalidated[:0], Moved: o.Moved[:0],
		Pings: o.Pings[:0], Synced: o.Synced[:0],
	}
}

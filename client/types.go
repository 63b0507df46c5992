package client

import (
	"errors"
	"fmt"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// The vocabulary of the protocol.
type (
	// A Zxid orders every change: the epoch of a leader, then a counter.
	Zxid = zk.Zxid
	// A SessionID names a session.
	SessionID = zk.SessionID
	// A Stat is a node's numbers. Times are milliseconds since 1970.
	Stat = zk.Stat
	// A Perm is a set of permission bits.
	Perm = zk.Perm
	// An ID is an identity: a scheme and what it means by it.
	ID = zk.ID
	// An ACL is one entry of a node's access list.
	ACL = zk.ACL
	// A Code is a refusal that the protocol has a number for; it is an error.
	Code = zk.Code
	// A Mode is the kind of node to create.
	Mode = zk.CreateMode
	// An EventType is what a watch tells.
	EventType = zk.EventType
	// A WatcherType is the kind of watch to remove.
	WatcherType = wire.WatcherType
)

// AnyVersion is the version that matches every version.
const AnyVersion int32 = -1

// The kinds of node.
const (
	Persistent           = zk.ModePersistent
	Ephemeral            = zk.ModeEphemeral
	PersistentSequential = zk.ModePersistentSequential
	EphemeralSequential  = zk.ModeEphemeralSequential
	Container            = zk.ModeContainer
	PersistentTTL        = zk.ModeTTL
	SequentialTTL        = zk.ModeTTLSequential
)

// The kinds of event. EventNone tells a change of State; the last three tell
// that a watch was removed.
const (
	EventNone                   = zk.EventNone
	EventCreated                = zk.EventCreated
	EventDeleted                = zk.EventDeleted
	EventDataChanged            = zk.EventDataChanged
	EventChildrenChanged        = zk.EventChildrenChanged
	EventDataWatchRemoved       = EventType(5)
	EventChildWatchRemoved      = EventType(6)
	EventPersistentWatchRemoved = EventType(7)
)

// The kinds of watch that RemoveWatches tells apart.
const (
	WatcherChildren            = wire.WatcherChildren
	WatcherData                = wire.WatcherData
	WatcherAny                 = wire.WatcherAny
	WatcherPersistent          = wire.WatcherPersistent
	WatcherPersistentRecursive = wire.WatcherPersistentRecursive
)

// The refusals that callers most often ask for.
const (
	NoNode                  = zk.NoNode
	NodeExists              = zk.NodeExists
	NotEmpty                = zk.NotEmpty
	BadVersion              = zk.BadVersion
	BadArguments            = zk.BadArguments
	NoAuth                  = zk.NoAuth
	InvalidACL              = zk.InvalidACL
	AuthFailed              = zk.AuthFailed
	NoChildrenForEphemerals = zk.NoChildrenForEphemerals
	NotReadOnly             = zk.NotReadOnly
	NoWatcher               = zk.NoWatcher
	QuotaExceeded           = zk.QuotaExceeded
	SessionExpired          = zk.SessionExpired
	ConnectionLoss          = zk.ConnectionLoss
	Unimplemented           = zk.Unimplemented
)

// OpenACL returns world:anyone:cdrwa, which leaves a node open to all.
func OpenACL() []ACL { return zk.OpenACL() }

// ErrClosed is returned by calls on a Client after Close.
var ErrClosed = errors.New("client is closed")

// ErrTooLarge says that a request is larger than servers accept.
var ErrTooLarge = errors.New("request too large")

// An Error is a request that failed.
type Error struct {
	Op   string // ZooKeeper's name of the operation
	Path string // as the caller gave it; may be empty
	Err  error  // most often a Code
}

// Error says what failed and why.
func (e *Error) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("%s: %v", e.Op, e.Err)
	}
	return fmt.Sprintf("%s %s: %v", e.Op, e.Path, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// A State is the state of a session as its client knows it.
type State int32

// The states, with the numbers ZooKeeper gives them.
const (
	Disconnected      State = 0
	Connected         State = 3
	AuthRefused       State = 4
	ConnectedReadOnly State = 5
	Closed            State = 7
	Expired           State = -112
)

// Alive reports whether the session may still be used.
func (s State) Alive() bool { return s == Disconnected || s == Connected || s == ConnectedReadOnly }

// String returns ZooKeeper's name of the state.
func (s State) String() string {
	switch s {
	case Disconnected:
		return "Disconnected"
	case Connected:
		return "SyncConnected"
	case AuthRefused:
		return "AuthFailed"
	case ConnectedReadOnly:
		return "ConnectedReadOnly"
	case Closed:
		return "Closed"
	case Expired:
		return "Expired"
	}
	return fmt.Sprintf("State(%d)", int32(s))
}

// An Event is a change of the session's state (Type EventNone) or of a node.
type Event struct {
	Type  EventType
	State State
	Path  string // relative to the chroot; "" for EventNone
	Zxid  Zxid   // of the change; -1 when the server did not say
}

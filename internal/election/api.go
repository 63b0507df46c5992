package election

import (
	"time"

	"ostler/internal/ensemble"
	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// A Vote names a candidate (quorum.md 3.1).
type Vote struct {
	Leader        zk.ServerID
	Zxid          zk.Zxid
	ElectionEpoch int64
	PeerEpoch     zk.Epoch
}

// Options are what a core is told. Config and Observer change by SetConfig alone.
type Options struct {
	Self     zk.ServerID
	Observer bool
	// Outsider: a server in nobody's list. It tells its configuration as one that
	// nobody takes over, wherever it has it from (quorum.md 3.11).
	Outsider bool
	// Oracle: with two voters, an oracle may let one of them go on alone.
	Oracle bool
	// Config is the configuration in force, with one that is proposed behind it.
	Config *ensemble.Config
	// Reconfig: a newer configuration is taken over from others (quorum.md 3.11).
	Reconfig bool
	// Finalize is how long to wait for a better vote once a quorum agrees
	// (200 ms); MinInterval and MaxInterval bound the back-off between
	// broadcasts (200 ms, 60 s) (quorum.md 1.10).
	Finalize, MinInterval, MaxInterval time.Duration
}

// A Sent is a notification for a peer. One to oneself is never sent.
type Sent struct {
	To           zk.ServerID
	Notification peerwire.Notification
}

// An Output lists what a step wants done.
type Output struct {
	Send []Sent
	// Reconnect asks for every voter without a link to be dialled (a time-out
	// passed without an answer).
	Reconnect bool
	// Config is a newer configuration that another server has in force. This server
	// is to take it over and to start anew.
	Config *ensemble.Config
	// Settled is set when the election ended: Vote.Leader leads.
	Settled *Vote
	// Backers are the others who voted for this server, when it leads.
	Backers []zk.ServerID
	// WaitingFor lists the voters that keep this empty server from counting: not
	// heard yet, or known to have history (see the package comment). For the log.
	WaitingFor []zk.ServerID
	// WakeAt: step again no later than this; zero when not looking.
	WakeAt time.Time
}

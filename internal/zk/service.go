package zk

// A Service is what a server does for clients at a time.
type Service uint8

// The services.
const (
	NoService   Service = iota // there is no leader: every client is turned away
	ReadOnly                   // reads of what was committed, without a leader (client-protocol.md 2.14)
	FullService                // everything
	// Pause is between two leaders when one hands over to the other: clients stay, and what
	// they ask for waits.
	Pause
)

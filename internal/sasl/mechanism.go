package sasl

import "errors"

// A Mechanism is one way to prove who one is. It may be used from any goroutine.
type Mechanism interface {
	// Begin starts the exchange of one connection.
	Begin() Exchange
}

// An Exchange is the dialogue with one client. It is used by one goroutine at a
// time.
type Exchange interface {
	// Step takes the client's next token and returns the answer to it. An error
	// wraps ErrFailed and ends the exchange: every later step fails too, and so
	// does one after the last.
	Step(token []byte) (Answer, error)
}

// An Answer is what a step leads to.
type Answer struct {
	Token []byte
	Done  bool   // the client is who it says
	User  string // its authentication id, when Done
}

// ErrFailed says that a client has not proved who it is.
var ErrFailed = errors.New("SASL authentication failed")

package config

import (
	"errors"
	"fmt"
)

// Exit codes of a server that could not start (operations.md 1.11).
const (
	ExitUnexpected = 1
	ExitInvalid    = 2
	ExitDataDir    = 3
	// ExitElectionPort: the election port cannot be opened (quorum.md appendix B).
	ExitElectionPort = 14
)

// An Error is a reason not to start, with the exit code that tells it to
// supervisors and run books.
type Error struct {
	Exit int
	Err  error
}

// Error returns the message.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// invalid is a wrong configuration or command line.
func invalid(format string, args ...any) error {
	return &Error{Exit: ExitInvalid, Err: fmt.Errorf(format, args...)}
}

// asInvalid wraps err, unless it has an exit code of its own already.
func asInvalid(what string, err error) error {
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	return invalid("%s: %w", what, err)
}

package zk

import "fmt"

// A Code is a failure the client protocol has a number for
// (client-protocol.md section 10). It is an error, so errors.Is(err, zk.NoNode)
// works through any wrapping. OK is never returned as an error.
type Code int32

// The codes that a server sends.
const (
	OK                       Code = 0
	SystemError              Code = -1
	RuntimeInconsistency     Code = -2
	DataInconsistency        Code = -3
	ConnectionLoss           Code = -4
	MarshallingError         Code = -5
	Unimplemented            Code = -6
	OperationTimeout         Code = -7
	BadArguments             Code = -8
	NewConfigNoQuorum        Code = -13
	ReconfigInProgress       Code = -14
	APIError                 Code = -100
	NoNode                   Code = -101
	NoAuth                   Code = -102
	BadVersion               Code = -103
	NoChildrenForEphemerals  Code = -108
	NodeExists               Code = -110
	NotEmpty                 Code = -111
	SessionExpired           Code = -112
	InvalidCallback          Code = -113
	InvalidACL               Code = -114
	AuthFailed               Code = -115
	SessionMoved             Code = -118
	NotReadOnly              Code = -119
	EphemeralOnLocalSession  Code = -120
	NoWatcher                Code = -121
	RequestTimeout           Code = -122
	ReconfigDisabled         Code = -123
	SessionClosedRequireAuth Code = -124
	QuotaExceeded            Code = -125
	ThrottledOp              Code = -127
)

var codeNames = map[Code]string{
	OK: "ok", SystemError: "system error", RuntimeInconsistency: "runtime inconsistency",
	DataInconsistency: "data inconsistency", ConnectionLoss: "connection loss",
	MarshallingError: "marshalling error", Unimplemented: "unimplemented",
	OperationTimeout: "operation timeout", BadArguments: "bad arguments",
	NewConfigNoQuorum: "no quorum of the new configuration is connected", ReconfigInProgress: "reconfiguration in progress",
	APIError: "api error", NoNode: "no node", NoAuth: "not authorised", BadVersion: "bad version",
	NoChildrenForEphemerals: "ephemerals cannot have children", NodeExists: "node exists",
	NotEmpty: "not empty", SessionExpired: "session expired", InvalidCallback: "invalid callback",
	InvalidACL: "invalid acl", AuthFailed: "authentication failed", SessionMoved: "session moved",
	NotReadOnly: "server is read-only", EphemeralOnLocalSession: "ephemeral on local session",
	NoWatcher: "no watcher", RequestTimeout: "request timeout", ReconfigDisabled: "reconfiguration disabled",
	SessionClosedRequireAuth: "authentication required", QuotaExceeded: "quota exceeded",
	ThrottledOp: "throttled",
}

// Error returns the code in words.
func (c Code) Error() string {
	if name, ok := codeNames[c]; ok {
		return name
	}
	return fmt.Sprintf("error %d", int32(c))
}

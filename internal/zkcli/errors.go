package zkcli

import (
	"errors"
	"fmt"
	"unicode/utf16"

	"ostler/client"
	"ostler/internal/zk"
)

// codeNames are ZooKeeper's names of the codes, as they appear behind
// "KeeperErrorCode = ".
var codeNames = map[zk.Code]string{
	zk.SystemError: "SystemError", zk.RuntimeInconsistency: "RuntimeInconsistency",
	zk.DataInconsistency: "DataInconsistency", zk.ConnectionLoss: "ConnectionLoss",
	zk.MarshallingError: "MarshallingError", zk.Unimplemented: "Unimplemented",
	zk.OperationTimeout: "OperationTimeout", zk.BadArguments: "BadArguments",
	zk.NewConfigNoQuorum: "NewConfigNoQuorum", zk.ReconfigInProgress: "ReconfigInProgress",
	zk.APIError: "APIError", zk.NoNode: "NoNode", zk.NoAuth: "NoAuth", zk.BadVersion: "BadVersion",
	zk.NoChildrenForEphemerals: "NoChildrenForEphemerals", zk.NodeExists: "NodeExists",
	zk.NotEmpty: "Directory not empty", zk.SessionExpired: "Session expired",
	zk.InvalidCallback: "Invalid callback", zk.InvalidACL: "InvalidACL", zk.AuthFailed: "AuthFailed",
	zk.SessionMoved: "Session moved", zk.NotReadOnly: "Not a read-only call",
	zk.EphemeralOnLocalSession: "Ephemeral node on local session", zk.NoWatcher: "No such watcher",
	zk.RequestTimeout: "Request timeout", zk.ReconfigDisabled: "Reconfig is disabled",
	zk.SessionClosedRequireAuth: "Session closed because client failed to authenticate",
	zk.QuotaExceeded:            "Quota has exceeded", zk.ThrottledOp: "Op throttled due to high load",
}

// messages are the codes that have a message of their own (cli.md 2); the path
// follows.
var messages = map[zk.Code]string{
	zk.NoNode:                  "Node does not exist: ",
	zk.NoChildrenForEphemerals: "Ephemerals cannot have children: ",
	zk.NodeExists:              "Node already exists: ",
	zk.NotEmpty:                "Node not empty: ",
	zk.NotReadOnly:             "Not a read-only call: ",
	zk.InvalidACL:              "Acl is not valid : ",
	zk.NoAuth:                  "Insufficient permission : ",
	zk.BadArguments:            "Arguments are not valid : ",
	zk.BadVersion:              "version No is not valid : ",
	zk.QuotaExceeded:           "Quota has exceeded : ",
}

const (
	reconfigInProgress = "Another reconfiguration is in progress -- concurrent reconfigs not supported (yet)"
	noQuorumOfConfig   = "No quorum of new config is connected and up-to-date with the leader of last commmitted config - try invoking reconfiguration after new servers are connected and synced"
)

// keeperText is the text of a refusal as an exception has it.
func keeperText(code zk.Code, path string) string {
	name, ok := codeNames[code]
	if !ok {
		name = fmt.Sprintf("Unknown error %d", int32(code))
	}
	if path == "" {
		return "KeeperErrorCode = " + name
	}
	return "KeeperErrorCode = " + name + " for " + path
}

// keeperErrorText is keeperText of an error of the client.
func keeperErrorText(err error) string {
	code, path, ok := refusal(err)
	if !ok {
		return err.Error()
	}
	return keeperText(code, path)
}

// refusal takes the code and the path out of an error of the client.
func refusal(err error) (code zk.Code, path string, ok bool) {
	var e *client.Error
	if errors.As(err, &e) {
		path = e.Path
	}
	ok = errors.As(err, &code)
	return code, path, ok
}

// message turns an error of the client into what the user sees.
func (s *shell) message(err error) error {
	if err == nil {
		return nil
	}
	code, path, ok := refusal(err)
	switch {
	case !ok:
		return failf("%v", err)
	case code == zk.NoAuth && s.o.compat34:
		return failf("Authentication is not valid : %s", path)
	case code == zk.ReconfigInProgress:
		return failf(reconfigInProgress)
	case code == zk.NewConfigNoQuorum:
		return failf(noQuorumOfConfig)
	}
	if text, ok := messages[code]; ok {
		return failf("%s%s", text, path)
	}
	return failf("%s", keeperText(code, path))
}

// checkPath validates a path in the client's words. Places count UTF-16 units,
// as Java does.
func checkPath(path string) error {
	units := utf16.Encode([]rune(path))
	switch n := len(units); {
	case n == 0:
		return failf("Path length must be > 0")
	case units[0] != '/':
		return failf("Path must start with / character")
	case n == 1:
		return nil
	case units[n-1] == '/':
		return failf("Path must not end with / character")
	}
	for i := 1; i < len(units); i++ {
		if reason := wrongAt(units, i); reason != "" {
			return failf("Invalid path string \"%s\" caused by %s @%d", path, reason, i)
		}
	}
	return nil
}

// checkSequential is checkPath for the path of a sequential node, which may end
// in a slash.
func checkSequential(path string) error { return checkPath(path + "1") }

// wrongAt says what is wrong with unit i of a path.
func wrongAt(units []uint16, i int) string {
	c, last := units[i], units[i-1]
	ends := i+1 == len(units) || units[i+1] == '/'
	switch {
	case c == 0:
		return "null character not allowed"
	case c == '/' && last == '/':
		return "empty node name specified"
	case c == '.' && last == '.' && units[max(i-2, 0)] == '/' && ends,
		c == '.' && last == '/' && ends:
		return "relative paths not allowed"
	case c <= 0x1f, c >= 0x7f && c <= 0x9f, c >= 0xd800 && c <= 0xf8ff, c >= 0xfff0:
		return "invalid character"
	}
	return ""
}

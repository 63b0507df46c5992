package zk

// A StatPersisted is a node's numbers as they are stored (disk.md 4.2). Times
// are milliseconds since 1970. Creates is stored under the name cversion: the
// number of children ever created.
type StatPersisted struct {
	Czxid   Zxid
	Mzxid   Zxid
	Ctime   int64
	Mtime   int64
	Version int32
	Creates int32
	// Aversion counts changes of the ACL.
	Aversion int32
	// Owner is a session for an ephemeral, else an encoding of the node's
	// kind (client-protocol.md 4.3).
	Owner Owner
	Pzxid Zxid
}

// Client derives the Stat that clients see (client-protocol.md 4.1); session is
// what Owner stands for, see Owners.
func (s StatPersisted) Client(session SessionID, dataLength, numChildren int) Stat {
	return Stat{
		Czxid:          s.Czxid,
		Mzxid:          s.Mzxid,
		Ctime:          s.Ctime,
		Mtime:          s.Mtime,
		Version:        s.Version,
		Cversion:       2*s.Creates - int32(numChildren),
		Aversion:       s.Aversion,
		EphemeralOwner: session,
		DataLength:     int32(dataLength),
		NumChildren:    int32(numChildren),
		Pzxid:          s.Pzxid,
	}
}

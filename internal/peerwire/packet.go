// Package peerwire is the wire between servers: quorum packets with what they
// carry (quorum.md section 4), and the messages of the election port (sections
// 2 and 3).
package peerwire

import (
	"ostler/internal/zk"
)

// A PacketType is the type of a quorum packet (quorum.md 4.2).
type PacketType int32

// The packet types.
const (
	Request           PacketType = 1
	Proposal          PacketType = 2
	Ack               PacketType = 3
	Commit            PacketType = 4
	Ping              PacketType = 5
	Revalidate        PacketType = 6
	Sync              PacketType = 7
	Inform            PacketType = 8
	CommitAndActivate PacketType = 9
	NewLeader         PacketType = 10
	FollowerInfo      PacketType = 11
	UpToDate          PacketType = 12
	Diff              PacketType = 13
	Trunc             PacketType = 14
	Snap              PacketType = 15
	ObserverInfo      PacketType = 16
	LeaderInfo        PacketType = 17
	AckEpoch          PacketType = 18
	InformAndActivate PacketType = 19

	// HandOver is Ostler's own, and sent only to learners that said that they know it:
	// the server whose id is in Data leads from now on.
	HandOver PacketType = 0x4f53_0001
)

// A Packet is one message on a quorum link (quorum.md 4.1). There is no outer
// length; a SNAP packet is followed by the stream of section 4.7.
type Packet struct {
	Type     PacketType
	Zxid     zk.Zxid
	Data     []byte  // nil is null, which differs from empty
	AuthInfo []zk.ID // nil is null; only in REQUEST
}

// ProtocolVersion is the learner protocol that Ostler speaks (quorum.md 4.2).
const ProtocolVersion int32 = 0x10000

// A LearnerInfo is the data of FOLLOWERINFO and OBSERVERINFO (quorum.md 4.2).
type LearnerInfo struct {
	ServerID      zk.ServerID
	Protocol      int32
	ConfigVersion int64
}

// A SessionTouch says that a session gave a sign of life.
type SessionTouch struct {
	Session zk.SessionID
	Timeout int32 // ms, negotiated on the session's connection
}

// A ForwardedRequest is the data of a REQUEST packet (quorum.md 4.15).
type ForwardedRequest struct {
	Session zk.SessionID
	Cxid    int32
	Op      zk.OpCode
	Body    []byte // the request record as the client sent it
}

// A ServerState is a server's state in a notification (quorum.md 1.1).
type ServerState int32

// The server states.
const (
	Looking   ServerState = 0
	Following ServerState = 1
	Leading   ServerState = 2
	Observing ServerState = 3
)

// A Notification is a message of the election (quorum.md 3.2).
type Notification struct {
	State         ServerState
	Leader        zk.ServerID
	Zxid          zk.Zxid
	ElectionEpoch int64 // the round, "logical clock"
	PeerEpoch     zk.Epoch
	Version       int32  // 0, 1 or 2; 2 carries Config
	Config        []byte // configuration text, empty if none
}

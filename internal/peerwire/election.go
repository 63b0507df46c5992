package peerwire

import (
	"encoding/binary"
	"fmt"
	"strings"

	"ostler/internal/jute"
	"ostler/internal/zk"
)

// The lengths of the layouts of a notification (quorum.md 3.2).
const (
	notificationEpochless   = 28 // before 3.4: the epoch is that of the zxid
	notificationVersionless = 40 // 3.4.6 to 3.4.14: its version is not believed
)

// NotificationVersion is the version of the notifications that Ostler sends.
const NotificationVersion int32 = 2

// Append appends n to dst as a frame: length, then the layout of version 2.
func (n *Notification) Append(dst []byte) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = jute.AppendInt32(dst, int32(n.State))
	dst = jute.AppendInt64(dst, int64(n.Leader))
	dst = jute.AppendInt64(dst, int64(n.Zxid))
	dst = jute.AppendInt64(dst, n.ElectionEpoch)
	dst = jute.AppendInt64(dst, int64(n.PeerEpoch))
	dst = jute.AppendInt32(dst, NotificationVersion)
	dst = jute.AppendInt32(dst, int32(len(n.Config)))
	dst = append(dst, n.Config...)
	binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}

// DecodeNotification reads the body of a notification, in any of its layouts
// (quorum.md 3.2). Config is a copy.
func DecodeNotification(body []byte) (Notification, error) {
	r := jute.NewReaderLimit(body, len(body))
	n := Notification{
		State:         ServerState(r.Int32()),
		Leader:        zk.ServerID(r.Int64()),
		Zxid:          zk.Zxid(r.Int64()),
		ElectionEpoch: r.Int64(),
	}
	switch len(body) {
	case notificationEpochless:
		n.PeerEpoch = n.Zxid.Epoch()
	case notificationVersionless:
		n.PeerEpoch = zk.Epoch(r.Int64())
	default:
		n.PeerEpoch = zk.Epoch(r.Int64())
		n.Version = r.Int32()
		if n.Version > 1 {
			n.Config = r.BufferCopy()
		}
	}
	if err := r.Err(); err != nil {
		return Notification{}, fmt.Errorf("notification of %d bytes: %w", len(body), err)
	}
	if n.State < Looking || n.State > Observing {
		return Notification{}, fmt.Errorf("notification with state %d", n.State)
	}
	if n.Version > 1 && n.Config == nil {
		return Notification{}, fmt.Errorf("notification with a null configuration")
	}
	return n, nil
}

const (
	initialV1   int64 = -65536 // one address
	initialV2   int64 = -65535 // several
	initialMin        = 8      // a legacy message is the id alone
	initialHead       = 8 + 8 + 4
	// InitialMax is the longest list of addresses an initial message may
	// carry (quorum.md 2.3).
	InitialMax = 2048
)

// An InitialMessage is what a server that dials an election port says first
// (quorum.md 2.3): who it is and where it listens.
type InitialMessage struct {
	Server zk.ServerID
	Addrs  []string // host:port; none in the legacy form
}

// Append appends m to dst: with one address in the form that every server
// since 3.5 reads, with several in the newer one.
func (m InitialMessage) Append(dst []byte) []byte {
	version := initialV1
	if len(m.Addrs) > 1 {
		version = initialV2
	}
	dst = jute.AppendInt64(dst, version)
	dst = jute.AppendInt64(dst, int64(m.Server))
	return jute.AppendString(dst, strings.Join(m.Addrs, "|"))
}

// DecodeInitialMessage takes an initial message, in any of its forms, from the
// front of b: n is the number of bytes it takes, 0 when more must arrive
// first.
func DecodeInitialMessage(b []byte) (m InitialMessage, n int, err error) {
	if len(b) < initialMin {
		return InitialMessage{}, 0, nil
	}
	version := int64(binary.BigEndian.Uint64(b))
	switch {
	case version >= 0:
		return InitialMessage{Server: zk.ServerID(version)}, initialMin, nil
	case version != initialV1 && version != initialV2:
		return InitialMessage{}, 0, fmt.Errorf("initial message of unknown version %d", version)
	}
	if len(b) < initialHead {
		return InitialMessage{}, 0, nil
	}
	size := int32(binary.BigEndian.Uint32(b[16:]))
	if size <= 0 || size > InitialMax {
		return InitialMessage{}, 0, fmt.Errorf("initial message with an address of %d bytes", size)
	}
	n = initialHead + int(size)
	if len(b) < n {
		return InitialMessage{}, 0, nil
	}
	m.Server = zk.ServerID(binary.BigEndian.Uint64(b[8:]))
	if addrs := string(b[initialHead:n]); version == initialV2 {
		m.Addrs = strings.Split(addrs, "|")
	} else {
		m.Addrs = []string{addrs}
	}
	return m, n, nil
}

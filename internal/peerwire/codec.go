package peerwire

import (
	"errors"
	"fmt"
	"slices"

	"ostler/internal/jute"
	"ostler/internal/zk"
)

// ErrPacketSize says that a packet is larger than its reader allows.
var ErrPacketSize = errors.New("packet too large")

// packetMin is the length of a packet with neither data nor identities.
const packetMin = 4 + 8 + 4 + 4

// Append appends p to dst.
func (p *Packet) Append(dst []byte) []byte {
	if p.AuthInfo == nil {
		dst = slices.Grow(dst, packetMin+len(p.Data))
	}
	dst = jute.AppendInt32(dst, int32(p.Type))
	dst = jute.AppendInt64(dst, int64(p.Zxid))
	dst = jute.AppendBuffer(dst, p.Data)
	return jute.AppendIDs(dst, p.AuthInfo)
}

// DecodePacket takes one packet from the front of b, which holds whatever has
// arrived: n is the number of bytes it takes, 0 when more must arrive first.
// Data is a copy. Neither data nor the packet as a whole may be longer than
// limit: a peer that announces more is refused at once.
func DecodePacket(b []byte, limit int) (p Packet, n int, err error) {
	n, err = packetLen(b, limit)
	if err != nil || n == 0 {
		return Packet{}, 0, err
	}
	r := jute.NewReaderLimit(b[:n], limit)
	p = Packet{
		Type:     PacketType(r.Int32()),
		Zxid:     zk.Zxid(r.Int64()),
		Data:     r.BufferCopy(),
		AuthInfo: r.IDs(),
	}
	if err := r.Err(); err != nil {
		return Packet{}, 0, fmt.Errorf("quorum packet of type %d: %w", p.Type, err)
	}
	return p, n, nil
}

// packetLen measures the packet at the front of b without building it, so
// that a large one that arrives in pieces is not decoded again for each: 0
// when b ends too early.
func packetLen(b []byte, limit int) (int, error) {
	m := meter{b: b, limit: limit}
	m.skip(4 + 8)
	m.text()
	for range m.count() {
		m.text() // scheme
		m.text() // id
		if m.short || m.err != nil {
			break
		}
	}
	switch {
	case m.err != nil:
		return 0, m.err
	case m.short:
		return 0, nil
	}
	return m.at, nil
}

// A meter walks over encoded fields. It stops at the end of its input, which
// is not an error, or at a length that cannot be.
type meter struct {
	b     []byte
	at    int
	limit int
	short bool
	err   error
}

func (m *meter) skip(n int) {
	if m.short || m.err != nil {
		return
	}
	if m.at+n > m.limit+packetMin {
		m.err = fmt.Errorf("%w: %d bytes and more, limit %d", ErrPacketSize, m.at+n, m.limit)
		return
	}
	if m.at+n > len(m.b) {
		m.short = true
		return
	}
	m.at += n
}

func (m *meter) length() int {
	at := m.at
	m.skip(4)
	if m.short || m.err != nil {
		return 0
	}
	r := jute.NewReader(m.b[at:m.at])
	return int(r.Int32())
}

// text walks over a string or a buffer.
func (m *meter) text() {
	n := m.length()
	switch {
	case n < -1:
		m.err = fmt.Errorf("quorum packet: length %d", n)
	case n > m.limit:
		m.err = fmt.Errorf("%w: %d bytes, limit %d", ErrPacketSize, n, m.limit)
	}
	m.skip(max(n, 0))
}

func (m *meter) count() int { return max(m.length(), 0) }

// learnerInfoLen is the length of a complete LearnerInfo.
const learnerInfoLen = 8 + 4 + 8

// Append appends i to dst.
func (i LearnerInfo) Append(dst []byte) []byte {
	dst = jute.AppendInt64(dst, int64(i.ServerID))
	dst = jute.AppendInt32(dst, i.Protocol)
	return jute.AppendInt64(dst, i.ConfigVersion)
}

// DecodeLearnerInfo reads the data of FOLLOWERINFO or OBSERVERINFO: 8 bytes,
// 12, or 20 and more (quorum.md 4.2). What is not there stays zero.
func DecodeLearnerInfo(b []byte) (LearnerInfo, error) {
	switch n := len(b); {
	case n < 8, n > 8 && n < 12, n > 12 && n < learnerInfoLen:
		return LearnerInfo{}, fmt.Errorf("learner info of %d bytes", n)
	}
	r := jute.NewReader(b)
	i := LearnerInfo{ServerID: zk.ServerID(r.Int64())}
	if r.Len() >= 4 {
		i.Protocol = r.Int32()
	}
	if r.Len() >= 8 {
		i.ConfigVersion = r.Int64()
	}
	return i, r.Err()
}

// Append appends f to dst.
func (f *ForwardedRequest) Append(dst []byte) []byte {
	dst = jute.AppendInt64(dst, int64(f.Session))
	dst = jute.AppendInt32(dst, f.Cxid)
	dst = jute.AppendInt32(dst, int32(f.Op))
	return append(dst, f.Body...)
}

// DecodeForwardedRequest reads the data of a REQUEST. Body aliases b.
func DecodeForwardedRequest(b []byte) (ForwardedRequest, error) {
	r := jute.NewReader(b)
	f := ForwardedRequest{
		Session: zk.SessionID(r.Int64()),
		Cxid:    r.Int32(),
		Op:      zk.OpCode(r.Int32()),
		Body:    r.Rest(),
	}
	return f, wrap("forwarded request", r.Err())
}

// touchLen is the length of one SessionTouch.
const touchLen = 8 + 4

// AppendTouches appends the data of a PING reply (quorum.md 4.13).
func AppendTouches(dst []byte, touches []SessionTouch) []byte {
	for _, t := range touches {
		dst = AppendRevalidate(dst, t.Session, t.Timeout)
	}
	return dst
}

// DecodeTouches reads the data of a PING reply.
func DecodeTouches(b []byte) ([]SessionTouch, error) {
	if len(b)%touchLen != 0 {
		return nil, fmt.Errorf("touched sessions of %d bytes", len(b))
	}
	touches := make([]SessionTouch, 0, len(b)/touchLen)
	for r := jute.NewReader(b); r.Len() > 0; {
		touches = append(touches, SessionTouch{Session: zk.SessionID(r.Int64()), Timeout: r.Int32()})
	}
	return touches, nil
}

// AppendRevalidate appends the data of a learner's REVALIDATE; timeout is in
// ms.
func AppendRevalidate(dst []byte, session zk.SessionID, timeout int32) []byte {
	dst = jute.AppendInt64(dst, int64(session))
	return jute.AppendInt32(dst, timeout)
}

// DecodeRevalidate reads the data of a learner's REVALIDATE.
func DecodeRevalidate(b []byte) (session zk.SessionID, timeout int32, err error) {
	r := jute.NewReader(b)
	session, timeout = zk.SessionID(r.Int64()), r.Int32()
	return session, timeout, wrap("revalidate", r.Err())
}

// AppendRevalidated appends the data of a leader's REVALIDATE.
func AppendRevalidated(dst []byte, session zk.SessionID, valid bool) []byte {
	dst = jute.AppendInt64(dst, int64(session))
	return jute.AppendBool(dst, valid)
}

// DecodeRevalidated reads the data of a leader's REVALIDATE.
func DecodeRevalidated(b []byte) (session zk.SessionID, valid bool, err error) {
	r := jute.NewReader(b)
	session, valid = zk.SessionID(r.Int64()), r.Bool()
	return session, valid, wrap("revalidated", r.Err())
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

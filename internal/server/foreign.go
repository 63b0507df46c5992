package server

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"ostler/internal/wire"
)

// A foreign protocol is one that was sent to the client port by mistake.
type foreign uint8

const (
	notForeign foreign = iota
	foreignTLS
	foreignHTTP
)

// tlsHandshake is how a TLS connection begins: record type and major version.
const tlsHandshake = 0x16_03

// httpMethods are the first bytes of HTTP requests, and of the preface of HTTP/2.
var httpMethods = map[[wire.FrameHeaderLen]byte]bool{
	{'G', 'E', 'T', ' '}: true,
	{'H', 'E', 'A', 'D'}: true,
	{'P', 'O', 'S', 'T'}: true,
	{'P', 'U', 'T', ' '}: true,
	{'D', 'E', 'L', 'E'}: true,
	{'C', 'O', 'N', 'N'}: true,
	{'O', 'P', 'T', 'I'}: true,
	{'T', 'R', 'A', 'C'}: true,
	{'P', 'A', 'T', 'C'}: true,
	{'P', 'R', 'I', ' '}: true,
}

// foreignOf looks at the first four bytes of a connection. What can be the length
// of a frame is one: no client is turned away for its length.
func foreignOf(first [wire.FrameHeaderLen]byte, maxFrame int) foreign {
	size := int32(binary.BigEndian.Uint32(first[:]))
	switch {
	case size >= 0 && int(size) <= maxFrame:
		return notForeign
	case binary.BigEndian.Uint16(first[:]) == tlsHandshake:
		return foreignTLS
	case httpMethods[first]:
		return foreignHTTP
	}
	return notForeign
}

// tlsAlert is a fatal alert, unexpected_message, in the record of TLS 1.0 that
// every client reads (RFC 8446 section 6).
var tlsAlert = []byte{21, 3, 1, 0, 2, 2, 10}

const (
	adviceTLS = "This is the plain client port of a ZooKeeper server. TLS needs the port of secureClientPort; " +
		"without one, connect without TLS."
	adviceHTTP = "This is the client port of a ZooKeeper server, which does not speak HTTP. Use a ZooKeeper client here; " +
		"HTTP is on the port of the admin server (admin.serverPort)."
)

// httpAnswer is sent to HTTP clients.
var httpAnswer = fmt.Appendf(nil, "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"+
	"Content-Length: %d\r\nConnection: close\r\n\r\n%s\n", len(adviceHTTP)+1, adviceHTTP)

// httpHead is how much of an HTTP request is waited for.
const httpHead = 8 << 10

// errForeign ends a connection that sends another protocol.
var errForeign = errors.New("not a ZooKeeper client")

// turnAway ends a connection of another protocol with an answer that its client
// understands. The caller holds mu.
//
// HTTP clients name the host they ask; "GET / HTTP/1.0" with nothing behind it is a
// probe by hand, and is closed without a byte as ZooKeeper does.
func (c *conn) turnAway(kind foreign, b []byte) (int, error) {
	what, advice, answer := "TLS", adviceTLS, tlsAlert
	if kind == foreignHTTP {
		what, advice, answer = "HTTP", adviceHTTP, httpAnswer
		head, _, whole := bytes.Cut(b, []byte("\r\n\r\n"))
		switch {
		case hasHost(head) || bytes.HasPrefix(b, []byte("PRI ")):
		case whole || len(b) >= httpHead:
			answer = nil
		default:
			return 0, nil // the head goes on
		}
	}
	c.server.warn(&c.server.rare.foreign, what+" on the client port: "+advice, "addr", c.remote)
	if answer == nil {
		return 0, errForeign
	}
	if err := c.stream.SendShared(answer); err != nil {
		return 0, err
	}
	c.finish()
	return len(b), nil
}

// hasHost reports whether the head of an HTTP request has the header Host.
func hasHost(head []byte) bool {
	for line := range bytes.Lines(head) {
		if len(line) >= len("host:") && bytes.EqualFold(line[:len("host:")], []byte("host:")) {
			return true
		}
	}
	return false
}

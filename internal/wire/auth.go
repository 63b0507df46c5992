package wire

import "ostler/internal/jute"

// An AuthRequest is the body of auth (client-protocol.md 7.5).
type AuthRequest struct {
	Type   int32 // ignored by servers
	Scheme string
	Auth   []byte // nil is null
}

// Append appends a to dst.
func (a AuthRequest) Append(dst []byte) []byte {
	dst = jute.AppendInt32(dst, a.Type)
	dst = jute.AppendString(dst, a.Scheme)
	return jute.AppendBuffer(dst, a.Auth)
}

// Decode sets a from the front of b.
func (a *AuthRequest) Decode(b []byte) error {
	r := reader(b)
	*a = AuthRequest{Type: r.Int32(), Scheme: jute.Text(r.String()), Auth: r.Buffer()}
	return r.Err()
}

// A SASLToken is the body of sasl and of its reply (7.7).
type SASLToken struct {
	Token []byte // nil is null
}

// Append appends s to dst.
func (s SASLToken) Append(dst []byte) []byte { return jute.AppendBuffer(dst, s.Token) }

// Decode sets s from the front of b.
func (s *SASLToken) Decode(b []byte) error {
	r := reader(b)
	s.Token = r.Buffer()
	return r.Err()
}

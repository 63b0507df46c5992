package auth

import (
	"errors"
	"net/netip"

	"ostler/internal/zk"
)

// A loginRequest is what a scheme gets to see of an auth packet.
type loginRequest struct {
	data   []byte // nil is null
	remote netip.Addr
}

// Authenticate turns the credentials of an auth packet into identities to add
// to the connection (client-protocol.md 7.5). Data is nil for null. The error is
// zk.AuthFailed: answer it and close, or ErrForeign: close without an answer.
func (a *Auth) Authenticate(scheme string, data []byte, remote netip.Addr) ([]zk.ID, error) {
	s, ok := a.schemes[scheme]
	if !ok {
		return nil, zk.AuthFailed
	}
	return s.login(loginRequest{data: data, remote: remote})
}

// ErrForeign says that a client means another ensemble. It is not answered, so
// that the client tries its next server.
var ErrForeign = errors.New("the client means another ensemble")

package auth

import "ostler/internal/zk"

// An x509Scheme knows clients by the subject of their certificate
// (client-protocol.md 7.6).
type x509Scheme struct{ super string }

// login refuses: the way in is the TLS handshake, not the auth packet.
func (x509Scheme) login(loginRequest) ([]zk.ID, error) { return nil, zk.AuthFailed }

func (x509Scheme) validID(expr string) bool { return validX500(expr) }

func (x x509Scheme) matches(id, expr string) bool {
	return id == expr || x.super != "" && id == x.super
}

func (x509Scheme) authenticated() bool   { return true }
func (x509Scheme) user(id string) string { return id }

// Certificate returns the identities of a client whose certificate has been
// verified. Subject is its name in the form of RFC 2253, such as
// "CN=client,OU=x,O=y". The error is zk.AuthFailed: the scheme is not registered.
func (a *Auth) Certificate(subject string) ([]zk.ID, error) {
	if !a.Registered(schemeX509) {
		return nil, zk.AuthFailed
	}
	ids := []zk.ID{{Scheme: schemeX509, ID: subject}}
	if a.x509 != "" && subject == a.x509 {
		ids = append(ids, zk.ID{Scheme: schemeSuper, ID: subject})
	}
	return ids, nil
}

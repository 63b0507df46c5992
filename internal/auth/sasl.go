package auth

import (
	"fmt"
	"slices"
	"strings"

	"ostler/internal/jute"
	"ostler/internal/zk"
)

// SASLOptions say who a client is that has logged in by SASL
// (client-protocol.md 7.7).
type SASLOptions struct {
	Supers  []string // authorization ids that are super
	AnyUser string   // an entry for it means every SASL user; "" for none

	DefaultRealm string // service@DefaultRealm has the short name service
	RemoveHost   bool   // authorization ids have no host
	RemoveRealm  bool   // and no realm
}

// saslAll is the SASL user that every entry of the scheme means.
const saslAll = "super"

// A saslScheme knows those who have logged in by SASL (client-protocol.md 7.6).
type saslScheme struct{ anyUser string }

// login refuses: the way in is the exchange, not the auth packet.
func (saslScheme) login(loginRequest) ([]zk.ID, error) { return nil, zk.AuthFailed }

func (saslScheme) validID(expr string) bool {
	_, err := parsePrincipal(expr)
	return err == nil
}

func (s saslScheme) matches(id, expr string) bool {
	return id == saslAll || id == expr || s.anyUser != "" && expr == s.anyUser
}

func (saslScheme) authenticated() bool   { return true }
func (saslScheme) user(id string) string { return id }

// SASL returns the identities of a client that has proved to be user. They are
// those of its authorization id: the name with the host and realm that are not to
// be removed. A name that no rule shortens stays as it is; what the client itself
// would like to be called does not count. An error says that user is no name.
func (a *Auth) SASL(user string) ([]zk.ID, error) {
	p, err := parsePrincipal(user)
	if err != nil {
		return nil, err
	}
	name := user
	if !p.hasRealm || p.realm == a.sasl.DefaultRealm {
		name = p.shorten(a.sasl.RemoveHost, a.sasl.RemoveRealm)
	}
	ids := []zk.ID{{Scheme: schemeSASL, ID: jute.Text(name)}}
	if slices.Contains(a.sasl.Supers, name) {
		ids = append(ids, Super)
	}
	return ids, nil
}

// A principal is a Kerberos name: a plain name, or service[/host]@realm.
type principal struct {
	service, host, realm string
	hasHost, hasRealm    bool
}

// parsePrincipal takes every name without "@" as a plain one.
func parsePrincipal(name string) (principal, error) {
	rest, realm, hasRealm := strings.Cut(name, "@")
	if !hasRealm {
		return principal{service: name}, nil
	}
	service, host, hasHost := strings.Cut(rest, "/")
	if strings.ContainsAny(realm, "/@") || strings.Contains(host, "/") {
		return principal{}, fmt.Errorf("%q is not service/host@realm", name)
	}
	return principal{service, host, realm, hasHost, hasRealm}, nil
}

func (p principal) shorten(removeHost, removeRealm bool) string {
	name := p.service
	if p.hasHost && !removeHost {
		name += "/" + p.host
	}
	if p.hasRealm && !removeRealm {
		name += "@" + p.realm
	}
	return name
}

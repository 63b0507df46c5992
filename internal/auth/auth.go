// Package auth decides who may do what to a node: it turns credentials into
// identities, makes a client's access list fit to be stored, and checks lists
// against the identities of a connection (client-protocol.md section 7).
//
// An Auth is fixed once made and may be used from any goroutine.
package auth

import (
	"slices"
	"strings"

	"ostler/internal/jute"
	"ostler/internal/zk"
)

// Options are the settings that access control depends on.
type Options struct {
	SuperDigest   string // "super:<hash>"; who logs in with it is super. "" for none
	Alg           string // the hash of scheme digest; "" means SHA-1. See ValidAlg
	SkipACL       bool   // every check passes
	DigestEnabled bool   // scheme digest is registered

	Providers []string    // further schemes to register, as ProviderScheme names them
	Required  []string    // who is nobody in these schemes is turned away; nil: all may come. See Admits
	Ensembles []string    // names that scheme ensemble accepts; nil: any
	X509Super string      // the subject that is super; "" for none
	SASL      SASLOptions // of scheme sasl
}

// An Auth holds the registered schemes.
type Auth struct {
	skipACL  bool
	required []string
	schemes  map[string]scheme // never changed after New
	x509     string            // the super user's subject
	sasl     SASLOptions
}

// A scheme is one way to be somebody.
type scheme interface {
	// login turns the data of an auth packet into identities.
	login(r loginRequest) ([]zk.ID, error)
	// validID reports whether expr may stand in an access list.
	validID(expr string) bool
	// matches reports whether the identity id is meant by expr.
	matches(id, expr string) bool
	// authenticated reports whether an identity is proof of who someone is, so
	// that scheme auth stands for it.
	authenticated() bool
	// user names an identity for people.
	user(id string) string
}

// New returns an Auth with the scheme ip, digest if enabled, and those of the
// further providers. World, auth and super are part of the rules and need no
// registration. An algorithm that ValidAlg refuses leaves digest unregistered:
// nobody can log in by it.
func New(o Options) *Auth {
	a := &Auth{
		skipACL: o.SkipACL, required: o.Required, x509: o.X509Super, sasl: o.SASL,
		schemes: map[string]scheme{schemeIP: ipScheme{}},
	}
	if o.DigestEnabled {
		a.register(schemeDigest, &o)
	}
	for _, name := range o.Providers {
		a.register(name, &o)
	}
	return a
}

func (a *Auth) register(name string, o *Options) {
	switch name {
	case schemeDigest:
		if newHash := hashes[hashName(o.Alg)]; newHash != nil {
			a.schemes[name] = &digestScheme{newHash: newHash, super: o.SuperDigest}
		}
	case schemeX509:
		a.schemes[name] = x509Scheme{super: o.X509Super}
	case schemeSASL:
		a.schemes[name] = saslScheme{anyUser: o.SASL.AnyUser}
	case schemeEnsemble:
		a.schemes[name] = ensembleScheme{names: o.Ensembles}
	}
}

// Registered reports whether scheme has a provider.
func (a *Auth) Registered(scheme string) bool {
	_, ok := a.schemes[scheme]
	return ok
}

// The schemes that the rules themselves know, besides world.
const (
	schemeAuth  = "auth"
	schemeSuper = "super"
)

// The schemes that have a provider.
const (
	schemeIP       = "ip"
	schemeDigest   = "digest"
	schemeX509     = "x509"
	schemeSASL     = "sasl"
	schemeEnsemble = "ensemble"
)

// Super is the identity that passes every check.
var Super = zk.ID{Scheme: schemeSuper}

// Check reports whether a connection with the identities ids has one of the
// permissions in want under acl (client-protocol.md 7.2). It does not allocate.
func (a *Auth) Check(acl []zk.ACL, want zk.Perm, ids []zk.ID) bool {
	if a.skipACL || len(acl) == 0 || isSuper(ids) {
		return true
	}
	for i := range acl {
		if acl[i].Perms&want != 0 && a.meets(&acl[i].ID, ids) {
			return true
		}
	}
	return false
}

func isSuper(ids []zk.ID) bool {
	for i := range ids {
		if ids[i].Scheme == schemeSuper {
			return true
		}
	}
	return false
}

// meets reports whether expr means one of ids.
func (a *Auth) meets(expr *zk.ID, ids []zk.ID) bool {
	if *expr == zk.WorldAnyone {
		return true
	}
	s, ok := a.schemes[expr.Scheme]
	if !ok {
		return false
	}
	for i := range ids {
		if ids[i].Scheme == expr.Scheme && s.matches(ids[i].ID, expr.ID) {
			return true
		}
	}
	return false
}

// expandedMax is the largest number of entries that scheme auth may lead to: more
// than fit into what every server can read, at 12 bytes each (disk.md R-9).
const expandedMax = jute.MaxDefault / 12

// FixACL returns the list to store for one that a client sent: duplicates
// dropped, scheme auth replaced by the identities ids that prove who the client
// is (client-protocol.md 7.3). The error is zk.InvalidACL, also for a list that
// scheme auth makes too long to be stored. Acl is not changed.
func (a *Auth) FixACL(acl []zk.ACL, ids []zk.ID) ([]zk.ACL, error) {
	if len(acl) == 0 {
		return nil, zk.InvalidACL
	}
	fixed := make([]zk.ACL, 0, len(acl))
	var earlier duplicates
	for i, entry := range acl {
		if earlier.has(acl[:i], entry) {
			continue
		}
		if entry.ID.Scheme == schemeAuth {
			expanded := a.expand(fixed, entry.Perms, ids)
			if len(expanded) == len(fixed) || len(expanded) > expandedMax {
				return nil, zk.InvalidACL
			}
			fixed = expanded
			continue
		}
		if !a.storable(entry.ID) {
			return nil, zk.InvalidACL
		}
		fixed = append(fixed, entry)
	}
	return fixed, nil
}

// fewEntries is up to where comparing with all earlier entries is cheaper than
// a set of them. A frame holds some ten thousand: one client must not keep the
// leader busy for seconds (INV-L4).
const fewEntries = 16

// duplicates finds entries that came before.
type duplicates struct{ seen map[zk.ACL]struct{} }

// has reports whether entry is among those before it. It must be asked about each
// entry of a list in turn.
func (d *duplicates) has(before []zk.ACL, entry zk.ACL) bool {
	if len(before) < fewEntries {
		return slices.Contains(before, entry)
	}
	if d.seen == nil {
		d.seen = make(map[zk.ACL]struct{}, 2*fewEntries)
		for _, e := range before {
			d.seen[e] = struct{}{}
		}
	}
	_, ok := d.seen[entry]
	d.seen[entry] = struct{}{}
	return ok
}

// expand appends an entry for each of ids that scheme auth stands for.
func (a *Auth) expand(dst []zk.ACL, perms zk.Perm, ids []zk.ID) []zk.ACL {
	for _, id := range ids {
		if s, ok := a.schemes[id.Scheme]; ok && s.authenticated() {
			dst = append(dst, zk.ACL{Perms: perms, ID: id})
		}
	}
	return dst
}

// storable reports whether an entry for id may be stored as it is.
func (a *Auth) storable(id zk.ID) bool {
	if id == zk.WorldAnyone {
		return true
	}
	s, ok := a.schemes[id.Scheme]
	return ok && s.validID(id.ID)
}

// User returns the name that whoAmI shows for an identity: "" when its scheme
// is not registered (client-protocol.md 5.13).
func (a *Auth) User(id zk.ID) string {
	if s, ok := a.schemes[id.Scheme]; ok {
		return s.user(id.ID)
	}
	return ""
}

// Redact returns acl with the secrets of scheme digest hidden, for clients
// without ADMIN (client-protocol.md 5.6). Acl itself is not changed.
func Redact(acl []zk.ACL) []zk.ACL {
	hidden := slices.Clone(acl)
	for i := range hidden {
		if id := &hidden[i].ID; id.Scheme == schemeDigest {
			if user, _, ok := strings.Cut(id.ID, ":"); ok {
				id.ID = user + ":x"
			}
		}
	}
	return hidden
}

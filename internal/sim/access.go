package sim

import (
	"net/netip"
	"slices"
	"strings"

	"ostler/internal/zk"
)

// A login is what a client can show, and the identity that it then has.
type login struct {
	secret string
	ids    []zk.ID
}

// superDigest is the setting that makes super:test the super user.
const superDigest = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="

// The people of the workload (client-protocol.md 7.6).
var (
	alice = login{"alice:pw", []zk.ID{{Scheme: "digest", ID: "alice:V55/p2T0OpjQ+low3NVAH4aLvm0="}}}
	bob   = login{"bob:pw", []zk.ID{{Scheme: "digest", ID: "bob:ikIaKsbtGweaHnb/jKn7OHqbunM="}}}
	super = login{"super:test", []zk.ID{{Scheme: "super"}, {Scheme: "digest", ID: superDigest}}}
)

// lists are what nodes of the workload are protected by; the last few are refused.
var lists = [][]zk.ACL{
	zk.OpenACL(),
	zk.OpenACL(),
	zk.OpenACL(),
	zk.OpenACL(),
	zk.OpenACL(),
	{allow(zk.PermAll, "auth", "")},
	{allow(zk.PermRead, "world", "anyone"), allow(zk.PermAll, "digest", alice.ids[0].ID), allow(zk.PermRead, "world", "anyone")},
	{allow(zk.PermWrite|zk.PermCreate|zk.PermDelete, "world", "anyone"), allow(zk.PermRead|zk.PermAdmin, "digest", bob.ids[0].ID)},
	{allow(zk.PermAll&^zk.PermWrite, "world", "anyone"), allow(zk.PermWrite, "auth", "ignored")},
	{allow(zk.PermAll&^zk.PermDelete, "ip", "10.0.0.0/24")},
	{allow(zk.PermAll, "ip", "192.0.2.1"), allow(zk.PermAll&^zk.PermCreate, "digest", bob.ids[0].ID), allow(zk.PermAdmin, "world", "anyone")},
	{},
	{allow(zk.PermAll, "world", "nobody")},
	{allow(zk.PermAll, "digest", "nocolon")},
	{allow(zk.PermAll, "foo", "bar")},
}

func allow(perms zk.Perm, scheme, id string) zk.ACL {
	return zk.ACL{Perms: perms, ID: zk.ID{Scheme: scheme, ID: id}}
}

// may is the check of client-protocol.md 7.2, as it is written there.
func may(acl []zk.ACL, want zk.Perm, ids []zk.ID) bool {
	if isSuper(ids) {
		return true
	}
	for _, e := range acl {
		if e.Perms&want == 0 {
			continue
		}
		if e.ID == zk.WorldAnyone || slices.ContainsFunc(ids, func(id zk.ID) bool { return isMeant(e.ID, id) }) {
			return true
		}
	}
	return false
}

func isSuper(ids []zk.ID) bool {
	return slices.ContainsFunc(ids, func(id zk.ID) bool { return id.Scheme == "super" })
}

func isMeant(expr, id zk.ID) bool {
	if expr.Scheme != id.Scheme {
		return false
	}
	if expr.Scheme == "ip" {
		if net, err := netip.ParsePrefix(expr.ID); err == nil {
			return net.Contains(netip.MustParseAddr(id.ID))
		}
	}
	return expr.ID == id.ID
}

// fixed is a list as it is stored (7.3), or false if it is refused.
func fixed(acl []zk.ACL, ids []zk.ID) ([]zk.ACL, bool) {
	var stored []zk.ACL
	for i, e := range acl {
		if slices.Contains(acl[:i], e) {
			continue
		}
		switch e.ID.Scheme {
		case "auth":
			before := len(stored)
			for _, id := range ids {
				if id.Scheme == "digest" {
					stored = append(stored, zk.ACL{Perms: e.Perms, ID: id})
				}
			}
			if len(stored) == before {
				return nil, false
			}
			continue
		case "world":
			if e.ID.ID != "anyone" {
				return nil, false
			}
		case "digest":
			if !strings.Contains(e.ID.ID, ":") {
				return nil, false
			}
		case "ip": // those of the workload are well formed
		default:
			return nil, false
		}
		stored = append(stored, e)
	}
	return stored, len(stored) > 0
}

// shown is a list as getACL gives it (5.6), or false if it is not shown.
func shown(acl []zk.ACL, ids []zk.ID) ([]zk.ACL, bool) {
	if may(acl, zk.PermAdmin, ids) {
		return acl, true
	}
	masked := slices.Clone(acl)
	for i, e := range masked {
		if user, _, ok := strings.Cut(e.ID.ID, ":"); ok && e.ID.Scheme == "digest" {
			masked[i].ID.ID = user + ":x"
		}
	}
	return masked, may(acl, zk.PermRead, ids)
}

// userOf is what whoAmI calls an identity (5.13).
func userOf(id zk.ID) zk.ID {
	switch id.Scheme {
	case "super":
		id.ID = ""
	case "digest":
		id.ID, _, _ = strings.Cut(id.ID, ":")
	}
	return id
}

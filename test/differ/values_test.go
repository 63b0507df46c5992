//go:build interop

package differ

import (
	"fmt"
	"strings"

	"ostler/internal/zk"
)

// users are the identities that clients take, as digest data.
var users = []string{"u1:p1", "u2:p2"}

// digests are the ids of users.
var digests = []string{"u1:" + digestOf("u1:p1"), "u2:" + digestOf("u2:p2")}

// restricted reports whether a path lies where nodes may be that not everyone may
// read. Elsewhere every access list lets the world read.
func restricted(path string) bool { return strings.Contains(path, "/r") }

// builtin are the nodes that are always there.
var builtin = []string{zk.PathRoot, zk.PathZK, zk.PathQuota, zk.PathConfig}

// path makes a path that is well-formed, and below the script's root.
func (g *generator) path() string {
	p := root
	for depth := pick(g, 0, 1, 1, 1, 1, 2, 2, 2, 3); depth > 0; depth-- {
		p += "/" + pick(g, "a", "a", "b", "b", "c", "r", "r", "q"+g.suffix())
	}
	return p
}

// suffix is one that a sequential node may have got.
func (g *generator) suffix() string { return fmt.Sprintf("%010d", g.IntN(4)) }

// anyPath makes a path of any kind, for operations that change nothing with it.
func (g *generator) anyPath() string {
	switch g.IntN(24) {
	case 0:
		return pick(g, builtin...)
	case 1:
		return pick(g, root+"/", root+"//a", "a", "noslash/x", root+"/.", root+"/../x", root+"/a\x01", root+"/\x7f",
			root+"/\u00a0", root+"/ä", root+"/\ue000", root+"/\xff\xfe", root+"/😀", root+"/\xed\xa0\x80", root+"/a b")
	case 2:
		return pick(g, root+"/nul\x00", root+"/none/deeper", root+"/none/deeper/", "//", "/none", "/...")
	}
	return g.path()
}

func (g *generator) data() []byte {
	switch g.IntN(8) {
	case 0:
		return nil
	case 1:
		return []byte{}
	case 2:
		n := g.IntN(60)
		if g.one(20) {
			n *= 200
		}
		return []byte(strings.Repeat("data ", n))
	}
	return fmt.Appendf(nil, "%d", g.IntN(1000))
}

func (g *generator) version() int32 {
	if g.IntN(2) == 0 {
		return -1
	}
	return pick[int32](g, 0, 0, 0, 1, 1, 2, 3, 77, -2)
}

func (g *generator) mode() zk.CreateMode {
	return pick[zk.CreateMode](g, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 7, -1)
}

// acl makes an access list for a node at path.
func (g *generator) acl(path string) []zk.ACL {
	switch {
	case !g.one(3):
		return zk.OpenACL()
	case g.one(4):
		return g.invalidACL()
	case restricted(path):
		return g.closedACL()
	}
	list := []zk.ACL{acl(zk.PermRead|zk.Perm(g.IntN(32)), "world", "anyone"), g.entry()}
	if g.one(3) {
		list = append(list, list[g.IntN(2)])
	}
	return list
}

// closedACL makes a list that need not let anyone in.
func (g *generator) closedACL() []zk.ACL {
	if g.one(4) {
		return []zk.ACL{acl(zk.Perm(g.IntN(32)), "world", "anyone")}
	}
	list := []zk.ACL{g.entry()}
	for g.one(3) {
		list = append(list, g.entry())
	}
	return list
}

// entry makes one valid entry, or one for the identities of the connection.
func (g *generator) entry() zk.ACL {
	perms := pick[zk.Perm](g, 31, 31, 31, 1, 3, 16, 7, 15, 30, 0, 64, -1)
	switch g.IntN(4) {
	case 0:
		return acl(perms, "ip", pick(g, "127.0.0.1", "127.0.0.0/8", "10.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "127.0.0.1/32"))
	case 1:
		return acl(perms, "auth", pick(g, "", "ignored"))
	}
	return acl(perms, "digest", pick(g, append(digests, "u3:other", ":b", "a:b:")...))
}

// invalidACL makes a list that every server refuses.
func (g *generator) invalidACL() []zk.ACL {
	bad := pick(g,
		acl(31, "world", "bob"), acl(31, "foo", "x"), acl(31, "", ""), acl(31, "digest", "a"), acl(31, "digest", "a:b:c"),
		acl(31, "ip", "300.1.1.1"), acl(31, "ip", "1.2.3"), acl(31, "ip", "1.2.3.4/33"), acl(31, "ip", "::1/200"), acl(31, "ip", ""),
		acl(31, "super", "x"), acl(31, "sasl", "bob"), acl(31, "x509", "CN=a"))
	return pick(g, nil, []zk.ACL{}, []zk.ACL{bad}, []zk.ACL{zk.OpenACL()[0], bad})
}

func acl(perms zk.Perm, scheme, id string) zk.ACL {
	return zk.ACL{Perms: perms, ID: zk.ID{Scheme: scheme, ID: id}}
}

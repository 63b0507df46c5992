package server

import (
	"slices"
	"testing"

	"ostler/internal/config"
	members "ostler/internal/ensemble"
	"ostler/internal/sasl"
	"ostler/internal/txn"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// password is a mechanism of two steps: any token is answered "?", and "bob"
// behind it is let in. Everything else fails.
type password struct{}

type passwordExchange struct{ asked, over bool }

func (password) Begin() sasl.Exchange { return &passwordExchange{} }

func (x *passwordExchange) Step(token []byte) (sasl.Answer, error) {
	switch {
	case x.over:
		return sasl.Answer{}, sasl.ErrFailed
	case !x.asked:
		x.asked = true
		return sasl.Answer{Token: []byte("?")}, nil
	}
	x.over = true
	if user := string(token); user == "bob" || user == "root" || user == "a@b@c" {
		return sasl.Answer{Token: []byte("!"), Done: true, User: user}, nil
	}
	return sasl.Answer{}, sasl.ErrFailed
}

// newLoginRig is a rig whose clients may have to log in.
func newLoginRig(t *testing.T, required []string, change func(*config.Config)) *rig {
	t.Helper()
	return newRigWith(t, func(c *config.Config) {
		c.Access.Providers, c.Access.Required = []string{"sasl", "ensemble"}, required
		c.Access.EnsembleNames, c.Access.SASLRules.Supers = []string{"blue"}, []string{"root"}
		if change != nil {
			change(c)
		}
	}, password{})
}

func token(s string) wire.Record { return wire.SASLToken{Token: []byte(s)} }

// wantToken reads the answer to a sasl request: "" is a null token.
func (c *client) wantToken(xid int32, code zk.Code, want string) {
	c.t.Helper()
	b := c.want(xid, 0, code)
	var got wire.SASLToken
	if err := got.Decode(b); err != nil || string(got.Token) != want || (got.Token == nil) != (want == "") {
		c.t.Fatalf("got token %q (%v), want %q", got.Token, err, want)
	}
}

// whoAmI returns the identities by scheme.
func (c *client) whoAmI(xid int32) map[string]string {
	c.t.Helper()
	c.request(xid, zk.OpWhoAmI, nil)
	var r wire.WhoAmIResponse
	if err := r.Decode(c.want(xid, -2, zk.OK)); err != nil {
		c.t.Fatal(err)
	}
	ids := map[string]string{}
	for _, id := range r.Clients {
		ids[id.Scheme] = id.ID
	}
	return ids
}

func TestSASLLogin(t *testing.T) { // 7.7
	r := newLoginRig(t, nil, nil)
	c := r.connect(t)
	c.request(1, zk.OpSASL, token("x"))
	c.wantToken(1, zk.OK, "?")
	if ids := c.whoAmI(2); len(ids) != 1 {
		t.Errorf("in the middle of a login the identities are %v, want the address alone", ids)
	}
	c.request(3, zk.OpSASL, token("bob"))
	c.wantToken(3, zk.OK, "!")
	if ids := c.whoAmI(4); len(ids) != 2 || ids["sasl"] != "bob" {
		t.Errorf("the identities are %v, want the address and sasl bob", ids)
	}
	c.request(5, zk.OpSASL, token("bob")) // there is no second login
	c.wantToken(5, zk.AuthFailed, "")
	c.wantEnd()

	root := r.connect(t)
	root.request(1, zk.OpSASL, token("x"))
	root.wantToken(1, zk.OK, "?")
	root.request(2, zk.OpSASL, token("root"))
	root.wantToken(2, zk.OK, "!")
	if ids := root.whoAmI(3); len(ids) != 3 || ids["sasl"] != "root" || ids["super"] != "" {
		t.Errorf("the identities are %v, want the address, sasl root and super", ids)
	}
}

func TestSASLFails(t *testing.T) { // 7.7
	keep := func(c *config.Config) { c.Access.KeepFailedSASL = true }
	for _, test := range []struct {
		name     string
		required []string
		change   func(*config.Config)
		user     string
		want     zk.Code
		stays    bool
	}{
		{"wrong", nil, nil, "eve", zk.AuthFailed, false},
		{"not a name", nil, nil, "a@b@c", zk.AuthFailed, false},
		{"wrong where SASL is required", []string{"digest", "sasl"}, nil, "eve", zk.SessionClosedRequireAuth, false},
		{"wrong where another scheme is required", []string{"digest"}, nil, "eve", zk.AuthFailed, false},
		{"wrong where failing is allowed", nil, keep, "eve", zk.OK, true},
		{"wrong where failing is allowed, but SASL required", []string{"sasl"}, keep, "eve", zk.SessionClosedRequireAuth, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newLoginRig(t, test.required, test.change).connect(t)
			c.request(1, zk.OpSASL, token("x"))
			c.wantToken(1, zk.OK, "?")
			c.request(2, zk.OpSASL, token(test.user))
			c.wantToken(2, test.want, "")
			if !test.stays {
				c.wantEnd()
				return
			}
			if ids := c.whoAmI(3); len(ids) != 1 {
				t.Errorf("the identities are %v, want the address alone", ids)
			}
		})
	}
	for name, body := range map[string]wire.Record{"null token": wire.SASLToken{}, "no token": nil} {
		t.Run(name, func(t *testing.T) {
			c := newLoginRig(t, nil, nil).connect(t)
			c.request(1, zk.OpSASL, body)
			c.wantEnd()
		})
	}
}

func TestRequiredLogin(t *testing.T) { // 7.8
	body := readBody("/", false)
	for name, op := range map[string]zk.OpCode{
		"ping": zk.OpPing, "closeSession": zk.OpCloseSession, "exists": zk.OpExists, "create": zk.OpCreate, "unknown": 77,
	} {
		t.Run(name, func(t *testing.T) {
			r := newLoginRig(t, []string{"digest"}, nil)
			c := r.connect(t)
			c.request(7, op, body)
			if b := c.want(7, 0, zk.SessionClosedRequireAuth); len(b) != 0 {
				t.Errorf("the refusal has a body: %x", b)
			}
			c.wantEnd()
			if !r.ens.hasSession(c.id) {
				t.Error("the session is gone; it should live until it expires")
			}
			if r.ens.waiting() != 0 {
				t.Error("the request was submitted")
			}
		})
	}
	r := newLoginRig(t, []string{"digest", "sasl"}, nil)
	c := r.connect(t)
	c.request(1, zk.OpAuth, wire.AuthRequest{Scheme: "ip"})
	c.want(1, 0, zk.OK)
	c.request(2, zk.OpAuth, wire.AuthRequest{Scheme: "digest", Auth: []byte("bob:pw")})
	c.want(2, 0, zk.OK)
	c.request(3, zk.OpExists, body)
	c.want(3, 1, zk.OK)

	// The way in is per connection: a session that comes back has to log in again
	// (INV-A4).
	again := r.dial(t)
	pw := zk.Password(c.id)
	again.frame(wire.ConnectRequest{Timeout: 10000, Session: c.id, Password: pw[:]})
	again.welcomed()
	again.request(1, zk.OpSASL, token("x"))
	again.wantToken(1, zk.OK, "?")
	again.request(2, zk.OpExists, body)
	again.want(2, 0, zk.SessionClosedRequireAuth)
	again.wantEnd()
}

// A server that requires SASL and has no login section lets nobody in.
func TestRequiredLoginWithoutSASL(t *testing.T) { // 7.7, 7.8
	r := newRig(t, func(c *config.Config) { c.Access.Providers, c.Access.Required = []string{"sasl"}, []string{"sasl"} })
	c := r.connect(t)
	c.request(1, zk.OpSASL, token("x"))
	c.wantToken(1, zk.OK, "")
	c.request(2, zk.OpPing, nil)
	c.want(2, 0, zk.SessionClosedRequireAuth)
	c.wantEnd()
}

// TestGetACL is INV-A6: who may see an access list, and who the digests in it (5.6).
func TestGetACL(t *testing.T) {
	bob := zk.ID{Scheme: "digest", ID: "bob:ikIaKsbtGweaHnb/jKn7OHqbunM="} // bob:pw
	hidden := zk.ID{Scheme: "digest", ID: "bob:x"}
	for _, test := range []struct {
		name     string
		everyone zk.Perm // of the node
		bobs     zk.Perm
		asBob    bool
		want     zk.Code
		sees     zk.ID // for bob's entry
	}{
		{"neither READ nor ADMIN", zk.PermAll &^ (zk.PermRead | zk.PermAdmin), zk.PermAll, false, zk.NoAuth, zk.ID{}},
		{"READ", zk.PermRead, zk.PermAll, false, zk.OK, hidden},
		{"ADMIN", zk.PermAdmin, zk.PermRead, false, zk.OK, bob},
		{"READ, and the owner of a digest without ADMIN", zk.PermRead, zk.PermRead, true, zk.OK, hidden},
		{"READ, and ADMIN by a digest", zk.PermRead, zk.PermAdmin, true, zk.OK, bob},
		{"ADMIN by a digest alone", zk.PermWrite, zk.PermAdmin, true, zk.OK, bob},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newRig(t, nil).connect(t)
			if test.asBob {
				c.request(1, zk.OpAuth, wire.AuthRequest{Scheme: "digest", Auth: []byte("bob:pw")})
				c.want(1, 0, zk.OK)
			}
			list := []zk.ACL{{Perms: test.everyone, ID: zk.WorldAnyone}, {Perms: test.bobs, ID: bob}}
			c.request(2, zk.OpCreate, wire.CreateRequest{Path: "/n", ACL: list})
			c.want(2, -2, zk.OK)
			c.request(3, zk.OpGetACL, wire.PathRequest{Path: "/n"})
			b := c.want(3, -2, test.want)
			if test.want != zk.OK {
				return
			}
			var got wire.GetACLResponse
			want := []zk.ACL{list[0], {Perms: test.bobs, ID: test.sees}}
			if err := got.Decode(b); err != nil || !slices.Equal(got.ACL, want) {
				t.Errorf("got %v (%v), want %v", got.ACL, err, want)
			}
		})
	}
}

func TestIdentitiesStayWithTheConnection(t *testing.T) { // 7.5, INV-A4
	r := newLoginRig(t, nil, nil)
	c := r.connect(t)
	for xid, user := range []string{"bob:pw", "bob:pw", "ann:pw"} {
		c.request(int32(xid), zk.OpAuth, wire.AuthRequest{Scheme: "digest", Auth: []byte(user)})
		c.want(int32(xid), 0, zk.OK)
	}
	c.request(4, zk.OpWhoAmI, nil)
	var got wire.WhoAmIResponse
	if err := got.Decode(c.want(4, -2, zk.OK)); err != nil || len(got.Clients) != 3 {
		t.Errorf("identities %v (%v), want the address, bob and ann", got.Clients, err)
	}
	again := r.dial(t)
	pw := zk.Password(c.id)
	again.frame(wire.ConnectRequest{Timeout: 10000, Session: c.id, Password: pw[:]})
	again.welcomed()
	if ids := again.whoAmI(1); len(ids) != 1 || ids["ip"] != "127.0.0.1" {
		t.Errorf("after a re-attach the identities are %v, want the address alone", ids)
	}
}

func TestForeignEnsemble(t *testing.T) { // 7.6
	c := newLoginRig(t, nil, nil).connect(t)
	c.request(1, zk.OpAuth, wire.AuthRequest{Scheme: "ensemble", Auth: []byte("blue")})
	c.want(1, 0, zk.OK)
	c.request(2, zk.OpAuth, wire.AuthRequest{Scheme: "ensemble", Auth: []byte("red")})
	c.wantEnd()
}

// TestEagerCheck follows client-protocol.md 7.9. The writes of bob are held back, so
// that what is answered at once has overtaken them and spent no zxid.
func TestEagerCheck(t *testing.T) {
	bob := zk.ID{Scheme: "digest", ID: "bob:ikIaKsbtGweaHnb/jKn7OHqbunM="} // bob:pw
	own := []zk.ACL{{Perms: zk.PermAll, ID: bob}}
	member := func(c *config.Config) {
		c.Access.EagerCheck = true
		c.Ensemble = &members.Config{Members: map[zk.ServerID]members.Member{1: {ID: 1}}}
	}
	set := func(path string) wire.Record { return wire.SetDataRequest{Path: path, Version: -1} }
	del := func(path string) wire.Record { return wire.DeleteRequest{Path: path, Version: -1} }
	acl := func(path string, list []zk.ACL) wire.Record {
		return wire.SetACLRequest{Path: path, ACL: list, Version: -1}
	}
	create := func(path string, list []zk.ACL) wire.Record { return wire.CreateRequest{Path: path, ACL: list} }
	const passes = zk.OK
	type request struct {
		name string
		op   zk.OpCode
		body wire.Record
		want zk.Code
	}
	requests := []request{
		{"create", zk.OpCreate, create("/bob/x", zk.OpenACL()), zk.NoAuth},
		{"create2", zk.OpCreate2, create("/bob/x", zk.OpenACL()), zk.NoAuth},
		{"delete", zk.OpDelete, del("/bob/x"), zk.NoAuth},
		{"setData", zk.OpSetData, set("/bob"), zk.NoAuth},
		{"setACL", zk.OpSetACL, acl("/bob", zk.OpenACL()), zk.NoAuth},
		{"create with a bad list", zk.OpCreate, create("/x", []zk.ACL{}), zk.InvalidACL},
		{"setACL with a bad list", zk.OpSetACL, acl("/missing", []zk.ACL{{Perms: 1, ID: zk.ID{Scheme: "auth"}}}), zk.InvalidACL},
		{"create where it may", zk.OpCreate, create("/open/x", zk.OpenACL()), passes},
		{"create below nothing", zk.OpCreate, create("/missing/x", zk.OpenACL()), passes},
		{"setData of nothing", zk.OpSetData, set("/missing"), passes},
		{"delete with a bad path", zk.OpDelete, del("bob"), passes},
		{"create below the root, which bob has closed", zk.OpCreate, create("/closed", zk.OpenACL()), zk.NoAuth},
		{"delete of a built-in node below it", zk.OpDelete, del("/zookeeper"), passes},
		{"create of the root", zk.OpCreate, create("/", zk.OpenACL()), passes},
		{"createContainer", zk.OpCreateContainer, create("/bob/x", zk.OpenACL()), passes},
		{"multi", zk.OpMulti, wire.MultiRequest{Ops: []wire.MultiOp{{Op: zk.OpDelete, Body: del("/bob")}}}, passes},
		{"undecodable", zk.OpSetData, wire.Int32Response{Value: 5}, passes},
	}
	play := func(t *testing.T, r *rig, q request) {
		owner, c := r.connect(t), r.connect(t)
		owner.request(1, zk.OpCreate, wire.CreateRequest{Path: "/bob", ACL: own})
		owner.want(1, -2, zk.OK)
		owner.request(1, zk.OpCreate, create("/open", zk.OpenACL()))
		owner.want(1, -2, zk.OK)
		r.ens.do(func() { r.ens.apply(0, 0, zk.OpSetACL, &txn.SetACL{Path: "/", ACL: own, Version: 1}) })
		owner.request(1, zk.OpSync, wire.PathRequest{Path: "/"})
		owner.want(1, 5, zk.OK) // two sessions, two nodes, the list
		r.ens.hold()
		owner.request(2, zk.OpAuth, wire.AuthRequest{Scheme: "digest", Auth: []byte("bob:pw")})
		owner.want(2, 0, zk.OK)
		owner.request(3, zk.OpSetData, set("/bob")) // with permission
		eventually(t, "the owner's write is submitted", func() bool { return r.ens.waiting() == 1 })
		c.request(4, zk.OpSetData, set("/open")) // waits too
		c.request(5, q.op, q.body)
		if q.want == passes {
			eventually(t, "the request is submitted", func() bool { return r.ens.waiting() == 3 })
			return
		}
		if b := c.want(5, 0, q.want); len(b) != 0 {
			t.Errorf("the refusal has a body: %x", b)
		}
		r.ens.release(-1)
		c.want(4, -2, zk.OK)
		c.request(6, zk.OpPing, nil)
		c.want(wire.XidPing, -2, zk.OK)
	}
	for _, q := range requests {
		t.Run(q.name, func(t *testing.T) { play(t, newLoginRig(t, nil, member), q) })
	}
	denied := requests[3]
	denied.want = passes
	t.Run("switched off", func(t *testing.T) {
		play(t, newLoginRig(t, nil, func(c *config.Config) { member(c); c.Access.EagerCheck = false }), denied)
	})
	t.Run("standalone", func(t *testing.T) {
		play(t, newLoginRig(t, nil, func(c *config.Config) { c.Access.EagerCheck = true }), denied)
	})
	t.Run("skipACL", func(t *testing.T) {
		play(t, newLoginRig(t, nil, func(c *config.Config) { member(c); c.SkipACL = true }), denied)
	})
}

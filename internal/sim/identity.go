package sim

import (
	"net/netip"
	"slices"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// An identity is who a client is on its connection (client-protocol.md 7.5).
type identity struct {
	shows []login // on every new connection
	ids   []zk.ID // all it has shown, answered or not: those of the next request
	known []zk.ID // those that the server has confirmed
	auths []login // unanswered
	// before are the ids that events up to the next numbered reply may have been
	// judged by: the answer to auth has no place in history.
	before []zk.ID
}

// noLogin is refused.
var noLogin = login{}

func (i *identity) reconnect(addr netip.Addr) {
	i.ids = []zk.ID{{Scheme: "ip", ID: addr.String()}}
	i.known, i.auths, i.before = i.ids, nil, nil
}

// with adds to a set of identities.
func with(ids, more []zk.ID) []zk.ID {
	ids = slices.Clone(ids)
	for _, id := range more {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// authenticate shows who the client is. Whoever shows nothing that is known is sent away.
func (c *Client) authenticate(who login) {
	req := wire.AuthRequest{Scheme: "digest", Auth: []byte(who.secret)}
	if who.ids == nil {
		req.Scheme = "unknown"
	}
	c.ids = with(c.ids, who.ids)
	c.auths = append(c.auths, who)
	c.write(&call{op: zk.OpAuth, xid: wire.XidAuth}, req)
}

// authenticated takes the answer to auth, which overtakes others.
func (c *Client) authenticated(h wire.ReplyHeader) {
	if len(c.auths) == 0 {
		c.fail("an answer to auth that nobody asked for")
		return
	}
	who := c.auths[0]
	c.auths = c.auths[1:]
	want := zk.OK
	if who.ids == nil {
		want = zk.AuthFailed
	}
	if h.Err != want || h.Zxid != 0 {
		c.fail("auth %q is answered %v at %v, want %v at 0", who.secret, h.Err, h.Zxid, want)
	}
	c.load.saw("auth", h.Err)
	if c.before == nil {
		c.before = c.known
	}
	c.known = with(c.known, who.ids)
}

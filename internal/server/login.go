package server

import (
	"errors"
	"slices"

	"ostler/internal/auth"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// identities returns the connection's identities; the list is never changed.
func (c *conn) identities() []zk.ID { return *c.ids.Load() }

// errIdentities says that a connection logged in as more than it may.
var errIdentities = errors.New("too many identities on one connection")

// addIdentities adds to the set of identities (client-protocol.md 7.5), or nothing
// if there would be more than a connection may have.
func (c *conn) addIdentities(more []zk.ID) error {
	ids := slices.Clone(c.identities())
	for _, id := range more {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	size := 0
	for _, id := range ids {
		size += len(id.Scheme) + len(id.ID)
	}
	if len(ids) > identitiesMax || size > identityBytes {
		return errIdentities
	}
	c.ids.Store(&ids)
	return nil
}

// admitted turns a connection away that sends a request before it has logged in
// where it must (7.8). Its session stays until it expires. The caller holds mu.
func (c *conn) admitted(xid int32) bool {
	if c.server.o.Auth.Admits(c.identities()) {
		return true
	}
	c.replyError(xid, 0, zk.SessionClosedRequireAuth)
	c.finish()
	return false
}

// authenticate deals with auth and sasl, ahead of the queue (client-protocol.md
// 7.5, 7.7). The caller holds mu.
func (c *conn) authenticate(h wire.RequestHeader, body []byte) {
	if h.Op == zk.OpSASL {
		c.sasl(h.Xid, body)
		return
	}
	var r wire.AuthRequest
	if err := r.Decode(body); err != nil {
		c.finish() // without a reply, as ZooKeeper does
		return
	}
	ids, err := c.server.o.Auth.Authenticate(r.Scheme, r.Auth, c.remote.Addr())
	if err == nil {
		err = c.addIdentities(ids)
	}
	if err != nil {
		c.server.log.Debug("login refused", "addr", c.remote, "scheme", r.Scheme, "err", err)
		if !errors.Is(err, auth.ErrForeign) {
			c.replyError(h.Xid, 0, zk.AuthFailed)
		}
		c.finish()
		return
	}
	c.replyError(h.Xid, 0, zk.OK)
}

// sasl takes one token of a SASL login. A server without SASL answers each with a
// null token, and nobody is authenticated (7.7).
func (c *conn) sasl(xid int32, body []byte) {
	var r wire.SASLToken
	if err := r.Decode(body); err != nil || r.Token == nil {
		c.finish()
		return
	}
	if c.server.o.SASL == nil {
		c.reply(xid, 0, wire.SASLToken{})
		return
	}
	token, err := c.saslStep(r.Token)
	if err != nil {
		c.server.log.Debug("login refused", "addr", c.remote, "scheme", "sasl", "err", err)
		c.saslFailed(xid)
		return
	}
	c.reply(xid, 0, wire.SASLToken{Token: token})
}

// saslStep returns the answer to a token, and adds the identities of a client
// that has come to the end.
func (c *conn) saslStep(token []byte) ([]byte, error) {
	if c.exchange == nil {
		c.exchange = c.server.o.SASL.Begin()
	}
	answer, err := c.exchange.Step(token)
	if err != nil || !answer.Done {
		return answer.Token, err
	}
	ids, err := c.server.o.Auth.SASL(answer.User)
	if err != nil {
		return nil, err
	}
	return answer.Token, c.addIdentities(ids)
}

// saslFailed answers a failed step and closes, unless such clients may stay.
func (c *conn) saslFailed(xid int32) {
	required := c.server.o.Auth.RequiresSASL()
	if c.server.cfg.Access.KeepFailedSASL && !required {
		c.reply(xid, 0, wire.SASLToken{})
		return
	}
	code := zk.AuthFailed
	if required {
		code = zk.SessionClosedRequireAuth
	}
	c.replyCode(xid, 0, code, wire.SASLToken{})
	c.finish()
}

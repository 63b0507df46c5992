package chaos

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"ostler/internal/wire"
	"ostler/internal/zk"
	"ostler/test/chaos/history"
)

// The session timeouts that clients ask for.
var timeouts = []time.Duration{2 * time.Second, 4 * time.Second, 6 * time.Second, 12 * time.Second}

// A client has one session after another. What it sees is its own until it has ended.
type client struct {
	c     *cluster
	index int
	rng   *rand.Rand
	ctx   context.Context // ends when the load does

	conn     *conn // nil while it is not connected
	seat     int   // that it is, or was, connected to
	password []byte
	lastZxid zk.Zxid
	xid      int32            // of the session's last request
	session  *history.Session // nil while there is none
	values   int
	own      []string // nodes of this client, not known to be deleted
	lives    []string // ephemerals of this session

	ops      []history.Op
	sessions []history.Session
	protocol []error // breaches of the protocol itself
}

func newClient(ctx context.Context, c *cluster, index int, seed uint64) *client {
	return &client{c: c, ctx: ctx, index: index, rng: rand.New(rand.NewPCG(seed, uint64(index)+1))}
}

// run works until the load ends.
func (l *client) run() {
	for l.ctx.Err() == nil {
		if l.conn == nil && !l.connect() {
			l.rest(200 * time.Millisecond)
			continue
		}
		l.step()
		l.rest(20 * time.Millisecond)
	}
}

// rest waits for up to d.
func (l *client) rest(d time.Duration) {
	select {
	case <-l.ctx.Done():
	case <-time.After(time.Duration(l.rng.Int64N(int64(d)))):
	}
}

func (l *client) chance(percent float64) bool { return l.rng.Float64()*100 < percent }

// connect attaches the session to some server, or asks for one.
func (l *client) connect() bool {
	hello := wire.ConnectRequest{Timeout: int32(timeouts[l.rng.IntN(len(timeouts))].Milliseconds())}
	if l.session != nil {
		hello = wire.ConnectRequest{
			Timeout: int32(l.session.Timeout.Milliseconds()), Session: l.session.ID, Password: l.password, LastZxid: l.lastZxid,
		}
	}
	to := l.rng.IntN(len(l.c.seats))
	called := l.c.now()
	conn, err := dial(l.c.seats[to].addr, time.Second, hello)
	switch {
	case errors.Is(err, errExpired) && l.session != nil:
		l.endSession(history.Expired)
		return false
	case err != nil:
		return false
	}
	if l.conn != nil {
		l.conn.Close()
	}
	l.conn, l.seat = conn, to
	conn.xid = l.xid
	if l.session == nil {
		l.session = &history.Session{ID: conn.id, Timeout: conn.timeout, Opened: called}
		l.password, l.lastZxid, conn.xid = conn.password, 0, 0
	}
	return true
}

// disconnect leaves the session without a connection.
func (l *client) disconnect() {
	if l.conn != nil {
		l.conn.Close()
		l.conn = nil
	}
}

func (l *client) endSession(how history.End) {
	l.disconnect()
	l.session.End, l.session.Ended = how, l.c.now()
	l.sessions = append(l.sessions, *l.session)
	l.session, l.lives = nil, nil
}

// patience is how long to wait for an answer: what a client's library would, or less.
func (l *client) patience() time.Duration {
	limit := l.session.Timeout * 2 / 3
	if l.chance(20) {
		return limit/4 + time.Duration(l.rng.Int64N(int64(limit)))/2
	}
	return limit
}

// do carries out an op and records it. It reports whether there was an answer.
func (l *client) do(kind zk.OpCode, body wire.Record, parts ...history.Part) (*history.Op, []byte) {
	o := history.Op{Session: l.session.ID, Seat: l.c.seats[l.seat].id, Call: l.c.now(), Return: history.Never, Kind: kind, Parts: parts}
	h, reply, err := l.conn.call(kind, body, l.patience())
	l.xid = l.conn.xid
	if err != nil {
		l.disconnect()
	} else {
		o.Return, o.Zxid, o.Outcome = l.c.now(), h.Zxid, history.Acked
		if h.Err != zk.OK {
			o.Outcome = history.Refused
			for i := range o.Parts {
				o.Parts[i].Code = h.Err
			}
		}
		l.lastZxid = max(l.lastZxid, h.Zxid)
	}
	l.ops = append(l.ops, o)
	return &l.ops[len(l.ops)-1], reply
}

// decoder is the body of a reply.
type decoder interface{ Decode(b []byte) error }

// decode reads a reply to an acknowledged request.
func (l *client) decode(b []byte, into decoder) bool {
	if err := into.Decode(b); err != nil {
		l.protocol = append(l.protocol, err)
		l.disconnect()
		return false
	}
	return true
}

// keep pings until ctx ends: the session is to be alive then, or known to be over.
func (l *client) keep(ctx context.Context) {
	for {
		if l.session == nil {
			return
		}
		if l.conn == nil {
			l.connect()
		} else if _, _, err := l.conn.call(zk.OpPing, nil, l.session.Timeout*2/3); err != nil {
			l.disconnect()
		}
		wait := 200 * time.Millisecond
		if l.conn != nil {
			wait = l.session.Timeout / 4
		}
		select {
		case <-ctx.Done():
			if l.session != nil {
				l.endSession(history.Kept)
			}
			return
		case <-time.After(wait):
		}
	}
}

// keeps reports whether the client keeps its last session.
func (l *client) keeps() bool { return l.index%3 == 0 }

// finish ends the session in one of the three ways, of which keeping it lasts until
// ctx ends.
func (l *client) finish(ctx context.Context) {
	switch {
	case l.keeps():
		l.keep(ctx)
	case l.index%3 == 1 && l.conn != nil:
		l.closeSession()
	case l.session != nil:
		l.endSession(history.Abandoned)
	}
}

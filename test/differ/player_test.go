//go:build interop

package differ

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A duo is one client connection, on both servers.
type duo [2]*link

// A client is a slot of a script.
type client struct {
	duo     *duo // nil when it is not connected
	session *session
}

// A session is known to both servers.
type session struct {
	ids    [2]zk.SessionID
	number int
	over   bool
}

// A player plays scripts on a pair of servers, one after the other.
type player struct {
	addrs    [2]string
	zxids    zxidMap
	canons   [2]*canon
	cover    *coverage
	limit    time.Duration // for answers
	sessions int           // made so far
	roots    int           // taken so far
	known    bool          // where both servers stand

	// Of the script at hand.
	root    []byte
	clients [slots]client
	alive   []*session
	step    step
	acting  *duo       // that the step is sent on
	taken   *session   // that a resume is about
	last    [2]zk.Zxid // newest in a header
	before  zk.Zxid    // Ostler's last before the step

	children []string // that the audit has come to
}

// newPlayer returns a player for the servers at two addresses, which have the nodes
// up to the number roots.
func newPlayer(o, a string, roots int, cover *coverage) *player {
	p := &player{addrs: [2]string{o, a}, roots: roots, cover: cover, limit: patience}
	p.canons = [2]*canon{newCanon(ostler, &p.zxids), newCanon(apache, &p.zxids)}
	return p
}

// A difference is where a script made the servers differ.
type difference struct {
	at   int    // index of the step
	what string // in short: two with the same words are the same
	text string
}

// play plays a script and returns the first difference, if there is one.
func (p *player) play(s script) (*difference, error) {
	defer p.hangUp()
	if err := p.begin(); err != nil {
		return nil, err
	}
	for i, st := range s.steps {
		if d, err := p.do(st); d != nil || err != nil {
			return p.failed(d, i), err
		}
	}
	for range p.alive { // no session may end by itself later
		if d, err := p.closeOldest(); d != nil || err != nil {
			return p.failed(d, len(s.steps)), err
		}
	}
	d, err := p.audit()
	return p.failed(d, len(s.steps)), err
}

// failed says where a difference is. The servers are apart from now on.
func (p *player) failed(d *difference, i int) *difference {
	if d != nil {
		p.known = false
		d.at = i
	}
	return d
}

// begin makes sure of where both servers stand.
func (p *player) begin() error {
	p.clients, p.alive = [slots]client{}, nil
	p.roots = (p.roots + 1) % rootsMax
	p.root = fmt.Appendf(nil, "/s%06d", p.roots)
	d, err := p.dial()
	if err != nil {
		return err
	}
	defer d.close()
	for s, l := range d {
		l.send(greeting(wire.ConnectRequest{Timeout: timeoutMin, Password: make([]byte, zk.PasswordLen), HasReadOnly: true}), nil)
		list, err := l.collect()
		if err != nil || len(list) != 2 || list[1].kind != replied {
			return fmt.Errorf("%v gives no session: %v %v", side(s), list, err)
		}
		p.last[s] = list[1].head.Zxid
		bye := request{xid: 1, op: zk.OpCloseSession}
		l.send(bye.append(nil, nil), []request{bye})
		if list, err = l.collect(); err != nil || len(list) != 2 || list[0].kind != replied {
			return fmt.Errorf("%v does not close the session: %v %v", side(s), list, err)
		}
		p.last[s] = list[0].head.Zxid
	}
	if p.known && p.last[ostler] != p.canons[apache].zxid(p.last[apache]) {
		return fmt.Errorf("the servers have come apart: zxids %v", p.last)
	}
	if !p.known {
		p.zxids.begin(p.last[ostler], p.last[apache])
		p.known = true
	}
	return nil
}

func (p *player) dial() (*duo, error) {
	var d duo
	for s := range d {
		l, err := dial(p.addrs[s], p.limit)
		if err != nil {
			return nil, fmt.Errorf("connect to %v: %w", side(s), err)
		}
		d[s] = l
	}
	return &d, nil
}

func (d *duo) close() {
	for _, l := range d {
		if l != nil {
			l.close()
		}
	}
}

func greeting(r wire.ConnectRequest) []byte { return wire.AppendFrame(nil, r.Append(nil)) }

// do plays one step.
func (p *player) do(st step) (*difference, error) {
	p.step, p.before = st, p.last[ostler]
	c := &p.clients[st.slot]
	switch st.act {
	case send:
		if c.duo == nil {
			return nil, nil
		}
		return p.exchange(c, c.duo, [2][]byte{}, nil)
	case disconnect:
		if c.duo != nil {
			c.duo.close()
			c.duo = nil
		}
		p.cover.actions[st.act]++
		return nil, nil
	}
	return p.arrive(c)
}

// closeOldest takes the oldest session that is not over from whoever has it, and
// closes it.
func (p *player) closeOldest() (*difference, error) {
	i := slices.IndexFunc(p.alive, func(s *session) bool { return !s.over })
	if i < 0 {
		return nil, nil
	}
	p.cover.actions[closeOldest]++
	p.step = step{act: resume, timeout: timeoutMin, readOnly: true, reqs: []request{{xid: 1, op: zk.OpCloseSession}}}
	p.before = p.last[ostler]
	return p.arrive(&client{session: p.alive[i]})
}

// arrive connects. An attempt that gets no session leaves the client's connection
// as it was.
func (p *player) arrive(c *client) (*difference, error) {
	st := p.step
	owner := c.session
	if st.from != st.slot && (st.act == resume || st.act == wrong) {
		owner = p.clients[st.from].session
	}
	if owner == nil && (st.act == resume || st.act == wrong) {
		return nil, nil
	}
	d, err := p.dial()
	if err != nil {
		return nil, err
	}
	var first [2][]byte
	for s := range first {
		first[s] = p.connectFrame(side(s), owner)
	}
	old := c.duo
	if st.act != connect && st.act != resume {
		defer d.close()
		return p.exchange(nil, d, first, nil)
	}
	c.duo = d
	if old != nil && (st.act == connect || st.from != st.slot) {
		old.close()
		old = nil
	}
	if st.act == resume {
		c.session, p.taken = owner, owner
	}
	return p.exchange(c, d, first, old)
}

// connectFrame encodes the ConnectRequest of the step.
func (p *player) connectFrame(s side, owner *session) []byte {
	st := p.step
	r := wire.ConnectRequest{Timeout: st.timeout, Password: make([]byte, zk.PasswordLen), HasReadOnly: st.readOnly}
	if st.nullPass {
		r.Password = nil
	}
	switch st.act {
	case resume, wrong:
		password := zk.Password(owner.ids[s])
		if st.act == wrong {
			password[3] ^= 1
		}
		r.Session, r.Password = owner.ids[s], password[:]
	case unknown:
		password := zk.Password(0x5500000000000055)
		r.Session, r.Password = 0x5500000000000055, password[:]
	case ahead:
		r.LastZxid = p.last[s] + 1000
	case badConnect:
		b := r.Append(nil)
		return wire.AppendFrame(nil, b[:min(st.cut, len(b))])
	}
	return greeting(r)
}

// exchange sends what the step says on a connection, waits until everything is
// quiet, and compares. ghost is another connection that should end now.
func (p *player) exchange(c *client, d *duo, first [2][]byte, ghost *duo) (*difference, error) {
	p.cover.actions[p.step.act]++
	p.acting = d
	for s, l := range d {
		b := first[s]
		for _, r := range p.step.reqs {
			b = r.append(b, func(back int64) zk.Zxid { return p.back(side(s), back) })
		}
		// Every script is made for the same root, and played below another.
		l.send(bytes.ReplaceAll(b, []byte(root), p.root), p.step.reqs)
	}
	if diff, err := p.settle(c, d); diff != nil || err != nil {
		return diff, err
	}
	others := []*duo{ghost}
	for i := range p.clients {
		others = append(others, p.clients[i].duo)
	}
	others = slices.DeleteFunc(others, func(o *duo) bool { return o == nil || o == d || !o[ostler].open })
	for _, o := range others {
		for _, l := range o {
			l.send(nil, nil)
		}
	}
	for _, o := range others {
		if diff, err := p.settle(nil, o); diff != nil || err != nil {
			return diff, err
		}
	}
	for i := range p.clients {
		if o := p.clients[i].duo; o != nil && !o[ostler].open {
			p.clients[i].duo = nil
		}
	}
	return nil, nil
}

// back returns the zxid that lies so many transactions back.
func (p *player) back(s side, back int64) zk.Zxid {
	z := max(p.last[ostler]-zk.Zxid(back), 0)
	if s == apache {
		return p.zxids.toApache(z)
	}
	return z
}

// settle reads what both servers have to say on a connection, and compares it.
func (p *player) settle(c *client, d *duo) (*difference, error) {
	var lists [2][]got
	for s, l := range d {
		list, err := l.collect()
		if err != nil {
			return &difference{what: fmt.Sprintf("%v does not answer", side(s)), text: err.Error() + "\n" + p.describe(side(s), list)}, nil
		}
		p.note(side(s), list)
		lists[s] = list
	}
	if c != nil {
		p.greeted(c, lists)
	}
	if slices.ContainsFunc(p.step.reqs, func(r request) bool { return r.op == zk.OpCloseSession }) {
		p.ended(c, lists)
		sortEvents(lists[ostler])
		sortEvents(lists[apache])
	}
	m := match{p: p, duo: d, lists: lists}
	return m.run(), nil
}

// note remembers the newest zxid of a server, and what an audit finds.
func (p *player) note(s side, list []got) {
	for _, g := range list {
		p.last[s] = max(p.last[s], g.head.Zxid)
		if p.step.act == audit && g.req.op == zk.OpGetChildren2 && g.head.Err == zk.OK {
			var r wire.Children2Response
			r.Decode(g.body)
			p.children = r.Children
		}
	}
}

// greeted numbers the session that a client has got.
func (p *player) greeted(c *client, lists [2][]got) {
	if p.step.act != connect {
		return
	}
	s := &session{}
	for i, list := range lists {
		var r wire.ConnectResponse
		if len(list) == 0 || list[0].kind != greeted || r.Decode(list[0].body) != nil {
			return
		}
		s.ids[i] = r.Session
	}
	p.sessions++
	s.number = p.sessions
	for i, c := range p.canons {
		c.sessions[s.ids[i]] = s.number
	}
	c.session = s
	p.alive = append(p.alive, s)
}

// ended notes that the session of a client was closed.
func (p *player) ended(c *client, lists [2][]got) {
	for _, g := range lists[ostler] {
		if g.kind == replied && g.req.op == zk.OpCloseSession && g.head.Err == zk.OK && c != nil {
			c.session.over = true
		}
	}
}

// sortEvents sorts each run of events. The ephemerals of a closed session go in
// no particular order (client-protocol.md 2.10).
func sortEvents(list []got) {
	for i := 0; i < len(list); {
		n := i
		for n < len(list) && list[n].kind == event {
			n++
		}
		slices.SortStableFunc(list[i:n], func(a, b got) int { return strings.Compare(string(a.body), string(b.body)) })
		i = n + 1
	}
}

// holder returns the client that a connection is of, nil if of none.
func (p *player) holder(d *duo) *client {
	for i := range p.clients {
		if p.clients[i].duo == d {
			return &p.clients[i]
		}
	}
	return nil
}

func (p *player) hangUp() {
	for i := range p.clients {
		if d := p.clients[i].duo; d != nil {
			d.close()
		}
	}
}

func (p *player) describe(s side, list []got) string {
	var b strings.Builder
	for _, g := range list {
		fmt.Fprintf(&b, "    %v: %s\n", s, p.canons[s].describeGot(g))
	}
	return b.String()
}

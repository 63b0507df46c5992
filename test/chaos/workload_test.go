package chaos

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ostler/internal/wire"
	"ostler/internal/zk"
	"ostler/test/chaos/history"
)

// The nodes that clients share.
const (
	registers = 12
	accounts  = 6
	deposit   = 100 // on each account at first
	queues    = 2
	bank      = "/bank"
)

func register(i int) string { return fmt.Sprintf("/registers/%d", i) }
func account(i int) string  { return fmt.Sprintf("%s/%d", bank, i) }
func queue(i int) string    { return fmt.Sprintf("/queues/%d", i) }

// value returns data that nobody else writes.
func (l *client) value() string {
	l.values++
	return fmt.Sprintf("c%d.%d", l.index, l.values)
}

// prepare makes the shared nodes.
func (l *client) prepare() error {
	paths := []string{"/registers", bank, "/queues", "/own", "/live"}
	for i := range registers {
		paths = append(paths, register(i))
	}
	for i := range queues {
		paths = append(paths, queue(i))
	}
	for i := range accounts {
		paths = append(paths, account(i))
	}
	for _, p := range paths {
		data := l.value()
		if strings.HasPrefix(p, bank+"/") {
			data = fmt.Sprintf("%d %s", deposit, data)
		}
		if o := l.create(p, data, zk.ModePersistent); o.Outcome != history.Acked {
			return fmt.Errorf("prepare: %v", o)
		}
	}
	return nil
}

// step does one thing of the workload.
func (l *client) step() {
	for _, s := range []struct {
		weight float64
		do     func()
	}{
		{18, func() { l.set(l.anyRegister(), -1) }},
		{10, l.compareAndSet},
		{18, func() { l.get(l.anyRegister()) }},
		{8, func() { l.sync(); l.getIfConnected(l.anyRegister()) }},
		{7, l.createOwn},
		{6, l.createSequential},
		{12, l.deleteOwn},
		{4, l.createEphemeral},
		{6, l.readOwn},
		{8, l.transfer},
		{4, l.readBank},
		{0.6, l.closeSession},
		{0.4, l.abandon},
		{1.5, l.disconnect},
		{1.5, l.takeOver},
	} {
		if l.chance(s.weight) {
			s.do()
			return
		}
	}
}

func (l *client) anyRegister() string { return register(l.rng.IntN(registers)) }

func (l *client) create(path, data string, mode zk.CreateMode) *history.Op {
	o, reply := l.do(zk.OpCreate2, wire.CreateRequest{Path: path, Data: []byte(data), ACL: zk.OpenACL(), Flags: mode},
		history.Part{Kind: zk.OpCreate2, Path: path, Data: data, Sequential: mode.Sequential(), Ephemeral: mode.Ephemeral()})
	var r wire.Create2Response
	if o.Outcome == history.Acked && l.decode(reply, &r) {
		o.Parts[0].Path, o.Parts[0].Stat = r.Path, r.Stat
	}
	return o
}

func (l *client) createOwn() {
	path := fmt.Sprintf("/own/%d-%d", l.index, l.values)
	if o := l.create(path, l.value(), zk.ModePersistent); o.Outcome != history.Refused {
		l.own = append(l.own, path)
	}
}

func (l *client) createSequential() {
	if o := l.create(queue(l.rng.IntN(queues))+"/n-", l.value(), zk.ModePersistentSequential); o.Outcome == history.Acked {
		l.own = append(l.own, o.Parts[0].Path)
	}
}

func (l *client) createEphemeral() {
	path := fmt.Sprintf("/live/%d-%d", l.index, l.values)
	if o := l.create(path, l.value(), zk.ModeEphemeral); o.Outcome != history.Refused {
		l.lives = append(l.lives, path)
	}
}

// deleteOwn deletes a node of this client's.
func (l *client) deleteOwn() {
	list := &l.own
	if len(l.lives) > 3 && l.chance(30) {
		list = &l.lives
	}
	if len(*list) < 2 {
		return
	}
	i := l.rng.IntN(len(*list))
	path := (*list)[i]
	o, _ := l.do(zk.OpDelete, wire.DeleteRequest{Path: path, Version: -1}, history.Part{Kind: zk.OpDelete, Path: path, Version: -1})
	if o.Outcome == history.Acked || o.Parts[0].Code == zk.NoNode {
		*list = slices.Delete(*list, i, i+1)
	}
}

func (l *client) set(path string, version int32) {
	data := l.value()
	o, reply := l.do(zk.OpSetData, wire.SetDataRequest{Path: path, Data: []byte(data), Version: version},
		history.Part{Kind: zk.OpSetData, Path: path, Data: data, Version: version})
	var r wire.StatResponse
	if o.Outcome == history.Acked && l.decode(reply, &r) {
		o.Parts[0].Stat = r.Stat
	}
}

// get reads a node. ok is false when there was no answer or no node.
func (l *client) get(path string) (p history.Part, ok bool) {
	o, reply := l.do(zk.OpGetData, wire.PathWatchRequest{Path: path}, history.Part{Kind: zk.OpGetData, Path: path})
	var r wire.GetDataResponse
	if o.Outcome != history.Acked || !l.decode(reply, &r) {
		return p, false
	}
	o.Parts[0].Data, o.Parts[0].Stat = string(r.Data), r.Stat
	return o.Parts[0], true
}

func (l *client) getIfConnected(path string) {
	if l.conn != nil {
		l.get(path)
	}
}

func (l *client) compareAndSet() {
	path := l.anyRegister()
	if p, ok := l.get(path); ok {
		l.set(path, p.Stat.Version)
	}
}

// readOwn reads a node of this session or client, or of another.
func (l *client) readOwn() {
	switch list := slices.Concat(l.own, l.lives); {
	case len(l.lives) > 0 && l.chance(60):
		l.get(l.lives[l.rng.IntN(len(l.lives))])
	case len(list) > 0:
		l.get(list[l.rng.IntN(len(list))])
	}
}

func (l *client) sync() {
	l.do(zk.OpSync, wire.PathRequest{Path: "/registers"}, history.Part{Kind: zk.OpSync, Path: "/registers"})
}

// transfer moves money, if nobody has changed the accounts since they were read.
func (l *client) transfer() {
	i, j := l.rng.IntN(accounts), l.rng.IntN(accounts-1)
	if j >= i {
		j++
	}
	from, ok := l.get(account(i))
	if !ok {
		return
	}
	to, ok := l.get(account(j))
	if !ok {
		return
	}
	amount := 1 + l.rng.IntN(10)
	parts := []history.Part{l.book(from, -amount), l.book(to, amount)}
	var m wire.MultiRequest
	for _, p := range parts {
		m.Ops = append(m.Ops, wire.MultiOp{Op: zk.OpSetData, Body: wire.SetDataRequest{Path: p.Path, Data: []byte(p.Data), Version: p.Version}})
	}
	o, reply := l.do(zk.OpMulti, m, parts...)
	var r wire.MultiResponse
	if o.Outcome == history.Acked && l.decode(reply, &r) {
		l.noteResults(o, r.Results)
	}
}

func (l *client) book(p history.Part, amount int) history.Part {
	text, _, _ := strings.Cut(p.Data, " ")
	n, _ := strconv.Atoi(text)
	return history.Part{Kind: zk.OpSetData, Path: p.Path, Data: fmt.Sprintf("%d %s", n+amount, l.value()), Version: p.Stat.Version}
}

// noteResults takes over what became of each part; one that failed makes the whole fail.
func (l *client) noteResults(o *history.Op, results []wire.MultiResult) {
	if len(results) != len(o.Parts) {
		l.protocol = append(l.protocol, fmt.Errorf("%d results for %v", len(results), o))
		return
	}
	for i, r := range results {
		p := &o.Parts[i]
		p.Stat = r.Stat
		switch r.Op {
		case zk.OpError:
			p.Code = r.Code
			o.Outcome = history.Refused
		case zk.OpGetData:
			p.Data = string(r.Data)
		}
	}
}

func (l *client) readBank() {
	var m wire.MultiReadRequest
	var parts []history.Part
	for i := range accounts {
		m.Ops = append(m.Ops, wire.MultiOp{Op: zk.OpGetData, Body: wire.PathWatchRequest{Path: account(i)}})
		parts = append(parts, history.Part{Kind: zk.OpGetData, Path: account(i)})
	}
	o, reply := l.do(zk.OpMultiRead, m, parts...)
	var r wire.MultiResponse
	if o.Outcome == history.Acked && l.decode(reply, &r) {
		l.noteResults(o, r.Results)
	}
}

func (l *client) closeSession() {
	o, _ := l.do(zk.OpCloseSession, nil)
	if o.Outcome == history.Acked {
		l.endSession(history.Closed)
		return
	}
	l.endSession(history.Abandoned)
}

// abandon leaves the session to its timeout.
func (l *client) abandon() { l.endSession(history.Abandoned) }

// takeOver attaches the session elsewhere while it is attached here.
func (l *client) takeOver() { l.connect() }

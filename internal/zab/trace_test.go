package zab

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"ostler/internal/ensemble"
	"ostler/internal/peerwire"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// TestTraces plays the conversations in testdata: inputs to one core, and all that
// it wants done for each.
//
//	leader self=3 voters=3 [observers=1] [accepted=1] [current=1] [log=0x1..0x5]
//	learner self=1 …, and [observer] [outsider] [untrusted] [force] [known=0x5]
//	relay self=1 …, and [known=0x5], what is committed
//
// begin a role. After that each line of a command's body is an input:
//
//	looking 1                   server 1 is heard to look for a leader
//	up 1                        a connection comes in on link 1
//	down 1                      and ends
//	1 ACK 0x100000000           a packet on link 1 (the learner's own is link 1)
//	persisted accepted 1        an answer to persist
//	durable 0x100000002         and to append
//	view 1 0x100000002          a view is open for link 1
//	truncated 0x100000002       the history was cut
//	installed 0x100000002       a snapshot was received
//	propose 2                   two transactions
//	tick 1s                     time passes, in steps of half a tick (1 s)
func TestTraces(t *testing.T) {
	datadriven.Walk(t, "testdata/traces", func(t *testing.T, path string) {
		s := &script{t: t}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			return s.command(d)
		})
	})
}

// A script plays a trace.
type script struct {
	t       testing.TB
	now     time.Time
	o       Options
	leader  *Leader
	learner *Learner
	relay   *Relay
	out     Output
	text    strings.Builder
}

func (s *script) command(d *datadriven.TestData) string {
	s.text.Reset()
	switch d.Cmd {
	case "leader", "learner", "relay":
		s.begin(d)
	case "do":
		for _, line := range strings.Split(d.Input, "\n") {
			if line = strings.TrimSpace(line); line != "" {
				s.play(line)
			}
		}
	default:
		d.Fatalf(s.t, "unknown command %s", d.Cmd)
	}
	if s.text.Len() == 0 {
		return "nothing\n"
	}
	return s.text.String()
}

func (s *script) begin(d *datadriven.TestData) {
	voters, observers := 3, 0
	s.now = time.Unix(1000, 0)
	s.o = Options{Tick: 2 * time.Second, InitLimit: 10, SyncLimit: 5, TrustEmpty: true}
	s.leader, s.learner, s.relay = nil, nil, nil
	log := ""
	for _, a := range d.CmdArgs {
		val := ""
		if len(a.Vals) > 0 {
			val = a.Vals[0]
		}
		switch a.Key {
		case "self":
			s.o.Self = zk.ServerID(s.number(val))
		case "voters":
			voters = int(s.number(val))
		case "observers":
			observers = int(s.number(val))
		case "accepted":
			s.o.Accepted = zk.Epoch(s.number(val))
		case "current":
			s.o.Current = zk.Epoch(s.number(val))
		case "log":
			log = val
		case "observer":
			s.o.Observer = true
		case "outsider":
			s.o.Observer, s.o.Outsider = true, true
		case "untrusted":
			s.o.TrustEmpty = false
		case "force":
			s.o.ForceSnapshot = true
		case "epochwait":
			s.o.EpochWait = time.Duration(s.number(val)) * time.Second
		case "snaps":
			s.o.MaxSnapSyncs = int(s.number(val))
		case "diffs":
			s.o.MaxDiffSyncs = int(s.number(val))
		case "known":
			s.o.KnownCommitted = zk.Zxid(s.number(val))
		default:
			d.Fatalf(s.t, "unknown argument %s", a.Key)
		}
	}
	s.o.Config = traceConfig(voters, observers)
	s.o.History = s.history(log)
	switch d.Cmd {
	case "leader":
		s.leader = NewLeader(s.o, s.now, &s.out)
	case "relay":
		s.beginRelay()
	default:
		s.learner = NewLearner(s.o, 1, s.now, &s.out)
	}
	s.print()
}

func traceConfig(voters, observers int) *ensemble.Config {
	c := &ensemble.Config{Members: make(map[zk.ServerID]ensemble.Member)}
	for i := 1; i <= voters+observers; i++ {
		m := ensemble.Member{ID: zk.ServerID(i), QuorumAddr: ensemble.Addrs(fmt.Sprintf("h%d:2888", i)), ElectionAddr: ensemble.Addrs(fmt.Sprintf("h%d:3888", i))}
		if i > voters {
			m.Role = ensemble.Observer
		}
		c.Members[m.ID] = m
	}
	return c
}

// history builds one from ranges such as 0x100000001..0x100000003+0x200000001. What
// stands before a slash is the floor.
func (s *script) history(text string) *History {
	floor, ranges, ok := strings.Cut(text, "/")
	if !ok {
		floor, ranges = "0", text
	}
	h := NewHistory(zk.Zxid(s.number(floor)))
	if ranges == "" {
		return h
	}
	for _, r := range strings.Split(ranges, "+") {
		from, to, _ := strings.Cut(r, "..")
		if to == "" {
			to = from
		}
		for z := zk.Zxid(s.number(from)); z <= zk.Zxid(s.number(to)); z++ {
			h.Append(record(z, int(z)))
		}
	}
	return h
}

func (s *script) number(text string) int64 {
	n, err := strconv.ParseInt(text, 0, 64)
	if err != nil {
		if u, err := strconv.ParseUint(text, 0, 64); err == nil {
			return int64(u)
		}
		s.t.Fatalf("number %q: %v", text, err)
	}
	return n
}

// play carries out one line.
func (s *script) play(line string) {
	f := strings.Fields(line)
	zxid := func(i int) zk.Zxid { return zk.Zxid(s.number(f[i])) }
	switch f[0] {
	case "up":
		s.step(LinkUp{Link: LinkID(s.number(f[1]))})
	case "down":
		s.step(LinkDown{Link: LinkID(s.number(f[1])), Err: fmt.Errorf("reset")})
	case "looking":
		s.step(Looking{zk.ServerID(s.number(f[1]))})
	case "persisted":
		kind := AcceptedEpoch
		if f[1] == "current" {
			kind = CurrentEpoch
		}
		s.step(Persisted{Persist{kind, zk.Epoch(s.number(f[2]))}})
	case "durable":
		s.step(Durable{zxid(1)})
	case "view":
		s.step(SnapshotReady{Link: LinkID(s.number(f[1])), Zxid: zxid(2)})
	case "truncated":
		s.step(Truncated{Last: zxid(1)})
	case "installed":
		s.step(SnapReceived{Zxid: zxid(1)})
	case "failed":
		s.step(Failed{Err: fmt.Errorf("disk full")})
	case "propose":
		for range s.number(f[1]) {
			z := s.leader.NextZxid()
			s.step(Propose{Record: record(z, int(z))})
		}
	case "tick":
		d, err := time.ParseDuration(f[1])
		if err != nil {
			s.t.Fatal(err)
		}
		for end := s.now.Add(d); s.now.Before(end); {
			s.now = s.now.Add(min(s.o.Tick/2, end.Sub(s.now)))
			s.step(Tick{})
		}
	default:
		if s.relay != nil && s.playRelay(f) {
			return
		}
		s.step(Received{Link: LinkID(s.number(f[0])), Packet: s.packet(f[1:])})
	}
}

// packet builds a packet from its name, zxid and what belongs to its type.
func (s *script) packet(f []string) peerwire.Packet {
	var p peerwire.Packet
	for t, name := range packetNames {
		if name == f[0] {
			p.Type = t
		}
	}
	if p.Type == 0 {
		s.t.Fatalf("unknown packet %q", f)
	}
	p.Zxid = -1
	if len(f) > 1 {
		p.Zxid = zk.Zxid(s.number(f[1]))
	}
	args := make(map[string]int64)
	for _, a := range f[min(2, len(f)):] {
		key, val, _ := strings.Cut(a, "=")
		args[key] = s.number(val)
	}
	switch p.Type {
	case peerwire.FollowerInfo, peerwire.ObserverInfo:
		info := peerwire.LearnerInfo{ServerID: zk.ServerID(args["sid"]), Protocol: peerwire.ProtocolVersion, ConfigVersion: args["config"]}
		if v, ok := args["protocol"]; ok {
			info.Protocol = int32(v)
		}
		p.Data = info.Append(nil)
		if v, ok := args["burnt"]; ok {
			p.Data = binary.BigEndian.AppendUint64(p.Data, uint64(v))
		}
	case peerwire.LeaderInfo:
		p.Data = binary.BigEndian.AppendUint32(nil, uint32(peerwire.ProtocolVersion))
	case peerwire.AckEpoch:
		p.Data = binary.BigEndian.AppendUint32(nil, uint32(int32(args["current"])))
	case peerwire.Proposal, peerwire.Inform:
		z := p.Zxid
		if v, ok := args["holds"]; ok {
			z = zk.Zxid(v)
		}
		p.Data = record(z, int(z)).Bytes
	case peerwire.NewLeader:
		p.Data = traceConfig(3, 0).Text()
	case peerwire.Request:
		req := peerwire.ForwardedRequest{Session: zk.SessionID(args["session"]), Cxid: int32(args["cxid"]), Op: zk.OpCode(args["op"])}
		p.Data = req.Append(nil)
	case peerwire.Revalidate:
		if s.learner == nil {
			p.Data = peerwire.AppendRevalidate(nil, zk.SessionID(args["session"]), int32(args["timeout"]))
		} else {
			p.Data = peerwire.AppendRevalidated(nil, zk.SessionID(args["session"]), args["valid"] != 0)
		}
	case peerwire.Ping:
		if s.learner == nil {
			p.Data = peerwire.AppendTouches([]byte{}, nil)
		}
	case peerwire.CommitAndActivate:
		p.Data = binary.BigEndian.AppendUint64(nil, uint64(args["leader"]))
	}
	return p
}

func (s *script) step(in Input) {
	switch {
	case s.leader != nil:
		s.leader.Step(s.now, in, &s.out)
	case s.relay != nil:
		s.relay.Step(s.now, in, &s.out)
	default:
		s.learner.Step(s.now, in, &s.out)
	}
	s.print()
}

// print writes what the core wants done, in the order of Output.
func (s *script) print() {
	o := &s.out
	line := func(format string, args ...any) { fmt.Fprintf(&s.text, format+"\n", args...) }
	for _, p := range o.Persist {
		line("persist %s %d", [...]string{"accepted", "current"}[p.Kind], p.Epoch)
	}
	for _, rec := range o.Append {
		line("append %v", rec.Zxid)
	}
	for _, z := range o.Truncate {
		line("truncate %v", z)
	}
	pings := 0
	for i := range o.Send {
		p := &o.Send[i].Packet
		if p.Type == peerwire.Ping {
			pings++
			continue
		}
		line("%d <- %s%s", o.Send[i].Link, packetText(p), packetDetail(p, o.Send[i].Snapshot))
	}
	if pings > 0 {
		line("%d pings", pings)
	}
	for _, c := range o.Close {
		line("close %d: %s", c.Link, c.Reason)
	}
	for _, d := range o.Deliver {
		switch {
		case d.Sync:
			line("deliver sync")
		case d.Activate != nil:
			c := d.Activate.Config
			line("activate configuration %x, voters %v, leader %d", c.Version, c.Voters(), d.Activate.Leader)
		default:
			line("deliver %v", d.Commit)
		}
	}
	for _, link := range o.Snapshot {
		line("view for %d", link)
	}
	for _, r := range o.Requests {
		line("request op %d session %v cxid %d from %d", r.Request.Op, r.Request.Session, r.Request.Cxid, r.From)
	}
	for _, r := range o.Revalidate {
		line("revalidate %v timeout %d for %d", r.Session, r.Timeout, r.From)
	}
	for _, r := range o.Revalidated {
		line("revalidated %v %v", r.Session, r.Valid)
	}
	for _, id := range o.Moved {
		line("moved %v", id)
	}
	for _, z := range o.Pings {
		line("answer ping %v", z)
	}
	for _, id := range o.Synced {
		line("synced %d", id)
	}
	if o.Established {
		line("established")
	}
	if o.StepDown != "" {
		line("step down: %s", o.StepDown)
	}
	if o.NeedSnapshot {
		line("needs a snapshot")
	}
	o.Reset()
}

// packetDetail is what packetText leaves out.
func packetDetail(p *peerwire.Packet, snapshot bool) string {
	switch {
	case snapshot:
		return " with the view"
	case p.Type == peerwire.NewLeader:
		return fmt.Sprintf(" with %d bytes of configuration", len(p.Data))
	case p.Type == peerwire.FollowerInfo || p.Type == peerwire.ObserverInfo:
		info, err := peerwire.DecodeLearnerInfo(p.Data)
		text := fmt.Sprintf(" server %d protocol %#x", info.ServerID, info.Protocol)
		if current, ok := decodeBurnt(p.Data); ok {
			text += fmt.Sprintf(" current epoch %d", current)
		}
		if err != nil {
			text += " " + err.Error()
		}
		return text
	case p.Type == peerwire.Proposal || p.Type == peerwire.Inform:
		rec, err := txn.DecodeRecord(p.Data)
		if err != nil || rec.Zxid != p.Zxid {
			return fmt.Sprintf(" WRONG: %v %v", rec, err)
		}
	}
	return ""
}

package zab

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/ensemble"
	"ostler/internal/peerwire"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// A transcript is one connection between two servers of ZooKeeper, as recorded.
type transcript struct {
	messages []message
	config   *ensemble.Config
	voter    zk.ServerID // the learner
	observer bool
}

type message struct {
	toLeader bool
	stream   bool // the bytes behind SNAP
	packet   peerwire.Packet
}

func loadTranscript(t *testing.T, name string) *transcript {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "transcripts", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Transcript []struct {
			Dir     string
			Raw     string
			Decoded struct{ Type string }
		}
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	tr := &transcript{}
	for _, m := range doc.Transcript {
		raw, err := hex.DecodeString(m.Raw)
		if err != nil {
			t.Fatal(err)
		}
		msg := message{toLeader: m.Dir == "L->M", stream: m.Decoded.Type == "SNAPSTREAM"}
		if !msg.stream {
			msg.packet = decodeRaw(t, raw)
		}
		switch msg.packet.Type {
		case peerwire.FollowerInfo, peerwire.ObserverInfo:
			tr.voter = zk.ServerID(binary.BigEndian.Uint64(msg.packet.Data))
			tr.observer = msg.packet.Type == peerwire.ObserverInfo
		case peerwire.NewLeader:
			if tr.config, err = ensemble.ParseConfig(msg.packet.Data); err != nil {
				t.Fatal(err)
			}
		}
		tr.messages = append(tr.messages, msg)
	}
	return tr
}

// decodeRaw reads a quorum packet (quorum.md 4.1).
func decodeRaw(t *testing.T, b []byte) peerwire.Packet {
	t.Helper()
	p := peerwire.Packet{
		Type: peerwire.PacketType(int32(binary.BigEndian.Uint32(b))),
		Zxid: zk.Zxid(binary.BigEndian.Uint64(b[4:])),
	}
	if n := int32(binary.BigEndian.Uint32(b[12:])); n >= 0 {
		p.Data = b[16 : 16+n]
	}
	return p
}

// has returns the first packet of a type.
func (tr *transcript) first(kind peerwire.PacketType) *peerwire.Packet {
	for i := range tr.messages {
		if !tr.messages[i].stream && tr.messages[i].packet.Type == kind {
			return &tr.messages[i].packet
		}
	}
	return nil
}

// A plain packet is what is compared of one.
type plain struct {
	Type string
	Zxid string
	Data string
}

func plainOf(p *peerwire.Packet) plain {
	data := "null"
	if p.Data != nil {
		data = hex.EncodeToString(p.Data)
	}
	return plain{packetNames[p.Type], p.Zxid.String(), data}
}

// expected are the messages of one direction that a core sends, too: pings depend on
// time, and requests come from clients.
func (tr *transcript) expected(toLeader bool) []plain {
	var list []plain
	for i := range tr.messages {
		m := &tr.messages[i]
		if m.toLeader != toLeader || m.stream {
			continue
		}
		switch m.packet.Type {
		case peerwire.Ping, peerwire.Request, peerwire.InformAndActivate:
		default:
			list = append(list, plainOf(&m.packet))
		}
	}
	return list
}

// TestLearnerTranscripts puts the learner core in the place of a recorded learner
// of ZooKeeper 3.9.5 or 3.8.0: what it is sent makes it send the same, but for what
// Ostler's servers add to their introduction (TestAdditions).
func TestLearnerTranscripts(t *testing.T) {
	for _, name := range []string{
		"join-first-epoch-diff-395", "join-fresh-snap", "join-diff-committed", "join-trunc", "join-empty-untrusted",
		"observer-session", "mixed-395-leader-380-follower",
	} {
		t.Run(name, func(t *testing.T) {
			tr := loadTranscript(t, name)
			r := &learnerReplay{now: time.Unix(1000, 0)}
			r.learner = NewLearner(learnerOptionsOf(tr), 1, r.now, &r.out)
			r.carryOut()
			for i := range tr.messages {
				if m := &tr.messages[i]; !m.toLeader && !m.stream {
					r.receive(m.packet)
				}
			}
			if r.reason != "" {
				t.Errorf("the learner stepped down: %s", r.reason)
			}
			r.sent[0].Data = r.sent[0].Data[:2*burntAt]
			if d := cmp.Diff(tr.expected(true), r.sent); d != "" {
				t.Errorf("sent (-recorded +got):\n%s", d)
			}
			if last := r.learner.history.Last(); r.learner.Committed() != last {
				t.Errorf("committed %v of %v", r.learner.Committed(), last)
			}
		})
	}
}

// learnerOptionsOf finds out in what state the recorded learner began.
func learnerOptionsOf(tr *transcript) Options {
	info, _ := peerwire.DecodeLearnerInfo(tr.messages[0].packet.Data)
	ack := tr.first(peerwire.AckEpoch)
	current := zk.Epoch(int32(binary.BigEndian.Uint32(ack.Data)))
	o := Options{
		Self: info.ServerID, Observer: tr.observer, Config: &ensemble.Config{Version: info.ConfigVersion, Members: tr.config.Members},
		Tick: 2 * time.Second, InitLimit: 10, SyncLimit: 5,
		Accepted: max(tr.messages[0].packet.Zxid.Epoch(), 0), Current: current,
		History: NewHistory(max(ack.Zxid, 0)), TrustEmpty: ack.Zxid != -1,
	}
	if current == -1 {
		o.Current = o.Accepted
	}
	if cut := tr.first(peerwire.Trunc); cut != nil {
		o.History = NewHistory(cut.Zxid)
		for z := cut.Zxid + 1; z <= ack.Zxid; z++ {
			o.History.Append(record(z, int(z)))
		}
	}
	return o
}

// A learnerReplay is a learner whose disk is quick.
type learnerReplay struct {
	now     time.Time
	learner *Learner
	out     Output
	sent    []plain
	reason  string
}

func (r *learnerReplay) receive(p peerwire.Packet) {
	r.step(Received{Link: 1, Packet: p})
	if p.Type == peerwire.Snap {
		r.step(SnapReceived{Zxid: p.Zxid})
	}
}

func (r *learnerReplay) step(in Input) {
	r.learner.Step(r.now, in, &r.out)
	r.carryOut()
}

func (r *learnerReplay) carryOut() {
	var next []Input
	for _, p := range r.out.Persist {
		next = append(next, Persisted{p})
	}
	if n := len(r.out.Append); n > 0 {
		next = append(next, Durable{r.out.Append[n-1].Zxid})
	}
	for _, to := range r.out.Truncate {
		next = append(next, Truncated{to})
	}
	for i := range r.out.Send {
		r.sent = append(r.sent, plainOf(&r.out.Send[i].Packet))
	}
	if r.out.StepDown != "" {
		r.reason = r.out.StepDown
	}
	r.out.Reset()
	for _, in := range next {
		r.step(in)
	}
}

// TestLeaderTranscripts puts the leader core in the place of a recorded leader. A
// second follower, which is not recorded, is there all the time.
func TestLeaderTranscripts(t *testing.T) {
	for _, tc := range []struct {
		name string
		last zk.Zxid // of the leader's history when its leadership began
		// joins: the leader was established, and had committed this, when the
		// recorded learner came.
		committed zk.Zxid
	}{
		{name: "join-first-epoch-diff-395"},
		{name: "join-diff-committed", committed: 0x100000005},
		{name: "join-diff-committed-380", committed: 0x100000005},
		{name: "join-trunc", last: 0x10000027a},
		{name: "join-empty-untrusted"},
		{name: "observer-session", committed: 0x100000003},
		{name: "mixed-395-leader-380-follower", last: 0x100000003},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tr := loadTranscript(t, tc.name)
			r := newLeaderReplay(t, tr, tc.last)
			if tc.committed != 0 {
				r.leader.history.Reset(tc.committed)
				r.leader.committed, r.leader.durable = tc.committed, tc.committed
			}
			r.play(tr)
			if r.reason != "" {
				t.Errorf("the leader stepped down: %s", r.reason)
			}
			if d := cmp.Diff(tr.expected(false), r.sent); d != "" {
				t.Errorf("sent (-recorded +got):\n%s", d)
			}
		})
	}
}

// A leaderReplay is an established leader whose disk is quick, and a follower at
// link 9 that acknowledges everything at once.
type leaderReplay struct {
	t      *testing.T
	now    time.Time
	leader *Leader
	out    Output
	sent   []plain // on link 1
	reason string
}

func newLeaderReplay(t *testing.T, tr *transcript, last zk.Zxid) *leaderReplay {
	t.Helper()
	epoch := tr.first(peerwire.LeaderInfo).Zxid.Epoch()
	ids := tr.config.Voters()
	self, helper := ids[len(ids)-1], ids[len(ids)-2]
	if tr.voter == self {
		self, helper = ids[len(ids)-2], ids[0]
	}
	if helper == tr.voter {
		helper = ids[0]
	}
	r := &leaderReplay{t: t, now: time.Unix(1000, 0)}
	r.leader = NewLeader(Options{
		Self: self, Config: tr.config, Tick: 2 * time.Second, InitLimit: 10, SyncLimit: 5,
		Accepted: epoch - 1, Current: epoch - 1, History: NewHistory(last), TrustEmpty: true,
	}, r.now, &r.out)
	info := peerwire.LearnerInfo{ServerID: helper, Protocol: peerwire.ProtocolVersion}
	ack := binary.BigEndian.AppendUint32(nil, uint32(epoch-1))
	for _, in := range []Input{
		LinkUp{9},
		Received{9, peerwire.Packet{Type: peerwire.FollowerInfo, Zxid: zk.MakeZxid(epoch-1, 0), Data: info.Append(nil)}},
		Received{9, peerwire.Packet{Type: peerwire.AckEpoch, Zxid: last, Data: ack}},
		Received{9, peerwire.Packet{Type: peerwire.Ack, Zxid: zk.MakeZxid(epoch, 0)}},
		LinkUp{1},
	} {
		r.step(in)
	}
	if !r.leader.Established() {
		t.Fatal("the leader is not established")
	}
	return r
}

// play feeds what the learner sent, and proposes what the leader did. What comes with
// DIFF was committed before the learner came.
func (r *leaderReplay) play(tr *transcript) {
	for _, m := range r.beforeJoin(tr) {
		r.propose(&m.packet)
	}
	synced := false
	for i := range tr.messages {
		m := &tr.messages[i]
		switch {
		case m.stream:
		case m.toLeader:
			r.step(Received{1, m.packet})
		case m.packet.Type == peerwire.NewLeader:
			synced = true
		case synced && (m.packet.Type == peerwire.Proposal || m.packet.Type == peerwire.Inform):
			r.propose(&m.packet)
		}
	}
}

// beforeJoin are the proposals ahead of NEWLEADER.
func (r *leaderReplay) beforeJoin(tr *transcript) []message {
	var list []message
	for _, m := range tr.messages {
		if m.stream {
			continue
		}
		switch m.packet.Type {
		case peerwire.NewLeader:
			return list
		case peerwire.Proposal:
			list = append(list, m)
		}
	}
	return list
}

func (r *leaderReplay) propose(p *peerwire.Packet) {
	rec, err := txn.DecodeRecord(p.Data)
	if err != nil {
		r.t.Fatalf("transaction %v: %v", p.Zxid, err)
	}
	r.step(Propose{rec})
}

func (r *leaderReplay) step(in Input) {
	r.leader.Step(r.now, in, &r.out)
	var next []Input
	for _, p := range r.out.Persist {
		next = append(next, Persisted{p})
	}
	if n := len(r.out.Append); n > 0 {
		next = append(next, Durable{r.out.Append[n-1].Zxid})
	}
	for _, link := range r.out.Snapshot {
		next = append(next, SnapshotReady{Link: link, Zxid: r.leader.start()})
	}
	for i := range r.out.Send {
		s := &r.out.Send[i]
		switch {
		case s.Packet.Type == peerwire.Ping && s.Packet.Zxid < 0:
			// The leader asks whether it is followed still, before it answers a
			// sync (R28); recorded leaders do not.
			next = append(next, Received{s.Link, peerwire.Packet{Type: peerwire.Ping, Zxid: s.Packet.Zxid}})
		case s.Link == 1:
			r.sent = append(r.sent, plainOf(&s.Packet))
		case s.Packet.Type == peerwire.Proposal:
			next = append(next, Received{9, peerwire.Packet{Type: peerwire.Ack, Zxid: s.Packet.Zxid}})
		}
	}
	if r.out.StepDown != "" {
		r.reason = r.out.StepDown
	}
	r.out.Reset()
	for _, in := range next {
		r.step(in)
	}
}

package zab

import (
	"encoding/binary"
	"testing"
	"time"

	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// fuzzPacket makes a packet of four bytes: type, zxid, and what its data is.
func fuzzPacket(b []byte) peerwire.Packet {
	p := peerwire.Packet{
		Type: peerwire.PacketType(b[0] % 21),
		Zxid: zk.MakeZxid(zk.Epoch(b[1]%4), uint32(b[2]%5)),
	}
	if b[1] == 255 {
		p.Zxid = -1
	}
	switch b[3] % 6 {
	case 0:
		p.Data = record(p.Zxid, int(b[2])).Bytes
	case 1:
		p.Data = peerwire.LearnerInfo{ServerID: zk.ServerID(b[2] % 6), Protocol: peerwire.ProtocolVersion}.Append(nil)
	case 2:
		p.Data = binary.BigEndian.AppendUint32(nil, uint32(int32(b[2]%5)-1))
	case 3:
		p.Data = b[:b[2]%5]
	case 4:
		p.Data = traceConfig(3, 0).Text()
	}
	return p
}

// FuzzLearner: no sequence of packets makes a learner panic, acknowledge what is not
// on disk, or deliver what it does not hold.
func FuzzLearner(f *testing.F) {
	f.Add([]byte{17, 1, 0, 2, 13, 0, 0, 5, 2, 1, 1, 0, 4, 1, 1, 5, 10, 1, 0, 4, 12, 0, 0, 5, 2, 1, 2, 0, 4, 1, 2, 5})
	f.Add([]byte{17, 2, 0, 2, 15, 1, 2, 5, 10, 2, 0, 4, 12, 0, 0, 5})
	f.Add([]byte{17, 2, 0, 2, 14, 1, 0, 5, 10, 2, 0, 4, 12, 0, 0, 5})
	f.Fuzz(func(t *testing.T, script []byte) {
		now := time.Unix(1000, 0)
		o := Options{Self: 1, Config: traceConfig(3, 1), Tick: time.Second, InitLimit: 10, SyncLimit: 5, History: NewHistory(0), TrustEmpty: len(script)%2 == 0}
		if len(script)%3 == 0 {
			o.Self, o.Observer = 4, true
		}
		var out Output
		l := NewLearner(o, 1, now, &out)
		var durable zk.Zxid
		var pending []Input
		for len(script) >= 4 {
			var next []Input
			for _, p := range out.Persist {
				next = append(next, Persisted{p})
			}
			if n := len(out.Append); n > 0 {
				next = append(next, Durable{out.Append[n-1].Zxid})
			}
			for _, z := range out.Truncate {
				next = append(next, Truncated{z})
				durable = min(durable, z)
			}
			for i := range out.Send {
				if p := &out.Send[i].Packet; p.Type == peerwire.Ack && p.Zxid.Counter() > 0 && p.Zxid > durable {
					t.Fatalf("acknowledged %v, durable %v", p.Zxid, durable)
				}
			}
			for _, d := range out.Deliver {
				if d.Commit > l.history.Last() {
					t.Fatalf("delivered %v of %v", d.Commit, l.history.Last())
				}
			}
			if out.StepDown != "" {
				return
			}
			out.Reset()
			pending = append(pending, next...)
			if script[3]&64 == 0 && len(pending) > 0 {
				in := pending[0]
				pending = pending[1:]
				if d, ok := in.(Durable); ok {
					if d.Zxid > l.history.Last() {
						continue // of a history that was replaced
					}
					durable = max(durable, d.Zxid)
				}
				l.Step(now, in, &out)
				continue
			}
			p := fuzzPacket(script[:4])
			script = script[4:]
			if l.phase == restoring {
				durable = p.Zxid
				l.Step(now, SnapReceived{p.Zxid}, &out)
				continue
			}
			l.Step(now, Received{Link: 1, Packet: p}, &out)
		}
	})
}

// FuzzLeader: no sequence of packets from three links makes a leader panic, or commit
// without a quorum.
func FuzzLeader(f *testing.F) {
	f.Add([]byte{11, 0, 1, 1, 18, 0, 1, 2, 3, 1, 0, 5, 200, 0, 0, 0, 3, 1, 1, 5})
	f.Add([]byte{11, 0, 1, 1, 11, 0, 2, 1 + 64, 18, 0, 1, 2, 18, 0, 1, 2 + 64, 3, 1, 0, 5, 1, 0, 0, 3, 5, 0, 0, 3})
	f.Fuzz(func(t *testing.T, script []byte) {
		now := time.Unix(1000, 0)
		o := Options{Self: 3, Config: traceConfig(3, 1), Tick: time.Second, InitLimit: 10, SyncLimit: 5, History: NewHistory(0), TrustEmpty: true}
		var out Output
		l := NewLeader(o, now, &out)
		for link := LinkID(1); link <= 3; link++ {
			l.Step(now, LinkUp{link}, &out)
		}
		acked := make(map[LinkID]zk.Zxid)
		durable := zk.Zxid(0)
		for len(script) >= 4 && out.StepDown == "" {
			var next []Input
			for _, p := range out.Persist {
				next = append(next, Persisted{p})
			}
			for _, link := range out.Snapshot {
				next = append(next, SnapshotReady{Link: link, Zxid: l.Committed()})
			}
			for _, d := range out.Deliver {
				votes := 0
				if durable >= d.Commit {
					votes++
				}
				for _, z := range acked {
					if z >= d.Commit {
						votes++
					}
				}
				if votes < 2 {
					t.Fatalf("committed %v with %d votes", d.Commit, votes)
				}
			}
			out.Reset()
			for _, in := range next {
				l.Step(now, in, &out)
			}
			b := script[:4]
			script = script[4:]
			link := LinkID(1 + b[3]/64%3)
			switch {
			case b[0] == 200 && l.Established():
				l.Step(now, Propose{record(l.NextZxid(), 1)}, &out)
			case b[0] == 201:
				durable = l.history.Last()
				l.Step(now, Durable{durable}, &out)
			case b[0] == 202:
				now = now.Add(time.Duration(b[1]) * 50 * time.Millisecond)
				l.Step(now, Tick{}, &out)
			case b[0] == 203:
				l.Step(now, LinkDown{Link: link}, &out)
			default:
				p := fuzzPacket(b)
				if p.Type == peerwire.Ack {
					acked[link] = max(acked[link], p.Zxid)
				}
				l.Step(now, Received{Link: link, Packet: p}, &out)
			}
		}
	})
}

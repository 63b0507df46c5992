package zab

import (
	"encoding/binary"

	"ostler/internal/ensemble"
	"ostler/internal/peerwire"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// An Activation makes a configuration the one that counts (quorum.md 5.4, 5.5).
type Activation struct {
	Config *ensemble.Config
	// Leader is who leads from now on; 0 when that does not change.
	Leader zk.ServerID
}

// configOf reads the configuration in a reconfiguration's transaction; nil if it is
// none.
func configOf(rec *txn.Record) *ensemble.Config {
	body, ok := rec.Body.(*txn.SetData)
	if rec.Type != zk.OpReconfig || !ok {
		return nil
	}
	c, err := ensemble.ParseConfig(body.Data)
	if err != nil {
		return nil
	}
	return c
}

// Config returns the configuration in force, with the one that is proposed behind it.
func (l *Leader) Config() *ensemble.Config { return l.config }

// Synced reports whether this server and the followers that are up to date are a
// quorum of c (quorum.md 5.3 step 8).
func (l *Leader) Synced(c *ensemble.Config) bool {
	return c.ContainsQuorum(func(id zk.ServerID) bool {
		if id == l.o.Self {
			return true
		}
		for _, p := range l.order {
			if p.server == id && p.stage == serving && !p.observer && !l.now.After(p.deadline) {
				return true
			}
		}
		return false
	})
}

// setConfig makes c, with what is proposed behind it, the configuration that counts.
func (l *Leader) setConfig(c *ensemble.Config) {
	l.config, l.text = c, c.Newest().Text()
	for _, p := range l.order {
		p.voter = !p.observer && c.IsVoter(p.server)
	}
}

// number gives the first configuration of an ensemble a version, so that later ones
// can be told from it (quorum.md 4.9).
func (l *Leader) number() {
	if l.o.Reconfig && l.config.Version == 0 && l.config.Next == nil {
		l.setConfig(l.config.With(l.config.WithVersion(int64(l.start()))))
	}
}

// proposeConfig takes a configuration in that is proposed: what follows needs a
// quorum of it too.
func (l *Leader) proposeConfig(rec *txn.Record) {
	if c := configOf(rec); c != nil {
		l.setConfig(l.config.With(c))
		l.pending = rec.Zxid
	}
}

// activate tells the shell that the proposed configuration, which a quorum of each
// has taken, comes into force. It is on record before a client hears of it.
func (l *Leader) activate(leader zk.ServerID, out *Output) {
	a := &Activation{Config: l.config.Next}
	if leader != l.o.Self {
		a.Leader = leader
	}
	out.Deliver = append(out.Deliver, Delivery{Activate: a})
}

// activated goes on under the new configuration, unless another leads in it.
func (l *Leader) activated(leader zk.ServerID, out *Output) {
	l.pending = 0
	l.setConfig(l.config.Next)
	if leader != l.o.Self {
		l.resign("this server does not lead in the new configuration", out)
	}
}

// designate returns who leads in the proposed configuration: this server if it can,
// else who of the voters has acknowledged most (quorum.md 5.4). A voter without weight
// never leads (quorum.md 1.4); 0 is nobody.
func (l *Leader) designate() zk.ServerID {
	next := l.config.Next
	own, had := l.config.Members[l.o.Self], next.Members[l.o.Self]
	if next.Weight(l.o.Self) > 0 && own.QuorumAddr == had.QuorumAddr {
		return l.o.Self
	}
	best, acked := zk.ServerID(0), zk.Zxid(-1)
	for _, p := range l.order {
		if p.stage >= joined && !p.observer && p.acked >= acked && next.Weight(p.server) > 0 {
			best, acked = p.server, p.acked
		}
	}
	return best
}

// announceConfig tells a learner that the proposed configuration is in force.
func (l *Leader) announceConfig(p *peer, rec *txn.Record, out *Output) {
	data := binary.BigEndian.AppendUint64(nil, uint64(l.designate()))
	if p.observer {
		l.tell(p, peerwire.Packet{Type: peerwire.InformAndActivate, Zxid: rec.Zxid, Data: append(data, rec.Bytes...)}, out)
		return
	}
	l.tell(p, peerwire.Packet{Type: peerwire.CommitAndActivate, Zxid: rec.Zxid, Data: data}, out)
}

// activate notes the configuration in the transaction z, which is committed, and who
// leads in it. While this server synchronises, it waits for UPTODATE.
func (l *Learner) activate(z zk.Zxid, data []byte, out *Output) {
	recs := l.history.Records(z-1, z)
	if len(recs) == 0 {
		return
	}
	c := configOf(recs[0])
	if c == nil || !l.o.Reconfig {
		return
	}
	l.adopt(c)
	if l.phase < following {
		return
	}
	leader := zk.ServerID(0)
	if len(data) >= 8 {
		leader = zk.ServerID(binary.BigEndian.Uint64(data))
	}
	l.activateNow(leader, out)
	l.deliver(out)
}

// adopt notes a newer configuration (quorum.md R29).
func (l *Learner) adopt(c *ensemble.Config) {
	if l.o.Reconfig && c.Version > l.o.Config.Version && (l.config == nil || c.Version > l.config.Version) {
		l.config = c
	}
}

// dropProposed forgets a configuration from NEWLEADER that this leader has proposed and
// not committed: it comes into force with its transaction, if ever (INV-C1).
func (l *Learner) dropProposed() {
	if l.config == nil {
		return
	}
	if z := zk.Zxid(l.config.Version); z.Epoch() == l.epoch && z.Counter() > 0 && z > l.seen {
		l.config = nil
	}
}

// activateNow makes the noted configuration the one in force.
func (l *Learner) activateNow(leader zk.ServerID, out *Output) {
	if l.config == nil {
		return
	}
	out.Deliver = append(out.Deliver, Delivery{Activate: &Activation{Config: l.config, Leader: leader}})
	l.o.Config, l.config = l.config, nil
}

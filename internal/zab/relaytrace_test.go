package zab

import (
	"strings"

	"ostler/internal/zk"
)

// Of a relay the link to the leader is 1. These are its inputs beside packets:
//
//	append 0x1..0x3             proposals from the leader, not committed yet
//	deliver 0x100000002         what is committed, as the learner says
//	activate 0x100000002 3      a configuration that this transaction brings, under leader 3
//	deliver sync                the leader's answer to a sync
//	sync                        a sync of this server's own client
//	ask 7                       a question of its own about session 7
//	answer 7 valid              the leader's answer

// beginRelay makes a follower that is established, and its relay.
func (s *script) beginRelay() {
	s.o.Reconfig = true
	l := &Learner{
		o: s.o, link: 1, history: s.o.History, phase: following, epoch: s.o.Current,
		committed: s.o.KnownCommitted, seen: s.o.KnownCommitted,
	}
	s.relay = NewRelay(l, s.now, &s.out)
}

func (s *script) playRelay(f []string) bool {
	switch {
	case f[0] == "append":
		from, to, more := strings.Cut(f[1], "..")
		if !more {
			to = from
		}
		for z := zk.Zxid(s.number(from)); z <= zk.Zxid(s.number(to)); z++ {
			s.o.History.Append(record(z, int(z)))
		}
	case f[0] == "deliver" && f[1] == "sync":
		s.step(Delivered{Delivery{Sync: true}})
	case f[0] == "deliver":
		s.step(Delivered{Delivery{Commit: zk.Zxid(s.number(f[1]))}})
	case f[0] == "activate":
		c := traceConfig(5, 1).WithVersion(s.number(f[1]))
		s.step(Delivered{Delivery{Activate: &Activation{Config: c, Leader: zk.ServerID(s.number(f[2]))}}})
	case f[0] == "sync":
		s.step(Sync{})
	case f[0] == "ask":
		s.step(Asking{zk.SessionID(s.number(f[1]))})
	case f[0] == "answer":
		s.step(Revalidated{zk.SessionID(s.number(f[1])), f[2] == "valid"})
	default:
		return false
	}
	return true
}

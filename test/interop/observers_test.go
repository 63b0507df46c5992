//go:build interop

package interop

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"ostler/test/proc"
)

// behindMasters starts three voters, of which the last one leads, and two observers that
// follow followers, an Ostler and an Apache. All find the masters at one port, so each
// server has a loopback address of its own.
func behindMasters(t *testing.T, followers, leader proc.Kind) *ensemble {
	t.Helper()
	e := newEnsemble(t, followers, followers, leader, ostler, apache)
	e.extra = fmt.Sprintf("db.autocreate=true\nobserverMasterPort=%d\n", proc.FreePorts(t, 1)[0])
	for _, m := range e.members {
		m.host = fmt.Sprintf("127.0.0.%d", m.id)
		m.observer = m.id > 3
	}
	e.configure()
	// The one with the greatest id leads if it is there from the beginning.
	e.members[2].start()
	proc.Eventually(t, "server 3 is there", func() bool { return e.members[2].word("srvr") != "" }, e.members[2].tail)
	for _, m := range e.members {
		if m.process == nil {
			m.start()
		}
	}
	e.waitServing()
	if l := e.leader(); l.id != 3 { // the others may have been quicker
		l.kill()
		proc.Eventually(t, "server 3 leads", func() bool { return e.members[2].mode() == "leader" }, e.members[2].tail)
		l.start()
		e.waitServing()
	}
	return e
}

// master is whom an observer follows.
func (m *member) master() int {
	id, _ := strconv.Atoi(proc.Field(m.word("mntr"), "zk_observer_master_id\t"))
	return id
}

// waitMaster waits until an observer serves that does not follow who may not be followed.
func (e *ensemble) waitMaster(m *member, not ...int) int {
	e.t.Helper()
	id := 0
	proc.Eventually(e.t, fmt.Sprintf("observer %d (%s) follows another follower than %v", m.id, m.kind, not), func() bool {
		if m.mode() != "observer" {
			return false
		}
		id = m.master()
		for _, n := range not {
			if id == n {
				return false
			}
		}
		return id != 0
	}, m.tail)
	return id
}

// Observers of both kinds follow followers of both kinds under leaders of both kinds
// (quorum.md 4.18).
func TestObserversFollowFollowers(t *testing.T) {
	for _, c := range []struct{ followers, leader proc.Kind }{{ostler, ostler}, {ostler, apache}, {apache, ostler}} {
		t.Run(fmt.Sprintf("%s under %s", c.followers, c.leader), func(t *testing.T) {
			e := behindMasters(t, c.followers, c.leader)
			lead := e.leader()
			if lead.id != 3 {
				t.Fatalf("server %d leads, want 3", lead.id)
			}
			observers := e.members[3:]
			for _, m := range observers {
				e.waitMaster(m, lead.id)
				fill(t, m, fmt.Sprintf("/through%d", m.id), 20)
			}
			for _, m := range e.members {
				for _, o := range observers {
					wantFilled(t, m, fmt.Sprintf("/through%d", o.id), 20)
				}
			}
			e.moveBetween(t, observers[0], observers[1])
			e.moveBetween(t, observers[1], observers[0])
			e.loseMasters(t, lead, observers)
			for _, m := range e.members {
				if n := m.mismatches(); n != "0" {
					t.Errorf("server %d (%s) counted %s digest mismatches, want 0", m.id, m.kind, n)
				}
			}
		})
	}
}

// moveBetween has a session move from one observer to another, which goes down meanwhile
// and comes back by DIFF. Its ephemeral node stays.
func (e *ensemble) moveBetween(t *testing.T, from, to *member) {
	t.Helper()
	c := dial(t, 20*time.Second, from.addr(), to.addr())
	defer c.Close()
	path := fmt.Sprintf("/moves%d", from.id)
	_, err := c.Create(path, nil, zk.FlagEphemeral, open)
	must(t, err)
	session := c.SessionID()
	from.kill()
	proc.Eventually(t, fmt.Sprintf("the session of observer %d lives at %d", from.id, to.id), func() bool {
		_, err := c.Set(path, []byte("moved"), -1)
		return err == nil
	}, to.tail)
	if c.SessionID() != session {
		t.Errorf("session %x became %x", session, c.SessionID())
	}
	from.start()
	e.waitMaster(from, 3)
	other := dial(t, 20*time.Second, from.addr())
	defer other.Close()
	_, err = other.Sync(path)
	must(t, err)
	if data, _, err := other.Get(path); err != nil || string(data) != "moved" {
		t.Errorf("observer %d has %q, %v at %s, want what was written while it was away", from.id, data, err, path)
	}
}

// loseMasters kills one follower after another; the observers go to the one that is left.
func (e *ensemble) loseMasters(t *testing.T, lead *member, observers []*member) {
	t.Helper()
	for _, lost := range e.members[:2] {
		lost.kill()
		for _, m := range observers {
			e.waitMaster(m, lead.id, lost.id)
			fill(t, m, fmt.Sprintf("/without%d-%d", lost.id, m.id), 10)
		}
		lost.start()
		if mode := lost.waitMode(); mode != "follower" {
			t.Fatalf("server %d is %s, want follower", lost.id, mode)
		}
		for _, m := range e.members {
			wantFilled(t, m, fmt.Sprintf("/without%d-%d", lost.id, observers[0].id), 10)
			wantFilled(t, m, fmt.Sprintf("/without%d-%d", lost.id, observers[1].id), 10)
		}
	}
}

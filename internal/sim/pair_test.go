package sim

import (
	"testing"
	"time"

	"ostler/internal/env"
)

// oracleFile is where each server of a pair reads what the oracle says of it.
const oracleFile = DataDir + "/oracle"

// newPair is two calm servers with an oracle that lets neither go on alone.
func newPair(seed uint64) *Ensemble {
	e := newCalm(seed, realNode, 2, nil)
	for _, m := range e.Members {
		m.setup.Oracle = oracleFile
	}
	e.begin()
	return e
}

// says lets the oracle say something to a server.
func (e *Ensemble) says(t *testing.T, m *Member, word string) {
	t.Helper()
	if err := env.WriteFileAtomic(m.M.disk.FS(), oracleFile, []byte(word)); err != nil {
		t.Fatal(err)
	}
}

// goesOn reports whether anything is committed in some ticks' time.
func (e *Ensemble) goesOn() bool {
	e.W.Run(20 * e.tick)
	before := e.O.Len()
	e.W.Run(40 * e.tick)
	return e.O.Len() > before
}

// Of two servers one ends. The other goes on, leading or after an election, even over a
// restart, if the oracle lets it, until it takes that back; else it stops. When both are
// there again they agree (quorum.md 1.5, 3.13, 4.17).
func TestAPairWithAnOracle(t *testing.T) {
	for seed := uint64(1); seed <= 12; seed++ {
		e := newPair(seed)
		for round, word := range []string{"1\n", "0", "1", "", "10"} {
			stays, goes := e.Members[e.W.Rand.IntN(2)], e.Members[0]
			if stays == goes {
				goes = e.Members[1]
			}
			allowed := word != "" && word[0] == '1'
			e.says(t, stays, word)
			e.W.Run(e.tick)
			goes.M.EndIn(0, round%2 == 0)
			if got := e.goesOn(); got != allowed {
				t.Errorf("seed %d: server %d alone goes on: %v; the oracle says %q", seed, stays.ID, got, word)
			}
			if round == 2 {
				stays.M.EndIn(0, true)
				e.W.Run(time.Second)
				stays.M.Boot()
				if !e.goesOn() {
					t.Errorf("seed %d: server %d alone does not go on after a restart", seed, stays.ID)
				}
			}
			e.says(t, stays, "0")
			if e.goesOn() {
				t.Errorf("seed %d: server %d goes on though the oracle has taken its word back", seed, stays.ID)
			}
			goes.M.Boot()
			e.rejoin()
		}
		e.settled(t)
	}
}

// What one wrote alone the other takes over when it comes back while the first still has
// the oracle's word, and from then on both are needed for a commit.
func TestTheOtherOfAPairComesBack(t *testing.T) {
	for seed := uint64(1); seed <= 12; seed++ {
		e := newPair(seed)
		for range 3 {
			stays := e.leader()
			goes := e.Members[2-stays.ID]
			e.says(t, stays, "1")
			goes.M.PowerOff()
			if !e.goesOn() {
				t.Errorf("seed %d: server %d does not go on alone", seed, stays.ID)
			}
			goes.M.Boot()
			e.rejoin()
			if e.leader() != stays {
				t.Errorf("seed %d: server %d does not lead any more", seed, stays.ID)
			}
			e.says(t, stays, "0")
			e.W.Run(2 * e.tick)
			if !e.goesOn() {
				t.Errorf("seed %d: two servers need the oracle", seed)
			}
			stays.M.Stop()
			e.W.Run(time.Second)
			e.rebootIn(stays, 0)
			e.W.Run(time.Second)
			e.rejoin()
		}
		e.settled(t)
	}
}

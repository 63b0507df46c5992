package zab

import (
	"testing"
	"time"

	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// An observer that has been in epoch 4 does not go back to one before: neither with a leader,
// nor with a follower that has not noticed yet that its leader is gone (quorum.md 4.18). Only
// of the first is it a mistake that somebody made.
func TestAnObserverGoesBackToNoEarlierEpoch(t *testing.T) {
	for _, tc := range []struct {
		epoch    zk.Epoch
		byMaster bool
		want     string
	}{
		{3, false, "the leader's epoch 3 is below that of the history, 0x400000006 in epoch 4"},
		{3, true, "the observer master is in epoch 3 still, while the history ends with 0x400000006 in epoch 4"},
		{4, true, ""},
	} {
		p := &pupil{t: t, now: time.Unix(1000, 0)}
		o := Options{
			Self: 4, Observer: true, ByMaster: tc.byMaster, Config: traceConfig(3, 1), Tick: time.Second, InitLimit: 10, SyncLimit: 5,
			History: NewHistory(zk.MakeZxid(4, 6)), Accepted: 4, Current: 4,
		}
		p.l = NewLearner(o, 1, p.now, &p.out)
		p.packet(peerwire.LeaderInfo, zk.MakeZxid(tc.epoch, 0), []byte{0, 1, 0, 0})
		if p.out.StepDown != tc.want {
			t.Errorf("epoch %d, from a master: %v: left because %q, want %q", tc.epoch, tc.byMaster, p.out.StepDown, tc.want)
		}
		if sent := len(p.out.Send) > 0; sent != (tc.want == "") {
			t.Errorf("epoch %d, from a master: %v: sent %v", tc.epoch, tc.byMaster, p.out.Send)
		}
	}
}

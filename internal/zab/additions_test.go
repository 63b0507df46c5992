package zab

import (
	"strings"
	"testing"
	"time"

	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// Members that derive session passwords in different ways are told so, by whoever
// notices first: a moved session would be taken for an expired one (INV-S6).
func TestSecretsMustAgree(t *testing.T) {
	now := time.Unix(1000, 0)
	for _, test := range []struct {
		leader, learner uint64
		burnt           bool
	}{
		{0, 0, false},
		{7, 7, false},
		{7, 7, true},
		{7, 0, false},
		{0, 7, false},
		{7, 8, true},
	} {
		lo := leaderOptions()
		lo.Secret = test.leader
		var out Output
		l := NewLeader(lo, now, &out)
		l.Step(now, LinkUp{Link: 1}, &out)

		fo := leaderOptions()
		fo.Self, fo.Secret = 1, test.learner
		if test.burnt {
			fo.Accepted++
		}
		var sent Output
		f := NewLearner(fo, 9, now, &sent)
		l.Step(now, Received{Link: 1, Packet: sent.Send[0].Packet}, &out)
		differ := test.leader != test.learner
		closed := len(out.Close) == 1 && strings.Contains(out.Close[0].Reason, "session.passwordSecretFile")
		if closed != differ || !differ && len(out.Close) > 0 {
			t.Errorf("leader %d, learner %d: links closed %+v, want one: %v", test.leader, test.learner, out.Close, differ)
		}

		info := peerwire.Packet{Type: peerwire.LeaderInfo, Zxid: 0x300000000, Data: appendSecret([]byte{0, 1, 0, 0}, test.leader)}
		if told := len(out.Send) == 1; told != (differ && test.learner != 0) {
			t.Errorf("leader %d, learner %d: sent %+v", test.leader, test.learner, out.Send)
		} else if told {
			info = out.Send[0].Packet
		}
		sent.Reset()
		f.Step(now, Received{Link: 9, Packet: info}, &sent)
		if left := strings.Contains(sent.StepDown, "session.passwordSecretFile"); left != differ {
			t.Errorf("leader %d, learner %d: the learner leaves with %q, want to: %v", test.leader, test.learner, sent.StepDown, differ)
		}
	}
}

// Additions stand behind ZooKeeper's learner info, which has none.
func TestAdditions(t *testing.T) {
	info := peerwire.LearnerInfo{ServerID: 1, Protocol: peerwire.ProtocolVersion}.Append(nil)
	o := leaderOptions()
	if _, burnt := decodeBurnt(info); burnt || decodeSecret(info, learnerSecretAt) != 0 || decodeAddition(info, abilitiesAt) != 0 {
		t.Errorf("additions in %x, want none", info)
	}
	got := appendAdditions(info, &o)
	if _, burnt := decodeBurnt(got); burnt || decodeSecret(got, learnerSecretAt) != 0 || decodeAddition(got, abilitiesAt) != canHandOver {
		t.Errorf("got %x, want no burnt promise, no secret, and the ability to hand over", got)
	}
	o.Secret = 7
	got = appendAdditions(info, &o)
	if _, burnt := decodeBurnt(got); burnt || decodeSecret(got, learnerSecretAt) != 7 {
		t.Errorf("got %x, want secret 7 and no burnt promise", got)
	}
	o.Accepted = 5
	got = appendAdditions(info, &o)
	if current, burnt := decodeBurnt(got); !burnt || current != zk.Epoch(1) || decodeSecret(got, learnerSecretAt) != 7 {
		t.Errorf("got %x, want a burnt promise beside epoch 1, and secret 7", got)
	}
}

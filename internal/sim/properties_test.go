package sim

import (
	"slices"
	"strings"
	"testing"

	"ostler/internal/invariant"
	"ostler/internal/zk"
)

func says(id zk.ServerID, message, reason string) report {
	return func(o *Oracle) {
		if o.w.names[HostName(id)] == nil {
			o.w.AddMachine(HostName(id), nil)
		}
		o.w.names[HostName(id)].log.Info(message, "reason", reason)
	}
}

func breaks(format string) report {
	return func(o *Oracle) { o.w.exec(nil, "a step", false, func() { invariant.Check(false, "%s", format) }) }
}

// Each property of quorum.md 8.3 has a lie that it is meant for, and finds it, by name (R30).
func TestEachPropertyFindsItsLie(t *testing.T) {
	begin := []report{boot(1, 0), boot(2, 0), boot(3, 0), leads(1, 1, 0), follows(2, 1), delivers(1, e1+1, "/a"), delivers(2, e1+1, "/a")}
	lies := []struct {
		property string
		reports  []report
	}{
		{"Leadership1", []report{leads(2, 1, e1+1)}},
		{"Leadership2", []report{leaves(1), leads(2, 1, e1+1)}},
		{"PrefixConsistency", []report{delivers(1, e1+2, "/b"), leaves(1), leads(1, 2, e1+2), delivers(1, e2+1, "/c"), delivers(2, e2+1, "/c")}},
		{"Integrity", []report{delivers(1, e1+2, "/b"), delivers(2, e1+2, "/c")}},
		{"Integrity", []report{delivers(1, e2+1, "/b")}},
		{"Agreement", []report{leaves(1), delivers(1, e1+2, "/x"), leads(2, 2, e1+1), delivers(2, e2+1, "/c"), follows(1, 2)}},
		{"TotalOrder", []report{delivers(1, e1+2, "/b"), delivers(1, e1+2, "/b")}},
		{"LocalPrimaryOrder", []report{delivers(1, e1+3, "/b")}},
		{"GlobalPrimaryOrder", []report{leads(1, 2, e1+1), delivers(1, e2+1, "/b"), delivers(1, e1+2, "/c")}},
		{"PrimaryIntegrity", []report{delivers(1, e1+2, "/b"), leads(3, 2, 0)}},
		{"PrimaryIntegrity", []report{leaves(1), leads(1, 2, e1+1), leaves(2), delivers(2, e1+2, "/b"), follows(2, 2)}},
		{"ShouldNotBeTriggered", []report{breaks("ack 3 is not above what was proposed")}},
		{"ShouldNotBeTriggered", []report{says(2, "looking for a leader", "the leader's epoch 3 is below that of the history, 0x400000006 in epoch 4")}},
		{"ShouldNotBeTriggered", []report{says(1, "looking for a leader", "the leader committed 0x100000002, but the one to commit comes after 0x0")}},
	}
	for _, name := range Properties {
		found := 0
		for _, l := range lies {
			if l.property != name {
				continue
			}
			w := New(Options{Seed: 1})
			o := NewOracle(w)
			for _, r := range append(slices.Clone(begin), l.reports...) {
				r(o)
			}
			if f := w.Failure(); f == nil || !strings.HasPrefix(f.What, name+": ") {
				t.Errorf("%s: got %v", name, f)
			}
			found++
		}
		if found == 0 {
			t.Errorf("no lie for %s", name)
		}
	}
	for _, reason := range []string{
		"the leader went silent",
		"the observer master is in epoch 3 still, while the history ends with 0x400000006 in epoch 4",
	} {
		w := New(Options{Seed: 1})
		o := NewOracle(w)
		for _, r := range append(slices.Clone(begin), says(2, "looking for a leader", reason)) {
			r(o)
		}
		if f := w.Failure(); f != nil {
			t.Errorf("%s: %v", reason, f)
		}
	}
}

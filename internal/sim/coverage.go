package sim

import (
	"slices"

	"ostler/internal/zk"
)

// Coverage counts what runs have come across.
type Coverage map[string]int

// Add adds what another run has come across.
func (c Coverage) Add(o Coverage) {
	for what, n := range o {
		c[what] += n
	}
}

// Missing returns what many runs together must have met and have not, sorted
// (invariants.md section 1).
func (c Coverage) Missing() []string {
	var missing []string
	for _, what := range required() {
		if c[what] == 0 {
			missing = append(missing, what)
		}
	}
	slices.Sort(missing)
	return missing
}

// Coverage is what the run has come across so far.
func (e *Ensemble) Coverage() Coverage {
	c := make(Coverage)
	c.Add(e.Load.Seen)
	for owner, n := range e.O.model.reaped {
		if owner == zk.OwnerContainer {
			c["a container reaped"] += n
		} else {
			c["a TTL node reaped"] += n
		}
	}
	return c
}

// saw counts an answer, by how it ended and by its code.
func (l *Workload) saw(what string, code zk.Code) {
	if code == zk.OK {
		l.Seen[what+" done"]++
		return
	}
	l.Seen[what+" refused"]++
	l.Seen[what+": "+code.Error()]++
}

// met counts something that is no answer.
func (l *Workload) met(what string) { l.Seen[what]++ }

// sawParts counts the parts of a multi by how it ended.
func (l *Workload) sawParts(parts []call, code zk.Code) {
	for i := range parts {
		l.saw("multi with "+parts[i].op.String(), code)
	}
}

// sawEvent counts an event by its type and by what kinds of watches it was for.
func (l *Workload) sawEvent(d dueEvent) {
	for k := range watchKinds {
		if d.by&(1<<k) != 0 {
			l.met(eventName(d.kind) + " event for a " + k.String() + " watch")
		}
	}
}

func eventName(t zk.EventType) string {
	switch t {
	case zk.EventCreated:
		return "created"
	case zk.EventDeleted:
		return "deleted"
	case zk.EventDataChanged:
		return "data"
	}
	return "children"
}

func required() []string { return nil }

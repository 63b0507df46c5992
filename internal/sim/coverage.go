package sim

import (
	"slices"
	"strings"

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
	for _, what := range required {
		if c[what] == 0 {
			missing = append(missing, what)
		}
	}
	slices.Sort(missing)
	return missing
}

// required is all that many runs must have met.
var required = slices.Concat(
	each("done, refused", "create, create2, createContainer, createTTL, delete, setData, setACL, multi as a whole"),
	each("done, refused", "exists, getData, getACL, getChildren, getChildren2, getAllChildrenNumber, multiRead getData, multiRead getChildren"),
	each("done, refused", "addWatch, checkWatches, removeWatches, auth"),
	each("done", "getEphemerals, sync, whoAmI, ping, closeSession, setWatches, setWatches2, multiRead"),
	each("refused", "reconfig, forbidden operation"),
	each("done", "multi with create, multi with create2, multi with createContainer, multi with createTTL, multi with delete"),
	each("done", "multi with setData, multi with check"),
	codes(zk.NoAuth, "create, create2, createContainer, createTTL, delete, setData, setACL"),
	codes(zk.NoAuth, "exists, getData, getACL, getChildren, getChildren2, getAllChildrenNumber, multiRead getData, multiRead getChildren"),
	codes(zk.MarshallingError, "create, create2, createContainer, createTTL, delete, setData, setACL, multi, getData, addWatch"),
	codes(zk.BadArguments, "create, createTTL, delete, setData, setACL"),
	codes(zk.BadVersion, "delete, setData, setACL"),
	codes(zk.InvalidACL, "create, setACL"),
	codes(zk.NoChildrenForEphemerals, "create, createContainer"),
	codes(zk.NodeExists, "create, createTTL"),
	codes(zk.NotEmpty, "delete"),
	codes(zk.Unimplemented, "createTTL"),
	each("event for a exist watch, event for a persistent watch, event for a recursive watch, catch-up for a exist watch", "created"),
	each("event for a data watch, event for a child watch, event for a persistent watch, event for a recursive watch", "deleted"),
	each("catch-up for a data watch, catch-up for a child watch", "deleted"),
	each("event for a data watch, event for a persistent watch, event for a recursive watch, catch-up for a data watch", "data"),
	each("event for a child watch, event for a persistent watch, catch-up for a child watch", "children"),
	[]string{"leadership handed over", "an event withheld", "a local session lost", "a quiet stretch", "faults after a quiet stretch"},
	[]string{"bits flipped in a log", "bits flipped in a snapshot", "bit rot found"},
	[]string{"an epoch used up", "members changed"},
	[]string{"an observer up to date", "a member of a group up to date", "a voter without weight up to date"},
	where(honoured(settingMaster), []string{
		"an observer synced by a follower", "a write through a master", "a sync through a master", "a session revalidated through a master",
	}),
	[]string{"a stall credited", "an expiry", "a sign of life judged"},
	where(honoured(settingReaper), []string{"a container reaped", "a TTL node reaped"}),
	where(honoured(settingQuota), codes(zk.QuotaExceeded, "create, setData")),
)

// each is every one of whats with every one of ends.
func each(ends, whats string) []string {
	var all []string
	for _, what := range strings.Split(whats, ", ") {
		for _, end := range strings.Split(ends, ", ") {
			all = append(all, what+" "+end)
		}
	}
	return all
}

func codes(code zk.Code, whats string) []string {
	var all []string
	for _, what := range strings.Split(whats, ", ") {
		all = append(all, what+": "+code.Error())
	}
	return all
}

func where(wanted bool, list []string) []string {
	if wanted {
		return list
	}
	return nil
}

// Coverage is what the run has come across so far.
func (e *Ensemble) Coverage() Coverage {
	c := make(Coverage)
	c.Add(e.Load.Seen)
	c["a stall credited"] += e.O.credited
	e.cover(c)
	if n := e.O.changes(); n > 0 {
		c["members changed"] = n
	}
	if n := e.O.usedUp(e.lastCounter); n > 0 {
		c["an epoch used up"] = n
	}
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

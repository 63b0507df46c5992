package zab

import (
	"fmt"
	"slices"

	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// onRequest passes a learner's request on, or answers its sync once everything
// proposed before is committed (quorum.md 4.15, 4.16).
func (l *Leader) onRequest(p *peer, packet *peerwire.Packet, out *Output) {
	req, err := peerwire.DecodeForwardedRequest(packet.Data)
	if err != nil {
		l.close(p, out, "request cannot be read: %v", err)
		return
	}
	if req.Op != zk.OpSync {
		out.Requests = append(out.Requests, Forwarded{Link: p.link, From: p.server, Request: req, Auth: packet.AuthInfo})
		return
	}
	if !l.sync(pendingSync{link: p.link}, out) {
		l.close(p, out, "too many syncs wait")
	}
}

// onPing takes the sessions that gave a sign of life at a learner (quorum.md 4.13).
func (l *Leader) onPing(p *peer, packet *peerwire.Packet, out *Output) {
	touches, err := peerwire.DecodeTouches(packet.Data)
	if err != nil {
		l.close(p, out, "touched sessions cannot be read: %v", err)
		return
	}
	out.Touched = append(out.Touched, touches...)
	l.heardIn(p, packet.Zxid, out)
}

// onRevalidate passes on a learner's question about a session (quorum.md 4.14).
func (l *Leader) onRevalidate(p *peer, packet *peerwire.Packet, out *Output) {
	session, timeout, err := peerwire.DecodeRevalidate(packet.Data)
	if err != nil {
		l.close(p, out, "session to revalidate cannot be read: %v", err)
		return
	}
	out.Revalidate = append(out.Revalidate, Revalidation{Link: p.link, From: p.server, Session: session, Timeout: timeout})
}

// tick does what time asks for (quorum.md 4.17).
func (l *Leader) tick(out *Output) {
	if l.phase < broadcasting && !l.now.Before(l.deadline) {
		l.resign(leaderWaits[l.phase], out)
		return
	}
	if l.now.Before(l.nextHalf) {
		return
	}
	l.nextHalf = l.now.Add(l.o.Tick / 2)
	l.halves++
	if l.phase == broadcasting && l.halves%2 == 0 && !l.followed() {
		l.resign(fmt.Sprintf("no quorum follows: only %v are synchronised", l.alive()), out)
		return
	}
	for _, p := range slices.Clone(l.order) {
		l.check(p, out)
	}
	if l.phase == broadcasting {
		l.ping(out)
	}
}

// check closes the link of a learner that is silent, or does not acknowledge.
func (l *Leader) check(p *peer, out *Output) {
	waitsForUs := p.stage == awaitEpoch || p.stage == awaitSync || p.stage == joined && l.phase < broadcasting
	switch limit := l.o.ticks(l.o.SyncLimit); {
	case waitsForUs:
		// It has nothing to say; the phase has its own deadline.
		l.extend(p)
	case p.snapshot && p.stage < joined:
		// Only the link can tell whether the stream makes progress.
	case l.now.After(p.deadline):
		l.close(p, out, "not heard of in time")
	case p.stage == serving && p.timed != 0 && l.now.Sub(p.timedSince) >= limit:
		l.close(p, out, "proposal %v was not acknowledged within %v", p.timed, limit)
	}
}

// followed reports whether a quorum, with this server, is in touch.
func (l *Leader) followed() bool {
	alive := l.alive()
	return l.config.ContainsQuorum(func(id zk.ServerID) bool { return slices.Contains(alive, id) }) || l.alone()
}

// alive lists this server and the voters that it synchronises or serves and that
// were heard of in time.
func (l *Leader) alive() []zk.ServerID {
	alive := []zk.ServerID{l.o.Self}
	for _, p := range l.order {
		if p.voter && p.stage >= awaitSync && !l.now.After(p.deadline) {
			alive = append(alive, p.server)
		}
	}
	slices.Sort(alive)
	return alive
}

// ping asks every learner for a sign of life.
func (l *Leader) ping(out *Output) {
	for _, p := range l.order {
		if p.subscribed() {
			l.send(p, peerwire.Packet{Type: peerwire.Ping, Zxid: l.pingZxid()}, out)
		}
	}
}

package zab

// An oracle is outside of what is proven here: whoever runs two servers and lets one of
// them go on alone vouches that the other does not, and is not let in its place before it
// has followed (quorum.md 1.5). Without an Oracle input nothing of this has an effect.

// hearOracle notes until when this server may go on alone, and goes on with whatever
// waited for the other one (quorum.md 4.17).
func (l *Leader) hearOracle(in Oracle, out *Output) {
	l.granted = in.Until
	if !l.alone() {
		return
	}
	switch l.phase {
	case discovering:
		l.connect(l.o.Self, max(l.o.Accepted, 0), out)
	case electing:
		l.checkPromised(out)
	case synchronising:
		l.checkConfirmed(out)
	case broadcasting:
		l.commit(out)
		if l.round > l.confirmedRound {
			l.closeRound(out)
		}
	}
}

// alone reports whether the oracle's word stands in for the other voter, who is not in
// touch.
func (l *Leader) alone() bool {
	if !l.now.Before(l.granted) || !l.config.Pair() {
		return false
	}
	for _, p := range l.order {
		if p.voter && p.stage >= joined && !l.now.After(p.deadline) {
			return false
		}
	}
	return true
}

package config

import "time"

// Learners are the settings of leaders and of those who learn from them (quorum.md
// 4.9, 4.18, 4.19).
type Learners struct {
	// MaxSnapSyncs and MaxDiffSyncs are how many learners are brought up to date at
	// once, by a snapshot and otherwise.
	MaxSnapSyncs, MaxDiffSyncs int
	// MasterPort is where followers let observers follow them, and where an observer
	// looks for such a follower; 0 or less: none.
	MasterPort  int
	MasterBytes int // transactions that a follower keeps for observers
	// ReconnectDelay and ElectionDelay bound what an observer waits before it connects
	// again, and before it looks for a leader.
	ReconnectDelay, ElectionDelay time.Duration
}

func defaultLearners() Learners {
	return Learners{MaxSnapSyncs: 10, MaxDiffSyncs: 100, MasterBytes: 32 << 20, ElectionDelay: 200 * time.Millisecond}
}

var learnerRows = []Setting{
	fileInt("observerMasterPort", "0", "port at which followers let observers follow them, to spare the leader; the same on all members. 0: observers follow the leader", func(b *builder) *int { return &b.cfg.Learners.MasterPort }),
	propInt("observerMaster.sizeLimit", "33554432", "bytes of transactions that a follower keeps for its observers, in place of commitLogCount", 0, func(c *Config, n int64) { c.Learners.MasterBytes = count(n) }),
	propInt("observer.reconnectDelayMs", "0", "longest pause of an observer before it connects, drawn at random, in ms", 0, func(c *Config, n int64) { c.Learners.ReconnectDelay = millis(n) }),
	propInt("observer.election.DelayMs", "200", "longest pause of an observer that lost its leader before it looks for another, drawn at random, in ms", 0, func(c *Config, n int64) { c.Learners.ElectionDelay = millis(n) }),
	propInt("leader.maxConcurrentSnapSyncs", "10", "learners brought up to date by snapshot at once; followers count and are always let in, an observer over the limit comes again", 1, func(c *Config, n int64) { c.Learners.MaxSnapSyncs = count(n) }),
	propInt("leader.maxConcurrentDiffSyncs", "100", "the same of those for which transactions are enough", 1, func(c *Config, n int64) { c.Learners.MaxDiffSyncs = count(n) }),
}

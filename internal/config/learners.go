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

	EpochWait time.Duration // leader.maxTimeToWaitForEpoch; < 0: off
	DialPause time.Duration // longest pause between tries to reach a leader
	// Of the election port:
	ElectionBinds int           // tries to open it; 0: for ever
	Handshake     time.Duration // time for the initial message; <= 0: syncLimit
}

func defaultLearners() Learners {
	return Learners{
		MaxSnapSyncs: 10, MaxDiffSyncs: 100, MasterBytes: 32 << 20, ElectionDelay: 200 * time.Millisecond,
		EpochWait: -1, DialPause: 100 * time.Millisecond, ElectionBinds: 3, Handshake: -1,
	}
}

// orOff is a number of ms of which a negative one turns something off.
func orOff(n int64) time.Duration {
	if n < 0 {
		return -1
	}
	return millis(n)
}

var learnerRows = []Setting{
	propInt("leader.maxTimeToWaitForEpoch", "-1", "a new leader that waits for a quorum for longer than this gives up once a server that elected it looks for another, in ms; -1: only after initLimit", -1, func(c *Config, n int64) { c.Learners.EpochWait = orOff(n) }),
	propInt("leaderConnectDelayDuringRetryMs", "100", "longest pause between tries to reach a new leader, in ms; the first are shorter", 1, func(c *Config, n int64) { c.Learners.DialPause = millis(n) }),
	propInt("electionPortBindRetry", "3", "tries to open the election port, one a second, before the server ends with exit code 14; 0: for ever", 0, func(c *Config, n int64) { c.Learners.ElectionBinds = count(n) }),
	propInt("quorumCnxnTimeoutMs", "-1", "time for the first message on an election connection, in ms; -1: syncLimit", -1, func(c *Config, n int64) { c.Learners.Handshake = orOff(n) }),
	fileInt("observerMasterPort", "0", "port at which followers let observers follow them, to spare the leader; the same on all members. 0: observers follow the leader", func(b *builder) *int { return &b.cfg.Learners.MasterPort }),
	propInt("observerMaster.sizeLimit", "33554432", "bytes of transactions that a follower keeps for its observers, in place of commitLogCount", 0, func(c *Config, n int64) { c.Learners.MasterBytes = count(n) }),
	propInt("observer.reconnectDelayMs", "0", "longest pause of an observer before it connects, drawn at random, in ms", 0, func(c *Config, n int64) { c.Learners.ReconnectDelay = millis(n) }),
	propInt("observer.election.DelayMs", "200", "longest pause of an observer that lost its leader before it looks for another, drawn at random, in ms", 0, func(c *Config, n int64) { c.Learners.ElectionDelay = millis(n) }),
	propInt("leader.maxConcurrentSnapSyncs", "10", "learners brought up to date by snapshot at once; followers count and are always let in, an observer over the limit comes again", 1, func(c *Config, n int64) { c.Learners.MaxSnapSyncs = count(n) }),
	propInt("leader.maxConcurrentDiffSyncs", "100", "the same of those for which transactions are enough", 1, func(c *Config, n int64) { c.Learners.MaxDiffSyncs = count(n) }),
}

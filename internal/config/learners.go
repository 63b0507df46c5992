package config

// Learners are the settings of leaders and of those who learn from them (quorum.md
// 4.9, 4.18, 4.19).
type Learners struct {
	// MaxSnapSyncs and MaxDiffSyncs are how many learners are brought up to date at
	// once, by a snapshot and otherwise.
	MaxSnapSyncs, MaxDiffSyncs int
}

func defaultLearners() Learners {
	return Learners{MaxSnapSyncs: 10, MaxDiffSyncs: 100}
}

var learnerRows = []Setting{
	propInt("leader.maxConcurrentSnapSyncs", "10", "learners brought up to date by snapshot at once; followers count and are always let in, an observer over the limit comes again", 1, func(c *Config, n int64) { c.Learners.MaxSnapSyncs = count(n) }),
	propInt("leader.maxConcurrentDiffSyncs", "100", "the same of those for which transactions are enough", 1, func(c *Config, n int64) { c.Learners.MaxDiffSyncs = count(n) }),
}

package ensemble

// Pair reports whether there are just two voters, of whom an oracle may let one go on
// alone (quorum.md 1.5). While members change it may not.
func (c *Config) Pair() bool { return c.Next == nil && !c.hierarchical() && len(c.Voters()) == 2 }

package ensemble

import (
	"maps"
	"slices"

	"ostler/internal/zk"
)

// weightMax keeps sums of weights far from overflow.
const weightMax = 1 << 40

// IDs returns all members in ascending order.
func (c *Config) IDs() []zk.ServerID { return slices.Sorted(maps.Keys(c.Members)) }

// Voters returns the participants in ascending order.
func (c *Config) Voters() []zk.ServerID {
	ids := make([]zk.ServerID, 0, len(c.Members))
	for id, m := range c.Members {
		if m.Role == Participant {
			ids = append(ids, id)
		}
	}
	if c.Next != nil {
		ids = append(ids, c.Next.Voters()...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// IsVoter reports whether id is a participant.
func (c *Config) IsVoter(id zk.ServerID) bool {
	m, ok := c.Members[id]
	return ok && m.Role == Participant || c.Next != nil && c.Next.IsVoter(id)
}

// Weight returns the weight of id's vote; 0 for those who have none.
func (c *Config) Weight(id zk.ServerID) int64 {
	if m, ok := c.Members[id]; !ok || m.Role != Participant {
		if c.Next != nil {
			return c.Next.Weight(id)
		}
		return 0
	}
	if w, ok := c.Weights[id]; ok && c.hierarchical() {
		return w
	}
	return 1
}

// ContainsQuorum reports whether the voters for which has is true are a quorum
// (quorum.md 1.3, 1.4), in c and in the configuration behind it. It asks only about
// voters.
func (c *Config) ContainsQuorum(has func(zk.ServerID) bool) bool {
	if c.Next != nil && !c.Next.ContainsQuorum(has) {
		return false
	}
	if c.hierarchical() {
		return c.containsGroups(has)
	}
	voters, count := 0, 0
	for id, m := range c.Members {
		if m.Role != Participant {
			continue
		}
		voters++
		if has(id) {
			count++
		}
	}
	return count > voters/2
}

// hierarchical reports whether the text had any group or weight line.
func (c *Config) hierarchical() bool { return len(c.Groups) > 0 || len(c.Weights) > 0 }

// containsGroups is the hierarchical quorum: a majority of the groups that have
// weight, each by a majority of its weight.
func (c *Config) containsGroups(has func(zk.ServerID) bool) bool {
	total := make(map[int64]int64)
	got := make(map[int64]int64)
	for id, gid := range c.Groups {
		w := c.Weight(id)
		total[gid] += w
		if w > 0 && has(id) {
			got[gid] += w
		}
	}
	groups, agreed := 0, 0
	for gid, w := range total {
		if w == 0 {
			continue
		}
		groups++
		if got[gid] > w/2 {
			agreed++
		}
	}
	return agreed > groups/2
}

// groupMembers returns the members of each group in ascending order.
func (c *Config) groupMembers() map[int64][]zk.ServerID {
	groups := make(map[int64][]zk.ServerID)
	for _, id := range slices.Sorted(maps.Keys(c.Groups)) {
		groups[c.Groups[id]] = append(groups[c.Groups[id]], id)
	}
	return groups
}

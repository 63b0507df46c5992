package shadow

import (
	"ostler/internal/tree"
	"ostler/internal/zk"
)

// A scratch is a state with the changes of a multi's first operations on top.
type scratch struct {
	under State
	nodes map[string]change // nil until something changes
}

// A change is what a path holds now: a node, or nothing.
type change struct {
	tree.Info
	exists bool
}

func (s *scratch) node(path string) (tree.Info, bool) {
	if c, ok := s.nodes[path]; ok {
		return c.Info, c.exists
	}
	return s.under.Info(path)
}

func (s *scratch) set(path string, c change) {
	if s.nodes == nil {
		s.nodes = make(map[string]change)
	}
	s.nodes[path] = c
}

func (s *scratch) create(path, parentPath string, parent tree.Info, creates int32, owner zk.Owner) {
	if creates == -1 {
		creates = parent.Stat.Creates + 1
	}
	parent.Stat.Creates = max(parent.Stat.Creates, creates)
	parent.NumChildren++
	s.set(parentPath, change{parent, true})
	s.set(path, change{tree.Info{Stat: zk.StatPersisted{Owner: owner}}, true})
}

func (s *scratch) delete(path string) {
	s.set(path, change{})
	parentPath, _ := zk.Parent(path)
	if parent, ok := s.node(parentPath); ok {
		parent.NumChildren--
		s.set(parentPath, change{parent, true})
	}
}

func (s *scratch) setVersion(path string, n tree.Info, version int32) {
	n.Stat.Version = version
	s.set(path, change{n, true})
}

package shadow

import (
	"fmt"
	"slices"

	"ostler/internal/ensemble"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// closeSession judges what goes with a session: exactly its ephemerals, where the
// transaction lists them (client-protocol.md 2.10).
func (j *trial) closeSession(b *txn.CloseSession) {
	if !b.HasPaths {
		return
	}
	own := j.state.under.Ephemerals(j.tx.Session)
	if foreign := without(b.Paths, own); len(foreign) > 0 {
		j.find(RuleClose, "nodes of session "+j.tx.Session.String(), "others", foreign...)
	}
	if left := without(own, b.Paths); len(left) > 0 {
		j.find(RuleClose, "all nodes of session "+j.tx.Session.String(), "some stay", left...)
	}
}

// without returns what is in list but not in other, sorted.
func without(list, other []string) []string {
	known := make(map[string]bool, len(other))
	for _, path := range other {
		known[path] = true
	}
	var rest []string
	for _, path := range list {
		if !known[path] {
			rest = append(rest, path)
		}
	}
	slices.Sort(rest)
	return rest
}

// reconfig judges a change of the members. In which order the text names them does not
// matter (quorum.md 1.7).
func (j *trial) reconfig(b *txn.SetData) {
	if !j.r.Reconfig {
		j.find(RuleSetting, "a refusal, without reconfigEnabled=true", "a change of the members", b.Path)
	}
	if b.Path != zk.PathConfig || b.Version != -1 {
		j.find(RuleMembers, zk.PathConfig+" in version -1", fmt.Sprintf("%s in version %d", b.Path, b.Version), b.Path)
		return
	}
	c, err := ensemble.ParseConfig(b.Data)
	switch {
	case err != nil:
		j.find(RuleMembers, "a configuration", err.Error(), b.Path)
	case zk.Zxid(c.Version) != j.tx.Zxid:
		j.find(RuleMembers, "version "+j.tx.Zxid.String(), "version "+zk.Zxid(c.Version).String(), b.Path)
	}
}

// paths returns what a transaction names, at most pathsMax.
func paths(body txn.Body) []string {
	switch b := body.(type) {
	case *txn.Create:
		return []string{b.Path}
	case *txn.CreateContainer:
		return []string{b.Path}
	case *txn.CreateTTL:
		return []string{b.Path}
	case *txn.Delete:
		return []string{b.Path}
	case *txn.SetData:
		return []string{b.Path}
	case *txn.SetACL:
		return []string{b.Path}
	case *txn.Check:
		return []string{b.Path}
	case *txn.CloseSession:
		return b.Paths[:min(len(b.Paths), pathsMax)]
	case *txn.Multi:
		var list []string
		for _, op := range b.Ops {
			list = append(list, paths(op.Body)...)
		}
		return list[:min(len(list), pathsMax)]
	}
	return nil
}

// pathsMax is how many paths a finding names.
const pathsMax = 20

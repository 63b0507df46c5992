package shadow

import (
	"fmt"

	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// A State is the tree before a transaction.
type State interface {
	Info(path string) (tree.Info, bool)
	Ephemerals(id zk.SessionID) []string
	HasSession(id zk.SessionID) (timeout int32, ok bool)
	LastZxid() zk.Zxid
}

// Rules are the settings that decide what a leader may do.
type Rules struct {
	Owners        zk.Owners
	ExtendedTypes bool // nodes with a time to live may be made
	Reconfig      bool // the members may change
	SkipACL       bool // access lists are not looked at
	TxnMax        int  // bytes; 0: any size
}

// A Finding is one thing that Ostler would have done differently.
type Finding struct {
	Zxid     string   `json:"zxid"`
	Type     string   `json:"type"`
	Rule     string   `json:"rule"`
	Paths    []string `json:"paths,omitempty"`
	Expected string   `json:"expected"`
	Actual   string   `json:"actual"`
}

// The rules that a finding may name.
const (
	RuleDigest  = "digest"  // the tree afterwards differs
	RuleOrder   = "order"   // a zxid is missing or comes twice
	RulePath    = "path"    // no node can have it, or it must stay
	RuleExists  = "exists"  // what is to be made is there
	RuleMissing = "missing" // what is to be changed, or its parent, is not there
	RuleParent  = "parent"  // an ephemeral cannot have children
	RuleNumber  = "number"  // of creates below the parent, from which sequential names come
	RuleVersion = "version" // does not follow the one before
	RuleACL     = "acl"     // not in the form that is stored
	RuleSession = "session" // an ephemeral of a session that does not exist
	RuleEmpty   = "empty"   // a node with children is deleted
	RuleKind    = "kind"    // a node that does not end by itself is reaped
	RuleClose   = "close"   // the end of a session takes other nodes than its own
	RuleSize    = "size"    // too large for every server to read
	RuleSetting = "setting" // the zoo.cfg that was given does not allow it
	RuleMembers = "members" // the configuration cannot be read, or has another version
	RuleApply   = "apply"   // it could not be applied as it stands
)

// A trial is the judgement of one transaction.
type trial struct {
	r     *Rules
	state *scratch
	tx    *txn.Txn
	found []Finding
}

// Judge returns what Ostler, leading with this state, would have refused or made
// different. It does not keep rec.
func (r *Rules) Judge(s State, rec *txn.Record) []Finding {
	j := trial{r: r, state: &scratch{under: s}, tx: &rec.Txn}
	if last := s.LastZxid(); !rec.Zxid.Follows(last) {
		j.find(RuleOrder, "the transaction after "+last.String(), rec.Zxid.String())
	}
	j.judge(rec.Type, rec.Body)
	_, closes := rec.Body.(*txn.CloseSession) // which Ostler makes without a list then
	if r.TxnMax > 0 && len(rec.Bytes) > r.TxnMax && !closes {
		j.find(RuleSize, fmt.Sprintf("at most %d bytes", r.TxnMax), fmt.Sprintf("%d bytes", len(rec.Bytes)))
	}
	return j.found
}

func (j *trial) find(rule, expected, actual string, paths ...string) {
	j.found = append(j.found, Finding{
		Zxid: j.tx.Zxid.String(), Type: j.tx.Type.String(), Rule: rule, Paths: paths, Expected: expected, Actual: actual,
	})
}

// judge judges one operation, and has the state show it.
func (j *trial) judge(op zk.OpCode, body txn.Body) {
	switch b := body.(type) {
	case *txn.Create:
		j.create(b.Path, b.ACL, b.ParentCreates, j.ownerOf(b))
	case *txn.CreateContainer:
		j.create(b.Path, b.ACL, b.ParentCreates, zk.OwnerContainer)
	case *txn.CreateTTL:
		j.createTTL(b)
	case *txn.Delete:
		j.delete(op, b.Path)
	case *txn.SetData:
		j.setData(op, b)
	case *txn.SetACL:
		j.setACL(b)
	case *txn.Check:
		j.check(op, b)
	case *txn.CloseSession:
		j.closeSession(b)
	case *txn.Multi:
		if b.Failed() {
			return // nothing of it is applied
		}
		for _, o := range b.Ops {
			j.judge(o.Type, o.Body)
		}
	}
}

// ownerOf is the owner of a plain or ephemeral node.
func (j *trial) ownerOf(b *txn.Create) zk.Owner {
	if !b.Ephemeral {
		return 0
	}
	if _, ok := j.state.under.HasSession(j.tx.Session); !ok {
		j.find(RuleSession, "an owner that exists", "session "+j.tx.Session.String(), b.Path)
	}
	return zk.Owner(j.tx.Session)
}

func (j *trial) createTTL(b *txn.CreateTTL) {
	switch {
	case !j.r.ExtendedTypes:
		j.find(RuleSetting, "a refusal, without extendedTypesEnabled=true", "a node with a time to live", b.Path)
	case b.TTL < 1 || b.TTL > zk.TTLMax:
		j.find(RuleSetting, fmt.Sprintf("a time to live from 1 to %d ms", zk.TTLMax), fmt.Sprint(b.TTL), b.Path)
	}
	j.create(b.Path, b.ACL, b.ParentCreates, zk.OwnerTTL(b.TTL))
}

// create judges every kind of create (client-protocol.md 5.1).
func (j *trial) create(path string, acl []zk.ACL, creates int32, owner zk.Owner) {
	if err := zk.ValidatePath(path); err != nil || path == zk.PathRoot {
		j.find(RulePath, "a path that a node can have", fmt.Sprintf("%q", path), path)
		return
	}
	j.checkACL(path, acl)
	parentPath, _ := zk.Parent(path)
	parent, ok := j.state.node(parentPath)
	if !ok {
		j.find(RuleMissing, "a parent", "none", path)
		return
	}
	if _, exists := j.state.node(path); exists {
		j.find(RuleExists, "no node yet", "one", path)
		return
	}
	if s := j.r.Owners.Session(parent.Stat.Owner); s != 0 {
		j.find(RuleParent, "a parent that is not ephemeral", "one of session "+s.String(), path)
	}
	// Old records do not tell the number.
	if want := parent.Stat.Creates + 1; creates != want && creates != -1 {
		j.find(RuleNumber, fmt.Sprintf("create number %d below %s", want, parentPath), fmt.Sprint(creates), path)
	}
	j.state.create(path, parentPath, parent, creates, owner)
}

// checkACL judges the form of an access list (client-protocol.md 7.3).
func (j *trial) checkACL(path string, acl []zk.ACL) {
	if len(acl) == 0 && !j.r.SkipACL {
		j.find(RuleACL, "an access list", "none", path)
	}
	for i := range acl {
		if acl[i].ID.Scheme == "auth" {
			j.find(RuleACL, "the identities that scheme auth stands for", "scheme auth", path)
			return
		}
	}
}

// delete judges removals (client-protocol.md 5.2, 5.3).
func (j *trial) delete(op zk.OpCode, path string) {
	if zk.Reserved(path) || zk.ValidatePath(path) != nil {
		j.find(RulePath, "a refusal", fmt.Sprintf("%q is deleted", path), path)
		return
	}
	n, ok := j.state.node(path)
	if !ok {
		j.find(RuleMissing, "a node to delete", "none", path)
		return
	}
	if n.NumChildren > 0 {
		j.find(RuleEmpty, "no children", fmt.Sprintf("%d", n.NumChildren), path)
	}
	if op == zk.OpDeleteContainer && n.Stat.Owner == 0 {
		j.find(RuleKind, "a container, or a node with a time to live", "a plain node", path)
	}
	j.state.delete(path)
}

// follows reports whether a version is the one after current. At one place in 2^32
// ZooKeeper counts one on and Ostler skips (client-protocol.md 4.7); both are let pass.
func follows(version, current int32) bool {
	return version == current+1 || current == -2 && version == 0
}

func (j *trial) setData(op zk.OpCode, b *txn.SetData) {
	n, ok := j.state.node(b.Path)
	if !ok {
		j.find(RuleMissing, "a node to write", "none", b.Path)
		return
	}
	if op == zk.OpReconfig {
		j.reconfig(b)
	} else if !follows(b.Version, n.Stat.Version) {
		j.find(RuleVersion, fmt.Sprintf("the version after %d", n.Stat.Version), fmt.Sprint(b.Version), b.Path)
	}
	j.state.setVersion(b.Path, n, b.Version)
}

func (j *trial) setACL(b *txn.SetACL) {
	n, ok := j.state.node(b.Path)
	if !ok {
		j.find(RuleMissing, "a node to protect", "none", b.Path)
		return
	}
	j.checkACL(b.Path, b.ACL)
	if !follows(b.Version, n.Stat.Aversion) {
		j.find(RuleVersion, fmt.Sprintf("the access version after %d", n.Stat.Aversion), fmt.Sprint(b.Version), b.Path)
	}
}

// check judges the comparison of a version in a multi, which names the version that a
// change would have led to (disk.md 3.6). One at the top level does nothing.
func (j *trial) check(op zk.OpCode, b *txn.Check) {
	if j.tx.Type == op {
		return
	}
	n, ok := j.state.node(b.Path)
	switch {
	case !ok:
		j.find(RuleMissing, "a node to compare", "none", b.Path)
	case !follows(b.Version, n.Stat.Version):
		j.find(RuleVersion, fmt.Sprintf("the version after %d", n.Stat.Version), fmt.Sprint(b.Version), b.Path)
	}
}

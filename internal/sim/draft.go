package sim

import (
	"strings"

	"ostler/internal/txn"
	"ostler/internal/zk"
)

// rules are the settings of a run that decide what writes are refused.
type rules struct {
	extendedTypes bool // TTL nodes may be made
	enforceQuota  bool
}

// A draft is the state before one transaction, with the changes that it makes so far: the
// rules of client-protocol.md 5 and 6, written down once more and without regard to
// speed. Plan says what must come out of a write.
type draft struct {
	m      *model
	rules  rules
	h      txn.Header
	counts zk.Zxid // the state that quotas are held against
	nodes  map[string]version
}

func newDraft(m *model, r rules, h txn.Header) *draft {
	return &draft{m: m, rules: r, h: h, counts: h.Zxid - 1, nodes: make(map[string]version)}
}

func (d *draft) now(path string) version {
	if v, ok := d.nodes[path]; ok {
		return v
	}
	return d.m.at(path, d.h.Zxid-1)
}

func (d *draft) add(path string, v version) { d.nodes[path] = v }
func (d *draft) tell(change)                {}

// do plans one operation and carries it out.
func (d *draft) do(k *call) (txn.Body, zk.Code) {
	body, code := d.plan(k)
	if code == zk.OK {
		if err := applyNode(d, &d.h, body); err != nil {
			panic("the rules allow what the model refuses: " + err.Error())
		}
	}
	return body, code
}

// plan is the transaction for an operation, or its refusal.
func (d *draft) plan(k *call) (txn.Body, zk.Code) {
	switch k.op {
	case zk.OpCreate, zk.OpCreate2, zk.OpCreateContainer, zk.OpCreateTTL:
		return d.create(k)
	case zk.OpDelete:
		return d.remove(k)
	}
	if zk.ValidatePath(k.path) != nil {
		return nil, zk.BadArguments
	}
	acl, ok := fixed(k.acl, k.ids)
	if k.op == zk.OpSetACL && !ok {
		return nil, zk.InvalidACL
	}
	v := d.now(k.path)
	version, want := v.stat.Version, zk.PermRead
	switch k.op {
	case zk.OpSetData:
		want = zk.PermWrite
	case zk.OpSetACL:
		version, want = v.stat.Aversion, zk.PermAdmin
	}
	switch {
	case !v.exists:
		return nil, zk.NoNode
	case !may(v.acl, want, k.ids):
		return nil, zk.NoAuth
	case k.op == zk.OpSetData && d.exceeds(k.path, 0, len(k.data)-len(v.data)):
		return nil, zk.QuotaExceeded
	case k.version != -1 && k.version != version:
		return nil, zk.BadVersion
	}
	switch k.op {
	case zk.OpSetData:
		return &txn.SetData{Path: k.path, Data: k.data, Version: version + 1}, zk.OK
	case zk.OpSetACL:
		return &txn.SetACL{Path: k.path, ACL: acl, Version: version + 1}, zk.OK
	}
	return &txn.Check{Path: k.path, Version: version + 1}, zk.OK
}

// create is client-protocol.md 5.1.
func (d *draft) create(k *call) (txn.Body, zk.Code) {
	if code := d.mode(k); code != zk.OK {
		return nil, code
	}
	if !strings.Contains(k.path, "/") || strings.Contains(k.path, "\x00") {
		return nil, zk.BadArguments
	}
	acl, ok := fixed(k.acl, k.ids)
	if !ok {
		return nil, zk.InvalidACL
	}
	parent := d.now(parentOf(k.path))
	path := k.path
	switch {
	case !parent.exists:
		return nil, zk.NoNode
	case !may(parent.acl, zk.PermCreate, k.ids):
		return nil, zk.NoAuth
	}
	if k.mode.Sequential() {
		path = sequential(path, parent.creates)
	}
	switch {
	case zk.ValidatePath(path) != nil:
		return nil, zk.BadArguments
	case d.now(path).exists:
		return nil, zk.NodeExists
	case parent.stat.EphemeralOwner != 0:
		return nil, zk.NoChildrenForEphemerals
	case d.exceeds(path, 1, len(k.data)):
		return nil, zk.QuotaExceeded
	}
	return d.created(k, path, acl, parent.creates+1), zk.OK
}

// mode judges flags and TTL.
func (d *draft) mode(k *call) zk.Code {
	ttlMode := k.mode == zk.ModeTTL || k.mode == zk.ModeTTLSequential
	switch {
	case k.mode < 0 || k.mode > 6:
		return zk.BadArguments
	case ttlMode && !d.rules.extendedTypes:
		return zk.Unimplemented
	case ttlMode && (k.op != zk.OpCreateTTL || k.ttl < 1 || k.ttl >= 1<<40):
		return zk.BadArguments
	case !ttlMode && k.op == zk.OpCreateTTL: // H2
		return zk.BadArguments
	}
	return zk.OK
}

func (d *draft) created(k *call, path string, acl []zk.ACL, creates int32) txn.Body {
	switch k.op {
	case zk.OpCreateContainer:
		return &txn.CreateContainer{Path: path, Data: k.data, ACL: acl, ParentCreates: creates}
	case zk.OpCreateTTL:
		return &txn.CreateTTL{Path: path, Data: k.data, ACL: acl, ParentCreates: creates, TTL: k.ttl}
	}
	ephemeral := k.mode == zk.ModeEphemeral || k.mode == zk.ModeEphemeralSequential
	return &txn.Create{Path: path, Data: k.data, ACL: acl, Ephemeral: ephemeral, ParentCreates: creates}
}

// remove is client-protocol.md 5.2.
func (d *draft) remove(k *call) (txn.Body, zk.Code) {
	if !strings.Contains(k.path, "/") || strings.Contains(k.path, "\x00") || zk.Reserved(k.path) {
		return nil, zk.BadArguments
	}
	parent, v := d.now(parentOf(k.path)), d.now(k.path)
	switch {
	case !parent.exists:
		return nil, zk.NoNode
	case !may(parent.acl, zk.PermDelete, k.ids):
		return nil, zk.NoAuth
	case !v.exists:
		return nil, zk.NoNode
	case k.version != -1 && k.version != v.stat.Version:
		return nil, zk.BadVersion
	case len(v.children) > 0:
		return nil, zk.NotEmpty
	}
	return &txn.Delete{Path: k.path}, zk.OK
}

func (d *draft) exceeds(path string, count, bytes int) bool {
	return d.rules.enforceQuota && d.m.exceeded(path, d.counts, int64(count), int64(bytes))
}

// inMulti gives a part the opcode that it has in a multi (6.2).
func inMulti(k call) call {
	if k.op == zk.OpCreateTTL && !k.mode.TTL() {
		k.op = zk.OpCreate
	}
	if k.mode == zk.ModeContainer && k.op != zk.OpCreateTTL {
		k.op = zk.OpCreateContainer
	}
	return k
}

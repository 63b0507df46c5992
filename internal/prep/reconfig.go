package prep

import (
	"errors"

	"ostler/internal/ensemble"
	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// reconfig plans a change of the members. The order of checks is that of
// client-protocol.md 5.14; the new configuration has the transaction's zxid for its
// version.
func (d *draft) reconfig(o *operation) (txn.Body, zk.Code) {
	if !d.p.o.ReconfigEnabled {
		return nil, zk.ReconfigDisabled
	}
	if code := d.checkSession(); code != zk.OK {
		return nil, code
	}
	now := d.p.o.Members.Config()
	switch {
	case now == nil:
		return nil, zk.Unimplemented // standalone
	case now.Next != nil:
		return nil, zk.ReconfigInProgress
	case o.reconfig.ConfigVersion != -1 && o.reconfig.ConfigVersion != now.Version:
		return nil, zk.BadVersion
	}
	next, code := newMembers(now, o.reconfig)
	if code != zk.OK {
		return nil, code
	}
	if _, several := next.Multiple(); several && !d.p.o.MultiAddress {
		return nil, zk.BadArguments
	}
	if len(next.Voters()) < d.p.o.Members.VotersMin() {
		return nil, zk.BadArguments
	}
	if !d.p.o.Members.Synced(next) {
		return nil, zk.NewConfigNoQuorum
	}
	n, ok := d.node(zk.PathConfig)
	switch {
	case !ok:
		return nil, zk.NoNode
	case !d.may(n.ACL, zk.PermWrite):
		return nil, zk.NoAuth
	}
	data := next.WithVersion(int64(d.zxid)).Text()
	n.Stat.Version, n.Stat.Mzxid, n.Stat.Mtime = -1, d.zxid, d.time
	n.DataLen = len(data)
	n.Prefix = tree.Prefix(zk.PathConfig, data)
	d.put(zk.PathConfig, n.Info)
	return &txn.SetData{Path: zk.PathConfig, Data: data, Version: -1}, zk.OK
}

// newMembers returns the members that a request asks for.
func newMembers(now *ensemble.Config, r *wire.ReconfigRequest) (*ensemble.Config, zk.Code) {
	var (
		next *ensemble.Config
		err  error
	)
	if r.NullNewMembers {
		next, err = now.Change(r.Joining, r.Leaving)
	} else {
		next, err = ensemble.ParseMembers(r.NewMembers)
	}
	if code := zk.OK; errors.As(err, &code) {
		return nil, code
	}
	return next, zk.OK
}

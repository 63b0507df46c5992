//go:build interop

package differ

import (
	"strings"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// audit looks at everything that a script has left behind: each node's data, Stat,
// access list and children, and how many nodes there are.
func (p *player) audit() (*difference, error) {
	var c client
	ask := func(act action, reqs ...request) (*difference, error) {
		p.step, p.before = step{act: act, timeout: timeoutMin, reqs: reqs}, p.last[ostler]
		if act == connect {
			return p.arrive(&c)
		}
		return p.exchange(&c, c.duo, [2][]byte{}, nil)
	}
	super := request{xid: wire.XidAuth, op: zk.OpAuth, body: wire.AuthRequest{Scheme: "digest", Auth: []byte("super:test")}}
	if d, err := ask(connect, super); d != nil || err != nil {
		return d, err
	}
	defer c.duo.close()
	for paths := []string{root}; len(paths) > 0; paths = paths[1:] {
		p.children = nil
		node := wire.PathRequest{Path: paths[0]}
		read := wire.PathWatchRequest{Path: paths[0]}
		d, err := ask(audit,
			request{xid: 1, op: zk.OpGetData, body: read}, request{xid: 2, op: zk.OpGetACL, body: node},
			request{xid: 3, op: zk.OpGetChildren2, body: read})
		if d != nil || err != nil {
			return d, err
		}
		for _, name := range p.children {
			paths = append(paths, strings.Join([]string{paths[0], name}, "/"))
		}
	}
	return ask(audit, request{xid: 4, op: zk.OpGetAllChildrenNumber, body: wire.PathRequest{Path: root}},
		request{xid: 5, op: zk.OpGetAllChildrenNumber, body: wire.PathRequest{Path: "/"}}, request{xid: 6, op: zk.OpCloseSession})
}

package tree

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ostler/internal/snapshot"
	"ostler/internal/zk"
)

// allMortals lists every part, those for which due holds.
func allMortals(tr *Tree, due func(*zk.StatPersisted, int) bool) []string {
	var all []string
	for part := range MortalParts {
		all = tr.AppendMortals(all, part, due)
	}
	return all
}

func always(*zk.StatPersisted, int) bool { return true }

// TestMortalsAreThoseOfAScan checks the index of containers and TTL nodes against
// all nodes, also after a snapshot (INV-T13), and that both readings of owners agree
// with the index of ephemerals and what clients see.
func TestMortalsAreThoseOfAScan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		owners := zk.Owners{TTL353: rapid.Bool().Draw(t, "emulation of 3.5.3")}
		tr := New(Options{Digest: true, Owners: owners})
		for zxid := range zk.Zxid(rapid.IntRange(1, 40).Draw(t, "transactions")) {
			tr.Apply(drawTxn(t, zxid+1), func(Change) {})
			if err := tr.verify(); err != nil {
				t.Fatalf("%v", err)
			}
		}
		for name, tr := range map[string]*Tree{"applied": tr, "loaded": reload(t, tr)} {
			want, containers, ttls, empty := []string(nil), 0, 0, []string(nil)
			ephemerals := map[zk.SessionID][]string{}
			for path, n := range dumpTree(tr).Nodes {
				owner := n.Stat.Owner
				diff(t, name+": owner that clients see at "+path, n.Client.EphemeralOwner, owners.Session(owner))
				_, ttl := owners.TTL(owner)
				switch {
				case owner == zk.OwnerContainer:
					containers++
				case ttl:
					ttls++
				case owner != 0:
					ephemerals[zk.SessionID(owner)] = append(ephemerals[zk.SessionID(owner)], path)
					continue
				default:
					continue
				}
				want = append(want, path)
				if len(n.Children) == 0 {
					empty = append(empty, path)
				}
			}
			slices.Sort(want)
			slices.Sort(empty)
			for id := range ephemerals {
				slices.Sort(ephemerals[id])
			}
			diff(t, name+": containers and TTL nodes", allMortals(tr, always), want)
			diff(t, name+": those without children",
				allMortals(tr, func(_ *zk.StatPersisted, children int) bool { return children == 0 }), empty)
			diff(t, name+": containers", tr.ContainerCount(), containers)
			diff(t, name+": TTL nodes", tr.TTLCount(), ttls)
			diff(t, name+": ephemerals", tr.EphemeralMap(), ephemerals)
		}
	})
}

// TestOwnersOf353 loads nodes whose owner is that of a TTL node of ZooKeeper 3.5.3:
// with the emulation they belong to no session, without it they do
// (client-protocol.md 4.3).
func TestOwnersOf353(t *testing.T) {
	owner := zk.OwnerContainer | 5000
	for _, emulate := range []bool{false, true} {
		l := NewLoader(Options{Digest: true, Owners: zk.Owners{TTL353: emulate}})
		for _, n := range []snapshot.Node{{}, {Path: "/t", Stat: zk.StatPersisted{Owner: owner}}} {
			if err := l.Node(&n); err != nil {
				t.Fatal(err)
			}
		}
		tr, err := l.Finish(1)
		if err != nil {
			t.Fatal(err)
		}
		mortals, ephemerals, session := []string(nil), []string{"/t"}, zk.SessionID(owner)
		if emulate {
			mortals, ephemerals, session = []string{"/t"}, nil, 0
		}
		diff(t, "TTL nodes", allMortals(tr, always), mortals)
		diff(t, "ephemerals", tr.Ephemerals(zk.SessionID(owner)), ephemerals)
		tr.Read("/t", func(n *Node) { diff(t, "owner that clients see", n.ClientStat().EphemeralOwner, session) })
		if err := tr.verify(); err != nil {
			t.Error(err)
		}
	}
}

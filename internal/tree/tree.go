package tree

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"ostler/internal/invariant"
	"ostler/internal/zk"
)

// Options are the settings of a tree.
type Options struct {
	Digest bool // keep the digest of the tree, and compare it with transactions
	// Owners is how the nodes' owners are read.
	Owners zk.Owners
	// OnAlarm is told of a poisoned transaction: one that no correct leader would
	// have made, or that ZooKeeper's own tree cannot apply (decisions.md 5), and
	// what was done with it. It is called by the apply loop, under locks: it must
	// be quick and must not call the tree.
	OnAlarm func(msg string, zxid zk.Zxid)
	// ViewBytesMax bounds what one view keeps of the past, in bytes; 0 means
	// ViewBytesDefault. A view that would need more is given up.
	ViewBytesMax int64
}

// ViewBytesDefault is the limit of a view when Options has none.
const ViewBytesDefault = 1 << 30

// stripeCount is the number of locks that the nodes share.
const stripeCount = 256

// A stripe is the nodes whose paths hash to it.
type stripe struct {
	mu      sync.RWMutex
	nodes   map[string]*record
	mortals map[string]*record // those of nodes that are mortal; nil while there is none
}

// A Tree holds the znodes and the replicated sessions. One goroutine, the apply
// loop, changes it; any number may read.
type Tree struct {
	// Set when made.
	o    Options
	seed maphash.Seed

	// Read under a stripe's read lock, written by the apply loop under its write
	// lock. The apply loop itself may read without.
	stripes [stripeCount]stripe

	// Written by the apply loop.
	last       atomic.Int64 // zxid
	nodeCount  atomic.Int64
	dataSize   atomic.Int64
	ephemerals atomic.Int64 // number of ephemeral nodes
	containers atomic.Int64 // number of container nodes
	ttls       atomic.Int64 // number of TTL nodes

	owners owners
	quotas quotas
	views  views

	// Owned by the apply loop.
	acls   aclTable
	digest uint64
	locked stripeSet // stripes that are write-locked now
	gen    uint32    // current generation
	newest uint32    // generation of the newest open view, 0 without; since the last lock
}

// New returns a tree with the four built-in nodes (client-protocol.md 4.6).
func New(o Options) *Tree {
	t := newEmpty(o)
	t.lockAll()
	defer t.unlock()
	t.addRecord(t.newRecord("", []byte{}, zk.OpenACL(), zk.StatPersisted{}))
	t.addBuiltIn()
	return t
}

// newEmpty returns a tree without even a root.
func newEmpty(o Options) *Tree {
	if o.ViewBytesMax == 0 {
		o.ViewBytesMax = ViewBytesDefault
	}
	t := &Tree{o: o, seed: maphash.MakeSeed(), acls: newACLTable(), gen: 1}
	for i := range t.stripes {
		t.stripes[i].nodes = make(map[string]*record)
	}
	t.owners.init()
	t.quotas.init()
	return t
}

// addBuiltIn adds those of the built-in nodes that are missing below the root.
// Making them counts as no create (disk.md 6.1).
func (t *Tree) addBuiltIn() {
	open := zk.OpenACL()
	readOnly := []zk.ACL{{Perms: zk.PermRead, ID: zk.WorldAnyone}}
	t.addMissing(zk.PathZK, open, zk.StatPersisted{})
	t.addMissing(zk.PathQuota, open, zk.StatPersisted{})
	t.addMissing(zk.PathConfig, readOnly, zk.StatPersisted{Aversion: -1})
}

func (t *Tree) addMissing(path string, acl []zk.ACL, stat zk.StatPersisted) {
	if t.node(path) != nil {
		return
	}
	parent, name := split(path)
	t.addRecord(t.newRecord(path, []byte{}, acl, stat))
	t.addKid(t.node(parent), name)
}

// rootKey maps "/" to "", under which the root is stored.
func rootKey(path string) string {
	if path == zk.PathRoot {
		return ""
	}
	return path
}

// shownPath is the path of a stored node as clients know it.
func shownPath(key string) string {
	if key == "" {
		return zk.PathRoot
	}
	return key
}

func (t *Tree) stripeOf(key string) int { return int(maphash.String(t.seed, key) % stripeCount) }

// node returns the record of a stored path, nil if there is none. Apply loop only.
func (t *Tree) node(key string) *record { return t.stripes[t.stripeOf(key)].nodes[key] }

// writable returns the stripe of key, which must be locked.
func (t *Tree) writable(key string) *stripe {
	i := t.stripeOf(key)
	if !t.locked.has(i) {
		invariant.Check(false, "stripe %d of %q is locked", i, key)
	}
	return &t.stripes[i]
}

// LastZxid returns the zxid up to which transactions have been applied. A reply
// with that zxid may be given once it is returned.
func (t *Tree) LastZxid() zk.Zxid { return zk.Zxid(t.last.Load()) }

// SetLastZxid moves the applied zxid without a transaction: the first zxid of a
// new epoch, or the place of a snapshot. Apply loop only.
func (t *Tree) SetLastZxid(z zk.Zxid) { t.last.Store(int64(z)) }

// Digest returns the digest of the whole tree (disk.md 7.2), 0 when digests are
// off. Apply loop only.
func (t *Tree) Digest() uint64 { return t.digest }

// NodeCount returns the number of nodes as ZooKeeper counts: the root is there
// under two names.
func (t *Tree) NodeCount() int { return int(t.nodeCount.Load()) + 1 }

// ApproximateDataSize returns the length of all paths and data, the root's two
// names included.
func (t *Tree) ApproximateDataSize() int64 { return t.dataSize.Load() + int64(len(zk.PathRoot)) }

// EphemeralCount returns the number of ephemeral nodes.
func (t *Tree) EphemeralCount() int { return int(t.ephemerals.Load()) }

// SetConfig puts the configuration of the ensemble into its node, as an effect
// of no transaction (disk.md 6.7): data, version -1, mzxid the version of the
// configuration, mtime the wall clock in ms. Apply loop only.
func (t *Tree) SetConfig(data []byte, version int64, wall int64) {
	var set lockSet
	set.add(t, zk.PathConfig)
	t.lock(&set)
	defer t.unlock()
	r := t.node(zk.PathConfig)
	if r == nil {
		return
	}
	stat := r.stat
	stat.Version, stat.Mzxid, stat.Mtime = -1, zk.Zxid(version), wall
	t.setRecord(r, append([]byte{}, data...), stat)
}

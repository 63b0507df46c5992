package prep

import (
	"time"

	"ostler/internal/auth"
	"ostler/internal/ensemble"
	"ostler/internal/invariant"
	"ostler/internal/jute"
	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// A Source is the applied state. It may run ahead of what Applied has been told,
// never behind.
type Source interface {
	// Info returns what prep needs of a node.
	Info(path string) (tree.Info, bool)
	// Ephemerals returns the paths of a session's ephemerals.
	Ephemerals(session zk.SessionID) []string
	// QuotaOf returns the quota that a node at path falls under, if there is one
	// that can be read. Unlike all else it is not looked at in what is under way.
	QuotaOf(path string) (tree.Quota, bool)
}

// Sessions knows which sessions live, and where.
type Sessions interface {
	// Check returns OK, SessionExpired or SessionMoved for a request of session
	// that came through the server from (client-protocol.md 2.12).
	Check(session zk.SessionID, from zk.ServerID) zk.Code
	// CheckGlobal is Check for what only a session of the whole ensemble may do:
	// with local sessions Check lets those of other servers pass, which are not
	// known here (2.13).
	CheckGlobal(session zk.SessionID, from zk.ServerID) zk.Code
}

// Members knows the members of the ensemble.
type Members interface {
	// Config returns the configuration in force, with one that is proposed behind
	// it; nil on a server that is no member of an ensemble.
	Config() *ensemble.Config
	// Synced reports whether the servers that are up to date are a quorum of c.
	Synced(c *ensemble.Config) bool
	// VotersMin is the number of voters that there must be.
	VotersMin() int
}

// Options are what a Preparer works with.
type Options struct {
	Source   Source
	Auth     *auth.Auth
	Sessions Sessions

	Digest            bool // transactions carry the digest of the tree (digest.enabled)
	CloseSessionPaths bool // closeSession carries the paths (closeSessionTxn.enabled)
	ExtendedTypes     bool // TTL nodes may be made, and end (extendedTypesEnabled)
	ReconfigEnabled   bool // reconfigEnabled
	MultiAddress      bool // multiAddress.enabled
	Members           Members
	EnforceQuota      bool // hard limits of quotas refuse (enforceQuota)
	// OnExcess, unless nil, is told of every excess that EnforceQuota finds. It
	// must not call the Preparer.
	OnExcess func(e Excess)

	Owners    zk.Owners     // how the nodes' owners are read
	NeverUsed time.Duration // age at which a container that never had a child ends; 0: never

	TreeDigest uint64 // of Source now, with everything planned before applied

	// TxnMax is the size in bytes up to which every server can read a
	// transaction, from its log and from its leader (disk.md R-9); 0 stands for
	// jute.MaxDefault.
	TxnMax int
}

// A Request is something to be done on behalf of a session.
type Request struct {
	Session zk.SessionID // 0 for the server's own deleteContainer
	Cxid    int32        // 0 for the server's own requests
	Number  uint64       // given by the server that the client sent it to; 0 elsewhere
	Op      zk.OpCode
	Body    []byte // the request record; owned by the record that Plan returns
	Auth    []zk.ID
	Timeout int32  // createSession: ms
	Local   bool   // the session is known to this server only (client-protocol.md 2.13)
	Term    uint64 // of the service that it was made under, of the server that the client sent it to; 0: any
}

// A Preparer plans transactions. It serves one reign of a leader and is owned by
// one loop.
type Preparer struct {
	o       Options
	overlay overlay
	draft   draft   // of the request at hand; reused
	last    zk.Zxid // of the newest transaction planned
}

// New returns a Preparer with nothing under way.
func New(o Options) *Preparer {
	if o.TxnMax == 0 {
		o.TxnMax = jute.MaxDefault
	}
	p := &Preparer{o: o, overlay: newOverlay(o.Owners, o.TreeDigest)}
	p.draft = newDraft(p)
	return p
}

// Plan returns the transaction that carries out r: always one with the given
// zxid, which must be above all before. A refusal is an error transaction. From
// is the server that r came through, wallMs the wall clock in ms since 1970.
func (p *Preparer) Plan(r *Request, from zk.ServerID, zxid zk.Zxid, wallMs int64) *txn.Record {
	invariant.Check(zxid > p.last, "plan %v after %v", zxid, p.last)
	p.last = zxid
	d := &p.draft
	d.begin(r, from, zxid, wallMs)
	t := txn.Txn{Header: txn.Header{Session: r.Session, Cxid: r.Cxid, Zxid: zxid, Time: wallMs}}
	body, code := d.plan()
	if code != zk.OK {
		return refusal(t, code)
	}
	t.Type, t.Body = r.Op, body
	if p.o.Digest && !d.bare { // error transactions carry none, a failed multi does (disk.md 3.7)
		t.Digest = &txn.Digest{Version: txn.DigestVersion, Tree: d.digest}
	}
	rec := txn.NewRecord(t)
	if len(rec.Bytes) > p.o.TxnMax {
		return refusal(t, zk.MarshallingError)
	}
	p.overlay.merge(d)
	return rec
}

// refusal makes t the error transaction of a request that cannot be carried out.
func refusal(t txn.Txn, code zk.Code) *txn.Record {
	t.Type, t.Body, t.Digest = zk.OpError, &txn.Error{Code: code}, nil
	return txn.NewRecord(t)
}

// Applied says that Source holds every transaction up to zxid.
func (p *Preparer) Applied(zxid zk.Zxid) { p.overlay.drop(zxid) }

// Pending returns the number of changes that wait for Applied.
func (p *Preparer) Pending() int { return len(p.overlay.queue) }

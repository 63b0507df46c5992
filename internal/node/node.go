package node

import (
	"bytes"
	"fmt"
	"log/slog"
	"sync"

	"ostler/internal/admin"
	"ostler/internal/config"
	"ostler/internal/datadir"
	"ostler/internal/env"
	"ostler/internal/peerwire"
	"ostler/internal/prep"
	"ostler/internal/replica"
	"ostler/internal/server"
	"ostler/internal/session"
	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// A Node is one server.
type Node struct {
	env    env.Env
	cfg    *config.Config
	o      Options
	log    *slog.Logger
	dir    *datadir.Dir
	rep    *replica.Replica
	srv    *server.Server
	listen env.Listener
	// clientAddr is what listen was opened with.
	clientAddr string

	once sync.Once
	done chan struct{}
	err  error // set before done is closed
}

// Options are what the caller may add.
type Options struct {
	// Environment is what envi prints of the process: host and user.
	Environment []admin.Variable
	// Observer is told of deliveries and roles.
	Observer replica.Observer
	// Judge watches on behalf of a shadow.
	Judge replica.Judge
	// LastCounter is that of replica.Options.
	LastCounter uint32
}

// New loads the data directory and assembles the server. It blocks on files. An
// error says what is wrong with what, and what to do.
func New(e env.Env, cfg *config.Config, o Options) (*Node, error) {
	n := &Node{env: e, cfg: cfg, o: o, log: e.Log, done: make(chan struct{})}
	logs, snaps := cfg.LogDirs()
	dir, err := datadir.Open(e.FS, snaps, logs, datadirOptions(e, cfg))
	if err != nil {
		return nil, err
	}
	n.dir = dir
	if err := n.build(); err != nil {
		dir.Close()
		return nil, err
	}
	return n, nil
}

// build makes replica and server around the open directory.
func (n *Node) build() error {
	loaded, err := n.load()
	if err != nil {
		return err
	}
	a, err := newAuth(n.cfg)
	if err != nil {
		return err
	}
	passwords, err := n.passwords()
	if err != nil {
		return err
	}
	n.rep = replica.New(replica.Options{
		Env: n.env, Config: n.cfg, Auth: a, Dir: n.dir, Loaded: loaded,
		Clients: clients{n}, Observer: n.o.Observer, Judge: n.o.Judge, Secret: passwords.Fingerprint(), Failed: n.fail,
		Members: n.members, Record: n.record, LastCounter: n.o.LastCounter,
	})
	n.srv = server.New(server.Options{
		Env: n.env, Config: n.cfg, Auth: a, Proposer: proposer{n.rep},
		Words: newWords(n), SASL: newSASL(n.env, n.cfg), ServerID: n.serverID(), Passwords: passwords,
	})
	return nil
}

// secretMax is the size that a file with a secret may have.
const secretMax = 4096

// passwords are those of the sessions: ZooKeeper's, or what a secret gives.
func (n *Node) passwords() (session.Passwords, error) {
	name := n.cfg.PasswordSecretFile
	if name == "" {
		return session.Passwords{}, nil
	}
	secret, err := env.ReadFile(n.env.FS, name, secretMax)
	if err != nil {
		return session.Passwords{}, fmt.Errorf("session.passwordSecretFile: read the secret: %w", err)
	}
	secret = bytes.TrimSpace(secret)
	if len(secret) < session.SecretMin {
		return session.Passwords{}, fmt.Errorf("session.passwordSecretFile: %s holds %d bytes, and a secret needs at least %d; "+
			"make one with: openssl rand -hex 32", name, len(secret), session.SecretMin)
	}
	return session.NewPasswords(secret), nil
}

// serverID is the top byte of the session ids: a standalone server uses 1
// (client-protocol.md 2.5).
func (n *Node) serverID() zk.ServerID {
	if n.cfg.Ensemble == nil {
		return 1
	}
	return n.cfg.MyID
}

// load recovers the state.
func (n *Node) load() (replica.Loaded, error) {
	marker, err := n.dir.Initialize()
	if err != nil {
		return replica.Loaded{}, err
	}
	loaded, err := replica.Load(n.dir, n.cfg, n.log)
	if err != nil {
		return replica.Loaded{}, err
	}
	if n.cfg.Ensemble == nil || marker || n.cfg.AutoCreateDB != nil && *n.cfg.AutoCreateDB {
		loaded.Trusted = true
	}
	if !loaded.Trusted {
		// It may have lost what it acknowledged (decisions.md 2 and 16).
		if err := n.dir.SetUntrusted(); err != nil {
			return replica.Loaded{}, err
		}
	}
	n.log.Info("data loaded", "zxid", loaded.Tree.LastZxid(), "znodes", loaded.Tree.NodeCount(), "fresh", loaded.Fresh)
	return loaded, nil
}

// Start opens the ports and begins to look for a leader.
func (n *Node) Start() error {
	if err := n.rep.Start(); err != nil {
		return err
	}
	if n.cfg.ClientAddr == "" {
		return nil
	}
	l, err := n.srv.Listen(n.env.Net, n.cfg.ClientAddr)
	if err != nil {
		return fmt.Errorf("open client port %s: %w", n.cfg.ClientAddr, err)
	}
	n.listen, n.clientAddr = l, n.cfg.ClientAddr
	n.log.Info("client port open", "addr", l.Addr())
	return nil
}

// HandOver has another server of the ensemble lead, if this one does; done is called when
// that is so, or cannot be. leaving says that Stop follows. It does not block, and done
// may never be called if the network is stuck.
func (n *Node) HandOver(leaving bool, done func()) { n.rep.HandOver(leaving, done) }

// Stop ends the server cleanly: what was acknowledged is on disk already.
func (n *Node) Stop() {
	if n.listen != nil {
		n.listen.Close()
	}
	n.srv.Close()
	n.rep.Stop()
	if err := n.dir.Close(); err != nil {
		n.log.Warn("close data directory", "err", err)
	}
	n.finish(nil)
}

// Done is closed when the server has stopped, or must be.
func (n *Node) Done() <-chan struct{} { return n.done }

// Err says, after Done, why the server must stop; nil after Stop.
func (n *Node) Err() error { return n.err }

func (n *Node) fail(err error) {
	n.log.Error("the server stops", "err", err)
	n.finish(err)
}

func (n *Node) finish(err error) {
	n.once.Do(func() {
		n.err = err
		close(n.done)
	})
}

// Replica gives tests a look inside.
func (n *Node) Replica() *replica.Replica { return n.rep }

// ClientAddr is the address of the client port once it is open.
func (n *Node) ClientAddr() string {
	if n.listen == nil {
		return ""
	}
	return n.listen.Addr().String()
}

// datadirOptions are those of the data directory.
func datadirOptions(e env.Env, cfg *config.Config) datadir.Options {
	return datadir.Options{
		Prealloc: cfg.PreallocSize, ForceSync: cfg.ForceSync, AutoCreate: cfg.AutoCreateDir,
		Ensemble: cfg.Ensemble != nil, TrustEmptySnap: cfg.TrustEmptySnap, TrustNoEpochs: cfg.TrustNoEpochs,
		Compression: cfg.Properties["zookeeper.snapshot.compression.method"], NoDigest: !cfg.DigestEnabled,
		// Sectors of the last batch that were never written are what a loss of
		// power leaves; what is cut off is kept in quarantine.
		TornSectors: true,
		Resync:      cfg.Ensemble != nil, Clock: e.Clock, Log: e.Log,
	}
}

// clients plugs the server into the replica.
type clients struct{ n *Node }

func (c clients) Fire(ch tree.Change)                       { c.n.srv.Fire(ch) }
func (c clients) Applied(rec *txn.Record, res *tree.Result) { c.n.srv.Applied(rec, res) }
func (c clients) Synced(s zk.SessionID, n uint64)           { c.n.srv.Synced(s, n) }
func (c clients) Revalidated(s zk.SessionID, valid bool)    { c.n.srv.Revalidated(s, valid) }
func (c clients) Moved(s zk.SessionID)                      { c.n.srv.Moved(s) }
func (c clients) SetService(s zk.Service, t *tree.Tree, term uint64) {
	c.n.srv.SetService(s, t, term)
}

func (c clients) Refused(s zk.SessionID, n uint64, e zk.Code) { c.n.srv.Refused(s, n, e) }
func (c clients) Touched() []peerwire.SessionTouch            { return c.n.srv.Touched() }

// proposer plugs the replica into the server.
type proposer struct{ rep *replica.Replica }

func (p proposer) Submit(r *server.Request) {
	p.rep.Submit(&prep.Request{
		Session: r.Session, Cxid: r.Cxid, Number: r.Number, Op: r.Op, Body: r.Body, Auth: r.Auth, Timeout: r.Timeout,
		Local: r.Local, Term: r.Term,
	})
}

func (p proposer) Revalidate(s zk.SessionID, timeout int32) { p.rep.Revalidate(s, timeout) }

package sim

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"ostler/internal/env"
	"ostler/internal/node"
	"ostler/internal/peerwire"
	"ostler/internal/shadow"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// shadowID is in nobody's list.
const shadowID zk.ServerID = 1_000_001

// A shadowNode is a shadow as the binary runs it.
type shadowNode struct {
	realServer
	rec *shadow.Recorder
}

func (s *shadowNode) Start() error {
	s.rec.Start()
	return s.realServer.Start()
}

func (s *shadowNode) Stop() {
	s.realServer.Stop()
	s.rec.Stop()
}

// A follower of an ensemble from outside: a machine, and the recorders of all its lives.
type outsider struct {
	m     *Machine
	e     *Ensemble
	lives []*shadow.Recorder
	// net, unless nil, stands between the shadow and the network.
	net func(env.Net) env.Net
	// told: the oracle checks what it delivers.
	told bool
}

// addShadow adds a shadow that does not run yet.
func (e *Ensemble) addShadow() *outsider {
	o := &outsider{e: e, told: true}
	o.m = e.W.AddMachine("shadow", o.build)
	o.m.Exited = func(err error) {
		if err != ErrCrashed {
			e.W.Failf("the shadow ended itself: %v", err)
		}
	}
	return o
}

func (o *outsider) build(en env.Env) (Server, error) {
	cfg := realConfig(o.e.Members[0].setup)
	cfg.MyID, cfg.ClientAddr = shadowID, ""
	cfg.Shadow, cfg.Observer = true, true
	cfg.LocalSessions, cfg.UpgradeLocal, cfg.ReadOnlyMode = false, false, false
	if o.net != nil {
		en.Net = o.net(en.Net)
	}
	if err := shadow.Claim(en.FS, cfg); err != nil {
		return nil, err
	}
	rec := shadow.NewRecorder(shadow.Options{Env: en, Dir: DataDir, Rules: shadow.RulesOf(cfg)})
	options := node.Options{Judge: rec}
	r := &Reporter{o: o.e.O, member: &Member{ID: shadowID, M: o.m}}
	if o.told {
		options.Observer = r
	}
	n, err := node.New(en, cfg, options)
	if err != nil {
		return nil, err
	}
	s := &shadowNode{realServer{n, false}, rec}
	r.node = s
	o.e.O.Booted(shadowID, s.Applied())
	o.lives = append(o.lives, rec)
	return s, nil
}

// watch looks whether the shadow ends itself.
func (o *outsider) watch() {
	if s, ok := o.m.Server().(*shadowNode); ok && !o.m.Paused() {
		select {
		case <-s.Done():
			o.m.Exit(s.Err())
		default:
		}
	}
	o.e.W.After(50*time.Millisecond, o.watch)
}

// report is what the present life has found.
func (o *outsider) report() shadow.Report { return o.lives[len(o.lives)-1].Report() }

// found adds up what all lives found.
func (o *outsider) found() (total, judged, equal int) {
	for _, rec := range o.lives {
		r := rec.Report()
		total, judged, equal = total+r.Total, judged+r.Judged, equal+r.Digests.Equal
	}
	return total, judged, equal
}

// trouble ends lives of the shadow now and then, some with its disk.
func (o *outsider) trouble() {
	w := o.e.W
	w.After(time.Second+time.Duration(w.Rand.Int64N(int64(4*time.Second))), func() {
		power := w.Rand.IntN(2) == 0
		o.m.EndIn(0, power)
		w.After(10*time.Millisecond, func() {
			if w.Rand.IntN(3) == 0 && !o.m.Running() {
				o.m.Wipe()
			}
		})
		w.After(500*time.Millisecond, o.m.Boot)
		o.trouble()
	})
}

// A shadow that comes and goes while servers crash and links are cut finds nothing that
// the ensemble would have to answer for, and what it delivers is the one history.
func TestAShadowUnderFaultsFindsNothing(t *testing.T) {
	judged, equal := 0, 0
	for seed := uint64(1); seed <= uint64(*seedsFlag)/2; seed++ {
		// In every second ensemble it follows a follower.
		e := newEnsembleOf(New(Options{Seed: seed}), realNode, Roles{Voters: 3 + 2*int(seed%2), Observers: int(seed % 3 / 2), Masters: seed%4 < 2})
		o := e.addShadow()
		e.W.After(time.Second, o.m.Boot)
		o.watch()
		o.trouble()
		e.Run()
		if f := e.W.Failure(); f != nil {
			t.Errorf("seed %d: %.600s\n%s", seed, f.Error(), e.W.TraceTail())
			continue
		}
		total, j, eq := o.found()
		judged, equal = judged+j, equal+eq
		if total > 0 {
			for _, rec := range o.lives {
				r := rec.Report()
				t.Errorf("seed %d: %s", seed, r.Text())
			}
		}
	}
	t.Logf("%d transactions judged, %d digests equal", judged, equal)
	if want := 50 * *seedsFlag; judged < want || equal < want/2 {
		t.Errorf("%d transactions were judged and %d digests compared, want %d and half as many", judged, equal, want)
	}
}

// Whatever a shadow does, there is no election, and it does not count: without a quorum
// of members nothing is decided.
func TestAShadowHasNoPartInAnything(t *testing.T) {
	for seed := uint64(1); seed <= 5; seed++ {
		e := calmEnsemble(seed)
		epoch, leader := e.O.newest, e.leader()
		o := e.addShadow()
		o.watch()
		for i := range 6 {
			o.m.Boot()
			e.W.Run(2 * time.Second)
			if r := o.report(); r.Judged == 0 || r.Total > 0 {
				t.Errorf("seed %d, life %d: %s", seed, i, r.Text())
			}
			switch i % 3 {
			case 0:
				o.m.Stop()
			case 1:
				o.m.PowerOff()
				o.m.Wipe()
			case 2:
				e.W.Cut(o.m, leader.M)
				e.W.Run(3 * time.Second)
				e.W.HealAll()
				o.m.Kill()
			}
		}
		e.recover()
		if e.O.newest != epoch || e.leader() != leader {
			t.Errorf("seed %d: epoch %d began; before the shadow came it was %d", seed, e.O.newest, epoch)
		}
		o.m.Boot()
		e.W.Run(2 * time.Second)
		for _, m := range e.Members {
			if m != leader {
				m.M.PowerOff()
			}
		}
		e.W.Run(5 * time.Second)
		decided := e.O.Len()
		e.W.Run(20 * time.Second)
		if e.O.Len() != decided || e.O.newest != epoch {
			t.Errorf("seed %d: without a quorum %d transactions were decided, in epoch %d", seed, e.O.Len()-decided, e.O.newest)
		}
		if f := e.W.Failure(); f != nil {
			t.Errorf("seed %d: %.600s", seed, f.Error())
		}
	}
}

// A liarNet changes the data of one transaction that a leader sends.
type liarNet struct {
	env.Net
	path *string // of the node that has other data now
}

func (n liarNet) Dial(addr string, timeout time.Duration, o env.StreamOptions, connected func(env.Stream, error) env.Handler) {
	n.Net.Dial(addr, timeout, o, func(s env.Stream, err error) env.Handler {
		h := connected(s, err)
		if h == nil {
			return nil
		}
		return &liar{h, n.path}
	})
}

type liar struct {
	env.Handler
	path *string
}

func (l *liar) Data(b []byte) (int, error) {
	p, n, err := peerwire.DecodePacket(b, len(b))
	if *l.path != "" || err != nil || n == 0 || p.Type != peerwire.Inform {
		return l.Handler.Data(b)
	}
	rec, err := txn.DecodeRecord(p.Data)
	if err != nil {
		return l.Handler.Data(b)
	}
	body, ok := rec.Body.(*txn.SetData)
	if !ok || len(body.Data) < 4 || bytes.Count(b[:n], body.Data) != 1 {
		return l.Handler.Data(b)
	}
	*l.path = body.Path
	b = slices.Clone(b)
	b[bytes.Index(b, body.Data)] ^= 1
	return l.Handler.Data(b)
}

// A transaction that reaches the shadow with other data is found by its digest. The shadow
// takes a snapshot, has the ensemble's state again, and goes on checking.
func TestAShadowFindsWhatDiffers(t *testing.T) {
	for seed := uint64(1); seed <= 3; seed++ {
		e := calmEnsemble(seed)
		changed := ""
		o := e.addShadow()
		o.told = false
		o.net = func(n env.Net) env.Net { return liarNet{n, &changed} }
		o.m.Boot()
		o.watch()
		e.W.Run(20 * time.Second)
		before := o.report()
		e.W.Run(5 * time.Second)
		e.rest()
		r := o.report()
		if len(r.Findings) != 1 || r.Findings[0].Rule != shadow.RuleDigest || !slices.Equal(r.Findings[0].Paths, []string{changed}) ||
			r.StartOver != 1 || r.Syncs["SNAP"] == 0 || r.Verdict != shadow.DifferencesFound {
			t.Errorf("seed %d, data of %q: %s", seed, changed, r.Text())
		}
		if r.Digests.Equal <= before.Digests.Equal {
			t.Errorf("seed %d: %d digests were compared, no more later on", seed, r.Digests.Equal)
		}
		got := o.m.Server().(*shadowNode).Replica().Tree().Digest()
		if want := e.leader().M.Server().(*realServer).Replica().Tree().Digest(); got != want {
			t.Errorf("seed %d: digest %x in the end, the leader's is %x", seed, got, want)
		}
		if b, err := env.ReadFile(o.m.disk.FS(), DataDir+"/"+shadow.JSONFile, 1<<20); err != nil || !bytes.Contains(b, []byte(shadow.DifferencesFound)) {
			t.Errorf("seed %d: the report on disk is %q, %v", seed, b, err)
		}
		if f := e.W.Failure(); f != nil {
			t.Errorf("seed %d: %.600s", seed, f.Error())
		}
	}
}

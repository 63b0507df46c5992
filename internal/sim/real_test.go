package sim

import (
	"strconv"
	"time"

	"ostler/internal/config"
	"ostler/internal/ensemble"
	"ostler/internal/env"
	"ostler/internal/node"
	"ostler/internal/peerwire"
	"ostler/internal/prep"
	"ostler/internal/zk"
)

// A realServer is the server that ships, seen as a Node.
type realServer struct {
	*node.Node
	solo bool
}

// realNode builds one as the binary does.
func realNode(e env.Env, s Setup, report *Reporter) (Node, error) {
	n, err := node.New(e, realConfig(s), node.Options{Observer: report, LastCounter: s.LastCounter})
	if err != nil {
		return nil, err
	}
	return &realServer{n, len(s.Servers) == 1}, nil
}

func (r *realServer) Looking() bool {
	return !r.solo && r.Replica().Status().Role == peerwire.Looking
}

func (r *realServer) Serving() bool { return r.Replica().Status().Serving }

// Master implements pupil.
func (r *realServer) Master() zk.ServerID { return r.Replica().Status().Master }

func (r *realServer) Committed() zk.Zxid { return r.Replica().Status().Committed }
func (r *realServer) Applied() zk.Zxid   { return r.Replica().Status().Applied }
func (r *realServer) Standalone() bool   { return r.solo }

func (r *realServer) Members() *ensemble.Config { return r.Replica().Status().Ensemble }
func (r *realServer) Submit(q *prep.Request)    { r.Replica().Submit(q) }

// realConfig is what a file would say.
func realConfig(s Setup) *config.Config {
	cfg, _, err := config.Loader{Props: s.Settings.Properties()}.FromArgs([]string{strconv.Itoa(clientPort), DataDir})
	if err != nil {
		panic(err)
	}
	cfg.ClientAddr = ClientAddr(s.ID)
	cfg.Tick = s.Tick
	cfg.MinSession, cfg.MaxSession = 2*s.Tick, 20*s.Tick
	cfg.InitLimit, cfg.SyncLimit, cfg.ConnectLimit = 10, 5, 10
	cfg.SnapCount, cfg.CommitLogCount = s.SnapCount, s.CommitLog
	cfg.PreallocSize = 64 << 10
	cfg.PurgeInterval = 5 * time.Second
	cfg.ElectionMaxInterval = 5 * time.Second
	cfg.ElectionDialTimeout = time.Second
	if len(s.Servers) == 1 {
		return cfg
	}
	cfg.LocalSessions, cfg.UpgradeLocal = s.Settings.Local, s.Settings.Local
	cfg.ReconfigEnabled = s.Settings.Reconfig
	if s.Masters {
		cfg.Learners.MasterPort = masterPort
	}
	if s.Narrow {
		cfg.Learners.MaxSnapSyncs, cfg.Learners.MaxDiffSyncs, cfg.Learners.MasterBytes = 1, 1, s.CommitLog<<10
	}
	cfg.MyID, cfg.OraclePath = s.ID, s.Oracle
	cfg.Ensemble = s.config()
	cfg.Observer = s.observes(s.ID)
	return cfg
}

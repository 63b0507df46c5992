package config

import (
	"time"

	"ostler/internal/ensemble"
	"ostler/internal/zk"
)

// A Config is everything a server is told before it starts: from zoo.cfg, system
// properties and the environment, with defaults filled in (operations.md section 1).
type Config struct {
	DataDir    string // holds myid and version-2 with snapshots and epochs
	DataLogDir string // holds version-2 with logs; DataDir when not set
	ClientAddr string // host:port that clients connect to; "" for none

	MyID     zk.ServerID
	Ensemble *ensemble.Config // nil: standalone
	Observer bool             // this server's role

	Tick                 time.Duration
	InitLimit, SyncLimit int           // ticks
	ConnectLimit         int           // ticks to connect to a leader; InitLimit when not set
	MinSession           time.Duration // bounds of the session timeout
	MaxSession           time.Duration
	MaxClientCnxns       int // connections per client address; 0: no limit
	MaxCnxns             int // connections in all; 0: no limit
	GlobalOutstanding    int // requests not yet applied, over all clients
	MaxBuffer            int // jute.maxbuffer, bytes
	ExtraSize            int // zookeeper.jute.maxbuffer.extrasize, bytes

	ListenOnAllIPs bool // quorum and election ports on the wildcard address

	SnapCount       int           // transactions between snapshots (snapCount)
	SnapSizeLimit   int64         // bytes of log between snapshots; < 0: no limit
	PreallocSize    int64         // bytes; <= 0: none
	TxnLogSizeLimit int64         // bytes; < 0: no limit
	CommitLogCount  int           // transactions kept in memory for learners
	ForceSync       bool          // false: acknowledge before fsync (unsafe, warned about)
	FsyncWarn       time.Duration // fsync.warningthresholdms
	PurgeInterval   time.Duration // 0: never purge
	PurgeRetain     int           // snapshots to keep
	TrustEmptySnap  bool          // snapshot.trust.empty
	AutoCreateDB    *bool         // db.autocreate; nil: not set (decisions.md 2)
	AutoCreateDir   bool          // datadir.autocreate
	TrustNoEpochs   bool          // data without epoch files comes from 3.4 or older (decisions.md 18)

	DigestEnabled       bool   // digest.enabled
	CloseSessionPaths   bool   // closeSessionTxn.enabled
	ExtendedTypes       bool   // extendedTypesEnabled
	SkipACL             bool   // skipACL=yes
	SuperDigest         string // DigestAuthenticationProvider.superDigest
	DigestAlg           string // DigestAuthenticationProvider.digestAlg, e.g. SHA1
	DigestAuthEnabled   bool   // DigestAuthenticationProvider.enabled
	SessionlessTimeout  time.Duration
	FourLetterWhitelist []string // words; "*" for all

	Access Access // further settings of access control

	ElectionMinInterval time.Duration // fastleader.minNotificationInterval
	ElectionMaxInterval time.Duration // fastleader.maxNotificationInterval
	ElectionDialTimeout time.Duration // cnxTimeout
	LeaderServes        bool          // leaderServes

	Properties map[string]string // all system properties, by full name
}

// LogDirs returns the directories that hold logs and snapshots.
func (c *Config) LogDirs() (logDir, snapDir string) {
	logs := c.DataLogDir
	if logs == "" {
		logs = c.DataDir
	}
	return logs + "/version-2", c.DataDir + "/version-2"
}

package config

import (
	"time"

	"ostler/internal/ensemble"
	"ostler/internal/throttle"
	"ostler/internal/zk"
)

// A Config is everything a server is told before it starts: from zoo.cfg, system
// properties and the environment, with defaults filled in (operations.md section 1).
type Config struct {
	File       string // zoo.cfg; "" when there is none
	DataDir    string // holds myid and version-2 with snapshots and epochs
	DataLogDir string // holds version-2 with logs; DataDir when not set
	ClientAddr string // host:port that clients connect to; "" for none

	MyID     zk.ServerID
	Ensemble *ensemble.Config // nil: standalone
	Observer bool             // this server's role
	Shadow   bool             // this server is in no list: it only watches

	Tick                 time.Duration
	InitLimit, SyncLimit int           // ticks
	ConnectLimit         int           // ticks to connect to a leader; InitLimit when not set
	MinSession           time.Duration // bounds of the session timeout
	MaxSession           time.Duration
	MaxClientCnxns       int // connections per client address and port; 0: no limit
	MaxCnxns             int // connections per port; 0: no limit
	Backlog              int // connections that wait to be accepted; <= 0: the system's limit
	ClientKeepAlive      bool
	GlobalOutstanding    int // requests not yet applied, over all clients
	MaxBuffer            int // jute.maxbuffer, bytes
	ExtraSize            int // zookeeper.jute.maxbuffer.extrasize, bytes

	Connections    throttle.BucketOptions // connection_throttle_*
	Requests       RequestThrottle        // request_throttle_* and its kin
	LargeThreshold int64                  // largeRequestThreshold, bytes; <= 0: off
	LargeMaxBytes  int64                  // largeRequestMaxBytes

	ListenOnAllIPs bool          // quorum and election ports on the wildcard address
	MultiAddress   bool          // multiAddress.enabled: a server line may have several addresses
	ReachCheck     bool          // multiAddress.reachabilityCheckEnabled
	OraclePath     string        // oraclePath; "": a majority decides
	ReachTimeout   time.Duration // multiAddress.reachabilityCheckTimeoutMs

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
	TTL353              bool   // emulate353TTLNodes; false unless ExtendedTypes
	EnforceQuota        bool   // enforceQuota
	SkipACL             bool   // skipACL=yes
	SuperDigest         string // DigestAuthenticationProvider.superDigest
	DigestAlg           string // DigestAuthenticationProvider.digestAlg, e.g. SHA1
	DigestAuthEnabled   bool   // DigestAuthenticationProvider.enabled
	SessionlessTimeout  time.Duration
	FourLetterWhitelist []string // words; "*" for all

	ReapInterval  time.Duration // between sweeps of containers and TTL nodes
	ReapPerMinute int64         // nodes that sweeps may delete
	ReapNeverUsed time.Duration // age of a container that never had a child; 0: never
	Access        Access        // further settings of access control

	ElectionMinInterval time.Duration // fastleader.minNotificationInterval
	ElectionMaxInterval time.Duration // fastleader.maxNotificationInterval
	ElectionDialTimeout time.Duration // cnxTimeout
	LeaderServes        bool          // leaderServes

	Learners Learners // leader.*, observer.*, observerMaster*

	ReconfigEnabled    bool   // reconfigEnabled
	StandaloneEnabled  bool   // standaloneEnabled
	LocalSessions      bool   // localSessionsEnabled
	UpgradeLocal       bool   // localSessionsUpgradingEnabled
	ReadOnlyMode       bool   // readonlymode.enabled
	LeaseHonest        bool   // session.leaseHonest
	PasswordSecretFile string // session.passwordSecretFile; "" for ZooKeeper's passwords (decisions.md 6)

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

package config

import "errors"

// table is every known setting: first the keys that only the file has
// (operations.md 1.2), then what ZooKeeper reads as system properties (1.4).
var table = concat(basicRows, ensembleRows, learnerRows, storageRows, requestRows, connectionRows, overloadRows, accessRows, securityRows, adminRows)

func concat(parts ...[]Setting) (all []Setting) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

var basicRows = []Setting{
	fileText("dataDir", "path", "snapshots (in version-2), epochs, myid", func(b *builder) *string { return &b.cfg.DataDir }),
	fileText("dataLogDir", "path", "transaction logs (in version-2); dataDir when not set", func(b *builder) *string { return &b.cfg.DataLogDir }),
	fileOnly("clientPort", "port", "", "TCP port for clients; none when not set", func(b *builder, v string) (err error) {
		b.clientPort, err = strictPort(v)
		return err
	}),
	fileText("clientPortAddress", "host", "address of the client port; all addresses when not set", func(b *builder) *string { return &b.clientHost }),
	fileInt("tickTime", "3000", "unit of the limits below and of session expiry, in ms", func(b *builder) *int { return &b.tick }),
	fileInt("minSessionTimeout", "2 ticks", "least session timeout a client can get, in ms", func(b *builder) *int { return &b.minSession }),
	fileInt("maxSessionTimeout", "20 ticks", "greatest session timeout a client can get, in ms", func(b *builder) *int { return &b.maxSession }),
	fileInt("maxClientCnxns", "60", "connections of one client address to one port; 0: no limit", func(b *builder) *int { return &b.cfg.MaxClientCnxns }),
	fileInt("initLimit", "", "ticks a learner has to connect and sync; required in an ensemble", func(b *builder) *int { return &b.cfg.InitLimit }),
	fileInt("syncLimit", "", "ticks a learner may be silent; required in an ensemble", func(b *builder) *int { return &b.cfg.SyncLimit }),
	fileInt("connectToLearnerMasterLimit", "initLimit", "ticks a learner has to connect to its leader", func(b *builder) *int { return &b.cfg.ConnectLimit }),
	fileOnly("electionAlg", "int", "3", "only 3", func(_ *builder, v string) error {
		if n, err := strictInt(v); err != nil || n == 3 {
			return err
		}
		return errors.New("Invalid electionAlg value. Only 3 is supported.") //nolint:staticcheck // ZooKeeper's text.
	}),
	fileText("peerType", "participant, observer", "role of this server; the server list wins", func(b *builder) *string { return &b.peerType }),
	fileBool("quorumListenOnAllIPs", "false", "quorum and election ports on all addresses instead of the own server line's", func(b *builder) *bool { return &b.cfg.ListenOnAllIPs }),
	fileBool("standaloneEnabled", "true", "false: even one server is an ensemble, which can grow", func(b *builder) *bool { return &b.cfg.StandaloneEnabled }),
	fileText("dynamicConfigFile", "path", "file with the server, group and weight lines", func(b *builder) *string { return &b.dynamicFile }),
	fileOnly("autopurge.snapRetainCount", "int", "3", "snapshots to keep, at least 3", func(b *builder, v string) (err error) {
		if b.cfg.PurgeRetain, err = strictInt(v); err == nil && b.cfg.PurgeRetain < 3 {
			b.warn("Invalid autopurge.snapRetainCount: %d. Defaulting to 3", b.cfg.PurgeRetain)
			b.cfg.PurgeRetain = 3
		}
		return err
	}),
	fileOnly("autopurge.purgeInterval", "int", "1", "hours between purges of old snapshots and logs; 0: never. ZooKeeper's default is 0", func(b *builder, v string) error {
		n, err := strictInt(v)
		b.cfg.PurgeInterval = millis(max(0, int64(n)) * 3_600_000)
		return err
	}),
	{
		Name: strictSetting, Property: prefix + strictSetting, Type: "bool", Default: "false", Support: Honoured,
		Text: "true: unknown names are errors, not warnings", set: func(b *builder, v string) (err error) {
			b.strict, err = strictBool(v)
			return err
		},
	},
}

const strictSetting = "config.strict"

var ensembleRows = []Setting{
	{Name: "server.*", Type: "server line", Support: Honoured, Text: "server.N=host:quorumport:electionport[:role][;[clienthost:]clientport]"},
	{Name: "group*", Type: "ids", Support: Honoured, Text: "group.N=id[:id...], a hierarchical quorum"},
	{Name: "weight*", Type: "int", Default: "1", Support: Honoured, Text: "weight.N=votes of server N in its group"},
	propInt("fastleader.minNotificationInterval", "200", "first pause of an election before it asks again, in ms", 1, func(c *Config, n int64) { c.ElectionMinInterval = millis(n) }),
	propInt("fastleader.maxNotificationInterval", "60000", "longest such pause, in ms", 1, func(c *Config, n int64) { c.ElectionMaxInterval = millis(n) }),
	propInt("cnxTimeout", "5000", "time to connect to a member's election port, in ms", 1, func(c *Config, n int64) { c.ElectionDialTimeout = millis(n) }),
	property("leaderServes", "yes, no", "yes", "no: the leader accepts no clients", func(b *builder, v string) error {
		b.cfg.LeaderServes = v != "no"
		return nil
	}),
	fileBool("reconfigEnabled", "false", "changing the members while running", func(b *builder) *bool { return &b.cfg.ReconfigEnabled }),
	{Name: "syncEnabled", Type: "bool", Default: "true", Support: Later, Text: "false: observers write no files"},
	fileBool("localSessionsEnabled", "false", "sessions known to one server only, which need no transaction; the same on all members", func(b *builder) *bool { return &b.cfg.LocalSessions }),
	fileBool("localSessionsUpgradingEnabled", "false", "local sessions become global at their first ephemeral node", func(b *builder) *bool { return &b.cfg.UpgradeLocal }),
	propText("session.passwordSecretFile", "", "file with the secret that session passwords come from, the same on all members, at least 16 bytes. ZooKeeper's passwords follow from the session id when not set", func(c *Config) *string { return &c.PasswordSecretFile }),
	propBool("session.leaseHonest", "true", "no session ends for a time in which its server could not hear it: the leader stood still, or the learner that the session comes in through was silent or lost. false: as ZooKeeper", func(c *Config, on bool) { c.LeaseHonest = on }),
	propBool("multiAddress.enabled", "false", "a server line may have several addresses, separated by vertical bars. All members must know of it first. Unlike in ZooKeeper the key of the file works", func(c *Config, on bool) { c.MultiAddress = on }),
	propBool("multiAddress.reachabilityCheckEnabled", "true", "all addresses of a member's election port are tried at once; false: one after another", func(c *Config, on bool) { c.ReachCheck = on }),
	propInt("multiAddress.reachabilityCheckTimeoutMs", "1000", "how long that is done before they are tried one after another, in ms", 1, func(c *Config, n int64) { c.ReachTimeout = millis(n) }),
	property("oraclePath", "path", "", "file whose first character 1 lets this one of two voters go on without the other. Whoever writes it vouches that it never lets both, nor one that has not followed since the other went on alone; after taking the word back it waits for a tick", func(b *builder, v string) error {
		b.cfg.OraclePath = v
		b.warn("oraclePath=%s: acknowledged writes depend on who writes that file", v)
		return nil
	}),
	ignored("tcpKeepAlive", "connections between servers are always probed"),
	later("leader.ackLoggingFrequency", "int", "1000", "sampling of ack_latency"),
	later("observer.syncEnabled", "bool", "", "overrides syncEnabled"),
	bare(ignored("leader.nodelay", "TCP_NODELAY is always on")),
	bare(ignored("follower.nodelay", "TCP_NODELAY is always on")),
	ignored("leader.closeSocketAsync", "closing never blocks"),
	ignored("learner.closeSocketAsync", "closing never blocks"),
	ignored("learner.asyncSending", "sending never blocks"),
	ignored("forward_learner_requests_to_commit_processor_disabled", "no such stage"),
	ignored("follower.skipLearnerRequestToNextProcessor", "no such stage"),
	ignored("quorum.cnxn.threads.size", "no thread pool"),
	bare(propBool("readonlymode.enabled", "false", "serve read-only clients without a quorum, from what is known to be committed", func(c *Config, on bool) { c.ReadOnlyMode = on })),
}

var storageRows = []Setting{
	propInt("snapCount", "100000", "transactions between snapshots, spread at random over the upper half", 2, func(c *Config, n int64) { c.SnapCount = int(n) }),
	propInt("snapSizeLimitInKb", "4194304", "log size between snapshots in KiB; 0 or less: no limit", -1, func(c *Config, n int64) { c.SnapSizeLimit = sizeOrNone(n) }),
	propInt("txnLogSizeLimitInKb", "-1", "size at which a new log file begins, in KiB; 0 or less: no limit", -1, func(c *Config, n int64) { c.TxnLogSizeLimit = sizeOrNone(n) }),
	propInt("preAllocSize", "65536", "space reserved ahead in log files, in KiB; 0 or less: none", -1, func(c *Config, n int64) { c.PreallocSize = kib(n) }),
	propInt("commitLogCount", "500", "transactions kept in memory for learners, at least 500", 500, func(c *Config, n int64) { c.CommitLogCount = int(n) }),
	property("forceSync", "yes, no", "yes", "no: acknowledge before the disk has it. Loses data when machines crash", func(b *builder, v string) error {
		if b.cfg.ForceSync = v != "no"; !b.cfg.ForceSync {
			b.warn("forceSync=no: acknowledged writes can be lost when machines crash")
		}
		return nil
	}),
	propInt("fsync.warningthresholdms", "1000", "an fsync slower than this is logged, in ms", 0, func(c *Config, n int64) { c.FsyncWarn = millis(n) }),
	propBool("snapshot.trust.empty", "false", "start although there are logs and no snapshot", func(c *Config, on bool) { c.TrustEmptySnap = on }),
	propBool("datadir.autocreate", "true", "make missing data directories", func(c *Config, on bool) { c.AutoCreateDir = on }),
	propBool("datadir.trustNoEpochs", "false", "data without epoch files comes from ZooKeeper 3.4 or older", func(c *Config, on bool) { c.TrustNoEpochs = on }),
	propBool("db.autocreate", "", "true: empty members always vote; false: only those with an initialize file; not set: once all members are empty", func(c *Config, on bool) { c.AutoCreateDB = &on }),
	property("snapshot.compression.method", "gz, snappy", "", "compression of snapshots that are written; all are read", func(b *builder, v string) error {
		switch v {
		case "", "CHECKED":
		case "gz", "snappy":
			b.warn("snapshot.compression.method=%s: this version reads compressed snapshots and writes plain ones", v)
		default:
			return errors.New("snapshot.compression.method knows gz and snappy")
		}
		return nil
	}),
	later("snapshotSizeFactor", "number", "0.33", "share of the snapshot's size up to which a learner is synced from log files"),
	later("serializeLastProcessedZxid.enabled", "bool", "true", "last zxid at the end of snapshots; always written"),
	later("forceSnapshotSync", "bool", "false", "always sync learners by snapshot"),
	later("flushDelay", "int", "0", "hold a batch before the fsync, in ms"),
	later("maxWriteQueuePollTime", "int", "flushDelay/3", "wait for more requests before the fsync, in ms"),
	later("maxBatchSize", "int", "1000", "requests at which a batch is written"),
	refused("test.*", "any", "", "only for ZooKeeper's own tests"),
	refused("testingonly.*", "any", "", "only for ZooKeeper's own tests"),
}

// sizeOrNone is a limit in KiB of which zero and less mean none.
func sizeOrNone(n int64) int64 {
	if n <= 0 {
		return -1
	}
	return kib(n)
}

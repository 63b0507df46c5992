package config

var requestRows = []Setting{
	propInt("globalOutstandingLimit", "1000", "requests in the server before it stops reading from clients", 1, func(c *Config, n int64) { c.GlobalOutstanding = int(n) }),
	bare(propInt("jute.maxbuffer", "1048575", "largest request and largest data of a znode, in bytes", 1024, func(c *Config, n int64) { c.MaxBuffer = int(n) })),
	later("jute.maxbuffer.extrasize", "int", "jute.maxbuffer", "slack for records read back from disk, in bytes; no limit applies to them here"),
	propBool("digest.enabled", "true", "digest of the whole tree in transactions and snapshots", func(c *Config, on bool) { c.DigestEnabled = on }),
	propBool("closeSessionTxn.enabled", "true", "list of deleted ephemeral nodes in the transaction that closes a session", func(c *Config, on bool) { c.CloseSessionPaths = on }),
	propBool("extendedTypesEnabled", "false", "nodes with a time to live can be made, and end. Those in the data while it is off are kept. Member ids must be below 255", func(c *Config, on bool) { c.ExtendedTypes = on }),
	property("skipACL", "yes, no", "no", "yes: no access control at all", func(b *builder, v string) error {
		if b.cfg.SkipACL = v == "yes"; b.cfg.SkipACL {
			b.warn("skipACL=yes: every client may read and change everything")
		}
		return nil
	}),
	propBool("enforceQuota", "false", "refuse writes beyond a hard quota, and log those beyond a soft one", func(c *Config, on bool) { c.EnforceQuota = on }),
	propBool("emulate353TTLNodes", "false", "with extendedTypesEnabled: read the owners of nodes that ZooKeeper 3.5.3 made with a time to live. Member ids must be below 128", func(c *Config, on bool) { c.TTL353 = on }),
	bare(propInt("znode.container.checkIntervalMs", "60000", "time between sweeps of empty containers and expired nodes, in ms", 1, func(c *Config, n int64) { c.ReapInterval = millis(n) })),
	bare(propInt("znode.container.maxPerMinute", "10000", "nodes that sweeps may delete per minute, evenly spaced", 1, func(c *Config, n int64) { c.ReapPerMinute = n })),
	bare(propInt("znode.container.maxNeverUsedIntervalMs", "0", "age at which a container that never had a child is deleted, in ms; 0: never", 0, func(c *Config, n int64) { c.ReapNeverUsed = millis(n) })),
	later("maxResponseCacheSize", "int", "400", "answers kept; reads need no cache here"),
	later("maxGetChildrenResponseCacheSize", "int", "400", "answers kept; reads need no cache here"),
	later("pathStats.*", "any", "", "log of the most used paths"),
	later("messageTracker.*", "any", "", "log of the last packets of a learner"),
	ignored("intBufferStartingSizeBytes", "buffers grow from pools"),
	ignored("commitProcessor.*", "no such stage"),
	ignored("watchManagerName", "one watch table"),
	ignored("watcherCleanThreadsNum", "watches are removed at once"),
	ignored("watcherCleanThreshold", "watches are removed at once"),
	ignored("watcherCleanIntervalInSeconds", "watches are removed at once"),
	ignored("maxInProcessingDeadWatchers", "watches are removed at once"),
	ignored("bitHashCacheSize", "one watch table"),
}

var connectionRows = []Setting{
	propInt("maxCnxns", "0", "connections to one port; 0: no limit", 0, func(c *Config, n int64) { c.MaxCnxns = int(n) }),
	propInt("nio.sessionlessCnxnTimeout", "10000", "time a connection has to send its connect request, in ms", 1, func(c *Config, n int64) { c.SessionlessTimeout = millis(n) }),
	property("4lw.commands.whitelist", "words", "srvr,ruok", "four-letter words that are answered, * for all but move. ZooKeeper's default is srvr", func(b *builder, v string) error {
		b.cfg.FourLetterWhitelist, b.wordsSet = words(v), true
		return nil
	}),
	fileInt("clientPortListenBacklog", "-1", "connections that wait to be accepted; -1: the system's limit", func(b *builder) *int { return &b.cfg.Backlog }),
	propBool("clientTcpKeepAlive", "false", "keep-alive on client connections", func(c *Config, on bool) { c.ClientKeepAlive = on }),
	ignored("serverCnxnFactory", "one network layer"),
	ignored("nio.*", "no selector threads"),
	ignored("netty.*", "no Netty"),
	{Name: "jvm.pause.*", Property: prefix + "jvm.pause.*", Type: "any", Support: Later, Text: "monitor for stalls of the process"},
}

var securityRows = []Setting{
	{Name: "secureClientPort", Type: "port", Support: Refused, Text: "TLS is not in this version", set: refused("secureClientPort", "", "", "TLS is not in this version").set},
	{Name: "secureClientPortAddress", Type: "host", Support: Later, Text: "TLS is not in this version"},
	{Name: "sslQuorum", Property: prefix + "sslQuorum", Type: "bool", Default: "false", Support: Refused, Text: "TLS is not in this version", set: refused("sslQuorum", "", "", "TLS is not in this version", "false").set},
	{Name: "portUnification", Type: "bool", Default: "false", Support: Later, Text: "TLS and plain text on the quorum ports"},
	{Name: "sslQuorumReloadCertFiles", Type: "bool", Default: "false", Support: Later, Text: "TLS is not in this version"},
	later("client.portUnification", "bool", "false", "TLS and plain text on one client port"),
	later("client.certReload", "bool", "false", "TLS is not in this version"),
	later("ssl.*", "any", "", "TLS is not in this version"),
	later("fips-mode", "bool", "true", "TLS is not in this version"),
	refused("quorum.auth.enableSasl", "bool", "false", "SASL between servers is not in this version", "false"),
	refused("quorum.auth.serverRequireSasl", "bool", "false", "SASL between servers is not in this version", "false"),
	refused("quorum.auth.learnerRequireSasl", "bool", "false", "SASL between servers is not in this version", "false"),
	later("quorum.auth.*", "text", "", "SASL between servers is not in this version"),
	later("IPAuthenticationProvider.usexforwardedfor", "bool", "false", "addresses from X-Forwarded-For"),
	later("kerberos.*", "any", "", "Kerberos is not in this version"),
	later("requireKerberosConfig", "bool", "false", "Kerberos is not in this version"),
	later("server.realm", "text", "", "Kerberos is not in this version"),
	later("kinit", "path", "", "Kerberos is not in this version"),
}

var adminRows = []Setting{
	later("admin.*", "any", "", "the HTTP AdminServer"),
	later("metricsProvider.*", "any", "", "metrics over HTTP; mntr always works"),
	later("audit.enable", "bool", "false", "audit log"),
	later("audit.impl.class", "class", "", "audit log"),
	ignored("jmx.log4j.disable", "no JMX"),
	ignored("jmx.log4j.mbean", "no JMX"),
	property("root.logger", "level", "INFO", "least level that is logged; only as -D", nil),
	property("console.threshold", "level", "INFO", "the same, and wins; only as -D", nil),
	ignored("log.dir", "logs go to standard error"),
	ignored("log.file", "logs go to standard error"),
}

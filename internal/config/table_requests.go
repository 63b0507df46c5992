package config

var requestRows = []Setting{
	propInt("globalOutstandingLimit", "1000", "requests in the server before it stops reading from clients", 1, func(c *Config, n int64) { c.GlobalOutstanding = int(n) }),
	bare(propInt("jute.maxbuffer", "1048575", "largest request and largest data of a znode, in bytes", 1024, func(c *Config, n int64) { c.MaxBuffer = int(n) })),
	later("jute.maxbuffer.extrasize", "int", "jute.maxbuffer", "slack for records read back from disk, in bytes; no limit applies to them here"),
	propBool("digest.enabled", "true", "digest of the whole tree in transactions and snapshots", func(c *Config, on bool) { c.DigestEnabled = on }),
	propBool("closeSessionTxn.enabled", "true", "list of deleted ephemeral nodes in the transaction that closes a session", func(c *Config, on bool) { c.CloseSessionPaths = on }),
	propBool("extendedTypesEnabled", "false", "nodes with a time to live", func(c *Config, on bool) { c.ExtendedTypes = on }),
	property("skipACL", "yes, no", "no", "yes: no access control at all", func(b *builder, v string) error {
		if b.cfg.SkipACL = v == "yes"; b.cfg.SkipACL {
			b.warn("skipACL=yes: every client may read and change everything")
		}
		return nil
	}),
	later("enforceQuota", "bool", "false", "refuse writes beyond a hard quota"),
	later("emulate353TTLNodes", "bool", "false", "TTL encoding of 3.5.3"),
	bare(later("znode.container.checkIntervalMs", "int", "60000", "time between sweeps of empty containers and expired nodes")),
	bare(later("znode.container.maxPerMinute", "int", "10000", "nodes a sweep may delete per minute")),
	bare(later("znode.container.maxNeverUsedIntervalMs", "int", "0", "age of a container that never had a child")),
	later("largeRequestMaxBytes", "int", "104857600", "bytes of large requests in flight"),
	later("largeRequestThreshold", "int", "-1", "size from which a request is large"),
	later("request_throttle_max_requests", "int", "0", "requests in flight before throttling"),
	later("request_throttle_stall_time", "int", "100", "pause of a throttled request, in ms"),
	later("request_throttle_drop_stale", "bool", "true", "drop throttled requests of closed connections"),
	later("request_stale_latency_check", "bool", "false", "requests older than their session's timeout are stale"),
	later("request_stale_connection_check", "bool", "true", "requests of closed connections are stale"),
	later("request_throttler.shutdownTimeout", "int", "10000", "time to drain throttled requests, in ms"),
	later("throttled_op_wait_time", "int", "0", "time after which a queued request is refused, in ms"),
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
	propInt("maxCnxns", "0", "connections in all; 0: no limit", 0, func(c *Config, n int64) { c.MaxCnxns = int(n) }),
	propInt("nio.sessionlessCnxnTimeout", "10000", "time a connection has to send its connect request, in ms", 1, func(c *Config, n int64) { c.SessionlessTimeout = millis(n) }),
	property("4lw.commands.whitelist", "words", "srvr,ruok", "four-letter words that are answered, * for all. ZooKeeper's default is srvr", func(b *builder, v string) error {
		b.cfg.FourLetterWhitelist = words(v)
		return nil
	}),
	{Name: "clientPortListenBacklog", Type: "int", Default: "-1", Support: Later, Text: "queue of connections not yet accepted; the system's here"},
	later("clientTcpKeepAlive", "bool", "false", "keep-alive on client connections"),
	later("connection_throttle_*", "any", "", "token bucket for new connections"),
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

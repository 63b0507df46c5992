package config

import (
	"time"
)

// Defaults returns what holds when nothing is said. Each call makes a new Config.
func Defaults() *Config {
	return &Config{
		Tick: 3 * time.Second, MinSession: 6 * time.Second, MaxSession: time.Minute,
		MaxClientCnxns: 60, Backlog: -1, GlobalOutstanding: 1000,
		MaxBuffer: 1048575, ExtraSize: 1048575,
		Connections:    defaultConnections(),
		Requests:       RequestThrottle{Stall: 100 * time.Millisecond, DropStale: true},
		LargeThreshold: -1, LargeMaxBytes: 100 << 20,
		SnapCount: 100_000, SnapSizeLimit: kib(4194304), PreallocSize: kib(65536),
		TxnLogSizeLimit: -1, CommitLogCount: 500,
		ForceSync: true, FsyncWarn: time.Second,
		PurgeInterval: time.Hour, PurgeRetain: 3, // decisions.md 19
		AutoCreateDir: true,
		DigestEnabled: true, CloseSessionPaths: true,
		DigestAlg: "SHA1", DigestAuthEnabled: true,
		SessionlessTimeout:  10 * time.Second,
		FourLetterWhitelist: []string{"srvr", "ruok"}, // decisions.md 8
		ReapInterval:        time.Minute, ReapPerMinute: 10_000,
		ElectionMinInterval: 200 * time.Millisecond,
		ElectionMaxInterval: time.Minute,
		ElectionDialTimeout: 5 * time.Second,
		ReachCheck:          true,
		ReachTimeout:        time.Second,
		LeaderServes:        true,
		Learners:            defaultLearners(),
		StandaloneEnabled:   true,
		LeaseHonest:         true,
		Properties:          map[string]string{},
	}
}

// FromArgs makes the Config of a standalone server from the positional form
// PORT DATADIR [TICK [MAXCNXNS]] (operations.md 1.12). In this form the number of
// connections per address has no limit unless given.
func FromArgs(args []string, props map[string]string) (*Config, []string, error) {
	return Loader{Props: props}.FromArgs(args)
}

// FromArgs is the positional form with all of the loader's settings. FS is needed
// only if these name a login file.
func (l Loader) FromArgs(args []string) (*Config, []string, error) {
	if len(args) < 2 || len(args) > 4 {
		return nil, nil, invalid("Invalid number of arguments:%v", args)
	}
	b := newBuilder(l)
	b.file = "arguments"
	numbers := []*int{&b.clientPort, nil, &b.tick, &b.cfg.MaxClientCnxns}
	b.cfg.MaxClientCnxns = 0
	if err := b.build(nil, func() error { return b.takeArgs(args, numbers) }); err != nil {
		return nil, b.warnings, asInvalid("Error processing arguments", err)
	}
	return b.cfg, b.warnings, nil
}

// takeArgs puts the arguments where numbers points; the second is the directory.
func (b *builder) takeArgs(args []string, numbers []*int) error {
	for i, a := range args {
		if numbers[i] == nil {
			b.cfg.DataDir = a
			continue
		}
		parse := strictInt
		if i == 0 {
			parse = strictPort
		}
		n, err := parse(a)
		if err != nil {
			return err
		}
		*numbers[i] = n
	}
	return nil
}

// ClientPort is the port of ClientAddr, -1 when there is none.
func (c *Config) ClientPort() int {
	_, port := splitAddr(c.ClientAddr)
	return port
}

// QuorumPorts are the own server line's ports, 0 when standalone.
func (c *Config) QuorumPorts() (quorum, election int) {
	if c.Ensemble == nil {
		return 0, 0
	}
	own := c.Ensemble.Members[c.MyID]
	_, quorum = splitAddr(own.QuorumAddr.First())
	_, election = splitAddr(own.ElectionAddr.First())
	return quorum, election
}

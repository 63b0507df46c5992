package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"ostler/internal/ensemble"
	"ostler/internal/env"
	"ostler/internal/zk"
)

// finish checks what only makes sense together, in ZooKeeper's order
// (operations.md 1.10), and completes the Config.
func (b *builder) finish() error {
	b.checkOwners()
	steps := []func() error{
		b.checkAccess, b.checkDirs, b.checkClientAddr, b.checkTimes, b.checkThrottle, b.checkMembers, b.checkMode, b.checkReadOnly,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// checkOwners settles how owners of nodes are read (client-protocol.md 4.3).
func (b *builder) checkOwners() {
	if b.cfg.TTL353 && !b.cfg.ExtendedTypes {
		b.warn("emulate353TTLNodes=true has no effect without extendedTypesEnabled=true")
		b.cfg.TTL353 = false
	}
}

// checkIDs sees to it that no session id, whose top byte is a member's id, looks
// like the owner of a TTL node (client-protocol.md 4.3).
func (b *builder) checkIDs() error {
	name, most := "extendedTypesEnabled", zk.ServerID(254)
	switch {
	case b.cfg.TTL353:
		name, most = "emulate353TTLNodes", 127
	case !b.cfg.ExtendedTypes:
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(b.cfg.Ensemble.Members)) {
		if id < 0 || id > most {
			return fmt.Errorf("%s=true allows member ids up to %d, but there is a server.%d: "+
				"its sessions could be taken for the owners of TTL nodes", name, most, id)
		}
	}
	return nil
}

func (b *builder) checkDirs() error {
	if b.cfg.DataDir == "" {
		return errors.New("dataDir is not set")
	}
	for _, dir := range []string{b.cfg.DataDir, b.cfg.DataLogDir} {
		if dir != "" && !strings.HasPrefix(dir, "/") && !strings.HasPrefix(dir, ".") {
			b.warn("%s is relative. Prepend ./ to indicate that you're sure!", dir)
		}
	}
	b.cfg.DataDir = trimSlash(b.cfg.DataDir)
	b.cfg.DataLogDir = trimSlash(b.cfg.DataLogDir)
	return nil
}

// trimSlash drops trailing slashes, except of the root.
func trimSlash(dir string) string {
	for len(dir) > 1 && strings.HasSuffix(dir, "/") {
		dir = dir[:len(dir)-1]
	}
	return dir
}

func (b *builder) checkClientAddr() error {
	if b.clientPort < 0 {
		if b.clientHost != "" {
			return errors.New("clientPortAddress is set but clientPort is not set")
		}
		return nil
	}
	b.cfg.ClientAddr = joinHostPort(b.clientHost, b.clientPort)
	return nil
}

// joinHostPort writes all addresses as no host, which means IPv4 and IPv6:
// "localhost" may be either.
func joinHostPort(host string, port int) string {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	switch {
	case isWildcard(host):
		host = ""
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	return host + ":" + strconv.Itoa(port)
}

func isWildcard(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }

// splitAddr is the inverse of joinHostPort for what ensemble checked before.
func splitAddr(addr string) (host string, port int) {
	at := strings.LastIndexByte(addr, ':')
	port, err := strconv.Atoi(addr[at+1:])
	if at < 0 || err != nil {
		return addr, -1
	}
	return strings.TrimSuffix(strings.TrimPrefix(addr[:at], "["), "]"), port
}

func (b *builder) checkTimes() error {
	if b.tick == 0 {
		return errors.New("tickTime is not set")
	}
	if b.minSession == -1 {
		b.minSession = 2 * b.tick
	}
	if b.maxSession == -1 {
		b.maxSession = 20 * b.tick
	}
	if b.minSession > b.maxSession || b.tick < 0 {
		return errors.New("minSessionTimeout must not be larger than maxSessionTimeout")
	}
	b.cfg.Tick = millis(int64(b.tick))
	b.cfg.MinSession = millis(int64(b.minSession))
	b.cfg.MaxSession = millis(int64(b.maxSession))
	b.cfg.ExtraSize = b.cfg.MaxBuffer
	if b.cfg.ElectionMaxInterval < b.cfg.ElectionMinInterval {
		b.cfg.ElectionMaxInterval = b.cfg.ElectionMinInterval
	}
	return nil
}

// checkReadOnly allows the word that tells clients where a writable server is
// (operations.md 2.2).
func (b *builder) checkReadOnly() error {
	if b.cfg.ReadOnlyMode && !b.wordsSet {
		b.cfg.FourLetterWhitelist = append(b.cfg.FourLetterWhitelist, "isro")
	}
	return nil
}

// checkMode decides between standalone and ensemble (operations.md 1.8).
func (b *builder) checkMode() error {
	c := b.cfg.Ensemble
	voters, observers := countRoles(c)
	switch {
	case voters == 0 && !b.cfg.StandaloneEnabled:
		return errors.New("standaloneEnabled = false then number of participants should be >0")
	case voters == 0 && observers > 0:
		return errors.New("Observers w/o participants is an invalid configuration") //nolint:staticcheck // ZooKeeper's text.
	case voters == 1 && b.cfg.StandaloneEnabled && observers > 0:
		return errors.New("Observers w/o quorum is an invalid configuration") //nolint:staticcheck // ZooKeeper's text.
	case voters == 1 && b.cfg.StandaloneEnabled:
		b.warn("Invalid configuration, only one server specified (ignoring)")
		voters, b.cfg.Ensemble = 0, nil
	case voters == 2:
		b.warn("No server failure will be tolerated. You need at least 3 servers.")
	case voters > 2 && voters%2 == 0:
		b.warn("Non-optimal configuration, consider an odd number of servers.")
	}
	if voters == 0 {
		b.cfg.Ensemble = nil
		b.warn("Either no config or no quorum defined in config, running in standalone mode")
		return nil
	}
	return b.checkQuorum()
}

func countRoles(c *ensemble.Config) (voters, observers int) {
	if c == nil {
		return 0, 0
	}
	for _, m := range c.Members {
		if m.Role == ensemble.Observer {
			observers++
		} else {
			voters++
		}
	}
	return voters, observers
}

// checkQuorum is what only a member of an ensemble needs.
func (b *builder) checkQuorum() error {
	if b.loader.Shadow {
		return b.useShadow()
	}
	id, err := b.readMyID()
	if err != nil {
		return err
	}
	b.cfg.MyID = id
	if err := b.cfg.Ensemble.Validate(); err != nil {
		return err
	}
	own, listed := b.cfg.Ensemble.Members[id]
	if !listed {
		return &Error{Exit: ExitUnexpected, Err: fmt.Errorf(
			"My id %d not in the peer list: %s says %d, but %s has no server.%d line", //nolint:staticcheck // ZooKeeper's text.
			id, b.myIDFile(), id, b.memberFile(), id)}
	}
	if err := b.checkIDs(); err != nil {
		return err
	}
	if err := b.takeClientAddr(own); err != nil {
		return err
	}
	if err := b.takeRole(own); err != nil {
		return err
	}
	return b.checkLimits()
}

// checkLimits is what every server of an ensemble needs to know.
func (b *builder) checkLimits() error {
	if b.cfg.InitLimit == 0 {
		return errors.New("initLimit is not set")
	}
	if b.cfg.SyncLimit == 0 {
		return errors.New("syncLimit is not set")
	}
	if b.cfg.InitLimit < 0 || b.cfg.SyncLimit < 0 {
		return errors.New("initLimit and syncLimit must be positive")
	}
	if b.cfg.ConnectLimit <= 0 {
		b.cfg.ConnectLimit = b.cfg.InitLimit
	}
	return nil
}

func (b *builder) memberFile() string {
	if b.dynamicFile != "" {
		return b.dynamicFile
	}
	return b.file
}

func (b *builder) myIDFile() string { return b.cfg.DataDir + "/myid" }

// readMyID reads the first line of myid. Blanks around the number are accepted,
// which ZooKeeper does not do (operations.md 1.9 and 1.14 rule 5).
func (b *builder) readMyID() (zk.ServerID, error) {
	text, err := env.ReadFile(b.loader.FS, b.myIDFile(), maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("myid file is missing: write this server's number into %s", b.myIDFile())
	}
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", b.myIDFile(), err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	word := trim(line)
	if len(text) == 0 {
		word = "null"
	}
	id, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("serverid %s is not a number (%s)", word, b.myIDFile())
	}
	return zk.ServerID(id), nil
}

// takeClientAddr settles the client address between the static file and the own
// server line (operations.md 1.5).
func (b *builder) takeClientAddr(own ensemble.Member) error {
	if own.ClientAddr == "" {
		return nil
	}
	host, port := splitAddr(own.ClientAddr)
	if b.clientPort >= 0 {
		sameHost := isWildcard(b.clientHost) || b.clientHost == host
		if b.clientPort != port || !sameHost {
			return fmt.Errorf("client address for this server (id = %d) in static config file is %s is different from client address found in dynamic file: %s",
				own.ID, joinHostPort(b.clientHost, b.clientPort), own.ClientAddr)
		}
	}
	b.cfg.ClientAddr = joinHostPort(host, port)
	return nil
}

// takeRole compares peerType with the server list, which wins.
func (b *builder) takeRole(own ensemble.Member) error {
	listed := "PARTICIPANT"
	if own.Role == ensemble.Observer {
		listed = "OBSERVER"
	}
	b.cfg.Observer = own.Role == ensemble.Observer
	if b.peerType != "" && !strings.EqualFold(b.peerType, listed) {
		b.warn("Peer type from servers list (%s) doesn't match peerType (%s). Defaulting to servers list.",
			listed, strings.ToUpper(b.peerType))
	}
	return nil
}

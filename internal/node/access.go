package node

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"ostler/internal/auth"
	"ostler/internal/config"
	"ostler/internal/env"
	"ostler/internal/sasl"
)

// newAuth registers the schemes that are configured.
func newAuth(cfg *config.Config) (*auth.Auth, error) {
	if !auth.ValidAlg(cfg.DigestAlg) {
		return nil, fmt.Errorf("zookeeper.DigestAuthenticationProvider.digestAlg: don't support this ACL digest algorithm: %s in the current environment", cfg.DigestAlg)
	}
	return auth.New(cfg.AuthOptions()), nil
}

// newSASL returns the mechanism for clients, nil without a login section. Service
// and realm are ZooKeeper's (client-protocol.md 7.7). Nonces come from a
// generator of their own: what clients see of it does not tell what follows.
func newSASL(e env.Env, cfg *config.Config) sasl.Mechanism {
	users := cfg.Access.SASLUsers
	if users == nil {
		return nil
	}
	var seed [32]byte
	for i := 0; i < len(seed); i += 8 {
		binary.LittleEndian.PutUint64(seed[i:], e.Rand.Uint64())
	}
	return sasl.NewDigestMD5(sasl.DigestOptions{
		Protocol: "zookeeper", Name: "zk-sasl-md5", Random: rand.NewChaCha8(seed),
		Password: func(user string) (string, bool) {
			password, ok := users[user]
			return password, ok
		},
	})
}

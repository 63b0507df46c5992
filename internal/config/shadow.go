package config

import (
	"errors"
	"fmt"
	"slices"

	"ostler/internal/ensemble"
	"ostler/internal/zk"
)

// The ids that a shadow may draw. Those of members are at most 255, since they begin the
// ids of sessions (quorum.md 1.1); no member that comes later has one of these. One that
// serves clients makes sessions, so its own has to fit as well.
const (
	shadowIDFirst = 1_000_000
	shadowIDCount = 1_000_000_000
	servingIDMax  = 254
)

// useShadow completes the Config of a server that is in no list: it keeps the members and
// has no myid, no client port and no vote. What would make it more than a witness is
// turned off.
func (b *builder) useShadow() error {
	if err := b.cfg.Ensemble.Validate(); err != nil {
		return err
	}
	if err := b.checkIDs(); err != nil {
		return err
	}
	if !b.cfg.DigestEnabled {
		b.warn("digest.enabled=false does not hold for a shadow, which lives on digests")
	}
	// The file may be a member's own: nothing is ever written beside it.
	b.cfg.File = ""
	b.cfg.Shadow, b.cfg.Observer = true, true
	b.cfg.DigestEnabled = true
	b.cfg.AutoCreateDB, b.cfg.AutoCreateDir = nil, true
	b.cfg.ReadOnlyMode, b.cfg.LocalSessions, b.cfg.UpgradeLocal = false, false, false
	return b.checkLimits()
}

// ShadowID returns the id of a shadow of an ensemble: the one that is given, if not 0, or
// else one that no member has. It has to be above those of all members: of two servers,
// only the one with the larger id can keep a connection for elections, and members
// cannot dial a server that is in no list (quorum.md 2.4). draw is any random number.
func ShadowID(c *ensemble.Config, given zk.ServerID, serves bool, draw uint32) (zk.ServerID, error) {
	largest := slices.Max(c.IDs())
	switch {
	case given == 0 && !serves:
		return max(largest+1, shadowIDFirst+zk.ServerID(draw%shadowIDCount)), nil
	case given == 0:
		given = servingIDMax
	}
	switch {
	case given <= largest:
		return 0, fmt.Errorf("id %d is not larger than %d, the largest of the members: they could not answer", given, largest)
	case serves && given > servingIDMax:
		return 0, fmt.Errorf("id %d is above %d, which a shadow that serves clients needs: the ids of sessions begin with it", given, servingIDMax)
	}
	return given, nil
}

// ErrNoEnsemble: there is nothing that a shadow could follow.
var ErrNoEnsemble = errors.New("this configuration is that of a standalone server; a shadow follows an ensemble, " +
	"which has server.N lines")

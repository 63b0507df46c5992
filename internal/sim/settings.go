package sim

import (
	"math/rand/v2"
	"strconv"
	"time"

	"ostler/internal/config"
)

// Settings are the lines of zoo.cfg that differ from run to run.
type Settings struct {
	ExtendedTypes bool          // TTL nodes may be made
	EnforceQuota  bool          // hard quotas are held
	ReapInterval  time.Duration // between sweeps of containers and TTL nodes
	Local         bool          // sessions are local until they make an ephemeral
	ReadOnly      bool          // reads are served without a leader
	Reconfig      bool          // members may change
	Charged       bool          // stalls of servers count against sessions, as with ZooKeeper
}

func drawSettings(r *rand.Rand) Settings {
	intervals := [...]time.Duration{200 * time.Millisecond, time.Second, 3 * time.Second, time.Minute}
	s := Settings{ExtendedTypes: r.IntN(3) > 0, EnforceQuota: r.IntN(2) == 0, ReapInterval: intervals[r.IntN(len(intervals))]}
	s.Local = r.IntN(4) == 0
	s.ReadOnly = s.Local && r.IntN(2) == 0 // without local sessions nobody gets one there
	s.Charged = r.IntN(8) == 0
	return s
}

// The names of settings that depend on what the server can do.
const (
	settingQuota  = "enforceQuota"
	settingReaper = "znode.container.checkIntervalMs"
)

// Properties are the settings by their full names.
func (s Settings) Properties() map[string]string {
	return map[string]string{
		"zookeeper.extendedTypesEnabled":                     strconv.FormatBool(s.ExtendedTypes),
		"zookeeper." + settingQuota:                          strconv.FormatBool(s.EnforceQuota),
		settingReaper:                                        strconv.FormatInt(s.ReapInterval.Milliseconds(), 10),
		"zookeeper.session.leaseHonest":                      strconv.FormatBool(!s.Charged),
		"readonlymode.enabled":                               strconv.FormatBool(s.ReadOnly),
		"zookeeper.DigestAuthenticationProvider.superDigest": superDigest,
	}
}

// honoured reports whether the server does what a setting says.
func honoured(name string) bool {
	for _, s := range config.Settings() {
		if s.Name == name {
			return s.Support == config.Honoured
		}
	}
	return false
}

// rules are what follows for writes.
func (s Settings) rules() rules {
	return rules{extendedTypes: s.ExtendedTypes, enforceQuota: s.EnforceQuota && honoured(settingQuota)}
}

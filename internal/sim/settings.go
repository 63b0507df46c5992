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
}

func drawSettings(r *rand.Rand) Settings {
	intervals := [...]time.Duration{200 * time.Millisecond, time.Second, 3 * time.Second, time.Minute}
	return Settings{ExtendedTypes: r.IntN(3) > 0, EnforceQuota: r.IntN(2) == 0, ReapInterval: intervals[r.IntN(len(intervals))]}
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

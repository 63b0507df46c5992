package admin

import (
	"runtime/debug"
	"time"
)

// Parity is the release of Apache ZooKeeper whose interfaces this server has;
// client tools compare it.
const Parity = "3.9.5"

// Release is Ostler's own version.
const Release = "0.1.0"

// Version is the version in the form that tools parse (decisions.md 1). The commit
// follows a hyphen, as in ZooKeeper's own: some take letters, digits, dots and
// hyphens alone.
func Version() string {
	commit, _ := revision()
	return Parity + "-ostler." + Release + "-" + commit
}

// VersionLine is Version with the time of the commit it was built from, as
// srvr, mntr and envi print it.
func VersionLine() string {
	_, at := revision()
	return Version() + ", built on " + at.UTC().Format("2006-01-02 15:04") + " UTC"
}

// revision reads what the go command recorded in the binary.
func revision() (commit string, at time.Time) {
	commit, at = "unknown", time.Unix(0, 0)
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return commit, at
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			commit = s.Value[:min(12, len(s.Value))]
		case "vcs.time":
			if t, err := time.Parse(time.RFC3339, s.Value); err == nil {
				at = t
			}
		}
	}
	return commit, at
}

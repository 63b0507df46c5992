package shadow

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"ostler/internal/config"
	"ostler/internal/env"
)

// markName is the file that says that a directory is a shadow's.
const markName = "shadow"

const markText = "The data directory of a shadow (ostler server --shadow). It may be removed when none runs.\n"

// ErrNotOurs: a directory belongs to a server, or may.
var ErrNotOurs = errors.New("not a directory for a shadow")

// Claim sees to it that the data directories are a shadow's own: new ones, or those of an
// earlier trial. A member's have a myid or data, and are never touched, also when no
// server runs on them.
func Claim(fsys env.FS, cfg *config.Config) error {
	dirs := []string{cfg.DataDir}
	if cfg.DataLogDir != "" && cfg.DataLogDir != cfg.DataDir {
		dirs = append(dirs, cfg.DataLogDir)
	}
	for _, dir := range dirs {
		if err := unclaimed(fsys, dir); err != nil {
			return err
		}
	}
	for _, dir := range dirs {
		if _, err := fsys.Stat(dir + "/" + markName); err == nil {
			continue
		}
		err := fsys.MkdirAll(dir)
		if err == nil {
			err = env.WriteFileAtomic(fsys, dir+"/"+markName, []byte(markText))
		}
		if err != nil {
			return fmt.Errorf("make the data directory of the shadow: %w", err)
		}
	}
	return nil
}

// unclaimed reports why a directory cannot be a shadow's.
func unclaimed(fsys env.FS, dir string) error {
	const help = "give the shadow a directory of its own with --shadow-dir"
	if id, err := env.ReadFile(fsys, dir+"/myid", 1<<10); err == nil {
		return fmt.Errorf("%w: %s belongs to server %s, as its myid says; %s", ErrNotOurs, dir, strings.TrimSpace(string(id)), help)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: look for a myid in %s: %w", ErrNotOurs, dir, err)
	}
	infos, err := fsys.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotOurs, err)
	}
	has := func(name string) bool {
		return slices.ContainsFunc(infos, func(i env.FileInfo) bool { return i.Name == name })
	}
	if has("version-2") && !has(markName) {
		return fmt.Errorf("%w: %s holds the data of a server; %s", ErrNotOurs, dir, help)
	}
	return nil
}

// RulesOf are those of a configuration.
func RulesOf(cfg *config.Config) Rules {
	r := Rules{ExtendedTypes: cfg.ExtendedTypes, Reconfig: cfg.ReconfigEnabled, SkipACL: cfg.SkipACL, TxnMax: cfg.MaxBuffer + cfg.ExtraSize}
	r.Owners.TTL353 = cfg.TTL353
	return r
}

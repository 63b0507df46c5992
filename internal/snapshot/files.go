package snapshot

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ostler/internal/env"
	"ostler/internal/zk"
)

const (
	prefix = "snapshot."
	// tempPrefix begins the name of a snapshot under way: no reader takes such a
	// file for a snapshot or a log (disk.md R-11).
	tempPrefix = "new-" + prefix
)

// The compressions, which are also the extensions of file names (disk.md 4.6).
const (
	GZ     = "gz"
	Snappy = "snappy"
)

// A File is a snapshot by its name.
type File struct {
	Name string
	Zxid zk.Zxid
	Ext  string // "", GZ or Snappy
}

// FileName returns the name of the snapshot at z.
func FileName(z zk.Zxid, ext string) string {
	name := prefix + strconv.FormatUint(uint64(z), 16)
	if ext != "" {
		name += "." + ext
	}
	return name
}

// parseName reads a file name as R-3 has it.
func parseName(name string) (File, bool) {
	rest, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return File{}, false
	}
	hex, ext, dotted := strings.Cut(rest, ".")
	if dotted && ext != GZ && ext != Snappy {
		return File{}, false
	}
	n, err := strconv.ParseInt(hex, 16, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 16) != hex {
		return File{}, false
	}
	return File{name, zk.Zxid(n), ext}, true
}

// Files lists the snapshots of dir, oldest first. Names that begin like one but
// are none are strays: they are neither read nor deleted.
func Files(fsys env.FS, dir string) (files []File, strays []string, err error) {
	infos, err := fsys.List(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("list snapshots: %w", err)
	}
	for _, info := range infos {
		if !strings.HasPrefix(info.Name, prefix) {
			continue
		}
		f, ok := parseName(info.Name)
		if !ok || info.Dir {
			strays = append(strays, info.Name)
			continue
		}
		files = append(files, f)
	}
	slices.SortStableFunc(files, func(a, b File) int {
		switch {
		case a.Zxid < b.Zxid:
			return -1
		case a.Zxid > b.Zxid:
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return files, strays, nil
}

// IsTemp reports whether name is that of a snapshot whose writing did not end.
func IsTemp(name string) bool { return strings.HasPrefix(name, tempPrefix) }

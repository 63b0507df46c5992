package txnlog

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ostler/internal/env"
	"ostler/internal/zk"
)

const prefix = "log."

// A File is a log file by its name.
type File struct {
	Name string
	Zxid zk.Zxid // of the first entry
}

// FileName returns the name of the log that begins with z.
func FileName(z zk.Zxid) string { return prefix + strconv.FormatUint(uint64(z), 16) }

// ParseHex reads the number in a file name: lower-case hex without leading
// zeros, not negative.
func ParseHex(s string) (zk.Zxid, bool) {
	n, err := strconv.ParseInt(s, 16, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 16) != s {
		return 0, false
	}
	return zk.Zxid(n), true
}

// Files lists the logs of dir by ascending zxid. Names that begin like one but are
// none are strays: they are neither read nor deleted.
func Files(fsys env.FS, dir string) (files []File, strays []string, err error) {
	infos, err := fsys.List(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("list logs: %w", err)
	}
	for _, info := range infos {
		hex, ok := strings.CutPrefix(info.Name, prefix)
		if !ok {
			continue
		}
		z, ok := ParseHex(hex)
		if !ok || info.Dir {
			strays = append(strays, info.Name)
			continue
		}
		files = append(files, File{info.Name, z})
	}
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Zxid, b.Zxid) })
	return files, strays, nil
}

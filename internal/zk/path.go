package zk

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The built-in nodes (client-protocol.md 4.6).
const (
	PathRoot   = "/"
	PathZK     = "/zookeeper"
	PathQuota  = "/zookeeper/quota"
	PathConfig = "/zookeeper/config"
)

// Reserved reports whether path is one of the four nodes that no client can
// delete.
func Reserved(path string) bool {
	return path == PathRoot || path == PathZK || path == PathQuota || path == PathConfig
}

// Parent returns the path of the parent: everything before the last slash, "/"
// for a top-level node. ok is false when path has no slash.
func Parent(path string) (parent string, ok bool) {
	i := strings.LastIndexByte(path, '/')
	switch {
	case i < 0:
		return "", false
	case i == 0:
		return PathRoot, true
	}
	return path[:i], true
}

// Base returns the last element of path.
func Base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// Join returns the path of the child called name.
func Join(parent, name string) string {
	if parent == PathRoot || parent == "" {
		return "/" + name
	}
	return parent + "/" + name
}

// ValidatePath applies the full validation of client-protocol.md 4.5. The error
// says what is wrong; on the wire it is BadArguments.
func ValidatePath(path string) error {
	switch {
	case path == "":
		return fmt.Errorf("path length must be > 0")
	case path[0] != '/':
		return fmt.Errorf("path must start with /")
	case path == PathRoot:
		return nil
	case path[len(path)-1] == '/':
		return fmt.Errorf("path must not end with /")
	}
	for i, r := range path {
		if r == utf8.RuneError {
			return fmt.Errorf("path is not UTF-8 at byte %d", i)
		}
		if invalidRune(r) {
			return fmt.Errorf("invalid character %q at byte %d", r, i)
		}
	}
	for rest := path[1:]; ; {
		element, after, more := strings.Cut(rest, "/")
		switch element {
		case "":
			return fmt.Errorf("empty node name")
		case ".", "..":
			return fmt.Errorf("relative paths not allowed")
		}
		if !more {
			return nil
		}
		rest = after
	}
}

// invalidRune reports the characters that no path may hold. Those above
// U+FFFF are surrogate pairs in ZooKeeper's strings, so they are refused too.
func invalidRune(r rune) bool {
	return r <= 0x1f || r >= 0x7f && r <= 0x9f || r >= 0xd800 && r <= 0xf8ff || r >= 0xfff0
}

// SequentialPath returns path with the ten-digit suffix of a sequential node;
// creates is the parent's number of creates before this one
// (client-protocol.md 4.4).
func SequentialPath(path string, creates int32) string {
	return path + fmt.Sprintf("%010d", creates)
}

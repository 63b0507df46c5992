package tree

import (
	"encoding/binary"
	"hash/crc32"
	"strings"
	"sync"

	"ostler/internal/zk"
)

// statBytes is the length of a stat as the digest reads it.
const statBytes = 60

// undigested is the subtree whose nodes count nothing (disk.md 7.1). The node
// /zookeeper itself counts.
const undigested = zk.PathZK + "/"

// NodeDigest returns the digest of a node: the CRC-32 of path, data and stat,
// where prefix is that of path and data; 0 below /zookeeper (disk.md 7.1).
func NodeDigest(prefix uint32, path string, s *zk.StatPersisted) uint64 {
	if strings.HasPrefix(path, undigested) {
		return 0
	}
	b := statBuffers.Get().(*[statBytes]byte)
	defer statBuffers.Put(b)
	return uint64(crc32.Update(prefix, crc32.IEEETable, appendStat(b[:0], s)))
}

// statBuffers keeps NodeDigest from allocating: what crc32 is given escapes.
var statBuffers = sync.Pool{New: func() any { return new([statBytes]byte) }}

// appendStat appends s in the digest's order: pzxid third, unlike in files.
func appendStat(b []byte, s *zk.StatPersisted) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(s.Czxid))
	b = binary.BigEndian.AppendUint64(b, uint64(s.Mzxid))
	b = binary.BigEndian.AppendUint64(b, uint64(s.Pzxid))
	b = binary.BigEndian.AppendUint64(b, uint64(s.Ctime))
	b = binary.BigEndian.AppendUint64(b, uint64(s.Mtime))
	b = binary.BigEndian.AppendUint32(b, uint32(s.Version))
	b = binary.BigEndian.AppendUint32(b, uint32(s.Creates))
	b = binary.BigEndian.AppendUint32(b, uint32(s.Aversion))
	return binary.BigEndian.AppendUint64(b, uint64(s.Owner))
}

// Prefix returns the CRC-32 of a path and data; the root is "" or "/".
func Prefix(path string, data []byte) uint32 {
	return crc32.Update(pathCRC(rootKey(path)), crc32.IEEETable, data)
}

// pathCRC is crc32.ChecksumIEEE for a string, which crc32 could only take as a
// copy. Paths are short, so one byte at a time is fast enough.
func pathCRC(path string) uint32 {
	crc := ^uint32(0)
	for i := range len(path) {
		crc = crc32.IEEETable[byte(crc)^path[i]] ^ crc>>8
	}
	return ^crc
}

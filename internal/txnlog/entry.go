package txnlog

import (
	"encoding/binary"
	"hash/adler32"

	"ostler/internal/zk"
)

const (
	headerLen    = 16 // disk.md 3.2
	entryHeadLen = 12 // checksum and length
	endMark      = 'B'
	payloadMin   = 32        // a transaction header
	payloadMax   = 256 << 20 // far above what ZooKeeper reads
	zxidAt       = 12        // of the zxid in a payload
)

// fileHeader is the magic, version 2 and dbid 0.
var fileHeader = [headerLen]byte{'Z', 'K', 'L', 'G', 0, 0, 0, 2}

// appendEntry frames a payload.
func appendEntry(dst, payload []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(adler32.Checksum(payload)))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(payload)))
	dst = append(dst, payload...)
	return append(dst, endMark)
}

// entryLen is the length of a framed payload.
func entryLen(payload int) int64 { return entryHeadLen + int64(payload) + 1 }

// splitEntry takes an entry from the front of b. whole reports that length and end
// mark are in place, valid that the checksum is right too.
func splitEntry(b []byte) (payload []byte, whole, valid bool) {
	if len(b) < entryHeadLen {
		return nil, false, false
	}
	n := int64(int32(binary.BigEndian.Uint32(b[8:])))
	if n < payloadMin || n > payloadMax || entryLen(int(n)) > int64(len(b)) {
		return nil, false, false
	}
	payload = b[entryHeadLen : entryHeadLen+n]
	if b[entryHeadLen+n] != endMark {
		return nil, false, false
	}
	return payload, true, binary.BigEndian.Uint64(b) == uint64(adler32.Checksum(payload))
}

func payloadZxid(payload []byte) zk.Zxid {
	return zk.Zxid(binary.BigEndian.Uint64(payload[zxidAt:]))
}

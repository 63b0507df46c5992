package txnlog

import (
	"cmp"
	"hash/adler32"
	"slices"

	"ostler/internal/zk"
)

// marksMax is how many entries are remembered: far more than a learner is sent
// while it joins.
const marksMax = 1 << 20

// marks are the entries of a file that were read, by rising zxid. A follower of
// ZooKeeper that loses its leader while it joins goes on in the same file with what
// the leader sends, though it has logged the beginning of that already: releases
// before 3.9.3 do at every COMMIT right after NEWLEADER (quorum.md 7.5, 4394). Such
// repeats say nothing new. Across files they would: cutting the later file would bring
// back what the earlier one holds.
type marks []mark

type mark struct {
	zxid     zk.Zxid
	sum, len uint32
}

func markOf(payload []byte) mark {
	return mark{zxid: payloadZxid(payload), sum: adler32.Checksum(payload), len: uint32(len(payload))}
}

// add remembers an entry above all others.
func (m *marks) add(payload []byte) {
	if len(*m) == marksMax {
		*m = append((*m)[:0], (*m)[marksMax/2:]...)
	}
	*m = append(*m, markOf(payload))
}

// has reports whether the same entry was read before.
func (m marks) has(payload []byte) bool {
	want := markOf(payload)
	i, found := slices.BinarySearchFunc(m, want.zxid, func(m mark, z zk.Zxid) int { return cmp.Compare(m.zxid, z) })
	return found && m[i] == want
}

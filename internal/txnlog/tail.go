package txnlog

import (
	"fmt"

	"ostler/internal/zk"
)

// A TailKind says what the end of a file that is not clean looks like.
type TailKind int

const (
	// Torn: the last entry is not whole. It was never acknowledged.
	Torn TailKind = iota
	// Unwritten: sectors in the last batch were never written, since they are
	// zero where entries were to be, though later ones of the batch were.
	Unwritten
	// Suspect: the last entry is whole but for its checksum. It may be a torn
	// write, or one that was acknowledged and has decayed.
	Suspect
)

// String names the kind.
func (k TailKind) String() string {
	return [...]string{"torn", "partly unwritten", "damaged or torn"}[k]
}

// A Tail is the end of a log file that holds no entry.
type Tail struct {
	File   string // with its directory
	Offset int64
	Last   zk.Zxid // the last good one before it; -1: none
	Kind   TailKind
}

// sector is what a disk writes whole or not at all.
const sector = 512

// classify looks at what follows a bad entry at off. A nil error means that
// it can be the end of the last file.
func (s *fileScan) classify(off int64, last zk.Zxid) (Tail, error) {
	t := Tail{File: s.name, Offset: off, Last: last, Kind: Torn}
	damage := s.corrupt(off, ErrEntry)
	damage.LastGood = last
	end, err := s.lastNonZero(off)
	if err != nil {
		return t, err
	}
	if end-off > tailMax {
		return t, damage
	}
	// The end mark of an entry is not zero, so none goes beyond end.
	b, err := s.bytes(off, end-off)
	if err != nil {
		return t, err
	}
	_, whole, _ := splitEntry(b)
	next, hole := nextEntry(b, last)
	damage.NextGood = next
	switch {
	case (next >= 0 || whole) && len(b) <= BatchMax && unwritten(b[:hole], off):
		t.Kind = Unwritten
	case next >= 0:
		return t, damage
	case whole:
		t.Kind = Suspect
	}
	return t, nil
}

// nextEntry returns the zxid of the first valid entry above last behind the start
// of b, and where it begins; -1 and the end of b when there is none.
func nextEntry(b []byte, last zk.Zxid) (next zk.Zxid, at int) {
	for i := 1; i < len(b); i++ {
		if n := payloadLen(b[i:]); n == 0 || entryLen(int(n)) > int64(len(b)-i) {
			continue
		}
		if payload, _, valid := splitEntry(b[i:]); valid && payloadZxid(payload) > last {
			return payloadZxid(payload), i
		}
	}
	return -1, len(b)
}

// unwritten reports whether a sector of b, which lies at off in the file, was never
// written: space is reserved as zeros. The first sector counts from off on, unless
// what it holds of the entry is only the zero half of a checksum.
func unwritten(b []byte, off int64) bool {
	for i := int64(0); i < int64(len(b)); {
		n := sector - (off+i)%sector
		if rest := int64(len(b)) - i; rest < n {
			// The entry behind b may begin in this sector, with that zero half.
			return n-rest <= 4 && (n == sector || rest > 4) && allZero(b[i:])
		}
		if (n == sector || n > 4) && allZero(b[i:i+n]) {
			return true
		}
		i += n
	}
	return false
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// Describe says where the tail is and what it is.
func (t Tail) Describe() string {
	return fmt.Sprintf("%s from offset %d: %v", t.File, t.Offset, t.Kind)
}

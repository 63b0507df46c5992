package zab

import (
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// A History is the end of a server's sequence of transactions, kept in memory:
// a gapless run of records from just after Floor to Last. Learners that need
// no more than this are brought up to date from it (quorum.md R7). It may hold
// records that are not durable yet, and always holds those not yet applied.
type History struct {
	floor   zk.Zxid
	records []*txn.Record
	bytes   int
}

// NewHistory returns a history that ends at floor and holds no record.
func NewHistory(floor zk.Zxid) *History { return &History{floor: floor} }

// Floor returns the zxid just before the oldest record held.
func (h *History) Floor() zk.Zxid { return h.floor }

// Last returns the zxid of the newest record, or Floor.
func (h *History) Last() zk.Zxid {
	if n := len(h.records); n > 0 {
		return h.records[n-1].Zxid
	}
	return h.floor
}

// Before returns the zxid of the last transaction before an epoch, 0 if all that is known
// of the history is of that epoch or later.
func (h *History) Before(e zk.Epoch) zk.Zxid {
	if i := h.after(zk.MakeZxid(e, 0)); i > 0 {
		return h.records[i-1].Zxid
	}
	if h.floor.Epoch() >= e {
		return 0
	}
	return h.floor
}

// Len returns the number of records held.
func (h *History) Len() int { return len(h.records) }

// Append adds rec, which must follow Last (quorum.md R8).
func (h *History) Append(rec *txn.Record) {
	checkFollows(rec.Zxid, h.Last())
	h.records = append(h.records, rec)
	h.bytes += len(rec.Bytes)
}

// Contains reports whether z is the floor or the zxid of a record held.
func (h *History) Contains(z zk.Zxid) bool {
	if z == h.floor {
		return true
	}
	i := h.after(z)
	return i > 0 && h.records[i-1].Zxid == z
}

// Records returns the records with from < zxid <= to. The slice is valid until the
// history is trimmed or truncated.
func (h *History) Records(from, to zk.Zxid) []*txn.Record {
	i, j := h.after(from), h.after(to)
	if i >= j {
		return nil
	}
	return h.records[i:j]
}

// TruncateAfter drops every record above z.
func (h *History) TruncateAfter(z zk.Zxid) {
	i := h.after(z)
	for _, rec := range h.records[i:] {
		h.bytes -= len(rec.Bytes)
	}
	clear(h.records[i:])
	h.records = h.records[:i]
	if z < h.floor {
		h.floor = z
	}
}

// Reset empties h: the history now is what a snapshot at z holds.
func (h *History) Reset(z zk.Zxid) { *h = History{floor: z} }

// Trim drops the oldest records while more than count of them or more than bytes
// are held, but none above keep.
func (h *History) Trim(count, bytes int, keep zk.Zxid) {
	n := 0
	for n < len(h.records) && h.records[n].Zxid <= keep && (len(h.records)-n > count || h.bytes > bytes) {
		h.bytes -= len(h.records[n].Bytes)
		h.floor = h.records[n].Zxid
		n++
	}
	if n == 0 {
		return
	}
	// Copy once enough is free, so that trimming costs O(1) a record.
	if n*2 >= len(h.records) || cap(h.records) > 4*len(h.records) {
		h.records = append(make([]*txn.Record, 0, 2*(len(h.records)-n)+16), h.records[n:]...)
		return
	}
	clear(h.records[:n])
	h.records = h.records[n:]
}

// after returns the index of the first record above z.
func (h *History) after(z zk.Zxid) int {
	lo, hi := 0, len(h.records)
	for lo < hi {
		if mid := (lo + hi) / 2; h.records[mid].Zxid <= z {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

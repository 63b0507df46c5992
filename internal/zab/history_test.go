package zab

import (
	"testing"

	"pgregory.net/rapid"

	"ostler/internal/zk"
)

// TestHistoryModel compares a History with a plain list of zxids.
func TestHistoryModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := NewHistory(0x100001000)
		floor, list := zk.Zxid(0x100001000), []zk.Zxid(nil)
		last := func() zk.Zxid {
			if len(list) > 0 {
				return list[len(list)-1]
			}
			return floor
		}
		pick := rapid.Custom(func(t *rapid.T) zk.Zxid {
			at := floor
			if n := rapid.IntRange(0, len(list)).Draw(t, "index"); n > 0 {
				at = list[n-1]
			}
			return at + zk.Zxid(rapid.IntRange(-1, 1).Draw(t, "off"))
		})
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				z := last() + 1
				if rapid.IntRange(0, 4).Draw(t, "epoch") == 0 {
					z = zk.MakeZxid(last().Epoch()+1, 1)
				}
				h.Append(record(z, 1))
				list = append(list, z)
			},
			"truncate": func(t *rapid.T) {
				z := max(pick.Draw(t, "to"), floor-1)
				if z.Counter() == 1<<32-1 {
					return
				}
				h.TruncateAfter(z)
				for len(list) > 0 && list[len(list)-1] > z {
					list = list[:len(list)-1]
				}
				floor = min(floor, z)
			},
			"trim": func(t *rapid.T) {
				count, keep := rapid.IntRange(0, 5).Draw(t, "count"), pick.Draw(t, "keep")
				h.Trim(count, 1<<20, keep)
				for len(list) > count && list[0] <= keep {
					floor, list = list[0], list[1:]
				}
			},
			"reset": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "do") == 0 {
					floor, list = last(), nil
					h.Reset(floor)
				}
			},
			"": func(t *rapid.T) {
				if h.Floor() != floor || h.Last() != last() || h.Len() != len(list) {
					t.Fatalf("floor %v, last %v, %d records; want %v, %v, %d", h.Floor(), h.Last(), h.Len(), floor, last(), len(list))
				}
				from, to := pick.Draw(t, "from"), pick.Draw(t, "to")
				var want []zk.Zxid
				contains := from == floor
				for _, z := range list {
					if z > from && z <= to {
						want = append(want, z)
					}
					contains = contains || z == from
				}
				got := h.Records(from, to)
				if len(got) != len(want) {
					t.Fatalf("Records(%v, %v): %d, want %v", from, to, len(got), want)
				}
				for i := range got {
					if got[i].Zxid != want[i] {
						t.Fatalf("Records(%v, %v)[%d] = %v, want %v", from, to, i, got[i].Zxid, want[i])
					}
				}
				if h.Contains(from) != contains {
					t.Fatalf("Contains(%v) = %v, want %v", from, !contains, contains)
				}
			},
		})
	})
}

func TestHistoryBefore(t *testing.T) {
	h := NewHistory(0x100000004)
	if got := h.Before(1); got != 0 {
		t.Errorf("before epoch 1: %v, want nothing known", got)
	}
	if got := h.Before(2); got != 0x100000004 {
		t.Errorf("before epoch 2: %v, want the floor", got)
	}
	for _, rec := range records(0x100000005, 0x300000001) {
		h.Append(rec)
	}
	for e, want := range map[zk.Epoch]zk.Zxid{1: 0, 2: 0x100000005, 3: 0x100000005, 4: 0x300000001} {
		if got := h.Before(e); got != want {
			t.Errorf("before epoch %d: %v, want %v", e, got, want)
		}
	}
}

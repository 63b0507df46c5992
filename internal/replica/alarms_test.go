package replica

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/prep"
)

// plainLog writes messages and attributes, without times.
func plainLog() (*slog.Logger, *bytes.Buffer) {
	b := new(bytes.Buffer)
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})), b
}

// TestExcessesAreLoggedAtARate has the lines of operations.md 8.7: one a second, with
// the number of those left out, while every refusal is counted.
func TestExcessesAreLoggedAtARate(t *testing.T) {
	log, out := plainLog()
	r := &Replica{}
	soft := prep.Excess{Path: "/a/b", Use: 4, Limit: 3}
	hard := prep.Excess{Path: "/a", Bytes: true, Hard: true, Use: 9, Limit: 8}
	for i := range 10 {
		now := epoch.Add(time.Duration(i) * excessEvery / 4)
		r.excesses.add(log, now, soft)
		r.excesses.add(log, now, hard)
	}
	r.excesses.add(log, epoch.Add(time.Hour), prep.Excess{Path: "/c", Hard: true, Use: 1})
	want := `level=WARN msg="Quota exceeded: /a/b [current count=4, softCountLimit=3]" more=0
level=WARN msg="Quota exceeded: /a/b [current count=4, softCountLimit=3]" more=7
level=WARN msg="Quota exceeded: /a/b [current count=4, softCountLimit=3]" more=7
level=WARN msg="Quota exceeded: /c [current count=1, hardCountLimit=0]" more=3
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Errorf("log (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[string]int64{"a": 10, "c": 1}, r.QuotaExceeded()); d != "" {
		t.Errorf("refusals by namespace (-want +got):\n%s", d)
	}
}

// TestAlarmsDoNotFloodTheLog: all are counted, of many few are logged.
func TestAlarmsDoNotFloodTheLog(t *testing.T) {
	log, out := plainLog()
	var a Alarms
	for i := range int64(1000) {
		a.raise(log, "what", 5)
		if a.Count() != i+1 {
			t.Fatalf("count %d after %d alarms", a.Count(), i+1)
		}
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != alarmsLogged+5 { // 32, 64, 128, 256, 512
		t.Errorf("%d lines for 1000 alarms, want %d", len(lines), alarmsLogged+5)
	}
	if want := `level=ERROR msg="poisoned transaction" what=what zxid=0x5 alarms=512`; lines[len(lines)-1] != want {
		t.Errorf("last line %s\nwant      %s", lines[len(lines)-1], want)
	}
}
